"""Thumbnail of a scored scan, rendered with numpy: needs neither OpenGL nor the GUI thread.

Shaded squares are painted back to front at twice the size and averaged down. If something is over the limit, the side
that shows most of it is chosen; otherwise the view is that of the 3D views.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QBuffer, QIODevice
from PySide6.QtGui import QImage

from app.state.shapes import Shape
from app.views.camera import START_DIRECTION
from sedir_core.drawing.colour_maps import Rgb
from sedir_core.drawing.colours import heat
from sedir_core.types import DoubleArray, FloatArray, IntArray

SIZE = 88
"""Side in pixels: twice the size in the list, for high-DPI screens."""
MOST_POINTS, FEW_POINTS = 9000, 1500
SMALL = 28  # side in pixels of the trial renderings that choose the viewpoint
SIDES_DEGREES = (0, 60, -60, 120, -120, 180)
MARGIN = 0.06
AMBIENT = 0.5
COVER = 1.6  # a point's width in spacings: neighbours must close up

Picture = NDArray[np.uint8]


def thumbnail(shape: Shape, scores: FloatArray, limit: float) -> bytes:
    """The scan as a square PNG of SIZE pixels on a transparent background; empty if there is nothing to show.

    scores: (n,) of the scan's own points, in which `shape.rows` count. limit: of the point scores.
    """
    shape = shape.head(MOST_POINTS).without_strays()
    if len(shape) < 4:
        return b""
    few = shape.head(FEW_POINTS)
    excess = np.nan_to_num(scores[few.rows] / limit - 1.0, nan=0.0) if limit > 0 else np.zeros(len(few))
    hot = np.clip(excess, 0.0, 1.0)
    side = max(SIDES_DEGREES, key=lambda turn: _shown(few, hot, turn)) if hot.any() else SIDES_DEGREES[0]
    return png(splat(shape, heat(scores[shape.rows], limit), side, SIZE))


def splat(shape: Shape, colours: Rgb, turn_degrees: float, size: int) -> Picture:
    """(size, size, 4) RGBA with straight alpha. colours: (m, 3) of the shape's points."""
    camera = axes_from(_towards(turn_degrees))
    shade = AMBIENT + (1.0 - AMBIENT) * np.abs(shape.normals @ camera[2])
    painted = np.zeros((4 * size * size, 4), np.float32)
    pixels, owners = cover(shape, camera, 2 * size)
    painted[pixels, :3] = (colours * shade[:, None])[owners]
    painted[pixels, 3] = 255.0
    # Uncovered pixels are black with no alpha: the mean is premultiplied, so divide by the coverage.
    mean = painted.reshape(size, 2, size, 2, 4).mean(axis=(1, 3))
    mean[..., :3] *= 255.0 / np.maximum(mean[..., 3:], 1.0)
    return np.asarray(np.rint(mean), np.uint8)


def png(picture: Picture) -> bytes:
    """(h, w, 4) RGBA as a PNG file's content."""
    height, width, _ = picture.shape
    content = np.ascontiguousarray(picture)
    image = QImage(content.data, width, height, 4 * width, QImage.Format.Format_RGBA8888)
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")  # type: ignore[call-overload]  # the stubs want bytes, the function a text
    return bytes(buffer.data().data())


def cover(shape: Shape, camera: DoubleArray, size: int) -> tuple[IntArray, IntArray]:
    """Flat pixel indices and the point that paints each; for a repeated pixel the last, nearest point wins."""
    seen = shape.points @ camera.T
    low, high = np.percentile(seen[:, :2], [0.2, 99.8], axis=0)  # an outlier must not shrink the part to a dot
    scale = size * (1 - 2 * MARGIN) / max(float((high - low).max()), 1e-12)
    order = np.argsort(seen[:, 2], kind="stable")
    centre = (seen[order, :2] - (low + high) / 2) * scale * (1, -1) + size / 2
    width = int(np.clip(round(COVER * shape.spacing * scale), 2, 7))
    steps = np.arange(width) - (width - 1) / 2
    columns = np.floor(centre[:, 0, None] + steps).astype(np.int64)  # (m, width)
    lines = np.floor(centre[:, 1, None] + steps).astype(np.int64)
    pixels = lines[:, :, None] * size + columns[:, None, :]
    inside = ((lines >= 0) & (lines < size))[:, :, None] & ((columns >= 0) & (columns < size))[:, None, :]
    owners = np.broadcast_to(order[:, None, None], pixels.shape)
    return pixels[inside], owners[inside]


def _shown(shape: Shape, hot: DoubleArray, turn_degrees: float) -> float:
    """How much of the anomaly is visible from a direction."""
    pixels, owners = cover(shape, axes_from(_towards(turn_degrees)), SMALL)
    front = np.zeros(SMALL * SMALL)
    front[pixels] = hot[owners]
    return float(front.sum())


def _towards(turn_degrees: float) -> DoubleArray:
    """The 3D views' first camera turned around the vertical."""
    turn = np.deg2rad(turn_degrees)
    x, y, z = np.asarray(START_DIRECTION) / np.linalg.norm(START_DIRECTION)
    return np.array([x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn), z])


def axes_from(towards: DoubleArray) -> DoubleArray:
    """(3, 3): right, up and towards a viewer in that direction, a unit vector."""
    upright = (0.0, 0.0, 1.0) if abs(towards[2]) < 0.98 else (0.0, 1.0, 0.0)
    right = np.cross(upright, towards)
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(towards, right), towards])
