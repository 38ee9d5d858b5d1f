"""Outward unit normals of scanned points: smooth, and fitted to only one side of a thin wall.

Fit planes, refit among neighbours of the same sheet, propagate the sign along a minimum spanning tree (Hoppe et al.
1992), smooth. Two points lie on one sheet if the chord between them is perpendicular to the mean of their normals: so
it is on every arc and around every edge, but not through a wall. That takes no signs, which thin walls leave in doubt.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.csgraph import breadth_first_order, connected_components, minimum_spanning_tree

from sedir_core.errors import Cancelled
from sedir_core.types import BoolArray, DoubleArray, FloatArray, IntArray, Stop, never_stop

AnyFloats = FloatArray | DoubleArray

FEW = 8
"""Few enough neighbours to lie on one side of a wall hardly thicker than the point spacing."""
WORSE = 1.6
"""If all neighbours are this many times less flat than a few, the others lie on the other side."""
TREE_NEIGHBOURS = 8
ACROSS = 0.75
"""Cosine between edge and normal above which the edge to a neighbour goes through the wall."""
AGREES = 0.35
"""Cosine of two normals above which they are fitted together."""
SLANT, ROUGH = (0.5, 0.7), (0.4, 0.5)
"""How far a chord may lean out of the sheet, as a share of its length and of the point spacing; second, where a wall is
so thin that its sides can't be told apart and are shown as one sheet."""
CLEAR = 0.95
"""Share of the nearest neighbours on the same sheet; below it a part's walls are that thin."""
REFITS = 2
LAST = 4.0
"""Cost of an edge through a wall, above that of any along a sheet."""
N_VOTES = 64
SMOOTHING = 3


def oriented_normals(points: DoubleArray, neighbours: IntArray, stop: Stop = never_stop) -> FloatArray:
    """(n, 3) float32. points: (n, 3). neighbours: (n, k) indices, nearest first, each point its own first.

    Raises Cancelled.
    """
    normals = _first(points, neighbours)
    for _ in range(REFITS):
        check(stop)
        near = same_sheet(points, normals, neighbours)
        near &= np.abs(_cosines(normals, neighbours)) > AGREES
        normals = _fit(points, neighbours, near.astype(float))[0]
    check(stop)
    near = same_sheet(points, normals, neighbours)
    normals = _outward(points, normals, neighbours, near)
    for _ in range(SMOOTHING):
        check(stop)
        weights = near * np.maximum(_cosines(normals, neighbours), 0.0) ** 4
        normals = np.einsum("nk,nkj->nj", weights, normals[neighbours])
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    return normals.astype(np.float32)


def same_sheet(points: AnyFloats, normals: AnyFloats, neighbours: IntArray) -> BoolArray:
    """(n, k) which neighbours lie on the sheet of surface that a point lies on, whatever the signs of the normals.

    points, normals: (n, 3). neighbours: (n, k) indices, nearest first, each point its own first.
    """
    arms = points[neighbours] - points[:, None]
    lengths = np.linalg.norm(arms, axis=2)
    cosines = _cosines(normals, neighbours)
    here = np.einsum("nkj,nj->nk", arms, normals)
    there = np.einsum("nkj,nkj->nk", arms, normals[neighbours])
    lean = np.abs(here + np.where(cosines < 0, -there, there)) / np.sqrt(2 + 2 * np.minimum(np.abs(cosines), 1.0))
    spacing = lengths[:, : TREE_NEIGHBOURS + 1].mean(axis=1, keepdims=True)
    near, nearly = (lean <= slant * lengths + rough * spacing for slant, rough in zip(SLANT, ROUGH, strict=True))
    return np.asarray(near if near[:, : TREE_NEIGHBOURS + 1].mean() >= CLEAR else nearly)


def _cosines(normals: AnyFloats, neighbours: IntArray) -> AnyFloats:
    return np.asarray(np.einsum("nkj,nj->nk", normals[neighbours], normals))


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


def _outward(points: DoubleArray, normals: DoubleArray, neighbours: IntArray, sheet: BoolArray) -> DoubleArray:
    """The same normals with consistent signs, each connected component turned outward."""
    n = len(points)
    near = neighbours[:, 1 : TREE_NEIGHBOURS + 1]
    first, second = np.repeat(np.arange(n), near.shape[1]), near.ravel()
    bends = 1.0 - np.abs(np.einsum("ij,ij->i", normals[first], normals[second]))
    through = ~sheet[:, 1 : TREE_NEIGHBOURS + 1].ravel()
    # A sparse matrix drops zero weights, and with them the edge.
    cost = bends + _along(points, normals, first, second) + LAST * through + 1e-6
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
