"""Decides which keys go to the focused control rather than to the window's shortcuts."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QAbstractSlider, QAbstractSpinBox, QApplication, QComboBox, QTabBar

WALKS = "walks through the scans"
"""Dynamic property of the list whose arrow keys are left to the shortcuts."""
MOVES = (
    Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Home, Qt.Key.Key_End,
    Qt.Key.Key_PageUp, Qt.Key.Key_PageDown,
)  # fmt: skip
MOVERS = (QAbstractSpinBox, QComboBox, QAbstractSlider, QAbstractItemView, QTabBar)


def keeps_key(event: QKeyEvent) -> bool:
    """Whether the focused control uses this key: arrows to move something, letters to select."""
    holder = QApplication.focusWidget()
    if event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier):
        return False
    if isinstance(holder, QComboBox) and event.text().isprintable() and event.text():
        return True
    return isinstance(holder, MOVERS) and event.key() in MOVES and not holder.property(WALKS)
