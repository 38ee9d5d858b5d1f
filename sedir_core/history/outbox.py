"""Queue of pending writes to a history, for window and command line.

Nothing is dropped while the program runs: failed writes (full disk, unreachable server) stay queued and are retried.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sedir_core.errors import UserError

if TYPE_CHECKING:
    from sedir_core.history.place import HistoryPlace
    from sedir_core.history.store import History

log = logging.getLogger(__name__)

MOST_WAITING_BYTES = 500_000_000
"""Memory for results of pending inspections; beyond it, inspections are queued without."""
Write = Callable[["History"], None]


@dataclass(frozen=True)
class Flushed:
    """n: number written. trouble: why the others failed, None if none did. bugs: exceptions of dropped ones."""

    n: int = 0
    trouble: UserError | None = None
    bugs: tuple[Exception, ...] = ()


@dataclass
class Outbox:
    """Used from one thread. limit_bytes: allowed size of the stored results; called after each write."""

    place: HistoryPlace
    limit_bytes: Callable[[], int]
    _waiting: deque[tuple[Write, int]] = field(default_factory=deque)
    _open: History | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def room(self) -> int:
        """Remaining bytes for pending results."""
        return MOST_WAITING_BYTES - sum(n_bytes for _, n_bytes in self._waiting)

    def put(self, write: Write, n_bytes: int = 0) -> None:
        """Queue a write for `flush`. n_bytes: its memory."""
        self._waiting.append((write, n_bytes))

    def flush(self) -> Flushed:
        """Write pending items in order until one fails."""
        n, trouble, bugs = 0, None, list[Exception]()
        while self._waiting and trouble is None:
            try:
                self._waiting[0][0](self.history())
                n += 1
            except UserError as error:
                trouble = error
                break
            except Exception as error:  # a bug in one item must not block the next
                log.error("an inspection could not be recorded", exc_info=error)
                bugs.append(error)
            self._waiting.popleft()
        if n:
            self._trim()
        return Flushed(n, trouble, tuple(bugs))

    def history(self) -> History:
        """The open history, reopened if its database file was removed or replaced.

        Raises BadHistory, CannotWrite.
        """
        if self._open is not None and self._open.moved:
            self.close()
        if self._open is None:
            self._open = self.place.open()
            self._tidy(self._open)
        return self._open

    def close(self) -> None:
        """Close the database; pending items stay."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def _trim(self) -> None:
        try:
            self.history().trim(self.limit_bytes())
        except UserError as error:  # retried after the next write
            log.warning("the stored results exceed their size limit: %s", error)

    @staticmethod
    def _tidy(history: History) -> None:
        try:
            history.sweep()
        except UserError as error:
            log.warning("orphaned results could not be deleted: %s", error)
