"""Switches workspaces: one button each at the left of the tool bar, and Ctrl+1 onwards."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QToolButton

from app.widgets.fitting_bar import FittingBar
from app.widgets.theme import Theme, icon


class WorkspaceSwitcher(QObject):
    """The checked action is the current workspace."""

    wanted = Signal(str)  # key

    def __init__(self, entries: Sequence[tuple[str, str, str]], bar: FittingBar, rank: int, theme: Theme) -> None:
        """entries: key, title and icon of each workspace; the first one is shown. bar: where the buttons go."""
        super().__init__(bar)
        self.by_key: dict[str, QAction] = {}
        self.buttons: dict[str, QToolButton] = {}
        self._icons: dict[str, str] = {}
        group = QActionGroup(self)
        for number, (key, title, picture) in enumerate(entries, 1):
            action = QAction(title, bar, checkable=True, checked=number == 1)
            action.setShortcut(QKeySequence(f"Ctrl+{number}"))
            action.setToolTip(f"{title} (Ctrl+{number})")
            action.triggered.connect(lambda _=False, key=key: self.wanted.emit(key))
            group.addAction(action)
            self.by_key[key], self._icons[key] = action, picture
            self.buttons[key] = bar.add(action, rank)
        self.set_theme(theme)

    def show_current(self, key: str) -> None:
        """Check this workspace's button, moving the focus along if one of the buttons had it."""
        if any(button.hasFocus() for button in self.buttons.values()):
            self.buttons[key].setFocus()
        self.by_key[key].setChecked(True)

    def set_theme(self, theme: Theme) -> None:
        for key, action in self.by_key.items():
            action.setIcon(icon(self._icons[key], theme.quiet))
