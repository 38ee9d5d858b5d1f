"""Picked points and the distance between them, drawn over a 3D view."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen

from app.views.marks import DARK, PADDING_PX, paint_dot
from app.views.overlay import Overlay

DOT_PX = 4.5
NAME_PX = 20.0
NAMES = "AB"


class ProbeMarks:
    """One or two points, named A and B, with a line and its length where there are two."""

    def __init__(self, overlay: Overlay) -> None:
        self._overlay = overlay
        self._places: NDArray[np.float64] = np.empty((0, 3))
        self._length = ""
        self._accent = "#ffffff"
        overlay.drawings.append(self)

    def show_probes(self, places: NDArray[np.float64], length: str, accent: str) -> None:
        """places: (0..2, 3) around the shape's origin. length: label of the line between two."""
        self._places, self._length, self._accent = places, length, accent
        self._overlay.update()

    def paint(self, painter: QPainter, overlay: Overlay) -> None:
        spots = [overlay.seen(place[None]) for place in self._places]
        ends = [None if spot is None else QPointF(float(spot[0, 0]), float(spot[0, 1])) for spot in spots]
        colour = QColor(self._accent)
        if len(ends) == 2 and ends[0] is not None and ends[1] is not None:
            self._paint_line(painter, ends[0], ends[1], colour)
        for end in ends:
            if end is not None:
                paint_dot(painter, end, colour, DOT_PX)

    def _paint_line(self, painter: QPainter, start: QPointF, end: QPointF, colour: QColor) -> None:
        """Names go beyond the ends and the length beside the middle, so that nothing covers the line."""
        for ink, width in ((QColor(DARK), 4.0), (colour, 2.0)):
            painter.setPen(QPen(ink, width))
            painter.drawLine(start, end)
        way = end - start
        way /= max((way.x() ** 2 + way.y() ** 2) ** 0.5, 1.0)
        aside = QPointF(abs(way.y()), -abs(way.x())) if way.x() * way.y() >= 0 else QPointF(abs(way.y()), abs(way.x()))
        width = QFontMetricsF(self._font()).horizontalAdvance(self._length) / 2 + PADDING_PX
        self._paint_text(painter, (start + end) / 2 + QPointF(aside.x() * (width + 8), aside.y() * 20), self._length)
        for name, place, outward in zip(NAMES, (start, end), (-way, way), strict=True):
            self._paint_text(painter, place + outward * NAME_PX, name)

    def _paint_text(self, painter: QPainter, middle: QPointF, text: str) -> None:
        font = self._font()
        metrics = QFontMetricsF(font)
        width, height = metrics.horizontalAdvance(text) + 2 * PADDING_PX, metrics.height() + 4
        room = QRectF(middle.x() - width / 2, middle.y() - height / 2, width, height)
        ground = QColor(DARK)
        ground.setAlphaF(0.8)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ground)
        painter.drawRoundedRect(room, 4, 4)
        painter.setPen(QColor(self._accent))
        painter.setFont(font)
        painter.drawText(room, int(Qt.AlignmentFlag.AlignCenter), text)

    def _font(self) -> QFont:
        font = QFont(self._overlay.font())
        font.setBold(True)
        return font
