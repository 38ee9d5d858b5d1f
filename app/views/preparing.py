"""Prepares points for drawing, off the GUI thread: centred, shuffled, with normals.

Shuffled with a fixed seed, so that any prefix is an even subset and the same scan always thins to the same points.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from app.state.shapes import NO_TRIANGLES, Shape, Triangles
from sedir_core.types import DoubleArray, FloatArray, IntArray, Stop, never_stop

NORMALS_FROM = 20_000
"""Points that get their own normal at first; the others take their neighbour's, with no visible difference."""
MOST_JOINED = 60_000
"""Most points that are meshed; denser clouds look closed without a mesh."""
ALONE_SPACINGS = 2.5
"""A point outside every triangle and this far from all of them is an outlier; the surface covers nearer ones."""
CUBE_SPACINGS, SHEET_NEIGHBOURS = 0.8, 28
"""Voxel size for merging patches into one sheet: one point per voxel, moved to the plane of its neighbours."""
COARSE, LEAST_JOINED = 6_000, 200
"""Points of the coarse surface drawn while the camera moves; fewer do not make a surface."""
NORMAL_NEIGHBOURS = 32
"""Enough to average out scanner noise: shading should show the shape."""
SPACING_SAMPLE, SPACING_NEIGHBOURS = 2000, 24


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
    from app.views.meshing import NEIGHBOURS, SEARCHED, level, smoothed, triangulate
    from app.views.orienting import oriented_normals
    from sedir_core.geometry.tree import PointTree

    if len(shape) < LEAST_JOINED:
        return replace(shape, joined=True)

    whole = len(shape) <= MOST_JOINED
    points = shape.points[: None if whole else NORMALS_FROM].astype(np.float64)
    tree = PointTree(points)
    distances, around = tree.nearest_k(points, SEARCHED + 1)
    neighbours = around[:, : NEIGHBOURS + 1]
    normals = oriented_normals(points, neighbours, stop)
    smooth, even = level(points, normals, neighbours)
    coarse = _coarse(smooth, normals, stop) if len(shape) > 2 * COARSE else NO_TRIANGLES
    if not whole:
        every = normals[tree.nearest(shape.points)[1]]
        return replace(shape, normals=every, coarse=coarse, level=even, joined=True)
    triangles = triangulate(smooth, normals, distances, around, stop)
    alone = _alone(shape, triangles)
    even, normals = smoothed(even, normals, triangles)
    return replace(shape, normals=normals, triangles=triangles, coarse=coarse, alone=alone, level=even, joined=True)


def _coarse(smooth: FloatArray, normals: FloatArray, stop: Stop) -> IntArray:
    """Triangles between the first points only."""
    from app.views.meshing import SEARCHED, triangulate
    from sedir_core.geometry.tree import PointTree

    first = smooth[:COARSE].astype(np.float64)
    distances, neighbours = PointTree(first).nearest_k(first, SEARCHED + 1)
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
