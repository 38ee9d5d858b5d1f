"""Eye-dome lighting from a depth buffer: pixels farther away than their surroundings are darkened.

A graphics card does this while it draws. Software OpenGL cannot build its picture in steps that way, so there it is
computed once, when all points are drawn, and overlaid on the view. Source: Boucheny 2009.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage, QPainter

from app.views.overlay import Overlay

STRENGTH = 18.0
DARKEST = 0.62
STEP_SHARE = 0.0022  # distance of a pixel's neighbours, as a share of the picture's height
WAYS = ((0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1))


def eye_dome(depth: NDArray[np.float32], nearest: float, farthest: float) -> NDArray[np.uint8]:
    """How much to darken each pixel, 0..255.

    depth: (h, w) as OpenGL keeps it, 1 where nothing was drawn. nearest, farthest: distances of the clipping planes.
    """
    drawn = depth < 1.0
    if not drawn.any():
        return np.zeros(depth.shape, np.uint8)
    # Back to distances relative to the part's depth range: the same shading for a screw and a wing.
    far = nearest * farthest / np.maximum(farthest - depth * (farthest - nearest), 1e-12)
    low, high = np.percentile(far[drawn][:: max(1, int(drawn.sum()) // 20_000)], [1, 99])
    relief = (far / max(float(high - low), 1e-12)).astype(np.float32)
    relief[~drawn] = -1.0  # the background is not a neighbour: the part's outline is not shaded
    step = max(1, round(STEP_SHARE * depth.shape[0]))
    behind = np.zeros(depth.shape, np.float32)
    padded = np.pad(relief, step, constant_values=-1.0)
    for down, right in WAYS:
        rows, columns = slice((1 + down) * step, None), slice((1 + right) * step, None)
        other = padded[rows, columns][: depth.shape[0], : depth.shape[1]]
        behind += np.where(other >= 0.0, np.maximum(relief - other, 0.0), 0.0)
    dark = (1.0 - np.exp(-STRENGTH * behind / len(WAYS))) * DARKEST
    return np.asarray(np.where(drawn, dark * 255, 0), np.uint8)


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
