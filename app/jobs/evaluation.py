"""`sedir evaluate` as a child process of the window; its result stays in the run directory."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QProcess, Signal

from sedir_core.detectors.run_files import read_about

RESULT = "evaluation.json"
UNREADABLE = 4
"""Exit status of the command when some scans could not be read; the others are evaluated."""


class Evaluator(QObject):
    """One evaluation at a time."""

    busy_changed = Signal(bool)
    finished = Signal(object, str)  # run directory, why it failed or ""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._process: QProcess | None = None
        self._run_dir = Path()

    def start(self, run_dir: Path, dataset: Path) -> None:
        """Evaluate a run on its own categories; an evaluation under way is dropped. Raises BadRun."""
        categories = ",".join(read_about(run_dir).categories)
        self.cancel()
        self._run_dir = run_dir
        self._process = process = QProcess(self)
        process.setProcessChannelMode(QProcess.ProcessChannelMode.SeparateChannels)
        process.setStandardOutputFile(QProcess.nullDevice())
        process.finished.connect(self._on_finished)
        words = [str(run_dir), str(dataset), "--categories", categories, "--json", str(run_dir / RESULT)]
        process.start(sys.executable, ["-m", "sedir_core", "evaluate", *words])
        self.busy_changed.emit(True)

    def cancel(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.finished.disconnect(self._on_finished)
            process.kill()
            process.waitForFinished(2_000)
            process.deleteLater()
            self.busy_changed.emit(False)

    def _on_finished(self, status: int) -> None:
        process, self._process = self._process, None
        assert process is not None
        said = bytes(process.readAllStandardError().data()).decode("utf-8", "replace").strip().splitlines()
        process.deleteLater()
        self.busy_changed.emit(False)
        failed = status not in (0, UNREADABLE)
        why = (said[-1] if said else f"the evaluation ended with status {status}") if failed else ""
        self.finished.emit(self._run_dir, why.removeprefix("error:").strip())


def measured_of(run_dir: Path) -> dict[str, dict[str, Any]]:
    """The measures of each category, 0..1, that an earlier evaluation left in the run; empty if there is none."""
    try:
        found = json.loads((run_dir / RESULT).read_text("utf-8"))
        categories = found["categories"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return categories if isinstance(categories, dict) else {}
