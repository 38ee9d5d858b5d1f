"""Which keys belong to the control that has the focus, and not to the commands of the window."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QAbstractSlider, QAbstractSpinBox, QApplication, QComboBox, QTabBar

WALKS = "walks through the scans"
"""Dynamic property of the list whose arrow keys are those of the commands."""
MOVES = (
    Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Home, Qt.Key.Key_End,
    Qt.Key.Key_PageUp, Qt.Key.Key_PageDown,
)  # fmt: skip
MOVERS = (QAbstractSpinBox, QComboBox, QAbstractSlider, QAbstractItemView, QTabBar)


def keeps_key(event: QKeyEvent) -> bool:
    """Whether the focused control wants this key: arrows where they move something, letters where they choose."""
    holder = QApplication.focusWidget()
    if event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier):
        return False
    if isinstance(holder, QComboBox) and event.text().isprintable() and event.text():
        return True
    return isinstance(holder, MOVERS) and event.key() in MOVES and not holder.property(WALKS)
