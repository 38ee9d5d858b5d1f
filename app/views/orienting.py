"""Outward unit normals of scanned points: smooth, and fitted to only one side of a thin wall.

Fit planes, propagate the sign along a minimum spanning tree (Hoppe et al. 1992), refit among neighbours that agree.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.csgraph import breadth_first_order, connected_components, minimum_spanning_tree

from sedir_core.errors import Cancelled
from sedir_core.types import DoubleArray, FloatArray, IntArray, Stop, never_stop

FEW = 8
"""Few enough neighbours to lie on one side of a wall hardly thicker than the point spacing."""
WORSE = 1.6
"""If all neighbours are this many times less flat than a few, the others lie on the other side."""
TREE_NEIGHBOURS = 8
ACROSS = 0.75
"""Cosine between edge and normal above which the edge to a neighbour goes through the wall."""
AGREES = 0.35
"""Cosine of two normals above which they belong to the same side of a wall."""
N_VOTES = 64
SMOOTHING = 3


def oriented_normals(points: DoubleArray, neighbours: IntArray, stop: Stop = never_stop) -> FloatArray:
    """(n, 3) float32. points: (n, 3). neighbours: (n, k) indices, nearest first, each point its own first.

    Raises Cancelled.
    """
    first = _first(points, neighbours)
    check(stop)
    normals = _outward(points, first, neighbours)
    check(stop)
    agree = np.einsum("nkj,nj->nk", normals[neighbours], normals)
    again = _fit(points, neighbours, (agree > AGREES).astype(float))[0]
    flipped = np.einsum("nj,nj->n", again, normals) < 0
    again[flipped] *= -1
    for _ in range(SMOOTHING):
        check(stop)
        weights = np.maximum(np.einsum("nkj,nj->nk", again[neighbours], again), 0.0) ** 4
        again = np.einsum("nk,nkj->nj", weights, again[neighbours])
        again /= np.maximum(np.linalg.norm(again, axis=1, keepdims=True), 1e-12)
    return again.astype(np.float32)


def _first(points: DoubleArray, neighbours: IntArray) -> DoubleArray:
    """Unsigned normals: from all neighbours to suppress noise, from a few where the rest are on the other side."""
    normals, roughness = _fit(points, neighbours, np.ones(neighbours.shape))
    near = neighbours[:, : FEW + 1]
    close, finer = _fit(points, near, np.ones(near.shape))
    thin = roughness > WORSE * finer + 1e-9
    normals[thin] = close[thin]
    return normals


def _fit(points: DoubleArray, neighbours: IntArray, weights: DoubleArray) -> tuple[DoubleArray, DoubleArray]:
    """Unsigned normals of weighted plane fits, and the deviation from flatness (n,)."""
    weights = weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-12)
    arms = points[neighbours] - points[:, None]
    arms -= np.einsum("nk,nkj->nj", weights, arms)[:, None]
    covariance = np.einsum("nk,nki,nkj->nij", weights, arms, arms)
    values, vectors = np.linalg.eigh(covariance)
    return np.ascontiguousarray(vectors[:, :, 0]), values[:, 0] / np.maximum(values.sum(axis=1), 1e-300)


def _outward(points: DoubleArray, normals: DoubleArray, neighbours: IntArray) -> DoubleArray:
    """The same normals with consistent signs, each connected component turned outward."""
    n = len(points)
    near = neighbours[:, 1 : TREE_NEIGHBOURS + 1]
    first, second = np.repeat(np.arange(n), near.shape[1]), near.ravel()
    bends = 1.0 - np.abs(np.einsum("ij,ij->i", normals[first], normals[second]))
    # A sparse matrix drops zero weights, and with them the edge.
    cost = bends + _along(points, normals, first, second) + 1e-6
    graph = coo_matrix((cost, (first, second)), shape=(n, n)).tocsr()
    tree = minimum_spanning_tree(graph.maximum(graph.T))
    tree = (tree + tree.T).tocsr()
    pieces = connected_components(tree, directed=False)[1]
    turned = normals.copy()
    for piece in np.unique(pieces):
        members = np.flatnonzero(pieces == piece)
        _agree(points, turned, tree, int(members[0]))
        _turn(points, turned, members)
    return turned


def _along(points: DoubleArray, normals: DoubleArray, first: IntArray, second: IntArray) -> DoubleArray:
    """(e,) cosine between each edge and the normal at its first point: 1 goes through a wall."""
    ways = points[second] - points[first]
    lengths = np.maximum(np.linalg.norm(ways, axis=1), 1e-12)
    return np.asarray(np.abs(np.einsum("ij,ij->i", ways, normals[first])) / lengths)


def _agree(points: DoubleArray, normals: DoubleArray, tree: csr_matrix, start: int) -> None:
    """Propagate the sign along the tree; an edge through a wall flips it."""
    order, before = breadth_first_order(tree, start, directed=False)
    if len(order) < 2:
        return
    later = order[1:].astype(np.int64)
    parents = before[later].astype(np.int64)
    same = np.einsum("ij,ij->i", normals[later], normals[parents]) >= 0
    same ^= _along(points, normals, parents, later) > ACROSS
    signs = np.ones(len(normals))
    for at, parent, keeps in zip(later.tolist(), parents.tolist(), same.tolist(), strict=True):
        signs[at] = signs[parent] if keeps else -signs[parent]
    normals[order] *= signs[order, None]


def _turn(points: DoubleArray, normals: DoubleArray, members: IntArray) -> None:
    """The extreme point in a direction faces that way; the majority of directions decides."""
    index = np.arange(N_VOTES) + 0.5
    polar, turn = np.arccos(1 - 2 * index / N_VOTES), np.pi * (1 + 5**0.5) * index
    ways = np.stack([np.cos(turn) * np.sin(polar), np.sin(turn) * np.sin(polar), np.cos(polar)], axis=1)
    farthest = members[np.argmax(points[members] @ ways.T, axis=0)]
    if np.einsum("ij,ij->i", normals[farthest], ways).sum() < 0:
        normals[members] *= -1


def check(stop: Stop) -> None:
    """Raises Cancelled if the user asked to stop."""
    if stop():
        raise Cancelled
