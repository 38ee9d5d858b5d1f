"""Which side a part lay on while it was scanned, as far as its points tell, and which sides were seen from above. [O]

A scanner looks down on the part from all around, so the side it lies on is not seen: there the points end at a plane
that none of them faces. A mouth, such as a cup's, ends at a plane, too, but its rim faces that way.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import ConvexHull, QhullError

from sedir_core.geometry.visibility import neighbour_distance, sphere_directions, visible_from
from sedir_core.types import BoolArray, DoubleArray

N_DIRECTIONS = 96  # all around; about half of them look down
LOWEST = 0.1  # sine of the elevation from which a scanner looks at the least
N_SIDES = 6  # of the hull, the broadest, that may be what it lay on
ONE_SIDE = 0.9986  # cosine between hull faces of one side: 3 degrees
SLAB = 0.02  # of the part's diagonal: points so near to a side's plane are looked at
FACES = 0.8  # cosine between a point's normal and the side's
BARE = 0.2  # share of the slab's points that may face the side: others have 0.35 and more on shapes of our own, it 0.13
LEAST_AREA = 0.02  # of the hull
STEEP = 0.4  # sine of the elevation from which any scanner looks
PLAINLY, N_LOOKS = 0.5, 5  # cosine, and directions from which a point is seen like that: no scanner misses it
_TINY = 1e-300


def resting_side(points: DoubleArray, normals: DoubleArray) -> DoubleArray | None:
    """The (3,) direction out of the side that a scan's points (n, 3) leave open, or None where there is none.

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
        one = free & (faces @ faces[i] > ONE_SIDE)
        free &= ~one
        out = areas[one] @ faces[one]
        sides.append((float(areas[one].sum()), out / max(float(np.linalg.norm(out)), _TINY)))
    sides.sort(key=lambda side: -side[0])
    depth = SLAB * float(np.linalg.norm(np.ptp(points, axis=0)))
    for area, out in sides[:N_SIDES]:
        height = points @ out
        near = height > height.max() - depth
        if area > LEAST_AREA * areas.sum() and float((np.abs(normals[near] @ out) > FACES).mean()) < BARE:
            return out
    return None


class Sight:
    """What a scanner above a part sees past its points: depth buffers from all around.

    points: (n, 3). down: (3,) out of the side that the part lies on. pixel: their width.
    """

    def __init__(self, points: DoubleArray, down: DoubleArray, pixel: float) -> None:
        looks = sphere_directions(N_DIRECTIONS)
        self.looks = looks[looks @ down < -STEEP]
        self.pixel = pixel
        self.planes = np.array([np.linalg.svd(look[None])[2][1:] for look in self.looks])  # (d, 2, 3)
        across = np.einsum("dki,ni->dnk", self.planes, points)
        self.low = across.min(axis=1) - pixel
        cells = np.floor((across - self.low[:, None]) / pixel).astype(np.int64)
        self.size = int(cells.max()) + 2
        self.front = np.full((len(self.looks), self.size, self.size), -np.inf)
        each = np.broadcast_to(np.arange(len(self.looks))[:, None], cells.shape[:2])
        np.maximum.at(self.front, (each, cells[..., 0], cells[..., 1]), self.looks @ points.T)

    def shows(self, points: DoubleArray, normals: DoubleArray) -> BoolArray:
        """(m,) which of points (m, 3) with outward normals (m, 3) would be seen, if they were of the part."""
        across = np.einsum("dki,ni->dnk", self.planes, points)
        cells = np.clip(np.floor((across - self.low[:, None]) / self.pixel).astype(np.int64), 0, self.size - 1)
        facing, depth = self.looks @ normals.T, self.looks @ points.T
        slope = np.sqrt(np.maximum(1 - facing**2, 0)) / np.maximum(facing, PLAINLY)
        front = self.front[np.arange(len(self.looks))[:, None], cells[..., 0], cells[..., 1]]
        return np.asarray(((facing > PLAINLY) & (depth > front - self.pixel * (0.5 + slope))).sum(axis=0) >= N_LOOKS)


def seen_from_above(points: DoubleArray, normals: DoubleArray, down: DoubleArray) -> DoubleArray:
    """(n,) in -1..1: + where normals (n, 3) look to where points (n, 3) are seen from above; NaN where they are not.

    down: (3,) out of the side that the part lies on.
    """
    nearest = neighbour_distance(points)
    votes, cast = np.zeros(len(points)), np.zeros(len(points))
    for direction in sphere_directions(N_DIRECTIONS):
        if direction @ down < -LOWEST:
            facing = (normals @ direction) * visible_from(points, direction, normals, nearest)
            votes += facing
            cast += np.abs(facing)
    return np.asarray(np.divide(votes, cast, out=np.full(len(points), np.nan), where=cast > 0))
