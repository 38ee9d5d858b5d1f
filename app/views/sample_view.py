"""A sample's points from any side, drawn with Qt's own painter: light enough to follow the pointer over a plot."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from app.widgets.theme import Theme, caption_font
from sedir_core.types import DoubleArray

TURN, TILT = 35.0, 25.0
"""Degrees: from the front right, and from above."""
BANDS, FAINTEST = 6, 0.25
DEGREES_A_PIXEL, DEGREES_A_KEY = 0.6, 10.0
STEEPEST = 89.0
KEYS = {
    Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, 1), Qt.Key.Key_Down: (0, -1),
}  # fmt: skip


def paint_points(
    painter: QPainter, points: DoubleArray, colour: QColor, room: QRectF, turn: float = TURN, tilt: float = TILT
) -> None:
    """points: (m, 3) around their middle, within a radius of one; nearer ones are stronger. turn, tilt: degrees."""
    a, b = np.radians(turn), np.radians(tilt)
    x = points[:, 0] * np.cos(a) - points[:, 1] * np.sin(a)
    away = points[:, 0] * np.sin(a) + points[:, 1] * np.cos(a)
    y = points[:, 2] * np.cos(b) + away * np.sin(b)
    near = points[:, 2] * np.sin(b) - away * np.cos(b)
    radius = min(room.width(), room.height()) / 2
    bands = np.digitize(near, np.quantile(near, np.linspace(0, 1, BANDS + 1)[1:-1]))
    ink = QColor(colour)
    for band in range(BANDS):
        ink.setAlphaF(FAINTEST + (1 - FAINTEST) * band / (BANDS - 1))
        painter.setPen(QPen(ink, 2.2, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        own = bands == band
        flat = np.column_stack([room.center().x() + radius * x[own], room.center().y() - radius * y[own]])
        painter.drawPoints(QPolygonF([QPointF(*place) for place in flat.tolist()]))


class SampleView(QWidget):
    """One sample with its name; a drag or the arrow keys turn it, a double click turns it back."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.title, self.under = "", ""
        self.points: DoubleArray | None = None
        self.turn, self.tilt = TURN, TILT
        self._dragged: QPointF | None = None
        self.setMinimumHeight(84)
        self.setCursor(Qt.CursorShape.OpenHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setToolTip("Drag to turn it; double click: back")
        self.setAccessibleName("The sample that was pointed at last")

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.update()

    def show_sample(self, title: str, under: str) -> None:
        """Its points follow by `show_points`."""
        self.title, self.under, self.points = title, under, None
        self.update()

    def show_points(self, points: DoubleArray) -> None:
        """(m, 3) around their middle, within a radius of one."""
        self.points = points
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        self._dragged = event.position()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if self._dragged is not None:
            moved = event.position() - self._dragged
            self._dragged = event.position()
            self._turn_by(DEGREES_A_PIXEL * moved.x(), DEGREES_A_PIXEL * moved.y())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        self._dragged = None

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        self.turn, self.tilt = TURN, TILT
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        way = KEYS.get(Qt.Key(event.key()))
        if way is None:
            super().keyPressEvent(event)
        else:
            self._turn_by(DEGREES_A_KEY * way[0], DEGREES_A_KEY * way[1])

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(caption_font(self.font()))
        metrics = painter.fontMetrics()
        line, room = metrics.height(), QRectF(self.rect()).adjusted(8, 6, -8, -6)
        picture = room.adjusted(0, 0, 0, -2.2 * line)
        if self.points is not None:
            paint_points(painter, self.points, QColor(self._theme.accent), picture, self.turn, self.tilt)
        elif not self.title:
            painter.setPen(QColor(self._theme.quiet))
            words = "Point at a sample\nto see it here."
            painter.drawText(room, int(Qt.AlignmentFlag.AlignCenter), words)
        for text, lines, colour in ((self.title, 2, self._theme.ink), (self.under, 1, self._theme.quiet)):
            painter.setPen(QColor(colour))
            shown = metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, round(room.width()))
            below = QRectF(room.left(), room.bottom() - lines * line, room.width(), line)
            painter.drawText(below, int(Qt.AlignmentFlag.AlignCenter), shown)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(self._theme.accent), 1.5))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 6, 6)
        painter.end()

    def _turn_by(self, right: float, up: float) -> None:
        self.turn = (self.turn + right) % 360
        self.tilt = min(max(self.tilt + up, -STEEPEST), STEEPEST)
        self.update()
