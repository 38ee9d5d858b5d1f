"""Watched folder for the window: forwards the core watcher's callbacks as signals in the GUI thread."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal, Slot

if TYPE_CHECKING:
    from sedir_core.io.folder_watch import FolderWatch

log = logging.getLogger(__name__)


class FolderWatcher(QObject):
    """Watches one folder at a time; emits nothing after `stop`."""

    arrived = Signal(object)  # Path of a completely written scan
    state_changed = Signal(object)  # WatchState
    _sent = Signal(int, object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._watch: FolderWatch | None = None
        self._turn = 0  # identifies late callbacks of an earlier watch
        self._sent.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    def start(self, folder: Path, *, settle_s: float | None = None) -> None:
        """Watch this folder instead of the previous one. settle_s: how long a file's size must be stable."""
        # Imports every reader, hence late.
        from sedir_core.io.folder_watch import SETTLE_S, FolderWatch

        self.stop()
        self._turn += 1
        turn = self._turn
        self._watch = FolderWatch(
            folder,
            lambda arrival: self._send(turn, arrival.path, None),
            lambda state: self._send(turn, None, state),
            settle_s=SETTLE_S if settle_s is None else settle_s,
        )
        self._watch.start()

    def stop(self, timeout_s: float = 1.0) -> bool:
        """Stop watching. False if the drive keeps the thread from ending in time; it then ends later."""
        watch, self._watch = self._watch, None
        self._turn += 1
        return watch is None or watch.stop(timeout_s)

    def _send(self, turn: int, path: Path | None, state: object) -> None:
        try:
            self._sent.emit(turn, path, state)
        except RuntimeError:  # the window is gone
            log.info("news of a watched folder dropped: the window was deleted")

    @Slot(int, object, object)
    def _deliver(self, turn: int, path: Path | None, state: object) -> None:
        if turn != self._turn:
            return
        if path is not None:
            self.arrived.emit(path)
        if state is not None:
            self.state_changed.emit(state)
