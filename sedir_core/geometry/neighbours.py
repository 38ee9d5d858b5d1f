"""Neighbourhood operations: groups for tokens, smoothing, and interpolation from tokens to points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from sedir_core.geometry.sampling import repeatable_order
from sedir_core.geometry.scan_numbers import NEIGHBOURS
from sedir_core.geometry.tree import PointTree
from sedir_core.types import BoolArray, DoubleArray, FloatArray, IntArray

VOXELS = 1.75  # within a reach: then all points of a voxel are nearer to each other than that
_FARTHEST_VOXEL = 1 << 20  # along an axis: their numbers fit into 64 bits
_MOST_VOXELS = 2.0**62  # the same of all
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


@dataclass(frozen=True)
class Shares:
    """Weights of the nearest sources at targets: indices and weights, both (t, k), nearest first."""

    indices: NDArray[np.int32]
    weights: DoubleArray

    @staticmethod
    def of(sources: PointTree, targets: DoubleArray, k: int = 3) -> Shares:
        """The weights of `interpolate`, for several values at the same targets (t, 3)."""
        distances, indices = sources.nearest_k(targets, k)
        return Shares(indices.astype(np.int32), _weights(distances))

    def __call__(self, values: DoubleArray) -> DoubleArray:
        """(t,) or (t, w) from values (s,) or (s, w) at the sources."""
        return _summed(values, self.indices, self.weights)


def _weighted(values: DoubleArray, distances: DoubleArray, indices: IntArray, within: float) -> DoubleArray:
    found = _summed(values, indices, _weights(distances))
    found[distances[:, 0] > within] = np.nan
    return found


def _weights(distances: DoubleArray) -> DoubleArray:
    # Relative to the nearest: neither the unit nor a target on top of a source may level the weights.
    nearest = distances[:, :1]
    weights = np.divide(nearest, distances, out=np.ones_like(distances), where=distances > 0)
    weights /= weights.sum(axis=1, keepdims=True)
    return weights


def _summed(values: DoubleArray, indices: NDArray[np.integer[Any]], weights: DoubleArray) -> DoubleArray:
    return np.asarray(np.einsum("tk,tk...->t...", weights, np.take(values, indices, axis=0)))


def surface_reach(points: DoubleArray) -> float:
    """Largest distance of a surface point from its neighbours in points (n, 3); inf if their spacing is undefined."""
    return reach_in(PointTree(points))


def has_neighbours(points: DoubleArray) -> BoolArray:
    """(n,) which of points (n, 3) have neighbours within reach. The others are flying pixels."""
    if len(points) <= NEIGHBOURS.beside:
        return np.ones(len(points), dtype=bool)
    tree = PointTree(points)
    reach = reach_in(tree)
    found = _in_crowds(points, reach)
    alone = np.flatnonzero(~found)
    if len(alone):
        found[alone] = (
            tree.nearest_k(points[alone], NEIGHBOURS.beside + 1)[0][:, -1] <= reach
        )  # the nearest is the point itself
    return found


def _in_crowds(points: DoubleArray, reach: float) -> BoolArray:
    """(n,) points (n, 3) that certainly have neighbours, nearly all of them: counted in voxels, ten times faster than a
    search."""
    cells = (points - points.min(axis=0)) * (VOXELS / reach)
    if not cells.max() < _FARTHEST_VOXEL:
        return np.zeros(len(points), dtype=bool)
    x, y, z = cells.astype(np.int64).T
    _, voxel, count = np.unique(
        (x * _FARTHEST_VOXEL + y) * _FARTHEST_VOXEL + z, return_inverse=True, return_counts=True
    )
    return np.asarray(count[voxel] > NEIGHBOURS.beside)


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


def clusters(points: DoubleArray, reach: float, some: IntArray | None = None) -> IntArray:
    """(n,) cluster label of each point; points closer than about `reach` (above 0) are connected.

    some: (n,) mask of the points to use; by default all.

    One point represents its voxel, so that thousands of coincident points do not form millions of pairs. Voxels that
    share a face or an edge are connected, wherever their points lie: for a dense surface few pairs are left to check.
    """
    keys, steps = _voxels(points, reach / 3, some)
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    new = np.concatenate([[True], keys[1:] != keys[:-1]])[: len(keys)]
    cells = np.empty(len(keys), np.int32)
    cells[order] = np.cumsum(new, dtype=np.int32) - np.int32(1)
    keys, first = keys[new], order[new]
    del order, new
    labels = _beyond_touch(_touching(keys, steps), points[first if some is None else some[first]], reach)
    seen = np.unique(labels, return_index=True)[1]
    return np.argsort(np.argsort(seen))[labels][cells]  # the cluster of the first voxel is the first


def _touching(keys: IntArray, steps: Sequence[int]) -> IntArray:
    """(v,) labels of voxels with ascending keys (v,), connected by the given steps; the first step is 1."""
    labels = np.cumsum(np.concatenate([[0], np.diff(keys) != 1]))[: len(keys)]
    for step in steps[1:]:
        at = np.searchsorted(keys, keys + step)
        some = np.flatnonzero(keys[np.minimum(at, len(keys) - 1)] == keys + step)
        labels = _joined(labels, some, at[some])
    return np.asarray(labels, dtype=np.int64)


def _beyond_touch(labels: IntArray, points: DoubleArray, reach: float) -> IntArray:
    """The labels (v,) of points (v, 3), joined if within reach: for the largest cluster only its rims are checked."""
    apart = labels != np.bincount(labels).argmax()
    if not apart.any():
        return labels
    tree, asked = PointTree(points[apart]), apart.copy()
    for start in range(0, len(points), _AT_ONCE):
        some = slice(start, start + _AT_ONCE)
        asked[some] |= tree.nearest(points[some], 1.001 * reach)[0] < np.inf
    rows = np.flatnonzero(asked)
    first, second = rows[PointTree(points[rows]).pairs_within(reach)].T
    return _joined(labels, first, second)


def _joined(labels: IntArray, first: IntArray, second: IntArray) -> IntArray:
    """The labels (v,) after voxels `first` and `second`, (p,) each, have been joined."""
    one, other = labels[first], labels[second]
    apart = one != other
    if not apart.any():
        return labels
    one, other = one[apart].astype(np.int32), other[apart].astype(np.int32)
    count = int(labels.max()) + 1
    graph = coo_matrix((np.ones(len(one), dtype=bool), (one, other)), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)[labels]


def typical_spacing(points: DoubleArray) -> float:
    """Side of the surface area per point, taken as a square: the median over at most 2,000 of the points (n, 3).

    The 16 nearest neighbours share a disc that reaches to the last of them, whether they lie on a grid or at random.
    Very many points are subsampled, and the result is scaled accordingly.
    """
    if len(points) <= MOST_SPACED:
        return PointTree(points).spacing
    some = repeatable_order(points, MOST_SPACED)
    return PointTree(points[some]).spacing * float(np.sqrt(MOST_SPACED / len(points)))


def reach_in(tree: PointTree) -> float:
    """`surface_reach` of the points of a tree."""
    return NEIGHBOURS.reach * tree.spacing if tree.spacing > 0 else np.inf


def _voxels(points: DoubleArray, size: float, some: IntArray | None) -> tuple[IntArray, Sequence[int]]:
    """(n,) keys of the points' voxels, ascending by x, y, z; and what is added to a key for a voxel that touches it.

    If points lie so far apart that a product of sizes would overflow, no voxels count as touching.
    """
    count = len(points) if some is None else len(some)

    def from_(start: int) -> DoubleArray:
        piece = slice(start, start + _AT_ONCE)
        return points[piece] if some is None else points[some[piece]]

    starts = range(0, count, _AT_ONCE)
    low = np.min([from_(start).min(axis=0) for start in starts], axis=0)
    high = np.max([from_(start).max(axis=0) for start in starts], axis=0)
    spans = np.floor((high - low) / size) + 2  # one more than there are, so that rows do not touch
    if not np.prod(spans) < _MOST_VOXELS:
        cells = np.zeros(count, dtype=np.int64)
        for axis in np.floor(((points if some is None else points[some]) - low) / size).T:
            place = np.unique(axis, return_inverse=True)[1]
            cells = np.unique(cells * count + place, return_inverse=True)[1]
        return 2 * cells, (1,)
    _, across, along = (int(span) for span in spans)
    keys = np.empty(count, np.int64)
    for start in starts:
        x, y, z = np.floor((from_(start) - low) / size).astype(np.int64).T
        keys[start : start + _AT_ONCE] = (x * across + y) * along + z
    beside = [(x, y, z) for x, y, z in product((-1, 0, 1), repeat=3) if x * y * z == 0]
    return keys, sorted(step for x, y, z in beside if (step := (x * across + y) * along + z) > 0)
