"""Watching a folder: each scan that arrives is inspected, counted, and shown if that is wished."""

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
    """Between the watcher, the session and the settings. `changed` when anything it tells has changed."""

    changed = Signal()

    def __init__(self, session: Session, model: InspectModel, settings: Settings, parent: QObject) -> None:
        super().__init__(parent)
        self._session, self._model, self._settings = session, model, settings
        self._watcher = FolderWatcher(self)
        self.folder: Path | None = None
        self.state: WatchState | None = None  # None until the first look
        self.following = True  # what arrives is shown
        self._shown: int | None = None  # the arrival that was shown last
        self._arrivals: dict[int, date] = {}
        self._watcher.arrived.connect(self._on_arrived)
        self._watcher.state_changed.connect(self._on_state)
        session.entry_changed.connect(self._on_entry_changed)
        session.entries_judged.connect(self._on_judged)
        session.current_changed.connect(self._on_current_changed)
        self._midnight = QTimer(self, interval=A_MINUTE_MS)  # "today" ends by itself
        self._midnight.timeout.connect(self.changed)

    def resume(self) -> None:
        """Watch the folder that the user wished to be watched at every start."""
        if self._settings.watched_folder is not None:
            self.start(self._settings.watched_folder)

    def start(self, folder: Path, *, settle_s: float | None = None) -> None:
        """Inspect what arrives in there from now on."""
        self.folder, self.state, self.following = folder.absolute(), None, True
        if self.every_start:
            self._settings.watched_folder = self.folder
        self._watcher.start(self.folder, settle_s=settle_s)
        self._midnight.start()
        self.changed.emit()

    def stop(self) -> None:
        """End it, for the next start too; the scans stay listed."""
        self._watcher.stop()
        self._midnight.stop()
        self._settings.watched_folder = None
        self.folder = self.state = None
        self.changed.emit()

    def close(self) -> bool:
        """End the thread; False if it could not be ended in time."""
        self._midnight.stop()
        return self._watcher.stop()

    @property
    def every_start(self) -> bool:
        """Whether a folder is watched at the next start too."""
        return self._settings.watched_folder is not None

    def set_every_start(self, wished: bool) -> None:
        self._settings.watched_folder = self.folder if wished else None

    def set_following(self, wished: bool) -> None:
        """Show each scan as it arrives. Looking at another one ends that: nothing is taken from under the eyes."""
        self.following = wished
        self.changed.emit()

    def tally(self) -> tuple[int, int]:
        """How many arrived today, and how many of these are NG."""
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
