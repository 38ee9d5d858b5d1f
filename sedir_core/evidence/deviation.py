"""Signed deviation of a scan from its expected surface, along that surface's normal.

Positive is excess material, negative missing material. Everything is in one frame and one unit of the caller's choice;
the expected surface is given in the scan's shape, so the smooth difference between good parts is already removed. All
of this is our choice [O].
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sedir_core.evidence.report_numbers import DEVIATION
from sedir_core.geometry.orientation import outward_sides
from sedir_core.geometry.registration import Surface
from sedir_core.geometry.robust import sigma
from sedir_core.geometry.surface import normals_and_curvature_of
from sedir_core.geometry.tree import PointTree
from sedir_core.types import BoolArray, DoubleArray, IntArray

Sides = Callable[[IntArray], DoubleArray]
"""Outward unit normals (k, 3) of some (k,) of a scan's points, zero where the outer side is unknown."""
CHUNK = 1 << 15  # points at once: a million would take gigabytes
_TINY = 1e-300


@dataclass(frozen=True)
class Deviation:
    """values: (n,) signed distances. nearest: (n,) surface point below each scan point.

    normals: (n, 3) surface normals there, averaged over a few points.
    """

    values: DoubleArray
    nearest: IntArray
    normals: DoubleArray

    def rigid(self, moves: DoubleArray) -> DoubleArray:
        """(n,) the same, with the smooth part-to-part difference included.

        moves: (n, 3), displacement of each scan point into the mean shape.
        """
        return np.asarray(self.values - np.einsum("ij,ij->i", moves, self.normals))


def signed_deviation(points: DoubleArray, expected: Surface, sides: Sides) -> Deviation:
    """Signed distance of every point (n, 3) to the expected surface, whose normals point outward.

    sides: returns `scan_sides` of some of the points; called only where faces are close together, so that what has
    moved by more than a wall's thickness is still measured from its own face. At the surface's rim, the distance beyond
    it counts, too.
    """
    nearest = expected.tree.nearest(points)[1]
    values, normals = measure_from(points, nearest, expected)
    found = Deviation(values, nearest, normals)
    unsure = _between_faces(points, found, expected)
    if len(unsure) == 0:
        return found
    own = _facing_alike(points[unsure], sides(unsure), expected)
    found = _measured_again(points, expected, found, unsure, own)
    return _measured_again(points, expected, found, *_through_a_wall(points, found, expected))


def measure_from(points: DoubleArray, nearest: IntArray, expected: Surface) -> tuple[DoubleArray, DoubleArray]:
    """Signed distances (n,) of points (n, 3) from the faces of the surface points `nearest`, (n,).

    Also returns the normals (n, 3) there.
    """
    rim = DEVIATION.rim * expected.spacing
    values, normals = np.empty(len(points)), np.empty((len(points), 3))
    for start in range(0, len(points), CHUNK):
        some = slice(start, start + CHUNK)
        values[some], normals[some] = _from_face(points[some], nearest[some], expected, rim)
    return values, normals


def deviation_at(
    points: DoubleArray, near: IntArray, found: Deviation, expected: Surface
) -> tuple[DoubleArray, DoubleArray]:
    """Signed distances (t,) of further points (t, 3) of a scan, and the surface's normals (t, 3) there.

    near: (t,) the nearest measured point of each, which determines its face.
    """
    values, normals = np.empty(len(points)), np.empty((len(points), 3))
    for start in range(0, len(points), CHUNK):
        some = slice(start, start + CHUNK)
        below = _on_face(points[some], found.normals[near[some]], found.nearest[near[some]], expected)
        values[some], normals[some] = measure_from(points[some], below, expected)
    return values, normals


def _on_face(points: DoubleArray, normals: DoubleArray, otherwise: IntArray, expected: Surface) -> IntArray:
    """(t,) surface point nearest to each of points (t, 3) among those that face like its normal (t, 3).

    otherwise: (t,) the result if none nearby does. It is nearly always the nearest of all.
    """
    below = expected.tree.nearest(points)[1]
    away = np.flatnonzero(np.einsum("ni,ni->n", expected.normals[below], normals) <= 0)
    around = expected.tree.nearest_k(points[away], DEVIATION.nearest)[1]
    same = np.einsum("nki,ni->nk", expected.normals[around], normals[away]) > 0
    below[away] = np.where(same.any(axis=1), around[np.arange(len(away)), same.argmax(axis=1)], otherwise[away])
    return below


def scan_sides(scan: PointTree, direction: DoubleArray | None = None) -> DoubleArray:
    """Outward unit normals (n, 3) of a scan (n, 3), zero where the outer side is unknown.

    direction: (3,) viewing direction of a single-view scan; None for a scan of the whole part.
    """
    normals = normals_and_curvature_of(scan, DEVIATION.side)[0]
    if direction is not None:
        return np.asarray(np.where(normals @ direction < 0, -1.0, 1.0)[:, None] * normals)
    return sure_sides(outward_sides(scan, normals)[:, None] * normals)


def sure_sides(facing: DoubleArray) -> DoubleArray:
    """Unit normals from outward normals (n, 3) whose length is their certainty; zero if too uncertain."""
    surety = np.linalg.norm(facing, axis=1, keepdims=True)
    return np.asarray(np.where(surety > DEVIATION.sure, facing / np.maximum(surety, _TINY), 0.0))


def neighbourhood_means(values: DoubleArray, scan: PointTree) -> DoubleArray:
    """(n,) deviations, each a trimmed mean over the surrounding points.

    values: (n,) at the scan's points (n, 3). A single flying pixel is no deviation of a part.
    """
    ranked = np.sort(values[scan.around(DEVIATION.mean)], axis=1)
    cut = DEVIATION.trimmed if ranked.shape[1] > 2 * DEVIATION.trimmed else 0
    return np.asarray(ranked[:, cut : ranked.shape[1] - cut].mean(axis=1))


def _noise(values: DoubleArray) -> float:
    return max(sigma(values), _TINY)


def _from_face(
    points: DoubleArray, nearest: IntArray, expected: Surface, rim: float
) -> tuple[DoubleArray, DoubleArray]:
    own = expected.normals[nearest]
    offsets = points - expected.points[nearest]
    feet = points - np.einsum("ij,ij->i", offsets, own)[:, None] * own
    around = expected.tree.nearest_k(feet, DEVIATION.nearest)[1]
    alike = np.einsum("nki,ni->nk", expected.normals[around], own) > DEVIATION.alike
    around = np.where(alike, around, nearest[:, None])
    normals = np.take(expected.normals, around, axis=0)
    mean = np.einsum("nki->ni", normals)
    mean /= np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), _TINY)
    # Half way between the normals of two points of an arc, neither sees it bend: curvature cancels out.
    away = points[:, None] - np.take(expected.points, around, axis=0)
    twice = np.einsum("nki,nki->nk", away, normals) + np.einsum("nki,ni->nk", away, mean)
    cosine = np.einsum("nki,ni->nk", normals, mean)
    along = (twice / np.sqrt(np.maximum(2 + 2 * cosine, _TINY))).mean(axis=1)
    aside = np.linalg.norm(offsets - np.einsum("ij,ij->i", offsets, mean)[:, None] * mean, axis=1)
    return np.where(along < 0, -1.0, 1.0) * np.hypot(along, np.maximum(aside - rim, 0.0)), mean


def _between_faces(points: DoubleArray, found: Deviation, expected: Surface) -> IntArray:
    """Points (m,) that have moved and have another face nearby: they may have come from there."""
    loud = np.flatnonzero(np.abs(found.values) > DEVIATION.quiet * _noise(found.values))
    around = expected.tree.nearest_k(points[loud], DEVIATION.searched)[1]
    across = np.einsum("nki,ni->nk", expected.normals[around], found.normals[loud]) < -DEVIATION.opposite
    return np.asarray(loud[across.any(axis=1)])


def _facing_alike(points: DoubleArray, sides: DoubleArray, expected: Surface) -> IntArray:
    """(m,) the nearest surface point that faces the same way, or the nearest of all if none nearby does."""
    around = expected.tree.nearest_k(points, DEVIATION.searched)[1]
    facing = np.einsum("nki,ni->nk", expected.normals[around], sides) >= 0
    return np.asarray(around[np.arange(len(points)), facing.argmax(axis=1)])


def _through_a_wall(points: DoubleArray, found: Deviation, expected: Surface) -> tuple[IntArray, IntArray]:
    """Points that have come through a thin wall, (m,), and the surface points to measure them from, (m,).

    A dent in one face may end behind the other face. The other face still has scan points of its own on it, but there
    are none where the dent comes from.
    """
    still = np.abs(found.values) <= DEVIATION.quiet * _noise(found.values)
    loud = np.flatnonzero(~still)
    if not still.any():
        return loud[:0], loud[:0]
    resting = PointTree(points[still])
    loud = loud[_covered(resting, found.normals[still], found.nearest[loud], expected)]
    around = expected.tree.nearest_k(points[loud], DEVIATION.searched)[1]
    across = np.einsum("nki,ni->nk", expected.normals[around], found.normals[loud]) < -DEVIATION.opposite
    origin = around[np.arange(len(loud)), across.argmax(axis=1)]
    moved = across.any(axis=1) & ~_covered(resting, found.normals[still], origin, expected)
    return loud[moved], origin[moved]


def _covered(resting: PointTree, normals: DoubleArray, places: IntArray, expected: Surface) -> BoolArray:
    """(p,) whether the scan covers these surface points: unmoved scan points are nearby and face the same way.

    resting: the unmoved points (m, 3); normals: (m, 3) of the surface there.
    """
    reach = DEVIATION.covered * resting.spacing
    around = resting.nearest_k(expected.points[places], DEVIATION.nearest, within=reach)[1]
    inside = around < len(resting)
    alike = np.einsum("pki,pi->pk", normals[np.minimum(around, len(resting) - 1)], expected.normals[places]) > 0
    return np.asarray((inside & alike).any(axis=1))


def _measured_again(
    points: DoubleArray, expected: Surface, found: Deviation, some: IntArray, nearest: IntArray
) -> Deviation:
    """The deviation with some points (m,) measured from other faces of the surface."""
    values, normals, below = found.values.copy(), found.normals.copy(), found.nearest.copy()
    below[some] = nearest
    values[some], normals[some] = measure_from(points[some], nearest, expected)
    return Deviation(values, below, normals)
