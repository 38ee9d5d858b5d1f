"""A small picture of a point cloud, without OpenGL: for lists and trees."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPen, QPixmap

from app.widgets.theme import Theme
from sedir_core.types import DoubleArray

SHARPNESS = 2  # drawn at twice the size, for screens that show it
LAYERS = 8  # number of depth shades


def cloud_icon(points: DoubleArray, theme: Theme, size: int) -> QIcon:
    """The points (n, 3) seen from their widest side, near ones strong, far ones faint."""
    picture = QPixmap(size * SHARPNESS, size * SHARPNESS)
    picture.fill(Qt.GlobalColor.transparent)
    if len(points) < 4:
        return QIcon(picture)
    centred = points - points.mean(axis=0)
    axes = np.linalg.svd(centred[:: max(1, len(centred) // 500)], full_matrices=False)[2]
    tilt = np.array([[1, 0, 0], [0, np.cos(0.5), -np.sin(0.5)], [0, np.sin(0.5), np.cos(0.5)]])
    turned = centred @ axes.T @ tilt
    flat = turned[:, :2] / max(float(np.abs(turned[:, :2]).max()), 1e-300) * (0.46 * picture.width())
    depth = np.argsort(np.argsort(turned[:, 2])) * LAYERS // len(turned)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.translate(picture.width() / 2, picture.height() / 2)
    for layer in range(LAYERS):
        colour = QColor(theme.accent)
        colour.setAlphaF(0.15 + 0.8 * (layer + 1) / LAYERS)
        painter.setPen(QPen(colour, 2.2, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawPoints([QPointF(float(x), float(-y)) for x, y in flat[depth == layer]])
    painter.end()
    return QIcon(picture)
