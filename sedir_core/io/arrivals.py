"""Detects new, completely written scans in a folder by comparing listings, without thread or clock.

A scan has arrived once its size and time are stable and, where the system can tell, no process has it open for writing.
A rewritten scan arrives again, and so does one that was removed and has come back.
"""

from __future__ import annotations

import errno
import os
import signal
import stat
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from sedir_core.io.finding import scans_by_name

EMPTY_PATIENCE = 15
"""An empty file has usually just been created: it gets this many times longer before it counts as complete."""


class Stamp(NamedTuple):
    """State of a file. status_ns: change time, which the system updates even if a copy preserves an older mtime."""

    size: int
    changed_ns: int
    status_ns: int = 0


@dataclass(frozen=True)
class Arrival:
    """A complete scan, with the file's state at that time."""

    path: Path
    stamp: Stamp

    @property
    def unchanged(self) -> bool:
        """Whether the file is unchanged; if not, it will arrive again or is gone."""
        return stamp_of(self.path) == self.stamp


def stamp_of(path: Path) -> Stamp | None:
    """The stamp of a regular file; None for anything else and for unreachable paths."""
    try:
        status = path.stat()
    except OSError:
        return None
    return Stamp(status.st_size, status.st_mtime_ns, status.st_ctime_ns) if stat.S_ISREG(status.st_mode) else None


def look_into(folder: Path) -> dict[Path, Stamp]:
    """Every possible scan below the folder, with its stamp; empty if the folder cannot be reached."""
    stamps = {path: stamp_of(path) for path in scans_by_name(folder)}
    return {path: stamp for path, stamp in stamps.items() if stamp is not None}


def being_written(path: Path) -> bool:
    """Whether a process has the file open for writing; False where the system cannot tell.

    A copy over a slow network may pause for longer than any timeout, but it keeps the file open.
    """
    if not sys.platform.startswith("linux"):
        return False
    import fcntl

    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        # Linux grants a read lease only while nobody has the file open for writing. A writer that comes while we hold
        # it, for microseconds, makes the kernel signal us: SIGIO would end the process, SIGURG is ignored.
        fcntl.fcntl(handle, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as refused:
        return refused.errno == errno.EAGAIN  # others: not our file, or a file system without leases
    finally:
        os.close(handle)
    return False


class Arrivals:
    """Compares each listing with the previous one. known: existing scans that are not to be reported."""

    def __init__(self, settle_s: float, known: Mapping[Path, Stamp]) -> None:
        self._settle_s = settle_s
        self._done = dict(known)
        self._growing: dict[Path, tuple[Stamp, float]] = {}  # stamp, and since when it has been the same

    @property
    def growing(self) -> int:
        """Number of incomplete scans."""
        return len(self._growing)

    def look(
        self, seen: Mapping[Path, Stamp], now_s: float, written: Callable[[Path], bool] = being_written
    ) -> list[Arrival]:
        """New scans, sorted by path. now_s: monotonic time. written: tells whether a file is still being written."""
        self._done = {path: stamp for path, stamp in self._done.items() if path in seen}
        arrived, growing = [], {}
        for path, stamp in sorted(seen.items()):
            if self._done.get(path) == stamp:
                continue
            before = self._growing.get(path)
            since = before[1] if before is not None and before[0] == stamp else now_s
            patience = self._settle_s * (1 if stamp.size else EMPTY_PATIENCE)
            if now_s - since >= patience and not written(path):
                self._done[path] = stamp
                arrived.append(Arrival(path, stamp))
            else:
                growing[path] = (stamp, since)
        self._growing = growing
        return arrived
