"""Where the camera stands: plain geometry, shared by the linked views and free of any graphics library."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.state.shapes import Triple
from sedir_core.types import DoubleArray, FloatArray

START_DIRECTION = (0.8, -1.0, 0.55)
"""Three-quarter view, z up."""
MARGIN = 0.12
"""Margin around the part, as a share of half the picture."""


@dataclass(frozen=True)
class CameraPose:
    """Position, focal point and view-up vector, in the coordinates of the points on screen."""

    position: Triple
    focus: Triple
    up: Triple


def axes_of(pose: CameraPose) -> DoubleArray:
    """(3, 3) unit vectors: right, up, and towards the viewer."""
    forward = _unit(np.subtract(pose.focus, pose.position), (0.0, 1.0, 0.0))
    right = _unit(np.cross(forward, pose.up), (1.0, 0.0, 0.0))
    return np.stack([right, np.cross(right, forward), -forward])


def project(
    points: NDArray[np.floating], pose: CameraPose, view_angle_deg: float, width: float, height: float
) -> DoubleArray:
    """(n, 3) places to (n, 3) float64: pixels from the left and from the top, and how far in front of the camera."""
    right, up, towards_viewer = axes_of(pose)
    arms = np.asarray(points, np.float64) - pose.position
    depth = -(arms @ towards_viewer)
    scale = height / 2 / math.tan(math.radians(view_angle_deg / 2)) / np.maximum(depth, 1e-12)
    across, upward = arms @ right, arms @ up
    return np.stack([width / 2 + across * scale, height / 2 - upward * scale, depth], axis=1)


def fitting_distance(radius: float, view_angle_deg: float, aspect: float) -> float:
    """Distance at which a sphere of that radius roughly fills the view; aspect is width over height."""
    half_angle = math.radians(view_angle_deg / 2)
    return 1.12 * radius / math.sin(min(half_angle, math.atan(math.tan(half_angle) * aspect)))


def home(points: FloatArray, view_angle_deg: float, aspect: float, direction: Triple = START_DIRECTION) -> CameraPose:
    """The whole part seen from that direction, as close as the (n, 3) points allow; a few outliers may be cut off."""
    toward = _unit(direction, START_DIRECTION)
    upright = (0.0, 0.0, 1.0) if abs(toward[2]) < 0.98 else (0.0, 1.0 if toward[2] > 0 else -1.0, 0.0)
    right = _unit(np.cross(upright, toward), (1.0, 0.0, 0.0))
    sample = points.astype(np.float64)
    slope = math.tan(math.radians(view_angle_deg / 2)) * (1 - MARGIN)
    sideways = np.abs(sample @ right) / (slope * aspect)
    upwards = np.abs(sample @ np.cross(toward, right)) / slope
    needed = sample @ toward + np.maximum(sideways, upwards)
    distance = max(float(np.percentile(needed, 99.8)), 1e-9) if len(needed) else 3.0
    return CameraPose(_triple(toward * distance), (0.0, 0.0, 0.0), upright)


def towards(target: DoubleArray, distance: float, way: DoubleArray | None = None) -> CameraPose:
    """Look at a place on the part from outside and slightly above, so that its surroundings show where it is.

    way: (3,) from the place to the camera; None for outward from the middle of the part.
    """
    outward = _unit(target if way is None else way, START_DIRECTION)
    outward = _unit(outward + np.array((0.0, 0.0, 0.35)), outward)
    up = (0.0, 0.0, 1.0) if abs(outward[2]) < 0.95 else (0.0, 1.0, 0.0)
    return CameraPose(_triple(target + outward * distance), _triple(target), up)


def between(start: CameraPose, end: CameraPose, share: float) -> CameraPose:
    """An interpolated pose. Direction and distance are interpolated apart, so the camera swings around the part."""
    focus = _mix(start.focus, end.focus, share)
    arms = [np.subtract(pose.position, pose.focus) for pose in (start, end)]
    lengths = [max(float(np.linalg.norm(arm)), 1e-12) for arm in arms]
    direction = _unit(_mix(arms[0] / lengths[0], arms[1] / lengths[1], share), arms[1])
    length = lengths[0] ** (1 - share) * lengths[1] ** share
    return CameraPose(_triple(focus + direction * length), _triple(focus), _triple(_mix(start.up, end.up, share)))


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
