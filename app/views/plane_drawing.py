"""The section plane over a 3D view: a pale square with a rim."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from app.views.overlay import Overlay


class PlaneDrawing:
    """Draws nothing until `show_plane`."""

    def __init__(self, overlay: Overlay) -> None:
        self._overlay = overlay
        self._corners: NDArray[np.float64] | None = None
        self._accent = "#ffffff"
        overlay.drawings.append(self)

    def show_plane(self, corners: NDArray[np.float64] | None, accent: str) -> None:
        """corners: (4, 3) around the shape's origin."""
        self._corners, self._accent = corners, accent
        self._overlay.update()

    def paint(self, painter: QPainter, overlay: Overlay) -> None:
        if self._corners is None or (seen := overlay.seen(self._corners)) is None:
            return
        fill, rim = QColor(self._accent), QColor(self._accent)
        fill.setAlphaF(0.08)
        rim.setAlphaF(0.7)
        painter.setBrush(fill)
        painter.setPen(QPen(rim, 1.2, Qt.PenStyle.DashLine))
        painter.drawPolygon(QPolygonF([QPointF(float(x), float(y)) for x, y, _ in seen]))
