"""A line of text that gives way: names of files and folders are as long as their owners like."""

from __future__ import annotations

from html import escape

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QSizePolicy


class Elided(QLabel):
    """One line, cut in the middle where there is no room; the tool tip has all of it, or what was said instead."""

    def __init__(self, name: str = "") -> None:
        """name: of its style."""
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setObjectName(name)
        self._full = self._tip = ""
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def say(self, text: str, tip: str = "") -> None:
        self._full, self._tip = text, tip
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        shown = self.fontMetrics().elidedText(self._full, Qt.TextElideMode.ElideMiddle, self.width())
        self.setText(shown)
        self.setToolTip(escape(self._tip or (self._full if shown != self._full else "")))
