"""Scale bar of a round length, and the axes of the scan's coordinates."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from app.views.overlay import Overlay

MOST_SHARE, LEAST_PX = 0.3, 40.0
"""Allowed length of the bar, as a share of the view's width; a shorter one is of no use."""
MARGIN_PX, TICK_PX = 14.0, 4.0
ARM_PX = 26.0
AXES = (("x", (1.0, 0.0, 0.0), "#ff7b72"), ("y", (0.0, 1.0, 0.0), "#7ee787"), ("z", (0.0, 0.0, 1.0), "#79b8ff"))
SHADE = QColor(16, 19, 23, 150)


class ScaleBar:
    """Valid at the distance of the camera's focal point."""

    def __init__(self, overlay: Overlay) -> None:
        self._overlay = overlay
        self._factor, self._ink = 1.0, "#ffffff"
        self._text: Callable[[float], str] = str
        overlay.drawings.append(self)

    def set_unit(self, factor: float, text: Callable[[float], str], ink: str) -> None:
        """factor: from scan coordinates to the display unit. text: formats a length in that unit."""
        self._factor, self._text, self._ink = factor, text, ink
        self._overlay.update()

    @property
    def length(self) -> float | None:
        """In the display unit: the largest 1, 2 or 5 times a power of ten that fits."""
        pixel = self._overlay.length_of_pixel()
        if pixel is None or pixel <= 0:
            return None
        most = MOST_SHARE * self._overlay.width() * pixel * self._factor
        power = 10.0 ** np.floor(np.log10(most))
        return float(max(step * power for step in (1, 2, 5) if step * power <= most))

    @property
    def room(self) -> QRectF:
        """Area of the view that it covers; empty while it is not drawn."""
        length, width = self.length, self._width
        if length is None or width < LEAST_PX:
            return QRectF()
        metrics = QFontMetricsF(self._overlay.font())
        wide = max(width, metrics.horizontalAdvance(self._text(length)))
        right, bottom = self._overlay.width() - MARGIN_PX, self._overlay.height() - MARGIN_PX
        return QRectF(right - wide - 8, bottom - metrics.height() - 12, wide + 16, metrics.height() + 18)

    @property
    def _width(self) -> float:
        """Of the bar, in pixels."""
        length, pixel = self.length, self._overlay.length_of_pixel()
        return 0.0 if length is None or pixel is None else length / self._factor / pixel

    def paint(self, painter: QPainter, overlay: Overlay) -> None:
        length, ground, width = self.length, self.room, self._width
        if length is None or ground.isEmpty():
            return
        text = self._text(length)
        metrics = QFontMetricsF(overlay.font())
        right, bottom = overlay.width() - MARGIN_PX, overlay.height() - MARGIN_PX
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(SHADE)
        painter.drawRoundedRect(ground, 5, 5)
        painter.setPen(QPen(QColor(self._ink), 1.6))
        left = right - width
        painter.drawLine(QPointF(left, bottom), QPointF(right, bottom))
        for x in (left, right):
            painter.drawLine(QPointF(x, bottom - TICK_PX), QPointF(x, bottom))
        words = QRectF(left - 60, bottom - metrics.height() - 6, width + 120, metrics.height())
        painter.drawText(words, int(Qt.AlignmentFlag.AlignCenter), text)


class AxesMark:
    """Coordinate axes in the corner as the camera sees them, back to front."""

    def __init__(self, overlay: Overlay) -> None:
        self._overlay = overlay
        overlay.drawings.append(self)

    @property
    def room(self) -> QRectF:
        """Area of the view that they cover."""
        side = 2 * (ARM_PX + 8)
        return QRectF(MARGIN_PX, self._overlay.height() - MARGIN_PX - side, side, side)

    def paint(self, painter: QPainter, overlay: Overlay) -> None:
        axes = overlay.axes()
        if axes is None:
            return
        middle = self.room.center()
        metrics = QFontMetricsF(overlay.font())
        for name, way, colour in sorted(AXES, key=lambda arm: float(np.dot(arm[1], axes[2]))):
            right, up, _ = axes @ np.array(way)
            end = middle + QPointF(float(right), float(-up)) * ARM_PX
            painter.setPen(QPen(QColor(colour), 2.2, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            painter.drawLine(middle, end)
            place = middle + QPointF(float(right), float(-up)) * (ARM_PX + 9)
            room = QRectF(place.x() - 8, place.y() - metrics.height() / 2, 16, metrics.height())
            painter.drawText(room, int(Qt.AlignmentFlag.AlignCenter), name)
