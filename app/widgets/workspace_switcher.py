"""The way between the workspaces: one button each at the left of the tool bar, Ctrl+1 and on."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QWidget

from app.widgets.theme import Theme, icon


class WorkspaceSwitcher(QWidget):
    """One of its actions is checked: the workspace that is shown."""

    wanted = Signal(str)  # key

    def __init__(self, entries: Sequence[tuple[str, str, str]], theme: Theme, parent: QWidget | None = None) -> None:
        """entries: key, title and icon of each workspace, the first one is shown."""
        super().__init__(parent)
        self.by_key: dict[str, QAction] = {}
        self._icons: dict[str, str] = {}
        group = QActionGroup(self)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 6, 0)
        row.setSpacing(2)
        for number, (key, title, picture) in enumerate(entries, 1):
            action = QAction(title, self, checkable=True, checked=number == 1)
            action.setShortcut(QKeySequence(f"Ctrl+{number}"))
            action.setToolTip(f"{title} (Ctrl+{number})")
            action.triggered.connect(lambda _=False, key=key: self.wanted.emit(key))
            group.addAction(action)
            button = QToolButton(toolButtonStyle=Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            button.setDefaultAction(action)
            row.addWidget(button)
            self.by_key[key], self._icons[key] = action, picture
        self.set_theme(theme)

    def show_current(self, key: str) -> None:
        self.by_key[key].setChecked(True)

    def set_theme(self, theme: Theme) -> None:
        for key, action in self.by_key.items():
            action.setIcon(icon(self._icons[key], theme.quiet))
