"""A titled frame around a 3D view; before the graphics are there it says so."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget


class Pane(QFrame):
    """Title, a note beside it, and the view."""

    def __init__(self, title: str) -> None:
        super().__init__(objectName="pane")
        self._title = QLabel(title, objectName="paneTitle")
        self._note = QLabel("", objectName="quiet")
        self._note.setTextFormat(Qt.TextFormat.PlainText)
        # A long file name must not push the view wider.
        self._note.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._waiting = QLabel("Preparing the 3D view…", objectName="paneWaiting")
        bar = QHBoxLayout()
        bar.setContentsMargins(12, 7, 12, 7)
        bar.addWidget(self._title)
        bar.addSpacing(6)
        bar.addWidget(self._note, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(1, 0, 1, 1)
        layout.setSpacing(0)
        layout.addLayout(bar)
        layout.addWidget(self._waiting, 1)
        self.setMinimumSize(180, 180)

    def set_view(self, view: QWidget) -> None:
        layout = self.layout()
        assert layout is not None
        layout.replaceWidget(self._waiting, view)
        self._waiting.deleteLater()

    def set_title(self, text: str) -> None:
        self._title.setText(text)

    def set_note(self, text: str) -> None:
        self._note.setText(text)
