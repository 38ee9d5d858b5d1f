"""Scanned points as a surface to look at, in the window and in pictures: denoised, lit from outside, and meshed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sedir_core.drawing.meshing import NEIGHBOURS, SEARCHED, level, smoothed, triangulate
from sedir_core.drawing.outward import oriented_normals
from sedir_core.geometry.surface import normals_and_curvature, smooth_onto_plane
from sedir_core.geometry.tree import PointTree
from sedir_core.types import BoolArray, DoubleArray, FloatArray, IntArray, Stop, Triangles, never_stop

LEAST_JOINED = 200
"""Fewer points do not make a surface."""
MOST_JOINED = 60_000
"""Most points that are meshed; denser clouds look closed without a mesh."""
ALONE_SPACINGS = 2.5
"""A point outside every triangle and this far from all of them is an outlier; the surface covers nearer ones."""
SPACING_SAMPLE, SPACING_NEIGHBOURS = 2000, 24
CUBE_SPACINGS, SHEET_NEIGHBOURS = 0.8, 28
"""Size of the voxels in which overlapping patches become one point, and how many neighbours tell its plane."""
FEW_NEIGHBOURS = 8  # of a normal, where there are too few points for a surface


@dataclass(frozen=True, eq=False)
class Levelled:
    """Points before they are joined. smooth, even: (n, 3), see `level`. normals: (n, 3), outward.

    distances, neighbours: (n, k), nearest first, each point its own first.
    """

    smooth: FloatArray
    even: FloatArray
    normals: FloatArray
    distances: DoubleArray
    neighbours: IntArray


@dataclass(frozen=True, eq=False)
class DrawnSurface:
    """points, normals: (n, 3), denoised. triangles: (t, 3) between them, counter-clockwise seen from outside.

    alone: (a,) points far from every triangle. spacing: see `sparse_spacing`.
    """

    points: FloatArray
    normals: FloatArray
    triangles: Triangles
    alone: IntArray
    spacing: float

    def __len__(self) -> int:
        return len(self.points)


def surface_of(points: DoubleArray, stop: Stop = never_stop) -> DrawnSurface:
    """The surface of points (n, 3) around the origin, in random order. Takes a second for 20,000. Raises Cancelled."""
    local = points.astype(np.float32)
    spacing = sparse_spacing(local)
    if len(points) < LEAST_JOINED:
        few = len(points) > FEW_NEIGHBOURS
        normals = (
            normals_and_curvature(points, FEW_NEIGHBOURS)[0] if few else np.tile((0.0, 0.0, 1.0), (len(points), 1))
        )
        return DrawnSurface(
            local, normals.astype(np.float32), np.empty((0, 3), np.int32), np.arange(len(points)), spacing
        )
    return joined(local, levelled_of(points, stop), spacing, stop)


def part_of(surface: DrawnSurface, kept: BoolArray) -> DrawnSurface:
    """The surface between those of its points only. kept: (n,)."""
    number = kept.cumsum() - 1
    triangles = surface.triangles[kept[surface.triangles].all(axis=1)]
    alone = surface.alone[kept[surface.alone]]
    return DrawnSurface(surface.points[kept], surface.normals[kept], number[triangles], number[alone], surface.spacing)


def levelled_of(points: DoubleArray, stop: Stop = never_stop) -> Levelled:
    """The points (n, 3), at least LEAST_JOINED, without noise and with outward normals. Raises Cancelled."""
    distances, around = PointTree(points).nearest_k(points, SEARCHED + 1)
    near = around[:, : NEIGHBOURS + 1]
    normals = oriented_normals(points, near, stop)
    return Levelled(*level(points, normals, near), normals, distances, around)


def joined(points: FloatArray, levelled: Levelled, spacing: float, stop: Stop = never_stop) -> DrawnSurface:
    """The levelled points (n, 3) with triangles between them; outliers stay points. Raises Cancelled."""
    triangles = triangulate(levelled.smooth, levelled.normals, levelled.distances, levelled.neighbours, stop)
    alone = _alone(points, triangles, ALONE_SPACINGS * spacing)
    return DrawnSurface(*smoothed(levelled.even, levelled.normals, triangles), triangles, alone, spacing)


def coarse(levelled: Levelled, count: int, stop: Stop = never_stop) -> IntArray:
    """(t, 3) triangles between the first points only. Raises Cancelled."""
    smooth = levelled.smooth[:count]
    first = smooth.astype(np.float64)
    distances, neighbours = PointTree(first).nearest_k(first, SEARCHED + 1)
    return triangulate(smooth, levelled.normals[:count], distances, neighbours, stop)


def evened(shuffled: FloatArray, spacing: float) -> tuple[FloatArray, IntArray]:
    """One even sheet of points (m, 3) from overlapping patches of points (n, 3), and the index of each of its points.

    In each voxel the first point stays, moved to the plane of its neighbours.
    """
    cubes = np.floor(shuffled / max(CUBE_SPACINGS * spacing, 1e-30)).astype(np.int64)
    first = np.sort(np.unique(cubes, axis=0, return_index=True)[1])
    return smooth_onto_plane(shuffled.astype(np.float64), first, SHEET_NEIGHBOURS)[0].astype(np.float32), first


def sparse_spacing(shuffled: FloatArray) -> float:
    """Typical spacing in sparse areas: the size a point needs for the surface to look closed.

    From the circle that holds SPACING_NEIGHBOURS points: a reconstruction is clumped, and within a clump the nearest
    point says nothing about the gaps between them. shuffled: (n, 3) in random order.
    """
    if len(shuffled) < 2:
        return 0.0
    reach = PointTree(shuffled).nearest_k(shuffled[:SPACING_SAMPLE], SPACING_NEIGHBOURS + 1)[0]
    k = reach.shape[1] - 1
    return float(np.percentile(reach[:, -1], 80)) * float(np.sqrt(np.pi / k))


def _alone(points: FloatArray, triangles: Triangles, reach: float) -> IntArray:
    held = np.unique(triangles).astype(np.int64)
    free = np.setdiff1d(np.arange(len(points)), held)
    if not len(held) or not len(free):
        return free
    gaps = PointTree(points[held]).nearest(points[free])[0]
    return np.asarray(free[gaps > reach])
