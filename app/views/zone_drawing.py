"""Regions of a part over a 3D view: wireframe boxes and spheres with their names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen, QPolygonF

from app.views.marks import DARK, EDGES, PADDING_PX
from app.views.overlay import Overlay
from sedir_core.types import DoubleArray, ZonePlace

N_CORNERS = 48  # segments per circle
BELOW_TITLE_PX = 36.0
"""Where names may begin: above is the title of the view."""
N_EDGES = 8  # edges of a prism that are drawn, at most


@dataclass(frozen=True, eq=False)
class DrawnZone:
    """place: in scan coordinates. failed: a deviation inside exceeds its tolerance. dashed: it is not evaluated."""

    name: str
    place: ZonePlace
    failed: bool
    dashed: bool = False


class ZoneDrawing:
    """Draws nothing until `show_zones`."""

    def __init__(self, overlay: Overlay) -> None:
        self._overlay = overlay
        self._wires: list[tuple[DrawnZone, list[NDArray[np.float64]]]] = []
        self._colours = ("#ffffff", "#ffffff")
        overlay.drawings.append(self)

    def show_zones(self, zones: Sequence[DrawnZone], origin: DoubleArray, colours: tuple[str, str]) -> None:
        """origin: (3,) of the shape. colours: of passing and of failing regions."""
        self._wires = [(zone, wires(zone.place, origin)) for zone in zones]
        self._colours = colours
        self._overlay.update()

    def paint(self, painter: QPainter, overlay: Overlay) -> None:
        for zone, lines in self._wires:
            seen = [overlay.seen(line) for line in lines]
            if any(line is None for line in seen):
                continue
            colour = QColor(self._colours[zone.failed])
            drawn = [QPolygonF([QPointF(float(x), float(y)) for x, y, _ in line]) for line in seen if line is not None]
            for ink, width in ((QColor(DARK), 3.0), (colour, 1.4)):
                ink.setAlphaF(0.75)
                dashed = zone.dashed and ink is colour
                painter.setPen(QPen(ink, width, Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine))
                for line in drawn:
                    painter.drawPolyline(line)
            bounds = QRectF()
            for line in drawn:
                bounds = bounds.united(line.boundingRect())
            _paint_name(painter, QPointF(bounds.center().x(), bounds.top()), zone.name, colour)


def wires(place: ZonePlace, origin: DoubleArray) -> list[NDArray[np.float64]]:
    """Lines (k, 3) around the shape's origin: three circles of a sphere, or the edges of a box or prism."""
    if place.rounded:
        turn = np.linspace(0, 2 * np.pi, N_CORNERS + 1)
        circle = np.stack([np.cos(turn), np.sin(turn), np.zeros_like(turn)], axis=1)
        local = [np.roll(circle, shift, axis=1) for shift in range(3)]
    elif place.outline is not None:
        local = _prism(place.outline)
    else:
        corners = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], np.float64)
        local = [corners[list(edge)] for edge in EDGES]
    return [(line * place.half) @ place.axes + place.centre - origin for line in local]


def _prism(outline: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    ends = [np.column_stack([outline, np.full(len(outline), height)]) for height in (-1.0, 1.0)]
    few = range(0, len(outline), -(-len(outline) // N_EDGES))
    return [*(np.vstack([end, end[:1]]) for end in ends), *(np.stack([ends[0][at], ends[1][at]]) for at in few)]


def _paint_name(painter: QPainter, top: QPointF, name: str, colour: QColor) -> None:
    metrics = QFontMetricsF(painter.font())
    width, height = metrics.horizontalAdvance(name) + 2 * PADDING_PX, metrics.height() + 4
    room = QRectF(top.x() - width / 2, max(top.y() - height - 2, BELOW_TITLE_PX), width, height)
    ground = QColor(DARK)
    ground.setAlphaF(0.8)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(ground)
    painter.drawRoundedRect(room, 4, 4)
    painter.setPen(colour)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawText(room, int(Qt.AlignmentFlag.AlignCenter), name)
