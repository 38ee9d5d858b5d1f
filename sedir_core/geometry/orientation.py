"""Orients normals outward, also with thin walls and deep hollows.

A scan that is open at the resting side was seen from above, and visible surfaces face the viewer. For other scans,
lines through the part decide: a line enters and leaves a closed body in turn, so odd crossings face its start and even
ones its end. Visibility from all around would not suffice: through the open side, and through walls as thin as the
point spacing, inner faces are visible, too.
"""

from __future__ import annotations

import numpy as np

from sedir_core.geometry.resting import resting_side, seen_from_above
from sedir_core.geometry.scan_numbers import ORIENTATION
from sedir_core.geometry.tree import PointTree
from sedir_core.geometry.visibility import sphere_directions
from sedir_core.types import DoubleArray, IntArray

_TINY = 1e-300


def outward_sides(cloud: PointTree, normals: DoubleArray) -> DoubleArray:
    """(n,) in -1..1: + where normals (n, 3) point out of the body with surface points (n, 3); near 0 if unclear.

    For open surfaces the majority of lines decides.
    """
    points, spacing = cloud.points, max(cloud.spacing, _TINY)
    down = resting_side(points, normals)
    sides = np.full(len(points), np.nan) if down is None else seen_from_above(points, normals, down)
    unseen = np.isnan(sides)
    if unseen.any():
        lines = _by_lines(points, normals, spacing)
        sides[unseen] = lines[unseen] if down is None else ORIENTATION.unseen * lines[unseen]
    return _agreed(cloud, normals, sides, spacing)


def turned_as(
    points: DoubleArray, normals: DoubleArray, sure_points: DoubleArray, sure_normals: DoubleArray
) -> DoubleArray:
    """The (n, 3) normals, oriented like the majority of reliable ones (m, 3) on the same sheet at points (m, 3)."""
    sure = PointTree(sure_points)
    around = sure.nearest_k(points, ORIENTATION.voters)[1]
    weights = _same_sheet(points, normals, sure_points, sure_normals, around, sure.spacing)
    return np.where(weights.sum(axis=1, keepdims=True) < 0, -normals, normals)


def _by_lines(points: DoubleArray, normals: DoubleArray, spacing: float) -> DoubleArray:
    """(n,) in -1..1, the vote of lines through the part."""
    votes, cast = np.zeros(len(points)), np.zeros(len(points))
    for direction in sphere_directions(ORIENTATION.lines):
        _vote(points, normals, direction, spacing, votes, cast)
    return votes / np.maximum(cast, _TINY)


def _vote(
    points: DoubleArray,
    normals: DoubleArray,
    direction: DoubleArray,
    spacing: float,
    votes: DoubleArray,
    cast: DoubleArray,
) -> None:
    """Add the votes of the lines in this (3,) direction."""
    facing = normals @ direction
    used = np.flatnonzero(np.abs(facing) > ORIENTATION.slant)
    if len(used) == 0:
        return
    plane = np.linalg.svd(direction[None])[2][1:]
    across = points[used] @ plane.T
    column = np.floor(across / (ORIENTATION.pixel * spacing))
    aside = across - (column + 0.5) * ORIENTATION.pixel * spacing
    # Each point is moved along its tangent plane to the bundle's centre, so that slopes do not look like walls.
    depth = points[used] @ direction + (normals[used] @ plane.T * aside).sum(axis=1) / facing[used]
    column -= column.min(axis=0)
    bundle = column[:, 0] * (column[:, 1].max() + 1) + column[:, 1]
    order = np.lexsort((-depth, bundle))
    begins = np.concatenate([[True], np.diff(bundle[order]) != 0])
    next_one = begins | np.concatenate([[True], -np.diff(depth[order]) > ORIENTATION.apart * spacing])
    layer = np.cumsum(next_one) - 1
    rank = layer - np.maximum.accumulate(np.where(begins, layer, 0))
    which = np.cumsum(begins) - 1
    count = np.zeros(which[-1] + 1, np.int64)
    np.maximum.at(count, which, rank + 1)
    of_all = count[which]
    odd, last = of_all % 2 == 1, rank == of_all - 1
    weight = np.where(odd, np.where((rank == 0) | last, ORIENTATION.half_sure, 0.0), 1.0)
    side = np.where((rank % 2 == 0) & ~(odd & last & (rank > 0)), 1.0, -1.0)
    own = used[order]
    votes[own] += weight * side * facing[own]
    cast[own] += weight * np.abs(facing[own])


def _agreed(cloud: PointTree, normals: DoubleArray, votes: DoubleArray, spacing: float) -> DoubleArray:
    """Vote of neighbours on the same sheet."""
    around = cloud.around(ORIENTATION.voters)
    weights = _same_sheet(cloud.points, normals, cloud.points, normals, around, spacing)
    weights /= np.maximum(np.abs(weights).sum(axis=1, keepdims=True), _TINY)
    for _ in range(ORIENTATION.rounds):
        votes = (weights * votes[around]).sum(axis=1)
    return votes


def _same_sheet(
    points: DoubleArray,
    normals: DoubleArray,
    others: DoubleArray,
    their_normals: DoubleArray,
    around: IntArray,
    spacing: float,
) -> DoubleArray:
    """(n, k) signed confidence that others (m, 3), around[i] of them, are on point i's sheet: + if facing alike."""
    alike = np.einsum("nki,ni->nk", their_normals[around], normals)
    off = np.einsum("nki,ni->nk", others[around] - points[:, None], normals) / (ORIENTATION.sheet * max(spacing, _TINY))
    return np.asarray(alike * np.abs(alike) * np.exp(-(off**2)))
