"""Model of the Runs workspace: the list of runs, and jobs to read, change, export and import them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from PySide6.QtCore import QObject, Signal

from app.jobs.pool import Job, Pool
from app.state.entries import Failure
from app.widgets.job_status import Progress
from sedir_core.places import bundled_runs
from sedir_core.runs.catalogue import RunDetail, RunEntry, list_runs, read_detail, read_entry
from sedir_core.runs.manage import Trashed, list_trash
from sedir_core.types import Report, Stop

ShownRuns = Literal["current", "archived", "deleted"]


@dataclass(frozen=True)
class ListRequest:
    """Runs in these folders, from one of the lists (active, archived, deleted)."""

    folders: tuple[Path, ...]
    shown: ShownRuns


@dataclass(frozen=True)
class Listing:
    """What was found. trashed: for deleted runs, their original places."""

    shown: ShownRuns
    entries: tuple[RunEntry, ...]
    trashed: dict[Path, Trashed] = field(default_factory=dict)


class RunsModel(QObject):
    """Jobs run in one thread, in order; signals are emitted in the GUI thread."""

    listed = Signal(object)  # Listing
    detailed = Signal(list)  # RunDetail, one or two
    failed = Signal(str, object)  # what was attempted, Failure
    progressed = Signal(object)  # Progress or None

    def __init__(self, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.folder = folder
        self.added: list[Path] = []
        self._pool = Pool("runs", self)
        self._pool.done.connect(self._on_done)
        self._pool.failed.connect(self._on_failed)
        self._pool.progressed.connect(lambda job, fraction, text: self.progressed.emit(Progress(fraction, text)))
        self._then: dict[int, tuple[str, Callable[[Any], object]]] = {}
        self._listing = self._detailing = 0

    @property
    def folders(self) -> tuple[Path, ...]:
        return (self.folder, bundled_runs(), *self.added)

    def refresh(self, shown: ShownRuns) -> None:
        """List the runs again, cancelling an earlier listing."""
        self._drop(self._listing)
        self._listing = self._ask("list the runs", _list, ListRequest(self.folders, shown), self.listed.emit)

    def read(self, paths: tuple[Path, ...]) -> None:
        """Read the details of one or two runs, cancelling an earlier request."""
        self._drop(self._detailing)
        self._detailing = self._ask("read the run", _read, paths, self.detailed.emit)

    def act(self, what: str, work: Callable[[], Any], then: Callable[[Any], object]) -> None:
        """Change something on disk; `then` receives the return value of `work`."""
        self._ask(what, lambda request, report, stop: work(), None, then)

    def transfer(self, what: str, job: Job, request: object, then: Callable[[Any], object]) -> None:
        """Run an export or import with progress; `cancel` stops it."""
        self.progressed.emit(Progress(0.0, what))
        self._ask(what, job, request, then)

    def cancel(self) -> None:
        for number in list(self._then):
            self._drop(number)
        self.progressed.emit(None)

    def close(self) -> bool:
        return self._pool.close()

    def _drop(self, number: int) -> None:
        self._pool.cancel(number)
        self._then.pop(number, None)

    def _ask(self, what: str, job: Job, request: object, then: Callable[[Any], object]) -> int:
        number = self._pool.submit(job, request)
        self._then[number] = (what, then)
        return number

    def _on_done(self, number: int, answer: object) -> None:
        _, then = self._then.pop(number)
        self.progressed.emit(None)
        then(answer)

    def _on_failed(self, number: int, error: Exception) -> None:
        what, _ = self._then.pop(number)
        self.progressed.emit(None)
        self.failed.emit(what, Failure.of(error))


def _list(request: ListRequest, report: Report, stop: Stop) -> Listing:
    if request.shown != "deleted":
        return Listing(request.shown, tuple(list_runs(request.folders, request.shown == "archived")))
    trashed = [one for folder in request.folders for one in list_trash(folder)]
    return Listing("deleted", tuple(read_entry(one.place) for one in trashed), {one.place: one for one in trashed})


def _read(paths: tuple[Path, ...], report: Report, stop: Stop) -> list[RunDetail]:
    return [read_detail(path) for path in paths]


@dataclass(frozen=True)
class ExportRequest:
    run_dir: Path
    target: Path


def export(request: ExportRequest, report: Report, stop: Stop) -> Path:
    """Raises BadRun, CannotWrite."""
    from sedir_core.runs.bundle import export_run

    return export_run(request.run_dir, request.target, report)


@dataclass(frozen=True)
class BundleImport:
    bundle: Path
    folder: Path


def bring_in(request: BundleImport, report: Report, stop: Stop) -> Path:
    """Raises BadRun, CannotWrite, Cancelled."""
    from sedir_core.runs.bundle import import_run

    return import_run(request.bundle, request.folder, None, report, stop)
