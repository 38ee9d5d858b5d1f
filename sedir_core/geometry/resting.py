"""Estimates the side a part rested on while scanned, and the surface visible from above. [O]

A scanner looks down on the part from all around and misses the resting side: there the points end at a plane that none
of them faces. An opening, such as a cup's, also ends at a plane, but its rim faces that way.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import ConvexHull, QhullError

from sedir_core.geometry.scan_numbers import RESTING
from sedir_core.geometry.visibility import neighbour_distance, sphere_directions, visible_from
from sedir_core.types import BoolArray, DoubleArray

MOST_PIXELS = 512  # across a depth buffer; scans of the usual density take about 100
_TINY = 1e-300


def resting_side(points: DoubleArray, normals: DoubleArray) -> DoubleArray | None:
    """The (3,) outward direction of a scan's open side (points (n, 3)), or None if there is none.

    normals: (n, 3) of any sign.
    """
    try:
        hull = ConvexHull(points)
    except (QhullError, ValueError):  # flat, or too few points
        return None
    corners = points[hull.simplices]
    areas = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) / 2
    faces = hull.equations[:, :3]
    sides: list[tuple[float, DoubleArray]] = []
    free = areas > 0
    for i in np.argsort(-areas):
        if not free[i]:
            continue
        one = free & (faces @ faces[i] > RESTING.one_side)
        free &= ~one
        out = areas[one] @ faces[one]
        sides.append((float(areas[one].sum()), out / max(float(np.linalg.norm(out)), _TINY)))
    sides.sort(key=lambda side: -side[0])
    depth = RESTING.slab * float(np.linalg.norm(np.ptp(points, axis=0)))
    for area, out in sides[: RESTING.sides]:
        height = points @ out
        near = height > height.max() - depth
        if (
            area > RESTING.least_area * areas.sum()
            and float((np.abs(normals[near] @ out) > RESTING.faces).mean()) < RESTING.facing_share
        ):
            return out
    return None


class Sight:
    """Visibility of places for a scanner above a part: depth buffers from all around.

    points: (n, 3). down: (3,) out of the side that the part lies on. pixel: their width.
    """

    def __init__(self, points: DoubleArray, down: DoubleArray, pixel: float) -> None:
        looks = sphere_directions(RESTING.directions)
        self.looks = looks[looks @ down < -RESTING.steep]
        self.planes = np.array([np.linalg.svd(look[None])[2][1:] for look in self.looks])  # (d, 2, 3)
        across = np.einsum("dki,ni->dnk", self.planes, points)
        # Two dense clumps far apart would take a buffer of petabytes.
        self.pixel = pixel = max(pixel, float(np.ptp(across, axis=1).max()) / MOST_PIXELS)
        self.low = across.min(axis=1) - pixel
        cells = np.floor((across - self.low[:, None]) / pixel).astype(np.int64)
        self.size = int(cells.max()) + 2
        self.front = np.full((len(self.looks), self.size, self.size), -np.inf)
        each = np.broadcast_to(np.arange(len(self.looks))[:, None], cells.shape[:2])
        np.maximum.at(self.front, (each, cells[..., 0], cells[..., 1]), self.looks @ points.T)

    def shows(self, points: DoubleArray, normals: DoubleArray) -> BoolArray:
        """(m,) which of points (m, 3) with outward normals (m, 3) would be visible if they belonged to the part."""
        across = np.einsum("dki,ni->dnk", self.planes, points)
        cells = np.clip(np.floor((across - self.low[:, None]) / self.pixel).astype(np.int64), 0, self.size - 1)
        facing, depth = self.looks @ normals.T, self.looks @ points.T
        slope = np.sqrt(np.maximum(1 - facing**2, 0)) / np.maximum(facing, RESTING.plainly)
        front = self.front[np.arange(len(self.looks))[:, None], cells[..., 0], cells[..., 1]]
        return np.asarray(
            ((facing > RESTING.plainly) & (depth > front - self.pixel * (0.5 + slope))).sum(axis=0) >= RESTING.looks
        )


def seen_from_above(points: DoubleArray, normals: DoubleArray, down: DoubleArray) -> DoubleArray:
    """(n,) in -1..1: + where normals (n, 3) face the directions from which points (n, 3) are seen; NaN if not visible.

    down: (3,) out of the side that the part lies on.
    """
    nearest = neighbour_distance(points)
    votes, cast = np.zeros(len(points)), np.zeros(len(points))
    for direction in sphere_directions(RESTING.directions):
        if direction @ down < -RESTING.lowest:
            facing = (normals @ direction) * visible_from(points, direction, normals, nearest)
            votes += facing
            cast += np.abs(facing)
    return np.asarray(np.divide(votes, cast, out=np.full(len(points), np.nan), where=cast > 0))
