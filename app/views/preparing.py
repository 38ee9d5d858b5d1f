"""Prepares points for drawing, off the GUI thread: centred, shuffled, with normals.

Shuffled with a fixed seed, so that any prefix is an even subset and the same scan always thins to the same points.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from app.state.shapes import NO_TRIANGLES, Shape
from sedir_core.types import DoubleArray, FloatArray, Stop, never_stop

NORMALS_FROM = 20_000
"""Points that get their own normal at first; the others take their neighbour's, with no visible difference."""
COARSE = 6_000
"""Points of the coarse surface drawn while the camera moves."""
NORMAL_NEIGHBOURS = 32
"""Enough to average out scanner noise: shading should show the shape."""


def prepare(points: DoubleArray, around: Shape | None = None) -> Shape:
    """Prepare points for drawing; those that are not finite are dropped.

    points: (n, 3) float64. around: shape whose origin and radius to use, so that both can be shown together.
    """
    from sedir_core.drawing.joining import sparse_spacing
    from sedir_core.geometry.neighbours import middle_and_radius

    finite = np.flatnonzero(np.isfinite(points).all(axis=1))
    rows = np.random.default_rng(0).permutation(finite)
    origin, radius = middle_and_radius(points[rows]) if around is None else (around.origin, around.radius)
    # Georeferenced coordinates lose centimetres as float32 unless centred on the part.
    local = (points[rows] - origin).astype(np.float32)
    return Shape(local, _normals(local), rows, sparse_spacing(local), origin, radius)


def join(shape: Shape, stop: Stop = never_stop) -> Shape:
    """The same shape with outward normals and triangles, so that it looks like a surface.

    Takes a second for 20,000 points. Outliers stay points. Raises Cancelled.
    """
    from sedir_core.drawing import joining
    from sedir_core.geometry.tree import PointTree

    if len(shape) < joining.LEAST_JOINED:
        return replace(shape, joined=True)

    whole = len(shape) <= joining.MOST_JOINED
    points = shape.points[: None if whole else NORMALS_FROM].astype(np.float64)
    sheet = joining.levelled_of(points, stop)
    coarse = joining.coarse(sheet, COARSE, stop) if len(shape) > 2 * COARSE else NO_TRIANGLES
    if not whole:
        every = sheet.normals[PointTree(points).nearest(shape.points)[1]]
        return replace(shape, normals=every, coarse=coarse, level=sheet.even, joined=True)
    found = joining.joined(shape.points, sheet, shape.spacing, stop)
    return replace(
        shape, normals=found.normals, triangles=found.triangles, coarse=coarse, alone=found.alone, level=found.points,
        joined=True,
    )  # fmt: skip


def prepare_surface(points: DoubleArray, around: Shape) -> Shape:
    """Prepare a model's expected surface beside the scan: overlapping patches become one even sheet of points.

    points: (n, 3) float64. around: the scan. rows: in each voxel, the point nearest to its centre.
    """
    from sedir_core.drawing.joining import LEAST_JOINED, evened, sparse_spacing

    shape = prepare(points, around)
    if len(shape) < LEAST_JOINED:
        return shape
    even, first = evened(shape.points, shape.spacing)
    spacing = sparse_spacing(even)
    return replace(shape, points=even, normals=shape.normals[first], rows=shape.rows[first], spacing=spacing)


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
    from sedir_core.drawing.joining import MOST_JOINED
    from sedir_core.drawing.missing import nothing_near

    some = scan.points[:MOST_JOINED].astype(np.float64)
    off = deviation[scan.rows[:MOST_JOINED]]
    return replace(surface, gone=nothing_near(surface.points.astype(np.float64), some, off))
