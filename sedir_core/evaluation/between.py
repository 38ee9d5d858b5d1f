"""How much one scan deviates from another of the same kind of part: lot A from lot B, after from before. [O]

Both were compared with the expected surface of one model, whose places are the same on both, in the same order. So the
scans need neither lie alike nor be in one unit.
"""

from __future__ import annotations

import numpy as np

from sedir_core.geometry.tree import PointTree
from sedir_core.types import Detection, DoubleArray, FloatArray, Scan

NEAREST = 4  # points of a scan whose mean is its deviation at a place
REACH = 3.0  # spacings from a place to its nearest point, beyond which the scan lacks the place


def alike(found: Detection, other: Detection) -> bool:
    """Whether the two can be compared: one expected surface, of one kind of part."""
    if found.expected is None or other.expected is None or found.deviation is None or other.deviation is None:
        return False
    return found.category == other.category and found.expected.shape == other.expected.shape


def laid_like(found: Detection, other: Detection) -> tuple[DoubleArray, DoubleArray]:
    """How to lay the other scan as this one lies, for views side by side: a turn (3, 3) with the change of unit, and a
    shift (3,), so that `points @ turn.T + shift` of the other are in this one's coordinates. The two must be `alike`.

    Source: Kabsch 1976.
    """
    assert found.expected is not None and other.expected is not None
    here, there = found.expected.mean(axis=0), other.expected.mean(axis=0)
    left, _, right = np.linalg.svd((found.expected - here).T @ (other.expected - there))
    upright = np.diag([1.0, 1.0, float(np.sign(np.linalg.det(left @ right)))])  # not mirrored
    turn = other.to_unit / found.to_unit * (left @ upright @ right)
    return turn, here - turn @ there


def deviation_between(scan: Scan, found: Detection, other: Scan, of_other: Detection, rigid: bool) -> FloatArray:
    """(n,) by how much the scan deviates more than the other at the same place, signed, in the scan's own unit.

    rigid: with the smooth part-to-part variation. NaN where one of the two was not measured or lacks the place. The two
    must be `alike`.
    """
    assert found.expected is not None
    own = found.deviation_rigid if rigid else found.deviation
    assert own is not None
    there = of_other.to_unit / found.to_unit * _at_places(other, of_other, rigid)
    between = np.full(len(scan), np.nan, np.float32)
    known = np.flatnonzero(~np.isnan(own))
    places = PointTree(found.expected).nearest(scan.points[known])[1]
    between[known] = own[known] - there[places]
    return between


def _at_places(scan: Scan, found: Detection, rigid: bool) -> DoubleArray:
    """(p,) a scan's deviation at each place of its expected surface, NaN where it has no points."""
    assert found.expected is not None
    values = found.deviation_rigid if rigid else found.deviation
    assert values is not None
    known = np.flatnonzero(~np.isnan(values))
    at_places = np.full(len(found.expected), np.nan)
    if len(known) == 0:
        return at_places
    tree = PointTree(scan.points[known])
    distances, around = tree.nearest_k(found.expected, NEAREST)
    means = values[known][around].mean(axis=1)
    there = distances[:, 0] <= REACH * tree.spacing + np.abs(means)  # a dent's floor lies below its place
    at_places[there] = means[there]
    return at_places
