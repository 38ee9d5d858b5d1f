"""A scan or surface as it is drawn; the session keeps it with the scan, `views.preparing` makes it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from sedir_core.types import BoolArray, DoubleArray, FloatArray, IntArray, Triangles

Triple = tuple[float, float, float]

STRAY_RADII = 1.1
"""Beyond this multiple of its radius, a part has only outliers."""


NO_TRIANGLES: Triangles = np.empty((0, 3), np.int32)


@dataclass(frozen=True, eq=False)
class Shape:
    """points, normals: (m, 3) float32, around `origin`; normals of either sign. rows: (m,) where they were.

    radius: of the ball around the origin that holds almost every point. spacing: typical distance of neighbours.
    triangles: (t, 3) int32 between the points; empty if not meshed. level: (m, 3) or fewer of the first
    points, denoised onto the surface. coarse: triangles between the first points only.
    alone: (a,) points far from every triangle, drawn as points. joined: whether meshing was tried.
    gone: (m,) of an expected surface, where the scan has no material; empty if not determined.
    """

    points: FloatArray
    normals: FloatArray
    rows: IntArray
    spacing: float
    origin: DoubleArray
    radius: float
    triangles: Triangles = field(default_factory=lambda: NO_TRIANGLES)
    coarse: Triangles = field(default_factory=lambda: NO_TRIANGLES)
    level: FloatArray = field(default_factory=lambda: np.empty((0, 3), np.float32))
    alone: IntArray = field(default_factory=lambda: np.empty(0, np.int64))
    joined: bool = False
    gone: BoolArray = field(default_factory=lambda: np.empty(0, np.bool_))

    def __len__(self) -> int:
        return len(self.points)

    @property
    def nbytes(self) -> int:
        parts = (self.points, self.normals, self.rows, self.triangles, self.coarse, self.alone, self.level, self.gone)
        return sum(part.nbytes for part in parts)

    def head(self, count: int) -> Shape:
        """An even subset."""
        spacing = self.spacing * float(np.sqrt(len(self) / max(count, 1)))
        head = (self.points[:count], self.normals[:count], self.rows[:count])
        return Shape(*head, spacing, self.origin, self.radius)

    def without_strays(self) -> Shape:
        """The points inside or near the sphere."""
        kept = np.linalg.norm(self.points, axis=1) <= STRAY_RADII * self.radius
        return Shape(self.points[kept], self.normals[kept], self.rows[kept], self.spacing, self.origin, self.radius)


NO_SHAPE = Shape(
    np.empty((0, 3), np.float32), np.empty((0, 3), np.float32), np.empty(0, np.int64), 0.0, np.zeros(3), 1.0
)
"""The empty shape."""
