"""What waits to be written to a history, in its order: for the window and for the command line alike.

Nothing is given up while the program lives: what cannot be written now (a full disk, a server that is down) stays and
is tried again.
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
"""Kept results that may wait in memory; beyond, an inspection waits without."""
Write = Callable[["History"], None]


@dataclass(frozen=True)
class Flushed:
    """n: how many were written. trouble: what is in the way of the others, None if all are. bugs: of those given up."""

    n: int = 0
    trouble: UserError | None = None
    bugs: tuple[Exception, ...] = ()


@dataclass
class Outbox:
    """Used from one thread. limit_bytes: how much the kept results may take; asked after each write."""

    place: HistoryPlace
    limit_bytes: Callable[[], int]
    _waiting: deque[tuple[Write, int]] = field(default_factory=deque)
    _open: History | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def room(self) -> int:
        """Bytes that may still wait."""
        return MOST_WAITING_BYTES - sum(n_bytes for _, n_bytes in self._waiting)

    def put(self, write: Write, n_bytes: int = 0) -> None:
        """Let something wait; `flush` writes it. n_bytes: what it holds in memory."""
        self._waiting.append((write, n_bytes))

    def flush(self) -> Flushed:
        """Write what waits, in order, until something is in the way."""
        n, trouble, bugs = 0, None, list[Exception]()
        while self._waiting and trouble is None:
            try:
                self._waiting[0][0](self.history())
                n += 1
            except UserError as error:
                trouble = error
                break
            except Exception as error:  # a bug in one must not keep the next from being recorded
                log.error("an inspection could not be recorded", exc_info=error)
                bugs.append(error)
            self._waiting.popleft()
        if n:
            self._trim()
        return Flushed(n, trouble, tuple(bugs))

    def history(self) -> History:
        """Open, and the one that is there now: a database file that was taken away is not written to.

        Raises BadHistory, CannotWrite.
        """
        if self._open is not None and self._open.moved:
            self.close()
        if self._open is None:
            self._open = self.place.open()
            self._tidy(self._open)
        return self._open

    def close(self) -> None:
        """Let go of the database; what waits stays."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def _trim(self) -> None:
        try:
            self.history().trim(self.limit_bytes())
        except UserError as error:  # the next write tries again
            log.warning("the kept results take more than they may: %s", error)

    @staticmethod
    def _tidy(history: History) -> None:
        try:
            history.sweep()
        except UserError as error:
            log.warning("results that belong to no inspection are still kept: %s", error)
