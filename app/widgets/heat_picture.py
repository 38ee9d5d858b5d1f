"""Small heatmap of a scan, without OpenGL: for strips and lists."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPixmap

from sedir_core.drawing.colour_maps import N_STEPS, colour_map
from sedir_core.types import DoubleArray, FloatArray

TILT = 0.5  # elevation in radians above the part's widest plane
SHADES = 32
FILL = 0.44  # share of the picture's side from its centre to the farthest point
COVER = 0.75  # dot size over side, times the root of the number of points, so that dots of few points close up


def heat_picture(points: FloatArray, scores: FloatArray, limit: float, size: int, ratio: float) -> QPixmap:
    """points (n, 3), scores (n,): colours run from 0 to twice `limit`. size: in device-independent pixels."""
    side = max(1, round(size * ratio))
    picture = QPixmap(side, side)
    picture.fill(Qt.GlobalColor.transparent)
    if len(points) >= 4:
        flat = from_the_side(points.astype(np.float64))
        step = np.clip(scores / max(2 * limit, 1e-12) * SHADES, 0, SHADES - 1).astype(int)
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.translate(side / 2, side / 2)
        # Highest scores last, so that a small hot spot is not painted over.
        for shade in np.unique(step):
            red, green, blue = colour_map()[shade * (N_STEPS - 1) // (SHADES - 1)]
            dot = max(2.0, COVER * side / np.sqrt(len(points)))
            colour = QColor(int(red), int(green), int(blue))
            painter.setPen(QPen(colour, dot, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            painter.drawPoints([QPointF(x * side, -y * side) for x, y in flat[step == shade]])
        painter.end()
    picture.setDevicePixelRatio(ratio)
    return picture


def from_the_side(points: DoubleArray) -> DoubleArray:
    """(n, 3) -> (n, 2) within ±FILL, the part's widest side, seen slightly from above."""
    centred = points - points.mean(axis=0)
    axes = np.linalg.svd(centred[:: max(1, len(centred) // 500)], full_matrices=False)[2]
    tilt = np.array([[1, 0, 0], [0, np.cos(TILT), -np.sin(TILT)]])
    flat = centred @ axes.T @ tilt.T
    return np.asarray(FILL * flat / max(float(np.abs(flat).max()), 1e-300))
