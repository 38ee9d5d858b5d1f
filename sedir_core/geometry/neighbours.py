"""Neighbourhood operations: groups for tokens, smoothing, and interpolation from tokens to points."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from sedir_core.geometry.sampling import repeatable_order
from sedir_core.geometry.tree import PointTree
from sedir_core.types import BoolArray, DoubleArray, FloatArray, IntArray

COMPANY, REACH = 3, 8.0  # a point of a surface has so many others within so many spacings, even where a scan is thin
VOXELS = 1.75  # within a reach: then all points of a voxel are nearer to each other than that
_FARTHEST_VOXEL = 1 << 20  # along an axis: their numbers fit into 64 bits
MOST_SPACED = 1 << 20  # points in a tree that only tells their spacing: one of ten million takes 300 MB
_AT_ONCE = 1 << 16  # targets: neighbours and weights of ten million would take a gigabyte


def nearest_groups(points: FloatArray, centres: FloatArray, k: int) -> tuple[FloatArray, IntArray]:
    """Distances and indices, both (N, k), of the k points nearest to each centre, nearest first."""
    distances, indices = PointTree(points).nearest_k(centres, k)
    return distances.astype(np.float32), indices


def interpolate(
    values: DoubleArray, sources: DoubleArray, targets: DoubleArray, k: int = 3, within: float = np.inf
) -> DoubleArray:
    """Inverse distance weighting (Shepard 1968) of the k nearest sources at every target.

    values: (s,) or (s, w) at sources (s, 3). Returns (t,) or (t, w) at targets (t, 3), NaN if no source is `within`.
    """
    return interpolate_in(PointTree(sources), values, targets, k, within)[0]


def interpolate_in(
    sources: PointTree, values: DoubleArray, targets: DoubleArray, k: int = 3, within: float = np.inf
) -> tuple[DoubleArray, NDArray[np.int32]]:
    """The same from a tree of the sources; also which of them, (t,), is nearest to each target."""
    found, nearest = np.empty((len(targets), *values.shape[1:])), np.empty(len(targets), np.int32)
    for start in range(0, len(targets), _AT_ONCE):
        some = slice(start, start + _AT_ONCE)
        distances, indices = sources.nearest_k(targets[some], k)
        found[some], nearest[some] = _weighted(values, distances, indices, within), indices[:, 0]
    return found, nearest


def _weighted(values: DoubleArray, distances: DoubleArray, indices: IntArray, within: float) -> DoubleArray:
    # Relative to the nearest: neither the unit nor a target on top of a source may level the weights.
    nearest = distances[:, :1]
    weights = np.divide(nearest, distances, out=np.ones_like(distances), where=distances > 0)
    weights /= weights.sum(axis=1, keepdims=True)
    found = np.asarray(np.einsum("tk,tk...->t...", weights, np.take(values, indices, axis=0)))
    found[distances[:, 0] > within] = np.nan
    return found


def surface_reach(points: DoubleArray) -> float:
    """Largest distance of a surface point from its neighbours in points (n, 3); inf if their spacing is undefined."""
    return reach_in(PointTree(points))


def has_neighbours(points: DoubleArray) -> BoolArray:
    """(n,) which of points (n, 3) have neighbours within reach. The others are flying pixels."""
    if len(points) <= COMPANY:
        return np.ones(len(points), dtype=bool)
    tree = PointTree(points)
    reach = reach_in(tree)
    found = _in_crowds(points, reach)
    alone = np.flatnonzero(~found)
    if len(alone):
        found[alone] = tree.nearest_k(points[alone], COMPANY + 1)[0][:, -1] <= reach  # the nearest is the point itself
    return found


def _in_crowds(points: DoubleArray, reach: float) -> BoolArray:
    """(n,) which of points (n, 3) surely have company: nearly all, told by counting them in voxels in a tenth of the
    time that a search takes."""
    cells = (points - points.min(axis=0)) * (VOXELS / reach)
    if not cells.max() < _FARTHEST_VOXEL:
        return np.zeros(len(points), dtype=bool)
    x, y, z = cells.astype(np.int64).T
    _, voxel, count = np.unique(
        (x * _FARTHEST_VOXEL + y) * _FARTHEST_VOXEL + z, return_inverse=True, return_counts=True
    )
    return np.asarray(count[voxel] > COMPANY)


def middle_and_radius(points: DoubleArray) -> tuple[DoubleArray, float]:
    """Centre of (n, 3) finite points, independent of their order, and the radius of the sphere that holds almost all.

    Points without neighbours and the outermost 0.2 % are ignored, so that outliers do not shrink the part to a dot.
    """
    if not len(points):
        return np.zeros(3), 1.0
    sample = points[:: max(1, len(points) // 20_000)]
    if (surface := has_neighbours(sample)).any():
        sample = sample[surface]
    low, high = np.percentile(sample, [0.2, 99.8], axis=0)
    middle = (low + high) / 2
    return middle, max(float(np.percentile(np.linalg.norm(sample - middle, axis=1), 99.8)), 1e-12)


def clusters(points: DoubleArray, reach: float) -> IntArray:
    """(n,) cluster label of each point; points closer than about `reach` (above 0) are connected.

    One point represents its cell, so that thousands of coincident points do not form millions of pairs.
    """
    cells = _cells(points, reach / 3)
    first = np.unique(cells, return_index=True)[1]
    pairs = PointTree(points[first]).pairs_within(reach)
    ones = np.ones(len(pairs), dtype=bool)
    graph = coo_matrix((ones, (pairs[:, 0], pairs[:, 1])), shape=(len(first), len(first)))
    return np.asarray(connected_components(graph, directed=False)[1][cells], dtype=np.int64)


def typical_spacing(points: DoubleArray) -> float:
    """Side of the surface area per point, taken as a square: the median over at most 2,000 of the points (n, 3).

    The 16 nearest of a point share a disc that reaches to the last of them, whether they lie on a grid or at random. Of
    very many points, some are looked at, and what they would be nearer together is reckoned.
    """
    if len(points) <= MOST_SPACED:
        return PointTree(points).spacing
    some = repeatable_order(points, MOST_SPACED)
    return PointTree(points[some]).spacing * float(np.sqrt(MOST_SPACED / len(points)))


def reach_in(tree: PointTree) -> float:
    """`surface_reach` of the points of a tree."""
    return REACH * tree.spacing if tree.spacing > 0 else np.inf


def _cells(points: DoubleArray, size: float) -> IntArray:
    """(n,) consecutive index of the voxel of each point."""
    cells = np.zeros(len(points), dtype=np.int64)
    # Axis by axis, since a far point would overflow a product of sizes.
    for axis in np.floor((points - points.min(axis=0)) / size).T:
        place = np.unique(axis, return_inverse=True)[1]
        cells = np.unique(cells * len(points) + place, return_inverse=True)[1]
    return cells
