"""Watches a folder: each new scan is inspected, counted, and optionally shown."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from app.jobs.watching import FolderWatcher
from app.state.session import Session
from app.state.settings import Settings
from app.workspaces.inspect.model import InspectModel
from app.workspaces.inspect.scan_table import Kind, kind_of

if TYPE_CHECKING:
    from sedir_core.io.folder_watch import WatchState

A_MINUTE_MS = 60_000


class Watching(QObject):
    """Connects watcher, session and settings. Emits `changed` when its status changes."""

    changed = Signal()

    def __init__(self, session: Session, model: InspectModel, settings: Settings, parent: QObject) -> None:
        super().__init__(parent)
        self._session, self._model, self._settings = session, model, settings
        self._watcher = FolderWatcher(self)
        self.folder: Path | None = None
        self.state: WatchState | None = None  # None until the first look
        self.following = True  # whether new scans are shown
        self._shown: int | None = None  # the new scan shown last
        self._arrivals: dict[int, date] = {}
        self._watcher.arrived.connect(self._on_arrived)
        self._watcher.state_changed.connect(self._on_state)
        session.entry_changed.connect(self._on_entry_changed)
        session.entries_judged.connect(self._on_judged)
        session.current_changed.connect(self._on_current_changed)
        self._midnight = QTimer(self, interval=A_MINUTE_MS)  # updates the counts at midnight
        self._midnight.timeout.connect(self.changed)

    def resume(self) -> None:
        """Watch the folder that is to be watched at every start."""
        if self._settings.watched_folder is not None:
            self.start(self._settings.watched_folder)

    def start(self, folder: Path, *, settle_s: float | None = None) -> None:
        """Inspect new scans in this folder from now on."""
        self.folder, self.state, self.following = folder.absolute(), None, True
        if self.every_start:
            self._settings.watched_folder = self.folder
        self._watcher.start(self.folder, settle_s=settle_s)
        self._midnight.start()
        self.changed.emit()

    def stop(self) -> None:
        """Stop, also for the next start; the scans stay listed."""
        self._watcher.stop()
        self._midnight.stop()
        self._settings.watched_folder = None
        self.folder = self.state = None
        self.changed.emit()

    def close(self) -> bool:
        """End the thread; False if it did not end in time."""
        self._midnight.stop()
        return self._watcher.stop()

    @property
    def every_start(self) -> bool:
        """Whether the folder is also watched at the next start."""
        return self._settings.watched_folder is not None

    def set_every_start(self, wished: bool) -> None:
        self._settings.watched_folder = self.folder if wished else None

    def set_following(self, wished: bool) -> None:
        """Show each scan as it arrives; ends when the user selects another one."""
        self.following = wished
        self.changed.emit()

    def tally(self) -> tuple[int, int]:
        """Number of scans that arrived today, and number of NG among them."""
        today = date.today()
        entries = [self._session.get(entry_id) for entry_id, day in self._arrivals.items() if day == today]
        return len(entries), sum(entry is not None and kind_of(entry) is Kind.NG for entry in entries)

    def _on_arrived(self, path: Path) -> None:
        entry_id = self._model.inspect_arrival(path)
        self._arrivals[entry_id] = date.today()
        if self.following or self._session.current is None:
            self._shown = entry_id
            self._session.show(entry_id)
        self.changed.emit()

    def _on_state(self, state: WatchState) -> None:
        self.state = state
        self.changed.emit()

    def _on_entry_changed(self, entry_id: int) -> None:
        if entry_id in self._arrivals:
            self.changed.emit()

    def _on_judged(self, ids: list[int]) -> None:
        if self._arrivals.keys() & set(ids):
            self.changed.emit()

    def _on_current_changed(self, entry_id: int | None) -> None:
        if self.folder is not None and self.following and entry_id not in (None, self._shown) and self._shown:
            self.set_following(False)
