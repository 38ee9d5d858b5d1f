"""Depth shading of a view: its depth buffer becomes eye-dome lighting, overlaid on the picture.

A graphics card does this while it draws. Software OpenGL cannot build its picture in steps that way, so there it is
computed once, when all points are drawn.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage, QPainter

from app.views.overlay import Overlay
from sedir_core.drawing.eye_dome import eye_dome


def darkness(depth: NDArray[np.float32], nearest: float, farthest: float) -> NDArray[np.uint8]:
    """How much to darken each pixel, 0..255.

    depth: (h, w) as OpenGL keeps it, 1 where nothing was drawn. nearest, farthest: distances of the clipping planes.
    """
    far = nearest * farthest / np.maximum(farthest - depth * (farthest - nearest), 1e-12)
    return eye_dome(np.where(depth < 1.0, far, np.nan).astype(np.float32))


class DepthShade:
    """Overlays the shading on a view until `clear`."""

    def __init__(self, overlay: Overlay) -> None:
        self._overlay = overlay
        self._image: QImage | None = None
        overlay.drawings.append(self)

    def show_shade(self, dark: NDArray[np.uint8]) -> None:
        """dark: (h, w), the top row first, in the screen's own pixels."""
        height, width = dark.shape
        black = np.zeros((height, width, 4), np.uint8)
        black[..., 3] = dark
        self._image = QImage(black.tobytes(), width, height, 4 * width, QImage.Format.Format_ARGB32).copy()
        self._overlay.update()

    def clear(self) -> None:
        if self._image is not None:
            self._image = None
            self._overlay.update()

    def paint(self, painter: QPainter, overlay: Overlay) -> None:
        if self._image is not None:
            painter.drawImage(overlay.rect(), self._image)
