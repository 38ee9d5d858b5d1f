"""A folder under watch: a thread that looks into it whenever the system reports a change, and now and then anyway.

The reports only wake it; what is there is always read from the folder itself, so a lost report costs seconds, never
a scan. Where the system reports nothing (network drives, exhausted limits) it looks every two seconds and says so.
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
from sedir_core.io.finding import PassedOver, why_no_scan

if TYPE_CHECKING:
    from watchdog.observers.api import BaseObserver

log = logging.getLogger(__name__)

SETTLE_S = 2.0
POLL_S = 2.0
SAFETY_S = 10.0
"""Between two looks while changes are reported: reports can be lost."""
AWAY_S = 1.0
LEAST_GAP_S = 0.1
JOIN_S = 2.0
MOUNTS = Path("/proc/self/mounts")
NETWORK_KINDS = ("nfs", "cifs", "smb", "9p", "afs", "ceph", "glusterfs", "fuse.", "vboxsf", "virtiofs", "drvfs")
QUIET_EVENTS = {"opened", "closed_no_write"}  # reading changes nothing; our own looks would wake us


@dataclass(frozen=True)
class WatchState:
    """present: the folder can be reached. growing: scans there in part. polling: why it is polled, "" if it is not."""

    folder: Path
    present: bool
    growing: int = 0
    polling: str = ""


class FolderWatch:
    """Owns its thread. Both callbacks run in it; `on_state` is called when something about the state changed."""

    def __init__(
        self,
        folder: Path,
        on_arrival: Callable[[Arrival], object],
        on_state: Callable[[WatchState], object],
        *,
        settle_s: float = SETTLE_S,
        existing: bool = False,
        on_passed_over: Callable[[PassedOver], object] = lambda other: None,
    ) -> None:
        """existing: report the scans that are there already, too. on_passed_over: called for what is no scan."""
        self.folder = folder.absolute()
        self._on_arrival, self._on_state, self._on_passed_over = on_arrival, on_state, on_passed_over
        self._settle_s, self._existing = settle_s, existing
        self._arrivals: Arrivals | None = None  # begins when the folder is reached for the first time
        self._place: tuple[int, int] | None = None  # device and inode of the folder that is watched
        self._told: WatchState | None = None
        self._observer: BaseObserver | None = None
        self._polling = ""  # why, while the folder is there and nothing reports its changes
        self._wake, self._ended = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="folder watch", daemon=True)

    def start(self) -> None:
        """Begin to watch, in a thread of its own until `stop`."""
        self._thread.start()

    def stop(self, timeout_s: float = JOIN_S) -> bool:
        """End the thread; nothing is called after it. False if the drive keeps it from ending in time."""
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
                self._ended.wait(LEAST_GAP_S)  # a file that grows reports hundreds of changes a second
                self._rest()
        finally:
            self._stop_observer()

    def _look(self) -> None:
        if not self._reach():
            self._tell(WatchState(self.folder, present=False))
            return
        seen = look_into(self.folder)
        if not self._in_place():
            return  # it went while we looked: that its scans were not seen means nothing
        if self._arrivals is None:
            self._arrivals = Arrivals(self._settle_s, {} if self._existing else seen)
        for arrival in self._arrivals.look(seen, time.monotonic()):
            if self._ended.is_set():
                return
            if why := why_no_scan(arrival.path):
                log.info("%s passed over: %s", arrival.path, why)
                self._on_passed_over(PassedOver(arrival.path, why))
                continue
            log.info("%s arrived", arrival.path)
            self._on_arrival(arrival)
        self._tell(WatchState(self.folder, True, self._arrivals.growing, self._polling))

    def _reach(self) -> bool:
        """Whether the folder is there; what reports its changes follows it when it goes and comes back."""
        try:
            place = _place(self.folder)
            empty = next(self.folder.iterdir(), None) is None
        except OSError:  # gone, unplugged, not a folder, no longer allowed
            self._stop_observer()
            return False
        # An unplugged drive can leave its empty mount point behind, which lies on another device.
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
        # A folder made while the one above is added is added twice: watchdog warns of it, and nothing is lost.
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
        """Until there is a reason to look: a report, enough time, or that the folder is another, which none reports."""
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
    """Why changes in a folder go unreported, "" where nothing speaks for that: another machine's writes are not seen.

    mounts: the system's table of mounted drives; where there is none, nothing is known.
    """
    try:
        lines = [line.split(" ") for line in mounts.read_text("utf-8", "replace").splitlines()]
        real = folder.resolve()
    except OSError:
        return ""
    # Blanks in mount points are written as octal numbers.
    points = [(Path(words[1].replace("\\040", " ")), words[2]) for words in lines if len(words) > 2]
    above = [(point, kind) for point, kind in points if real.is_relative_to(point)]
    kind = max(above, key=lambda found: len(found[0].parts))[1] if above else ""
    return f"it is on a network drive ({kind}), which reports no changes" if kind.startswith(NETWORK_KINDS) else ""
