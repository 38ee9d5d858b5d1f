"""The deviation of the current scan from the one at the right, computed in the background."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from app.jobs.pool import Pool
from app.state.entries import Entry
from sedir_core.types import Detection, FloatArray, Report, Scan, Stop


@dataclass(frozen=True, eq=False)
class BetweenRequest:
    """Two scans with their results."""

    scan: Scan
    found: Detection
    other: Scan
    of_other: Detection
    rigid: bool

    def same(self, asked: BetweenRequest | None) -> bool:
        """Whether it asks for the same comparison."""
        if asked is None or self.rigid != asked.rigid:
            return False
        return self.found is asked.found and self.of_other is asked.of_other


class Between(QObject):
    """Holds the last comparison; `changed` when it has been computed or is no longer wanted."""

    changed = Signal()
    bug_found = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = Pool("between", self)
        self._pool.done.connect(self._on_done)
        self._pool.failed.connect(lambda job, error: self.bug_found.emit(error))
        self._asked: BetweenRequest | None = None
        self._job = 0
        self.values: FloatArray | None = None

    def compare(self, entry: Entry | None, other: Entry | None, rigid: bool) -> None:
        """Compute it unless it is known or under way; nothing if the two cannot be compared."""
        request = _request(entry, other, rigid)
        if request is None:
            self.forget()
        elif not request.same(self._asked):
            self.forget()
            self._asked = request
            self._job = self._pool.submit(_compute, request)

    def forget(self) -> None:
        """Drop what is known or under way."""
        if self._asked is not None:
            self._pool.cancel(self._job)
            self._asked, self.values = None, None

    def close(self) -> bool:
        """End the thread. False if it did not stop within a second."""
        return self._pool.close()

    def _on_done(self, job: int, values: FloatArray) -> None:
        if job == self._job:
            self.values = values
            self.changed.emit()


def comparable(entry: Entry | None, other: Entry | None) -> bool:
    """Whether the two are results of one model for one kind of part."""
    return _request(entry, other, False) is not None


def _request(entry: Entry | None, other: Entry | None, rigid: bool) -> BetweenRequest | None:
    if entry is None or other is None or entry.raw is None or other.raw is None or entry.model != other.model:
        return None
    if entry.scan is None or other.scan is None:
        return None
    from sedir_core.evaluation.between import alike

    return BetweenRequest(entry.scan, entry.raw, other.scan, other.raw, rigid) if alike(entry.raw, other.raw) else None


def _compute(request: BetweenRequest, report: Report, stop: Stop) -> FloatArray:
    from sedir_core.evaluation.between import deviation_between

    return deviation_between(request.scan, request.found, request.other, request.of_other, request.rigid)
