"""Surveys a data set in the background: file names first, then each category's scans."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.jobs.pool import Pool
from app.state.entries import Failure
from app.widgets.job_status import Progress
from sedir_core.datasets.index import Dataset
from sedir_core.datasets.survey import CategorySurvey, Survey
from sedir_core.types import Report, Stop


class SurveyModel(QObject):
    """`listed` is emitted once with the counts, `checked` after each category. A new data set replaces the old one."""

    listed = Signal(object)  # Survey
    checked = Signal(object)  # Survey
    failed = Signal(object)  # Failure
    progressed = Signal(object)  # Progress or None

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = Pool("survey", self)
        self._pool.progressed.connect(self._on_progress)
        self._pool.done.connect(self._on_done)
        self._pool.failed.connect(self._on_failed)
        self._jobs: list[int] = []
        self._begun = 0
        self.found: Survey | None = None

    @property
    def busy(self) -> bool:
        return bool(self._jobs)

    def look_at(self, path: Path) -> None:
        """List a folder's contents, then check them."""
        self.cancel()
        self._jobs = [self._pool.submit(_list, path)]
        self.progressed.emit(Progress(0.0, "reading the folder"))

    def cancel(self) -> None:
        """Stop checking; results so far are kept."""
        for job in self._jobs:
            self._pool.cancel(job)
        self._jobs = []
        self.progressed.emit(None)

    def close(self) -> bool:
        self._jobs = []
        return self._pool.close()

    def _on_done(self, job: int, answer: object) -> None:
        self._jobs.remove(job)
        if isinstance(answer, Survey):
            self.found = answer
            self._jobs = [self._pool.submit(_check, (answer.dataset, one.name)) for one in answer.categories]
            self._begun = len(self._jobs)
            self.listed.emit(answer)
        elif isinstance(answer, CategorySurvey) and self.found is not None:
            self.found = self.found.with_category(answer)
            self.checked.emit(self.found)
        if not self._jobs:
            self.progressed.emit(None)

    def _on_progress(self, job: int, fraction: float, stage: str) -> None:
        done = self._begun - len(self._jobs)
        self.progressed.emit(Progress(fraction, stage, done, max(self._begun, 1)))

    def _on_failed(self, job: int, error: Exception) -> None:
        self.cancel()
        self.failed.emit(Failure.of(error))


def _list(path: Path, report: Report, stop: Stop) -> Survey:
    from sedir_core.datasets.survey import list_categories

    return list_categories(path)


def _check(request: tuple[Dataset, str], report: Report, stop: Stop) -> CategorySurvey:
    from sedir_core.datasets.survey import check_category

    return check_category(*request, report, stop)
