"""Placeholder while no scan is open: how to begin."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QVBoxLayout, QWidget

from app.widgets.flow import FlowLayout
from app.widgets.theme import Theme, icon, icon_size
from sedir_core.io.formats import NAMES

BEGIN = (
    "Drop scans or folders here",
    "Each scan is read, compared with the model's expectation, and shown with its defects.\n"
    f"Point clouds and meshes: {NAMES}.",
)


SIDE_PX = 36
"""Lines of text do not reach the frame."""
NARROW_PX = 180
GAP_PX = 10


class InspectIntro(QFrame):
    """A picture, two sentences and the first actions."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self._theme = theme
        self._watched = ""
        self._icon = QLabel(alignment=Qt.AlignmentFlag.AlignCenter)
        self.title = QLabel(objectName="display", alignment=Qt.AlignmentFlag.AlignCenter, wordWrap=True)
        self.title.setTextFormat(Qt.TextFormat.PlainText)
        self._text = QLabel(objectName="quiet", alignment=Qt.AlignmentFlag.AlignCenter, wordWrap=True)
        self.open_button = QPushButton("Open scans…", objectName="primary")
        self.watch_button = QPushButton("Watch a folder…")
        self.demo_button = QPushButton("Open the demo")
        self._new_here = QLabel("New here? The demo has good and defective parts, and the guide explains the window.\n"
                                "Your own parts need a model that has seen good scans of them: train one.",
                                objectName="faint", alignment=Qt.AlignmentFlag.AlignCenter, wordWrap=True)  # fmt: skip
        self.guide_button = QPushButton("Read the guide")
        self.train_button = QPushButton("Train on your own parts…")
        column = QVBoxLayout(self)
        column.setSpacing(14)
        column.setContentsMargins(SIDE_PX, 8, SIDE_PX, 8)
        column.addStretch(2)
        column.addWidget(self._icon)
        column.addWidget(self.title)
        column.addWidget(self._text)
        column.addWidget(_centred(self.open_button, self.watch_button, self.demo_button))
        column.addSpacing(18)
        column.addWidget(self._new_here)
        column.addWidget(_centred(self.guide_button, self.train_button))
        column.addStretch(3)
        self.setMinimumSize(NARROW_PX, NARROW_PX)
        self.show_watched("")

    def show_watched(self, folder: str) -> None:
        """The name of the folder that is watched, or "" for none."""
        self._watched = folder
        waiting = (f"Waiting for scans in {folder}", "Each is inspected as soon as it is completely written.")
        title, text = waiting if folder else BEGIN
        self.title.setText(title)
        self._text.setText(text)
        self.watch_button.setVisible(not folder)
        self.set_theme(self._theme)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        self._leave_out()

    def _leave_out(self) -> None:
        """In a small window the picture goes first, then the sentences; the actions stay."""
        spare = (self._icon, self._new_here, self._text)
        for widget in spare:
            widget.show()
        for widget in spare:
            if self.heightForWidth(self.width()) <= self.height():
                break
            widget.hide()

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        picture = icon("radar" if self._watched else "cube-scan", theme.accent)
        self._icon.setPixmap(picture.pixmap(icon_size(84), self.devicePixelRatioF()))


def _centred(*buttons: QPushButton) -> QWidget:
    row = QWidget()
    layout = FlowLayout(row, GAP_PX, centred=True)
    for button in buttons:
        layout.addWidget(button)
    return row
