"""Writes finished inspections and reviews to the history: one thread, in order, retrying until it succeeds.

What cannot be written (full disk, unreachable server) is kept and retried. The database libraries are imported in the
thread, when there is something to write.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum
from functools import partial
from math import isclose
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.jobs.inspection import JudgeRequest, judge
from app.state.entries import Entry, Failure
from app.state.session import Session
from sedir_core.errors import UserError
from sedir_core.types import never_stop, no_report

if TYPE_CHECKING:
    from sedir_core.history.outbox import Outbox
    from sedir_core.history.place import HistoryPlace
    from sedir_core.history.records import Inspection, Override
    from sedir_core.history.store import History

log = logging.getLogger(__name__)

RETRY_S = 10.0
CLOSE_S = 3.0


@dataclass(frozen=True)
class Result:
    """An entry as it was when its result arrived, and who inspected it."""

    entry: Entry
    time: datetime
    limit: float
    operator: str
    lot: str


@dataclass(frozen=True)
class ReviewedEntry:
    """An entry as it was when its review changed."""

    entry: Entry
    time: datetime
    limit: float
    operator: str


class _Command(Enum):
    NOW = "try again now"
    END = "write what is left and end"


@dataclass(frozen=True)
class _Row:
    inspection: Inspection
    kept: bytes
    entry_id: int
    repeats: str = ""


class Recorder(QObject):
    """Listens to a session. Signals come in the GUI thread."""

    recorded = Signal()
    recognised = Signal(int, str)  # id of the entry, key of the past inspection that it repeats
    troubled = Signal(object)  # Failure: why recording fails; emitted once until it recovers
    recovered = Signal()
    bug_found = Signal(object)

    def __init__(
        self, session: Session, place: HistoryPlace, limit_bytes: Callable[[], int], parent: QObject | None = None
    ) -> None:
        """limit_bytes: allowed size of the stored results; called in the thread after each write."""
        super().__init__(parent)
        self.place = place
        self._session, self._limit_bytes = session, limit_bytes
        self._asked: queue.SimpleQueue[Result | ReviewedEntry | _Command] = queue.SimpleQueue()
        self._unwritten, self._count = 0, threading.Lock()
        self._repeated: dict[str, str] = {}  # keys of inspections already in the history under another key
        self._trouble = ""
        self._thread = threading.Thread(target=self._work, name="history", daemon=True)
        self.recognised.connect(self._on_recognised)
        session.inspected.connect(self._on_inspected)
        session.reviewed.connect(self._on_reviewed)

    @property
    def unwritten(self) -> int:
        """Number of inspections and reviews not yet in the history."""
        return self._unwritten

    def retry(self) -> None:
        """Retry now rather than after RETRY_S."""
        if self._thread.is_alive():
            self._asked.put(_Command.NOW)

    def close(self, timeout_s: float = CLOSE_S) -> bool:
        """Write what is pending and end the thread. False if something could not be written in time."""
        if self._thread.ident is not None:
            self._asked.put(_Command.END)
            self._thread.join(timeout_s)
        if self._unwritten:
            log.warning("%d inspections or reviews are not in the history", self._unwritten)
        return not self._unwritten and not self._thread.is_alive()

    # In the GUI thread

    def _on_inspected(self, entry_id: int) -> None:
        entry, session = self._session.get(entry_id), self._session
        if entry is not None and entry.scan is not None and entry.raw is not None:
            self._put(Result(entry, datetime.now(UTC), session.limit_of(entry), session.operator, session.lot))

    def _on_recognised(self, entry_id: int, record: str) -> None:
        entry = self._session.get(entry_id)
        if entry is not None and entry.repeats == record:
            self._session.update(entry_id, record=record, repeats="")

    def _on_reviewed(self, entry_id: int) -> None:
        entry = self._session.get(entry_id)
        if entry is not None and entry.detection is not None and entry.record:
            limit = self._session.limit_of(entry)
            self._put(ReviewedEntry(entry, datetime.now(UTC), limit, self._session.operator))

    def _put(self, item: Result | ReviewedEntry) -> None:
        with self._count:
            self._unwritten += 1
        if self._thread.ident is None:
            self._thread.start()
        self._asked.put(item)

    # In the thread

    def _work(self) -> None:
        from sedir_core.history.outbox import Outbox

        outbox = Outbox(self.place, self._limit_bytes)
        item: Result | ReviewedEntry | _Command | None = None
        while item is not _Command.END:
            try:
                item = self._asked.get(timeout=RETRY_S if len(outbox) else None)
            except queue.Empty:
                item = _Command.NOW
            if isinstance(item, ReviewedEntry):
                outbox.put(partial(self._write_review, item))
            elif isinstance(item, Result):
                self._prepare(item, outbox)
            self._write(outbox)
        outbox.close()

    def _prepare(self, item: Result, outbox: Outbox) -> None:
        try:
            row = _row(item)
        except Exception as error:  # thread boundary: reported in the GUI thread
            self._pass_over(error)
            return
        if len(row.kept) > outbox.room:
            row = replace(row, kept=b"")
        outbox.put(partial(self._write_row, row), len(row.kept))

    def _write(self, outbox: Outbox) -> None:
        from sedir_core.history.database import HistoryBusy

        done = outbox.flush()
        for bug in done.bugs:
            self._pass_over(bug)
        # We have already waited for a busy writer, and the next retry will succeed: not worth a message.
        if done.trouble is not None and not isinstance(done.trouble, HistoryBusy):
            self._complain(done.trouble)
        if done.n:
            with self._count:
                self._unwritten -= done.n
            if self._trouble and done.trouble is None:
                self._trouble = ""
                self.recovered.emit()
            self.recorded.emit()

    def _write_review(self, item: ReviewedEntry, history: History) -> None:
        line = _override(item)
        history.override(replace(line, inspection=self._repeated.get(line.inspection, line.inspection)))

    def _write_row(self, item: _Row, history: History) -> None:
        if item.repeats and _same(history.get(item.repeats), item.inspection):
            self._repeated[item.inspection.key] = item.repeats
            self.recognised.emit(item.entry_id, item.repeats)
        else:
            history.record(item.inspection, item.kept)

    def _complain(self, error: UserError) -> None:
        if str(error) != self._trouble:
            self._trouble = str(error)
            log.warning("not recorded: %s", error)
            self.troubled.emit(Failure.of(error))

    def _pass_over(self, error: Exception) -> None:
        log.error("an inspection could not be recorded", exc_info=error)
        with self._count:
            self._unwritten -= 1
        self.bug_found.emit(error)


def _row(item: Result) -> _Row:
    """The entry under the limit in force, with the defects found under it."""
    from sedir_core.history.finished import Finished, describe

    entry = item.entry
    assert entry.scan is not None and entry.raw is not None
    shown = judge(JudgeRequest(entry.scan, entry.raw, item.limit), no_report, never_stop)
    seconds = entry.raw.seconds.get("total", 0.0)
    run_dir, method = (entry.model.run_dir, entry.model.method) if entry.model is not None else (Path(), "")
    finished = Finished(
        entry.record, item.time, entry.path, entry.scan, entry.raw, shown, item.limit, run_dir, method,
        item.operator, item.lot, seconds,
    )  # fmt: skip
    return _Row(*describe(finished), entry.id, entry.repeats)


def _same(before: Inspection | None, now: Inspection) -> bool:
    """Whether an inspection repeats the previous one: same points, model, limit and findings."""
    return (
        before is not None
        and all(
            getattr(before, name) == getattr(now, name)
            for name in ("content_hash", "model_hash", "category", "limit_share", "verdict", "n_defects")
        )
        and isclose(before.score, now.score, rel_tol=1e-6)
    )


def _override(item: ReviewedEntry) -> Override:
    from sedir_core.history.records import Override
    from sedir_core.history.store import station

    entry = item.entry
    assert entry.detection is not None
    return Override(
        entry.record, item.time, item.operator, station(), entry.review, entry.review_comment,
        entry.detection.verdict, item.limit,
    )  # fmt: skip
