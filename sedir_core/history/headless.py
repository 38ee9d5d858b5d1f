"""Recording from the command line: the same rows as the window writes, without its thread."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from sedir_core.detectors.base import Detector
from sedir_core.detectors.relimit import AtRate, relimit
from sedir_core.errors import UserError
from sedir_core.history.finished import Finished, describe
from sedir_core.history.records import Inspection
from sedir_core.history.store import History

if TYPE_CHECKING:
    from sedir_core.evaluation.inspection import Inspected
    from sedir_core.history.place import HistoryPlace

log = logging.getLogger(__name__)

MOST_WAITING_BYTES = 500_000_000
"""Kept results that may wait in memory; beyond, an inspection waits without."""


class Records:
    """Writes each inspection at once; what cannot be written is tried again with the next, and at the end."""

    def __init__(
        self, place: HistoryPlace, run_dir: Path, detector: Detector, operator: str, lot: str, limit_bytes: int
    ) -> None:
        self._place, self._run_dir, self._detector = place, run_dir, detector
        self._operator, self._lot, self._limit_bytes = operator, lot, limit_bytes
        self._history: History | None = None
        self._waiting: list[tuple[Inspection, bytes]] = []

    def add(self, one: Inspected) -> UserError | None:
        """Record it. Returns what was in the way; it is kept then, and only its result is shown."""
        shown = one.detection
        share = self._detector.share_of(shown) if isinstance(self._detector, AtRate) else 1.0
        finished = Finished(
            uuid4().hex, datetime.now(UTC), one.path, one.scan, relimit(one.scan, shown, 1 / share), shown, share,
            self._run_dir, self._detector.method, self._operator, self._lot, one.seconds.get("total", 0.0),
        )  # fmt: skip
        row, kept = describe(finished)
        room = MOST_WAITING_BYTES - sum(len(content) for _, content in self._waiting)
        self._waiting.append((row, kept if len(kept) <= room else b""))
        return self._write()

    def finish(self) -> tuple[int, UserError | None]:
        """A last try. Returns how many are not recorded, and why."""
        trouble = self._write()
        if self._history is not None:
            self._history.close()
        return len(self._waiting), trouble

    def _write(self) -> UserError | None:
        try:
            while self._waiting:
                if self._history is None:
                    self._history = self._place.open()
                self._history.record(*self._waiting[0])
                del self._waiting[0]
                self._history.trim(self._limit_bytes)
        except UserError as error:
            log.info("not recorded: %s", error)
            return error
        return None
