"""A cube in the corner of a 3D view that turns with the part; a click on a face looks from that side."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPen, QPolygonF, QTransform

from app.views.overlay import Overlay
from sedir_core.types import DoubleArray

SIDE_PX, MARGIN_PX, TOP_PX = 44.0, 54.0, 66.0
INK = "#1b2028"
SIDES: Mapping[str, tuple[float, float, float]] = {
    "Front": (0.0, -1.0, 0.0),
    "Back": (0.0, 1.0, 0.0),
    "Left": (-1.0, 0.0, 0.0),
    "Right": (1.0, 0.0, 0.0),
    "Top": (0.0, 0.0, 1.0),
    "Bottom": (0.0, 0.0, -1.0),
}
"""Direction of the camera by view name; z is up."""


class ViewCube:
    """Painted over one view."""

    def __init__(self, overlay: Overlay) -> None:
        self._overlay = overlay
        self._shown = True
        overlay.drawings.append(self)

    def show(self, on: bool) -> None:
        self._shown = on
        self._overlay.update()

    @property
    def room(self) -> QRectF:
        """The area it may cover in any orientation; empty if not shown."""
        if not self._seen:
            return QRectF()
        half = SIDE_PX * 3**0.5 / 2
        return QRectF(self._overlay.width() - MARGIN_PX - half, TOP_PX - half, 2 * half, 2 * half)

    @property
    def _seen(self) -> bool:
        least = 4 * MARGIN_PX
        return self._shown and self._overlay.width() >= least and self._overlay.height() >= least

    def at(self, place: QPointF) -> str | None:
        """Name of the side under the mouse."""
        if not self._seen:
            return None
        for name, face in reversed(list(self.faces().items())):
            if face.containsPoint(place, Qt.FillRule.OddEvenFill):
                return name
        return None

    def faces(self) -> dict[str, QPolygonF]:
        """The visible faces in widget pixels, nearest last."""
        axes = self._overlay.axes()
        if axes is None:
            return {}
        middle = QPointF(self._overlay.width() - MARGIN_PX, TOP_PX)
        found = {}
        for name, outward in sorted(SIDES.items(), key=lambda item: float(np.dot(item[1], axes[2]))):
            if float(np.dot(outward, axes[2])) <= 0.02:
                continue
            corners = [_flat(corner, axes) * SIDE_PX / 2 for corner in _corners(np.array(outward))]
            found[name] = QPolygonF([middle + QPointF(float(x), float(-y)) for x, y in corners])
        return found

    def paint(self, painter: QPainter, overlay: Overlay) -> None:
        if not self._seen:
            return
        axes = overlay.axes()
        for name, face in self.faces().items():
            light = 0.0 if axes is None else float(np.dot(SIDES[name], axes[2]))
            painter.setPen(QPen(QColor(INK), 1.0))
            painter.setBrush(QColor.fromHsvF(0.6, 0.08, 0.62 + 0.3 * light, 0.92))
            painter.drawPolygon(face)
            if light > 0.35:
                self._label(painter, name, face)

    def _label(self, painter: QPainter, name: str, face: QPolygonF) -> None:
        """The name, drawn in the plane of its face."""
        flat = QTransform()
        square = QPolygonF([QPointF(0, 0), QPointF(100, 0), QPointF(100, 100), QPointF(0, 100)])
        if not QTransform.quadToQuad(square, face, flat):
            return
        font = QFont(self._overlay.font())
        font.setPixelSize(26)
        font.setBold(True)
        painter.save()
        painter.setTransform(flat, combine=True)
        painter.setFont(font)
        painter.setPen(QColor(INK))
        painter.drawText(QRectF(0, 0, 100, 100), int(Qt.AlignmentFlag.AlignCenter), name)
        painter.restore()


def _corners(outward: DoubleArray) -> DoubleArray:
    """(4, 3) corners of a face of the cube of side 2, from the top left as seen from outside."""
    up = np.array((0.0, 1.0, 0.0)) * np.sign(outward[2]) if abs(outward[2]) > 0.5 else np.array((0.0, 0.0, 1.0))
    right = np.cross(up, outward)
    return np.array([outward + a * right + b * up for a, b in ((-1, 1), (1, 1), (1, -1), (-1, -1))])


def _flat(corner: DoubleArray, axes: DoubleArray) -> DoubleArray:
    return np.asarray(axes[:2] @ corner)
