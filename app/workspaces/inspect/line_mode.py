"""Line mode: only the part and its verdict, readable from a distance, with optional sound."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QByteArray, QObject, QTimer, Signal
from PySide6.QtWidgets import QApplication

from app.state.entries import Entry
from app.state.session import Session
from app.state.settings import Settings
from app.workspaces.inspect.line_banner import LineBanner, line_words
from app.workspaces.inspect.page import DOCK_STATE, InspectPage
from app.workspaces.inspect.tools import Tool

BEEPS = {"ng": 3, "uncertain": 2}
BEEP_EVERY_MS = 350


class LineMode(QObject):
    """Emits `changed` at start and end, for the window to hide its bars. beep: plays one sound."""

    changed = Signal(bool)

    def __init__(
        self,
        session: Session,
        settings: Settings,
        page: InspectPage,
        parent: QObject | None = None,
        beep: Callable[[], None] = QApplication.beep,
    ) -> None:
        super().__init__(parent)
        self._session, self._settings, self._page, self._beep = session, settings, page, beep
        self.banner: LineBanner = page.banner
        self.on = False
        self._docks = QByteArray()
        self._beeps_left = 0
        self._beeper = QTimer(self, interval=BEEP_EVERY_MS)
        self._beeper.timeout.connect(self._beep_on)
        for signal in (session.current_changed, session.entry_changed, session.entries_removed, session.limit_changed):
            signal.connect(self.refresh)
        page.watching.changed.connect(self.refresh)
        session.inspected.connect(self._on_inspected)

    def set_on(self, on: bool) -> None:
        """Enter or leave line mode; the docks are restored."""
        if on == self.on:
            return
        self.on = on
        if on:
            self._docks = self._page.saveState(DOCK_STATE)
            self._page.stage.tools.use(Tool.LOOK)
            if self._page.watching.folder is not None:
                self._page.watching.set_following(True)
        self._page.show_line(on)
        if not on:
            self._page.restoreState(self._docks, DOCK_STATE)
            self._end_beeps()
        self.refresh()
        self.changed.emit(on)

    def refresh(self, *_: object) -> None:
        """Update the banner."""
        if not self.on:
            return
        folder = self._page.watching.folder
        watched = "" if folder is None else folder.name
        self.banner.say(line_words(self._session.current_entry, watched, self._session.unit), self._tally())

    def _tally(self) -> str:
        if self._page.watching.folder is None:
            return "Esc leaves line mode"
        n_scans, n_ng = self._page.watching.tally()
        return f"Today {n_scans:,} inspected, {n_ng:,} NG"

    def _on_inspected(self, entry_id: int) -> None:
        entry: Entry | None = self._session.get(entry_id)
        if self.on and self._settings.line_sound and entry is not None:
            self._beeps_left = BEEPS.get(entry.verdict or "", 1)
            self._beeper.start()
            self._beep_on()

    def _beep_on(self) -> None:
        if self._beeps_left > 0:
            self._beeps_left -= 1
            self._beep()
        if self._beeps_left == 0:
            self._beeper.stop()

    def _end_beeps(self) -> None:
        self._beeps_left = 0
        self._beeper.stop()
