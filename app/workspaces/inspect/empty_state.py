"""Placeholder while no scan is open: how to begin."""

from __future__ import annotations

from typing import NamedTuple

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QScrollArea, QSpacerItem, QVBoxLayout, QWidget

from app.widgets.flow import FlowLayout
from app.widgets.theme import Theme, icon, icon_size
from sedir_core.io.formats import NAMES

BEGIN = (
    "Drop scans or folders here",
    "Each scan is read, compared with the model's expectation, and shown with its defects.\n"
    f"Point clouds and meshes: {NAMES}.",
)


class Room(NamedTuple):
    """Pixels between the widgets, between the two halves of the page, and to the frame at the sides."""

    gap_px: int
    between_px: int
    side_px: int


AMPLE = Room(14, 18, 36)
CLOSE = Room(6, 4, 6)
EDGE_PX = 8
NARROW_PX = 180
GAP_PX = 10


class InspectIntro(QFrame):
    """A picture, two sentences and the first actions.

    Where there is no room, the picture goes first, then the sentences, then the space between, then the title; the
    actions are always whole, and scroll where even they have no room.
    """

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
        self._begin = _centred(self.open_button, self.watch_button, self.demo_button)
        self._learn = _centred(self.guide_button, self.train_button)
        self._page = QWidget()
        self._page.installEventFilter(self)
        self._column = QVBoxLayout(self._page)
        self._column.addStretch(2)
        for widget in self._in_order():
            self._column.addWidget(widget)
        self._between = QSpacerItem(0, 0)
        self._column.insertSpacerItem(self._column.indexOf(self._begin) + 1, self._between)
        self._column.addStretch(3)
        self._scroll = QScrollArea(widgetResizable=True, focusPolicy=Qt.FocusPolicy.NoFocus)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setWidget(self._page)
        self._page.setAutoFillBackground(False)
        self._scroll.viewport().setAutoFillBackground(False)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(2, 2, 2, 2)  # the frame's round corners
        whole.addWidget(self._scroll)
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

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        picture = icon("radar" if self._watched else "cube-scan", theme.accent)
        self._icon.setPixmap(picture.pixmap(icon_size(84), self.devicePixelRatioF()))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        self._fit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Qt asks for a new layout whenever a text, the font or the style has changed what a widget needs."""
        if watched is self._page and event.type() is QEvent.Type.LayoutRequest:
            self._fit()
        return super().eventFilter(watched, event)

    def _in_order(self) -> tuple[QWidget, ...]:
        return self._icon, self.title, self._text, self._begin, self._new_here, self._learn

    def _fit(self) -> None:
        """Show as much as there is room for. Only what differs is set: each change asks for a new layout."""
        away, room = self._chosen()
        for widget in self._in_order():
            if widget.isHidden() != (widget in away):
                widget.setHidden(widget in away)
        self._column.setSpacing(room.gap_px)
        self._column.setContentsMargins(room.side_px, EDGE_PX, room.side_px, EDGE_PX)
        if self._between.sizeHint().height() != room.between_px:
            self._between.changeSize(0, room.between_px)
            self._column.invalidate()

    def _chosen(self) -> tuple[tuple[QWidget, ...], Room]:
        """What is left out, and the space between the rest: the first of all choices that fits, or else the last."""
        spare = (self._icon, self._new_here, self._text)
        choices = [(spare[:n], AMPLE) for n in range(len(spare) + 1)]
        choices += [(spare, CLOSE), ((*spare, self.title), CLOSE)]
        return next((choice for choice in choices if self._needed_px(*choice) <= self._scroll.height()), choices[-1])

    def _needed_px(self, away: tuple[QWidget, ...], room: Room) -> int:
        """Height of the page; computed rather than tried, as showing and hiding would ask for layouts without end."""
        width = self._scroll.width() - 2 * room.side_px
        shown = [widget for widget in self._in_order() if widget not in away]
        heights = [w.heightForWidth(width) if w.hasHeightForWidth() else w.sizeHint().height() for w in shown]
        gaps = len(shown) + 2  # the stretches and the space between the halves are rows, too
        return sum(heights) + gaps * room.gap_px + room.between_px + 2 * EDGE_PX


def _centred(*buttons: QPushButton) -> QWidget:
    row = QWidget()
    layout = FlowLayout(row, GAP_PX, centred=True)
    for button in buttons:
        layout.addWidget(button)
    return row
