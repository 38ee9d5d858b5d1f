"""Windows beside the main one, no larger than the screen: on a small one their buttons would be out of reach."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QWidget

FRAME = QSize(16, 56)
"""Pixels that the system's frame and title take."""


def resize_on_screen(window: QWidget, width: int, height: int) -> None:
    """Give a window that size, or what the screen has room for."""
    window.resize(QSize(width, height).boundedTo(window.screen().availableSize() - FRAME))
