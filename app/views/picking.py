"""Which point lies under the mouse, and how far two points are apart. Plain geometry, free of Qt and graphics."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.views.camera import CameraPose, project
from sedir_core.types import DoubleArray, FloatArray

REACH_PX = 12.0
"""Largest distance between a click and a point."""
FRONT_SHARE = 0.15
"""Share of the depth range within reach that counts as front; points behind it are hidden."""


@dataclass(frozen=True)
class Probe:
    """A point that was picked. place: (3,) float64 in the scan's own coordinates. row: of the scan, or None where it
    belongs to the reconstruction."""

    place: DoubleArray
    row: int | None


def point_under(
    points: FloatArray, pose: CameraPose, view_angle_deg: float, width: float, height: float, x: float, y: float
) -> int | None:
    """Index of the (n, 3) point visible at pixel (x, y), or None if none is near.

    Among the points within reach, the frontmost compete, and the one nearest to the pixel wins.
    """
    if not len(points):
        return None
    seen = project(points, pose, view_angle_deg, width, height)
    aside = np.hypot(seen[:, 0] - x, seen[:, 1] - y)
    near = np.flatnonzero((aside <= REACH_PX) & (seen[:, 2] > 0))
    if not len(near):
        return None
    depth = seen[near, 2]
    # A small disc covers one sheet of the surface; a large one may include points far behind it.
    front = near[depth <= depth.min() + max(FRONT_SHARE * float(np.ptp(depth)), 1e-12)]
    return int(front[np.argmin(aside[front])])


def distance(first: Probe, second: Probe) -> tuple[float, DoubleArray]:
    """Euclidean distance of two picked points and its x, y and z components, in the scan's unit."""
    way = np.asarray(second.place - first.place, np.float64)
    return float(np.linalg.norm(way)), way
