"""Limits of sizes: secondary windows stay within the screen; otherwise their buttons could be out of reach."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QWidget

FRAME = QSize(16, 56)
"""Pixels taken by the window frame and title bar."""
UNLIMITED_PX = 16_777_215
"""A maximum size that limits nothing: Qt's QWIDGETSIZE_MAX, which PySide6 does not export."""


def resize_on_screen(window: QWidget, width: int, height: int) -> None:
    """Resize a window, limited to the screen."""
    window.resize(QSize(width, height).boundedTo(window.screen().availableSize() - FRAME))
