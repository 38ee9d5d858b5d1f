"""Points made ready to be drawn, away from the GUI thread: around their own centre, shuffled, with normals.

Shuffled once with a fixed seed, any prefix is an even subset, and the same scan always thins to the same points.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sedir_core.types import DoubleArray, FloatArray, IntArray

NORMALS_FROM = 20_000
"""Points that get a normal of their own; the others take their neighbour's, which no eye can tell."""
NORMAL_NEIGHBOURS = 32
"""Enough to be blind to a scanner's noise: shading shows the shape, not the noise."""
STRAY_RADII = 1.1
"""Farther out than so many times its radius, a part shows strays only."""
SPACING_SAMPLE, SPACING_NEIGHBOURS = 2000, 24


@dataclass(frozen=True, eq=False)
class Shape:
    """points, normals: (m, 3) float32, around `origin`; normals of either sign. rows: (m,) where they were.

    radius: of the ball around the origin that holds almost every point. spacing: typical distance of neighbours.
    """

    points: FloatArray
    normals: FloatArray
    rows: IntArray
    spacing: float
    origin: DoubleArray
    radius: float

    def __len__(self) -> int:
        return len(self.points)

    @property
    def nbytes(self) -> int:
        return self.points.nbytes + self.normals.nbytes + self.rows.nbytes

    def head(self, count: int) -> Shape:
        """An even subset."""
        spacing = self.spacing * float(np.sqrt(len(self) / max(count, 1)))
        return Shape(self.points[:count], self.normals[:count], self.rows[:count], spacing, self.origin, self.radius)

    def without_strays(self) -> Shape:
        """What lies within the ball, or close."""
        kept = np.linalg.norm(self.points, axis=1) <= STRAY_RADII * self.radius
        return Shape(self.points[kept], self.normals[kept], self.rows[kept], self.spacing, self.origin, self.radius)


def prepare(points: DoubleArray, around: Shape | None = None) -> Shape:
    """Make points ready; those that are not finite are left out.

    points: (n, 3) float64. around: whose origin and radius to take, so that both can be shown together.
    """
    finite = np.flatnonzero(np.isfinite(points).all(axis=1))
    rows = np.random.default_rng(0).permutation(finite)
    origin, radius = place(points[rows]) if around is None else (around.origin, around.radius)
    # Georeferenced coordinates lose centimetres as float32; around the part's own centre they do not.
    local = (points[rows] - origin).astype(np.float32)
    return Shape(local, _normals(local), rows, _spacing(local), origin, radius)


def distances(points: DoubleArray, surface: Shape) -> FloatArray:
    """(n,) how far each of the (n, 3) points is from a surface, NaN where it is not finite.

    Across the surface, not to its nearest point: that one may lie half a spacing aside.
    """
    from sedir_core.geometry.tree import PointTree

    found = np.full(len(points), np.nan, np.float32)
    finite = np.isfinite(points).all(axis=1)
    if not len(surface) or not finite.any():
        return found
    local = (points[finite] - surface.origin).astype(np.float32)
    to_nearest, nearest = PointTree(surface.points).nearest(local)
    across = np.abs(np.einsum("ij,ij->i", local - surface.points[nearest], surface.normals[nearest]))
    # Beyond an edge of the surface "across" is no distance at all.
    aside = np.sqrt(np.maximum(to_nearest**2 - across**2, 0.0))
    reach = 2.0 * float(np.median(to_nearest)) + across
    found[finite] = np.where(aside <= reach, across, to_nearest)
    return found


def place(points: DoubleArray) -> tuple[DoubleArray, float]:
    """Middle of (n, 3) finite points in any order and the radius of the ball around it that holds almost all.

    Strays must not make the part a dot, so points without neighbours and the outermost 0.2 % do not count.
    """
    from sedir_core.geometry.neighbours import in_company

    if not len(points):
        return np.zeros(3), 1.0
    sample = points[:: max(1, len(points) // 20_000)]
    if (surface := in_company(sample)).any():
        sample = sample[surface]
    low, high = np.percentile(sample, [0.2, 99.8], axis=0)
    origin = (low + high) / 2
    return origin, max(float(np.percentile(np.linalg.norm(sample - origin, axis=1), 99.8)), 1e-12)


def _normals(points: FloatArray) -> FloatArray:
    """(n, 3) unit normals of (n, 3) points, those of a regular subset taken over to all."""
    from sedir_core.geometry.surface import normals_and_curvature
    from sedir_core.geometry.tree import PointTree

    if len(points) <= NORMAL_NEIGHBOURS:
        return np.tile(np.array((0, 0, 1), np.float32), (len(points), 1))
    subset = points[:: -(-len(points) // NORMALS_FROM)].astype(np.float64)
    normals = normals_and_curvature(subset, min(NORMAL_NEIGHBOURS, len(subset)))[0].astype(np.float32)
    return normals if len(subset) == len(points) else normals[PointTree(subset).nearest(points)[1]]


def _spacing(shuffled: FloatArray) -> float:
    """How far neighbours lie apart where they lie wide: what a point must cover for the surface to be closed.

    From the circle that holds SPACING_NEIGHBOURS points: a reconstruction comes in clumps, and within one the nearest
    point says nothing about the gaps between them.
    """
    from sedir_core.geometry.tree import PointTree

    if len(shuffled) < 2:
        return 0.0
    reach = PointTree(shuffled).nearest_k(shuffled[:SPACING_SAMPLE], SPACING_NEIGHBOURS + 1)[0]
    k = reach.shape[1] - 1
    return float(np.percentile(reach[:, -1], 80)) * float(np.sqrt(np.pi / k))
