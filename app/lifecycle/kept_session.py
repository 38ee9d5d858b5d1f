"""What a window has open, saved on every change, so that it can be restored after any kind of exit.

One file per window, locked while the window lives: an unlocked file was left behind. No Qt here.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from filelock import FileLock, Timeout

from sedir_core.documents import parse_json, read_text
from sedir_core.errors import CannotWrite, UserError
from sedir_core.io.atomic import write_text

log = logging.getLogger(__name__)

FORMAT = 1
KEPT = "*.json"
MOST_BYTES = 64 << 20
"""Largest session file; a hundred thousand scans take a quarter of it."""


class CannotRead(UserError):
    """A session file that the system refuses to read."""


@dataclass(frozen=True)
class KeptScan:
    """A listed scan and the operator's review. review: ok, ng or "". record: key in the history, or ""."""

    path: str
    review: str = ""
    comment: str = ""
    record: str = ""


@dataclass(frozen=True)
class KeptLimit:
    """A limit that the operator moved; see `app.state.entries.LimitKey`."""

    category: str
    from_one_side: bool
    share: float


@dataclass(frozen=True)
class KeptSession:
    """current: path of the shown scan, or "". clean: the window was closed regularly."""

    scans: tuple[KeptScan, ...] = ()
    current: str = ""
    limits: tuple[KeptLimit, ...] = ()
    clean: bool = False

    def to_text(self) -> str:
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1)

    @staticmethod
    def of(text: str) -> KeptSession:
        """Raises ValueError or TypeError if the text is not a session."""
        raw: Any = parse_json(text, MOST_BYTES)
        if not isinstance(raw, dict) or raw.get("format") != FORMAT:
            raise ValueError("not a session of this version")
        scans = tuple(
            KeptScan(str(one["path"]), str(one["review"]), str(one["comment"]), str(one.get("record", "")))
            for one in raw["scans"]
        )
        limits = tuple(
            KeptLimit(str(o["category"]), bool(o["from_one_side"]), float(o["share"])) for o in raw["limits"]
        )
        return KeptSession(scans, str(raw["current"]), limits, bool(raw["clean"]))


@dataclass(frozen=True)
class LeftBehind:
    """The session of a window that is gone. since: last modification of its file, in seconds since 1970."""

    path: Path
    kept: KeptSession
    since: float


@dataclass
class SessionStore:
    """The session files of one user's windows: this window's own is written, those left behind are read."""

    folder: Path
    own: Path = field(init=False)
    _lock: FileLock | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.own = self.folder / f"{uuid4().hex}.json"

    def open(self) -> None:
        """Create and lock this window's file. Raises CannotWrite."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(_lock_of(self.own), timeout=0, thread_local=False)
            self._lock.acquire()
        except (OSError, Timeout) as error:
            raise CannotWrite(self.folder, str(error), "check the permissions") from error

    def write(self, kept: KeptSession) -> None:
        """Replace this window's file. Raises CannotWrite."""
        write_text(self.own, kept.to_text())

    def left_behind(self) -> list[LeftBehind]:
        """Non-empty sessions of windows that are gone, newest first; invalid files are deleted."""
        found = []
        for path in sorted(self.folder.glob(KEPT)):
            if path == self.own or not _is_free(path):
                continue
            try:
                kept = KeptSession.of(read_text(path, CannotRead, MOST_BYTES))
            except CannotRead as error:  # the disk may recover by the next start
                log.warning("a session is left for later: %s", error)
                continue
            except (ValueError, TypeError, KeyError) as error:
                log.warning("invalid session file: %s: %s", path, error)
                drop([path])
                continue
            if kept.scans:
                found.append(LeftBehind(path, kept, path.stat().st_mtime))
            else:
                drop([path])
        return sorted(found, key=lambda one: -one.since)

    def close(self) -> None:
        """Unlock this window's file and leave it on disk."""
        if self._lock is not None:
            self._lock.release()
            _lock_of(self.own).unlink(missing_ok=True)


def drop(paths: Iterable[Path]) -> None:
    """Forget sessions."""
    for path in paths:
        with suppress(OSError):
            path.unlink(missing_ok=True)
            _lock_of(path).unlink(missing_ok=True)


def _lock_of(path: Path) -> Path:
    return path.with_suffix(".lock")


def _is_free(path: Path) -> bool:
    """Whether no running window holds its lock."""
    try:
        with FileLock(_lock_of(path), timeout=0, thread_local=False):
            return True
    except Timeout:
        return False
    except OSError:
        return False
