"""A scan's own axes: results computed along them do not depend on the scan's pose or unit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sedir_core.types import DoubleArray

_AT_ONCE = 1 << 15  # points: what is computed on the way takes many times their room
_FIRST, _SECOND = np.triu_indices(3)


@dataclass(frozen=True)
class OwnAxes:
    """centre: (3,). axes: (3, 3) right-handed, orthonormal, as columns. size: the scan's, above 0."""

    centre: DoubleArray
    axes: DoubleArray
    size: float

    def along(self, points: DoubleArray) -> DoubleArray:
        """Points (n, 3) along the axes, around the centre, in the scan's unit."""
        near = points - self.centre
        # A matrix product would round by a point's place in the array.
        return np.asarray(near[:, :1] * self.axes[0] + near[:, 1:2] * self.axes[1] + near[:, 2:] * self.axes[2])


def box_axes(points: DoubleArray) -> OwnAxes:
    """The file's axes, from the lowest corner of points (n, 3); the size is the longest side."""
    size = float(np.ptp(points, axis=0).max()) if len(points) else 0.0
    return OwnAxes(points.min(axis=0, initial=np.inf), np.eye(3), size if size > 0 else 1.0)


def own_axes(points: DoubleArray) -> OwnAxes:
    """Principal axes of finite points (n, 3), largest spread first, each pointing to its longer tail.

    They rotate with the scan up to rounding, and are independent of the order of the points to the last bit. If spreads
    or tails are equal, as for an ideal ball, rounding decides.
    """
    box = box_axes(points)
    if not len(points):
        return box
    means = _mean(points, box, lambda u: np.concatenate([u, u[:, _FIRST] * u[:, _SECOND]], axis=1))
    centre = box.centre + box.size * means[:3]
    covariance = np.empty((3, 3))
    covariance[_FIRST, _SECOND] = covariance[_SECOND, _FIRST] = means[3:]
    values, axes = np.linalg.eigh(covariance - np.outer(means[:3], means[:3]))
    axes = axes[:, ::-1]
    tails = _mean(points, OwnAxes(centre, axes, box.size), lambda u: u**3 / 8)  # across a box up to the root of 3
    axes = axes * np.where(tails < 0, -1.0, 1.0)
    axes[:, np.argmin(np.abs(tails))] *= np.sign(np.linalg.det(axes))
    size = box.size * float(np.sqrt(max(values.sum(), 0.0)))
    return OwnAxes(centre, axes, size if size > 0 else 1.0)


def _mean(points: DoubleArray, own: OwnAxes, of: Callable[[DoubleArray], DoubleArray]) -> DoubleArray:
    """Mean of values of points (n, 3) along the axes, in sizes: none above 1.

    Values are rounded so that sums are exact; otherwise they would depend on the order.
    """
    grain, total = 2.0 ** (52 - len(points).bit_length()), np.zeros(())
    for start in range(0, len(points), _AT_ONCE):
        said = of(own.along(points[start : start + _AT_ONCE]) / own.size)
        total = total + np.round(said * grain).sum(axis=0)
    return np.asarray(total / grain / len(points))
