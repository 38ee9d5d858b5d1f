"""Watches a folder: a thread that lists it whenever the system reports a change, and periodically.

Change events only wake the thread; the state is always read from the folder itself, so a lost event costs seconds,
never a scan. Without events (network drives, exhausted limits) it polls every two seconds and says so.
"""

from __future__ import annotations

import logging
import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sedir_core.io.arrivals import Arrival, Arrivals, look_into
from sedir_core.io.finding import SkippedFile, why_no_scan
from sedir_core.places import whole_path

if TYPE_CHECKING:
    from watchdog.observers.api import BaseObserver

log = logging.getLogger(__name__)

SETTLE_S = 2.0
POLL_S = 2.0
SAFETY_S = 10.0
"""Interval between listings while events work, because events can be lost."""
AWAY_S = 1.0
LEAST_GAP_S = 0.1
JOIN_S = 2.0
MOUNTS = Path("/proc/self/mounts")
NETWORK_KINDS = ("nfs", "cifs", "smb", "9p", "afs", "ceph", "glusterfs", "fuse.", "vboxsf", "virtiofs", "drvfs")
QUIET_EVENTS = {"opened", "closed_no_write"}  # reads are not changes, and our own would wake us


@dataclass(frozen=True)
class WatchState:
    """present: the folder is reachable. growing: number of incomplete scans. polling: reason for polling, or ""."""

    folder: Path
    present: bool
    growing: int = 0
    polling: str = ""


class FolderWatch:
    """Owns its thread, in which the callbacks run; `on_state` is called when the state changes."""

    def __init__(
        self,
        folder: Path,
        on_arrival: Callable[[Arrival], object],
        on_state: Callable[[WatchState], object],
        *,
        settle_s: float = SETTLE_S,
        existing: bool = False,
        on_skipped: Callable[[SkippedFile], object] = lambda other: None,
    ) -> None:
        """existing: also report scans already present. on_skipped: called for files that are not scans."""
        self.folder = whole_path(folder)
        self._on_arrival, self._on_state, self._on_passed_over = on_arrival, on_state, on_skipped
        self._settle_s, self._existing = settle_s, existing
        self._arrivals: Arrivals | None = None  # created when the folder is first reached
        self._place: tuple[int, int] | None = None  # device and inode of the watched folder
        self._told: WatchState | None = None
        self._observer: BaseObserver | None = None
        self._polling = ""  # reason, while the folder is reachable but yields no events
        self._wake, self._ended = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="folder watch", daemon=True)

    def start(self) -> None:
        """Start watching, in a thread, until `stop`."""
        self._thread.start()

    def stop(self, timeout_s: float = JOIN_S) -> bool:
        """End the thread, after which no callback runs. False if the drive keeps it from ending in time."""
        self._ended.set()
        self._wake.set()
        if self._thread.ident is None:
            return True
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            while not self._ended.is_set():
                self._wake.clear()
                self._look()
                self._ended.wait(LEAST_GAP_S)  # a growing file causes hundreds of events per second
                self._rest()
        finally:
            self._stop_observer()

    def _look(self) -> None:
        if not self._reach():
            self._tell(WatchState(self.folder, present=False))
            return
        seen = look_into(self.folder)
        if not self._in_place():
            return  # the folder vanished during the listing, so missing scans mean nothing
        if self._arrivals is None:
            self._arrivals = Arrivals(self._settle_s, {} if self._existing else seen)
        for arrival in self._arrivals.look(seen, time.monotonic()):
            if self._ended.is_set():
                return
            if why := why_no_scan(arrival.path):
                log.info("%s skipped: %s", arrival.path, why)
                self._on_passed_over(SkippedFile(arrival.path, why))
                continue
            log.info("%s arrived", arrival.path)
            self._on_arrival(arrival)
        self._tell(WatchState(self.folder, True, self._arrivals.growing, self._polling))

    def _reach(self) -> bool:
        """Whether the folder is reachable; restarts the observer when it disappears and comes back."""
        try:
            place = _place(self.folder)
            empty = next(self.folder.iterdir(), None) is None
        except OSError:  # gone, unplugged, not a folder, or no permission
            self._stop_observer()
            return False
        # An unplugged drive can leave its empty mount point behind, which is on a different device.
        if empty and self._place is not None and place[0] != self._place[0]:
            self._stop_observer()
            return False
        if place != self._place or (self._observer is None and not self._polling):
            self._stop_observer()
            self._place = place
            self._start_observer()
        return True

    def _start_observer(self) -> None:
        from watchdog.events import FileSystemEvent, FileSystemEventHandler
        from watchdog.observers import Observer

        self._polling = network_kind(self.folder)
        if self._polling:
            return
        wake = self._wake
        # A folder created while its parent is being added is added twice: watchdog warns, and nothing is lost.
        warnings.filterwarnings("ignore", "Callback with id", RuntimeWarning)

        class Handler(FileSystemEventHandler):
            def on_any_event(self, event: FileSystemEvent) -> None:
                if event.event_type not in QUIET_EVENTS:
                    wake.set()

        observer: BaseObserver | None = None
        try:
            observer = Observer()
            observer.schedule(Handler(), str(self.folder), recursive=True)
            observer.start()
        except OSError as refused:  # too many watched folders, or gone again
            if observer is not None:
                observer.stop()
            self._polling = f"the system cannot report changes: {refused.strerror or refused}"
            log.warning("%s is polled: %s", self.folder, self._polling)
            return
        self._observer = observer

    def _stop_observer(self) -> None:
        observer, self._observer, self._polling = self._observer, None, ""
        if observer is not None:
            observer.stop()
            observer.join(JOIN_S)

    def _rest(self) -> None:
        """Wait for a reason to list the folder: an event, a timeout, or its replacement, which causes no event."""
        end = time.monotonic() + self._pause_s()
        while (left := end - time.monotonic()) > 0:
            if self._wake.wait(min(left, AWAY_S)) or self._ended.is_set() or not self._in_place():
                return

    def _in_place(self) -> bool:
        try:
            return _place(self.folder) == self._place
        except OSError:
            return False

    def _pause_s(self) -> float:
        if self._told is None or not self._told.present:
            return AWAY_S
        if self._told.growing:
            return self._settle_s / 4
        return POLL_S if self._polling else SAFETY_S

    def _tell(self, state: WatchState) -> None:
        if state != self._told:
            self._told = state
            self._on_state(state)


def _place(folder: Path) -> tuple[int, int]:
    status = folder.stat()
    return status.st_dev, status.st_ino


def network_kind(folder: Path, mounts: Path = MOUNTS) -> str:
    """Why a folder yields no change events ("" if it should): the writes of other machines are not visible.

    mounts: the system's mount table; without it nothing is known.
    """
    try:
        lines = [line.split(" ") for line in mounts.read_text("utf-8", "replace").splitlines()]
        real = folder.resolve()
    except OSError:
        return ""
    # Spaces in mount points are escaped as octal numbers.
    points = [(Path(words[1].replace("\\040", " ")), words[2]) for words in lines if len(words) > 2]
    above = [(point, kind) for point, kind in points if real.is_relative_to(point)]
    kind = max(above, key=lambda found: len(found[0].parts))[1] if above else ""
    return f"it is on a network drive ({kind}), which reports no changes" if kind.startswith(NETWORK_KINDS) else ""
