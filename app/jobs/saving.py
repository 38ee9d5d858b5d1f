"""Writes files the user asked for in a thread, with progress; the target is unchanged if stopped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, QUrl, Signal
from PySide6.QtGui import QDesktopServices

from app.jobs.pool import Pool
from app.state.entries import Failure
from app.widgets.job_status import Progress
from sedir_core.errors import CannotWrite, UserError
from sedir_core.types import Report, Stop

Write = Callable[[Path, Report, Stop], None]
CLOSE_S = 3.0


@dataclass(frozen=True)
class SaveRequest:
    """A target and the function that writes it."""

    path: Path
    write: Write


class Saver(QObject):
    """Writes one file at a time."""

    progress_changed = Signal(object)  # Progress, or None while idle
    saved = Signal(object)  # Path
    failed = Signal(str, object)  # location, Failure
    bug_found = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._targets: dict[int, Path] = {}
        self._pool = Pool("writer", self)
        self._pool.progressed.connect(self._on_progress)
        self._pool.done.connect(self._on_done)
        self._pool.failed.connect(self._on_failed)

    @property
    def busy(self) -> bool:
        return bool(self._targets)

    def write(self, path: Path, write: Write) -> None:
        """Run `write(path, report, stop)` in the background."""
        self._targets[self._pool.submit(_write, SaveRequest(path, write))] = path
        self.progress_changed.emit(Progress(0.0, f"saving {path.name}"))

    def cancel(self) -> None:
        """Stop writing; existing files are unchanged."""
        for job in list(self._targets):
            self._pool.cancel(job)
        self._targets.clear()
        self.progress_changed.emit(None)

    def close(self) -> bool:
        """Finish the current file. False if that takes too long; the target is then unchanged."""
        return self._pool.close(timeout_s=CLOSE_S)

    def _on_progress(self, job: int, fraction: float, stage: str) -> None:
        self.progress_changed.emit(Progress(fraction, stage or f"saving {self._targets[job].name}"))

    def _on_done(self, job: int, _: object) -> None:
        path = self._targets.pop(job)
        self._tell_idle()
        self.saved.emit(path)

    def _on_failed(self, job: int, error: Exception) -> None:
        path = self._targets.pop(job)
        self._tell_idle()
        if not isinstance(error, (UserError, MemoryError)):
            self.bug_found.emit(error)
        self.failed.emit(f"{path.name} is not saved", Failure.of(error))

    def _tell_idle(self) -> None:
        if not self._targets:
            self.progress_changed.emit(None)


def open_file(path: Path) -> None:
    """Open a file with the desktop's default application."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))


def _write(request: SaveRequest, report: Report, stop: Stop) -> None:
    folder = request.path.parent
    if not folder.is_dir():  # recreating the folder would put the file where nobody looks for it
        raise CannotWrite(request.path, f"the folder {folder} no longer exists", "choose another folder")
    try:
        request.write(request.path, report, stop)
    except OSError as error:
        raise CannotWrite(request.path, error.strerror or str(error), "check the folder and the free space") from error
