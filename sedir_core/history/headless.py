"""Recording from the command line: the same rows as from the window, without a thread."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from sedir_core.detectors.base import Detector
from sedir_core.detectors.relimit import AtRate, relimit
from sedir_core.errors import UserError
from sedir_core.history.finished import Finished, describe
from sedir_core.history.outbox import Outbox
from sedir_core.history.records import Inspection
from sedir_core.names import storable
from sedir_core.places import whole_path

if TYPE_CHECKING:
    from sedir_core.evaluation.inspection import Inspected
    from sedir_core.history.place import HistoryPlace
    from sedir_core.history.store import History


PATIENCE = 10.0  # times as long as the last try took: then the next one


class Records:
    """Writes each inspection immediately; failed writes are retried with the next one, and at the end."""

    def __init__(
        self, place: HistoryPlace, run_dir: Path, detector: Detector, operator: str, lot: str, limit_bytes: int
    ) -> None:
        self._run_dir, self._detector, self._operator, self._lot = run_dir, detector, operator, lot
        self._outbox = Outbox(place, lambda: limit_bytes)
        self._trouble: UserError | None = None
        self._next_try = 0.0

    def add(self, one: Inspected) -> UserError | None:
        """Record an inspection. Returns the problem, if any, in which case it stays queued."""
        shown = one.detection
        share = self._detector.share_of(shown) if isinstance(self._detector, AtRate) else 1.0
        finished = Finished(
            uuid4().hex, datetime.now(UTC), one.path, one.scan, relimit(one.scan, shown, 1 / share), shown, share,
            self._run_dir, self._detector.method, self._operator, self._lot, one.seconds.get("total", 0.0),
        )  # fmt: skip
        row, kept = describe(finished)
        self._put(row, kept if len(kept) <= self._outbox.room else b"")
        if self._trouble is not None and time.monotonic() < self._next_try:
            return self._trouble
        return self._flush()

    def contents(self, path: Path) -> set[str]:
        """Content hashes inspected under that path, see `content_hash`. Raises BadHistory, CannotWrite."""
        return self._outbox.history().contents(storable(whole_path(path)))

    def finish(self) -> tuple[int, UserError | None]:
        """Final retry. Returns how many are not recorded, and why."""
        trouble = self._flush()
        self._outbox.close()
        return len(self._outbox), trouble

    def _put(self, row: Inspection, kept: bytes) -> None:
        def write(history: History) -> None:
            history.record(row, kept)

        self._outbox.put(write, len(kept))

    def _flush(self) -> UserError | None:
        began = time.monotonic()
        done = self._outbox.flush()
        if done.bugs:
            raise done.bugs[0]
        now = time.monotonic()
        # A server that lets every try wait must not make thousands of scans wait as long each.
        self._trouble, self._next_try = done.trouble, now + PATIENCE * (now - began)
        return done.trouble
