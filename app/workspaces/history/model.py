"""Model of the History workspace: queries the history in a thread and drops results made stale by a new filter."""

from __future__ import annotations

import logging
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from app.jobs.past import ChartData, Overview, PageRequest, Reader
from app.jobs.pool import Pool
from app.state.entries import Entry, Failure
from sedir_core.errors import Cancelled, UserError
from sedir_core.history.place import HistoryPlace
from sedir_core.history.records import Filter, Order

log = logging.getLogger(__name__)

PAGE_ROWS = 200
POLL_MS = 4000
"""Polling interval for records of other windows."""


class HistoryModel(QObject):
    """Signals are emitted in the GUI thread. `failed` carries what was attempted, as text, and a Failure."""

    overview_changed = Signal(object)  # Overview
    page_found = Signal(int, list)  # number of the page, its inspections
    charts_found = Signal(object)  # ChartData
    detail_found = Signal(object)  # Detail or None
    reopened = Signal(object)  # Entry
    exported = Signal(object)  # Path
    failed = Signal(str, object)
    bug_found = Signal(object)

    def __init__(self, place: HistoryPlace, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.place = place
        self.wanted = Filter()
        self.order: Order = "time"
        self.descending = True
        self._reader = Reader(place)
        self._pool = Pool("history reader", self)
        self._pool.done.connect(self._on_done)
        self._pool.failed.connect(self._on_failed)
        self._pages: dict[int, int] = {}  # job -> page
        self._jobs: dict[str, int] = {}  # what for -> job
        self._charts_due = False  # the slowest query, so it follows the first rows
        self._mark: tuple[int, int] | None = None
        self._poll = QTimer(self, interval=POLL_MS)
        self._poll.timeout.connect(self._ask_mark)

    @property
    def busy(self) -> bool:
        """Whether a long operation is running: opening or exporting."""
        return bool({"reopen", "export"} & self._jobs.keys())

    def set_filter(self, wanted: Filter) -> None:
        if wanted != self.wanted:
            self.wanted = wanted
            self.refresh()

    def set_order(self, order: Order, descending: bool) -> None:
        if (order, descending) != (self.order, self.descending):
            self.order, self.descending = order, descending
            self.refresh()

    def refresh(self) -> None:
        """Reload everything shown."""
        for job in self._pages:
            self._pool.cancel(job)
        self._pages.clear()
        self._charts_due = True
        self._ask("overview", self._reader.overview, self.wanted)

    def watch(self, on: bool) -> None:
        """Follow records of other windows while the page is shown."""
        (self._poll.start if on else self._poll.stop)()

    def ask_page(self, number: int) -> None:
        """Request the rows from number * PAGE_ROWS on."""
        if number not in self._pages.values():
            request = PageRequest(self.wanted, self.order, self.descending, number * PAGE_ROWS, PAGE_ROWS)
            self._pages[self._pool.submit(self._reader.page, request)] = number

    def ask_detail(self, key: str) -> None:
        self._ask("detail", self._reader.detail, key)

    def reopen(self, key: str) -> None:
        """Prepare a past inspection for display."""
        self._ask("reopen", self._reader.reopen, key)

    def export(self, path: Path) -> None:
        """Export the filtered rows as CSV or JSON, by the suffix."""
        self._ask("export", self._reader.export, (self.wanted, path))

    def close(self) -> bool:
        """End the thread. False if it did not stop in time."""
        self._poll.stop()
        stopped = self._pool.close()
        if stopped:
            self._reader.close()
        return stopped

    def _ask_charts(self) -> None:
        if self._charts_due:
            self._charts_due = False
            self._ask("charts", self._reader.charts, self.wanted)

    def _ask_mark(self) -> None:
        if not self._jobs and not self._pages:
            self._ask("mark", self._reader.mark, None)

    def _ask(self, what: str, job: object, request: object) -> None:
        if what in self._jobs:
            self._pool.cancel(self._jobs.pop(what))
        self._jobs[what] = self._pool.submit(job, request)  # type: ignore[arg-type]  # methods of the reader

    def _on_done(self, job: int, value: object) -> None:
        if job in self._pages:
            self.page_found.emit(self._pages.pop(job), value)
            self._ask_charts()
            return
        what = self._finish(job)
        if isinstance(value, Overview):
            self._mark = value.mark
            self.overview_changed.emit(value)
            if not value.count:
                self._ask_charts()
        elif isinstance(value, ChartData):
            self.charts_found.emit(value)
        elif what == "mark" and value != self._mark:
            self.refresh()
        elif what == "detail":
            self.detail_found.emit(value)
        elif isinstance(value, Entry):
            self.reopened.emit(value)
        elif isinstance(value, Path):
            self.exported.emit(value)

    def _on_failed(self, job: int, error: Exception) -> None:
        what = "page" if self._pages.pop(job, None) is not None else self._finish(job)
        if isinstance(error, Cancelled):
            return
        if not isinstance(error, UserError | MemoryError):
            log.error("%s failed", what, exc_info=error)
            self.bug_found.emit(error)
        words = {"reopen": "The inspection cannot be opened", "export": "The table was not saved"}
        self.failed.emit(words.get(what, "The history cannot be read"), Failure.of(error))

    def _finish(self, job: int) -> str:
        what = next((name for name, running in self._jobs.items() if running == job), "")
        self._jobs.pop(what, None)
        return what
