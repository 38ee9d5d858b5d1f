"""Who is near whom: groups for tokens, averages for smoothing, and the way from tokens back to points."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from sedir_core.geometry.tree import PointTree
from sedir_core.types import DoubleArray, FloatArray, IntArray


def nearest_groups(points: FloatArray, centres: FloatArray, k: int) -> tuple[FloatArray, IntArray]:
    """Distances and indices, both (N, k), of the k points nearest to each centre, nearest first."""
    distances, indices = PointTree(points).nearest_k(centres, k)
    return distances.astype(np.float32), indices


def spread(values: DoubleArray, sources: DoubleArray, targets: DoubleArray, k: int = 3) -> DoubleArray:
    """Inverse-distance mean of the k nearest sources at every target.

    values: (s,) or (s, w) at sources (s, 3). Returns (t,) or (t, w) at targets (t, 3).
    """
    distances, indices = PointTree(sources).nearest_k(targets, k)
    weights = 1.0 / np.maximum(distances, 1e-9)
    weights /= weights.sum(axis=1, keepdims=True)
    picked = values[indices]
    return np.asarray(np.einsum("tk,tk...->t...", weights, picked))


def clusters(points: DoubleArray, reach: float) -> IntArray:
    """(n,) cluster number of each point; points closer than `reach` belong together."""
    pairs = PointTree(points).pairs_within(reach)
    ones = np.ones(len(pairs), dtype=bool)
    graph = coo_matrix((ones, (pairs[:, 0], pairs[:, 1])), shape=(len(points), len(points)))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def typical_spacing(points: DoubleArray) -> float:
    """Median distance of a point to its nearest neighbour, from at most 2,000 of them."""
    probes = points[:: max(1, len(points) // 2_000)]
    return float(np.median(PointTree(points).nearest_k(probes, 2)[0][:, 1]))
