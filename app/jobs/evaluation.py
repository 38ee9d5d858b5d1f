"""`sedir evaluate` as a child process of the window; the result is stored in the run directory."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.jobs.child import Child
from sedir_core.rundir.files import read_about

UNREADABLE = 4
"""Exit status if some scans could not be read; the others were evaluated."""


class Evaluator(QObject):
    """One evaluation at a time."""

    busy_changed = Signal(bool)
    finished = Signal(object, str)  # run directory, reason of failure or ""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._run_dir = Path()
        self._child = Child(self)
        self._child.busy_changed.connect(self.busy_changed)
        self._child.ended.connect(self._on_ended)

    def start(self, run_dir: Path, dataset: Path) -> None:
        """Evaluate a run on its own categories; a running evaluation is cancelled. Raises BadRun."""
        categories = ",".join(read_about(run_dir).categories)
        self._run_dir = run_dir
        self._child.start(["evaluate", str(run_dir), str(dataset), "--categories", categories, "--record"])

    def cancel(self) -> None:
        self._child.cancel()

    def _on_ended(self, status: int, output: bytes, why: str) -> None:
        self.finished.emit(self._run_dir, "" if status in (0, UNREADABLE) else why)
