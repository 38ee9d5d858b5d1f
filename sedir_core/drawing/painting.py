"""What pictures of scans have in common: a suitable viewpoint, a choice of points, paper and ink."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from sedir_core.drawing.colour_maps import Rgb
from sedir_core.drawing.joining import DrawnSurface
from sedir_core.drawing.rendering import Viewport, render
from sedir_core.geometry.sampling import random_subset, spread_subset
from sedir_core.runtime import generator
from sedir_core.types import DoubleArray, IntArray

DPI = 130
INK, PAPER = "#1a2230", "#ffffff"
ELEVATIONS_DEGREES = (25, 55, -25, -55)  # natural views first: they win ties
GRID = 64
PICKED_FROM = 20  # times as many points as are drawn


def png(figure: Figure) -> bytes:
    """The figure as PNG bytes."""
    content = io.BytesIO()
    figure.savefig(content, format="png")
    return content.getvalue()


def plain(colour: str, n: int) -> Rgb:
    """(n, 3) uint8: one colour for all."""
    return np.tile(np.rint(255 * np.array(to_rgb(colour))).astype(np.uint8), (n, 1))


def thinned(points: DoubleArray, most: int, shown: IntArray | None = None) -> IntArray:
    """Indices of at most `most` of the points (n, 3), spread evenly; the same for the same points.

    shown: (m,) indices to choose from; by default all.
    """
    # First a random choice of far more points than are drawn: spreading ten million evenly takes a gigabyte.
    count = len(points) if shown is None else len(shown)
    some = random_subset(count, PICKED_FROM * most, generator("picture", "first"))
    some = some if shown is None else shown[some]
    few = points if len(some) == len(points) else points[some]
    local = (few - few.mean(axis=0)).astype(np.float32) if len(few) else few.astype(np.float32)
    return np.asarray(some[spread_subset(local, most, generator("picture"))])


def best_camera(points: DoubleArray, hot: IntArray, cameras: list[DoubleArray] | None = None) -> DoubleArray:
    """The camera that shows most of the hot points, as (3, 3): rows are right, up and towards the viewer.

    cameras: by default all around, z up.
    """
    if cameras is None:
        cameras = [turned(azimuth, elevation) for elevation in ELEVATIONS_DEGREES for azimuth in range(0, 360, 30)]
    return max(cameras, key=lambda camera: _visible_share(points @ camera.T, hot))


def turned(azimuth_degrees: float, elevation_degrees: float) -> DoubleArray:
    """A camera that looks at the origin from that direction; z is up."""
    azimuth, elevation = np.deg2rad(azimuth_degrees), np.deg2rad(elevation_degrees)
    right = np.array([-np.sin(azimuth), np.cos(azimuth), 0.0])
    towards = np.array([np.cos(azimuth) * np.cos(elevation), np.sin(azimuth) * np.cos(elevation), np.sin(elevation)])
    return np.stack([right, np.cross(towards, right), towards])


def paint(axes: Axes, layers: Sequence[tuple[DrawnSurface, Rgb]], camera: DoubleArray) -> None:
    """Paint surfaces with the colours (n, 3) of their points, within the square that the axes frame."""
    layers = [(surface, colours) for surface, colours in layers if len(surface)]
    if not layers:
        return
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    axes.apply_aspect()
    size = max(1, round(axes.bbox.width))
    frame = Viewport(camera, ((left + right) / 2, (low + high) / 2), (right - left) / 2, size)
    picture = axes.imshow(render(layers, frame), extent=(left, right, low, high), interpolation="bilinear")
    picture.set_zorder(0)


def _visible_share(seen: DoubleArray, hot: IntArray) -> float:
    """Visible share of the hot points on a coarse grid, weighted by how squarely they face the camera."""
    size = max(float(np.ptp(seen, axis=0).max()), 1e-12)
    cells = np.floor((seen[:, :2] - seen[:, :2].min(axis=0)) / size * (GRID - 1)).astype(np.int64)
    cell = cells[:, 0] * GRID + cells[:, 1]
    front = np.full(GRID * GRID, -np.inf)
    np.maximum.at(front, cell, seen[:, 2])
    open_to_view = seen[hot, 2] > front[cell[hot]] - 2 * size / GRID
    return len(np.unique(cell[hot][open_to_view])) / max(len(hot), 1)
