"""Foreign text in widgets: names of files and parts, comments, messages.

Qt takes what looks like HTML for HTML, follows a name's own line breaks and writing directions, and leaves out what is
not valid Unicode, so that two names look the same.
"""

from __future__ import annotations

from html import escape

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from sedir_core.names import lines


class PlainLabel(QLabel):
    """A label that shows any text as it is; line breaks are kept, since messages have some."""

    def __init__(self, text: str = "", name: str = "") -> None:
        """name: object name for the style sheet."""
        super().__init__()
        self.setObjectName(name)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setText(text)

    def setText(self, text: str) -> None:  # noqa: N802
        super().setText(lines(text))


def plain_tip(text: object) -> str:
    """A tool tip with this text."""
    shown = lines(str(text))
    if "<" not in shown and "&lt;" not in shown:
        return shown
    return f"<span style='white-space: pre-wrap'>{escape(shown)}</span>"
