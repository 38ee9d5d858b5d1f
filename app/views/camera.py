"""Where the camera stands: plain geometry, shared by the linked views and free of any graphics library."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from sedir_core.types import DoubleArray, Scan

START_DIRECTION = (0.8, -1.0, 0.55)
"""Three-quarter view, z up."""

Triple = tuple[float, float, float]


@dataclass(frozen=True)
class Pose:
    """Position, the point looked at, and up, in the coordinates of the shown points."""

    position: Triple
    focus: Triple
    up: Triple


def place(scan: Scan | None) -> tuple[DoubleArray, float]:
    """Middle of a scan and the radius of the ball around it that holds almost every point.

    A single far outlier must not make the part a dot, so the outermost 0.2 % do not count.
    """
    points = np.empty((0, 3)) if scan is None else scan.points[scan.finite]
    if not len(points):
        return np.zeros(3), 1.0
    sample = points[:: max(1, len(points) // 20_000)]
    low, high = np.percentile(sample, [0.2, 99.8], axis=0)
    origin = (low + high) / 2
    return origin, max(float(np.percentile(np.linalg.norm(sample - origin, axis=1), 99.8)), 1e-12)


def fitting_distance(radius: float, view_angle_deg: float, aspect: float) -> float:
    """How far away a ball of that radius about fits a view; aspect is width over height."""
    half_angle = math.radians(view_angle_deg / 2)
    return 1.12 * radius / math.sin(min(half_angle, math.atan(math.tan(half_angle) * aspect)))


def home(distance: float) -> Pose:
    """The start: from the front right, a little above."""
    return Pose(_triple(_unit(START_DIRECTION, START_DIRECTION) * distance), (0.0, 0.0, 0.0), (0.0, 0.0, 1.0))


def towards(target: DoubleArray, distance: float) -> Pose:
    """Look at a place on the part from outside and a little above, so that what is around it gives it away."""
    outward = _unit(target, START_DIRECTION)
    outward = _unit(outward + np.array((0.0, 0.0, 0.35)), outward)
    up = (0.0, 0.0, 1.0) if abs(outward[2]) < 0.95 else (0.0, 1.0, 0.0)
    return Pose(_triple(target + outward * distance), _triple(target), up)


def between(start: Pose, end: Pose, share: float) -> Pose:
    """A pose on the way; it swings around the part rather than through it: direction and distance change apart."""
    focus = _mix(start.focus, end.focus, share)
    arms = [np.subtract(pose.position, pose.focus) for pose in (start, end)]
    lengths = [max(float(np.linalg.norm(arm)), 1e-12) for arm in arms]
    direction = _unit(_mix(arms[0] / lengths[0], arms[1] / lengths[1], share), arms[1])
    length = lengths[0] ** (1 - share) * lengths[1] ** share
    return Pose(_triple(focus + direction * length), _triple(focus), _triple(_mix(start.up, end.up, share)))


def _mix(start: ArrayLike, end: ArrayLike, share: float) -> DoubleArray:
    return np.asarray(start, np.float64) * (1 - share) + np.asarray(end, np.float64) * share


def _unit(vector: ArrayLike, otherwise: ArrayLike) -> DoubleArray:
    length = float(np.linalg.norm(vector))
    return np.asarray(vector if length > 1e-9 else otherwise, np.float64) / (
        length if length > 1e-9 else float(np.linalg.norm(otherwise))
    )


def _triple(vector: DoubleArray) -> Triple:
    x, y, z = (float(v) for v in vector)
    return x, y, z
