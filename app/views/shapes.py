"""Prepares points for drawing, off the GUI thread: centred, shuffled, with normals.

Shuffled with a fixed seed, so that any prefix is an even subset and the same scan always thins to the same points.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from sedir_core.types import BoolArray, DoubleArray, FloatArray, IntArray, Stop, never_stop

NORMALS_FROM = 20_000
"""Points that get their own normal at first; the others take their neighbour's, with no visible difference."""
MOST_JOINED = 60_000
"""Most points that are meshed; denser clouds look closed without a mesh."""
ALONE_SPACINGS = 2.5
"""A point outside every triangle and this far from all of them is an outlier; nearer ones the surface covers."""
CUBE_SPACINGS, SHEET_NEIGHBOURS = 0.8, 28
"""Voxel size for merging patches into one sheet: one point per voxel, moved to the plane of its neighbours."""
COARSE, LEAST_JOINED = 6_000, 200
"""Points of the coarse surface drawn while the camera moves; fewer do not make a surface."""
NORMAL_NEIGHBOURS = 32
"""Enough to average out scanner noise: shading should show the shape."""
STRAY_RADII = 1.1
"""Beyond this multiple of its radius, a part has only outliers."""
SPACING_SAMPLE, SPACING_NEIGHBOURS = 2000, 24


Triangles = NDArray[np.integer]
"""(t, 3) point indices; int32 halves the memory."""
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


def prepare(points: DoubleArray, around: Shape | None = None) -> Shape:
    """Prepare points for drawing; those that are not finite are dropped.

    points: (n, 3) float64. around: shape whose origin and radius to use, so that both can be shown together.
    """
    from sedir_core.geometry.neighbours import middle_and_radius

    finite = np.flatnonzero(np.isfinite(points).all(axis=1))
    rows = np.random.default_rng(0).permutation(finite)
    origin, radius = middle_and_radius(points[rows]) if around is None else (around.origin, around.radius)
    # Georeferenced coordinates lose centimetres as float32 unless centred on the part.
    local = (points[rows] - origin).astype(np.float32)
    return Shape(local, _normals(local), rows, _spacing(local), origin, radius)


def join(shape: Shape, stop: Stop = never_stop) -> Shape:
    """The same shape with outward normals and triangles, so that it looks like a surface.

    Takes a second for 20,000 points. Outliers stay points. Raises Cancelled.
    """
    from app.views.meshing import NEIGHBOURS, level, triangulate
    from app.views.orienting import oriented_normals
    from sedir_core.geometry.tree import PointTree

    if len(shape) < LEAST_JOINED:
        return replace(shape, joined=True)

    whole = len(shape) <= MOST_JOINED
    points = shape.points[: None if whole else NORMALS_FROM].astype(np.float64)
    tree = PointTree(points)
    distances, neighbours = tree.nearest_k(points, NEIGHBOURS + 1)
    normals = oriented_normals(points, neighbours, stop)
    smooth, even = level(points, normals, neighbours)
    coarse = _coarse(smooth, normals, stop) if len(shape) > 2 * COARSE else NO_TRIANGLES
    if not whole:
        every = normals[tree.nearest(shape.points)[1]]
        return replace(shape, normals=every, coarse=coarse, level=even, joined=True)
    triangles = triangulate(smooth, normals, distances, neighbours, stop)
    alone = _alone(shape, triangles)
    return replace(
        shape, normals=normals, triangles=triangles, coarse=coarse, alone=alone, level=even, joined=True
    )  # fmt: skip


def _coarse(smooth: FloatArray, normals: FloatArray, stop: Stop) -> IntArray:
    """Triangles between the first points only."""
    from app.views.meshing import NEIGHBOURS, triangulate
    from sedir_core.geometry.tree import PointTree

    first = smooth[:COARSE].astype(np.float64)
    distances, neighbours = PointTree(first).nearest_k(first, NEIGHBOURS + 1)
    return triangulate(smooth[:COARSE], normals[:COARSE], distances, neighbours, stop)


def _alone(shape: Shape, triangles: Triangles) -> IntArray:
    from sedir_core.geometry.tree import PointTree

    held = np.unique(triangles).astype(np.int64)
    free = np.setdiff1d(np.arange(len(shape)), held)
    if not len(held) or not len(free):
        return free
    gaps = PointTree(shape.points[held]).nearest(shape.points[free])[0]
    return np.asarray(free[gaps > ALONE_SPACINGS * shape.spacing])


def prepare_surface(points: DoubleArray, around: Shape) -> Shape:
    """Prepare a model's expected surface beside the scan: overlapping patches become one even sheet of points.

    points: (n, 3) float64. around: the scan. rows: in each voxel, the point nearest to its centre.
    """
    from sedir_core.geometry.surface import smooth_onto_plane

    shape = prepare(points, around)
    if len(shape) < LEAST_JOINED:
        return shape
    cubes = np.floor(shape.points / max(CUBE_SPACINGS * shape.spacing, 1e-30)).astype(np.int64)
    first = np.sort(np.unique(cubes, axis=0, return_index=True)[1])
    even = smooth_onto_plane(shape.points.astype(np.float64), first, SHEET_NEIGHBOURS)[0].astype(np.float32)
    return replace(shape, points=even, normals=shape.normals[first], rows=shape.rows[first], spacing=_spacing(even))


def _normals(points: FloatArray) -> FloatArray:
    """(n, 3) unit normals of (n, 3) points, computed for a regular subset and copied to the rest."""
    from sedir_core.geometry.surface import normals_and_curvature
    from sedir_core.geometry.tree import PointTree

    if len(points) <= NORMAL_NEIGHBOURS:
        return np.tile(np.array((0, 0, 1), np.float32), (len(points), 1))
    subset = points[:: -(-len(points) // NORMALS_FROM)].astype(np.float64)
    normals = normals_and_curvature(subset, min(NORMAL_NEIGHBOURS, len(subset)))[0].astype(np.float32)
    return normals if len(subset) == len(points) else normals[PointTree(subset).nearest(points)[1]]


def beside_scan(surface: Shape, scan: Shape, deviation: FloatArray) -> Shape:
    """An expected surface that knows where the scan has no material. deviation: (n,) of the scan's rows."""
    from sedir_core.evaluation.missing import nothing_near

    some = scan.points[:MOST_JOINED].astype(np.float64)
    off = deviation[scan.rows[:MOST_JOINED]]
    return replace(surface, gone=nothing_near(surface.points.astype(np.float64), some, off))


def _spacing(shuffled: FloatArray) -> float:
    """Typical spacing in sparse areas: the size a point needs for the surface to look closed.

    From the circle that holds SPACING_NEIGHBOURS points: a reconstruction is clumped, and within a clump the nearest
    point says nothing about the gaps between them.
    """
    from sedir_core.geometry.tree import PointTree

    if len(shuffled) < 2:
        return 0.0
    reach = PointTree(shuffled).nearest_k(shuffled[:SPACING_SAMPLE], SPACING_NEIGHBOURS + 1)[0]
    k = reach.shape[1] - 1
    return float(np.percentile(reach[:, -1], 80)) * float(np.sqrt(np.pi / k))
