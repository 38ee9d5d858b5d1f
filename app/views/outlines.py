"""From what is drawn over a 3D view to a region of the part. Plain geometry, free of Qt and graphics."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

import numpy as np

from app.views.camera import CameraPose, axes_of, project
from sedir_core.types import DoubleArray, FloatArray, ZonePlace, within_outline

LEAST_POINTS = 3
MOST_CORNERS = 64
"""A lasso is thinned to so many."""
LEAST_PX = 6.0
"""Anything smaller was a click, not a drawing."""
FRONT = 0.1
"""Quantile of the depth of the enclosed points at which the outline is exact; perspective widens it behind."""
MARGIN = 0.1
"""How far a region reaches beyond the enclosed points, as a share of the part's radius: other parts differ a little."""


class OutlineTool(Enum):
    """What the user draws: two opposite corners, a closed line, or a straight line with the region on one side."""

    BOX = "box"
    LASSO = "lasso"
    PLANE = "plane"


@dataclass(frozen=True)
class SeenPart:
    """How a view of that size in pixels shows a part: (n, 3) points around `origin`, and its radius."""

    points: FloatArray
    origin: DoubleArray
    radius: float
    pose: CameraPose
    view_angle_deg: float
    width: float
    height: float


def region_of(kind: OutlineTool, drawn: DoubleArray, sight: SeenPart) -> ZonePlace | None:
    """The region of the part behind what was drawn, (k, 2) pixels; None for a click, or beside the part.

    A box or a lasso reaches through the part along the line of sight. A line has two sides: the region is the one with
    fewer points.
    """
    if len(drawn) < 2 or float(np.ptp(drawn, axis=0).max()) < LEAST_PX:
        return None
    seen = project(sight.points, sight.pose, sight.view_angle_deg, sight.width, sight.height)
    return _one_side(drawn, seen, sight) if kind is OutlineTool.PLANE else _through(_corners(kind, drawn), seen, sight)


def _corners(kind: OutlineTool, drawn: DoubleArray) -> DoubleArray:
    if kind is OutlineTool.LASSO:
        return drawn[:: -(-len(drawn) // MOST_CORNERS)]
    (left, top), (right, bottom) = drawn.min(axis=0), drawn.max(axis=0)
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)])


def _through(corners: DoubleArray, seen: DoubleArray, sight: SeenPart) -> ZonePlace | None:
    enclosed = within_outline(seen[:, :2], corners)
    if enclosed.sum() < LEAST_POINTS or len(corners) < 3:
        return None
    axes = axes_of(sight.pose)
    reach = sight.points[enclosed] @ axes[2]
    base = _at_depth(corners, float(np.quantile(seen[enclosed, 2], FRONT)), sight)
    low, high = base.min(axis=0), base.max(axis=0)
    half = np.append((high - low) / 2, float(np.ptp(reach)) / 2 + MARGIN * sight.radius)
    if half.min() <= 0:
        return None
    middle = np.append((low + high) / 2, (float(reach.min()) + float(reach.max())) / 2)
    outline = None if _is_box(corners) else (base - middle[:2]) / half[:2]
    return ZonePlace(sight.origin + middle @ axes, half, axes, outline=outline)


def _one_side(drawn: DoubleArray, seen: DoubleArray, sight: SeenPart) -> ZonePlace | None:
    """A box around what is on the side of the line with fewer points; its face on the line is exact at the front."""
    start, end = drawn[0], drawn[-1]
    way = end - start
    if np.linalg.norm(way) < LEAST_PX:
        return None
    aside = (seen[:, 0] - start[0]) * way[1] - (seen[:, 1] - start[1]) * way[0]
    right = aside > 0
    enclosed = right if right.sum() <= len(right) / 2 else ~right
    if enclosed.sum() < LEAST_POINTS:
        return None
    a, b = _at_depth(np.stack([start, end]), float(np.quantile(seen[enclosed, 2], FRONT)), sight)
    seen_axes = axes_of(sight.pose)
    along = (b - a) / np.linalg.norm(b - a) @ seen_axes[:2]
    axes = np.stack([along, seen_axes[2], np.cross(along, seen_axes[2])])
    places = sight.points[enclosed] @ axes.T
    face = float(a @ seen_axes[:2] @ axes[2])
    low, high = places.min(axis=0) - MARGIN * sight.radius, places.max(axis=0) + MARGIN * sight.radius
    if places[:, 2].mean() > face:
        low[2] = face
    else:
        high[2] = face
    half = (high - low) / 2
    return None if half.min() <= 0 else ZonePlace(sight.origin + (low + high) / 2 @ axes, half, axes)


def _at_depth(pixels: DoubleArray, depth: float, sight: SeenPart) -> DoubleArray:
    """(k, 2) places right and up of the shape's origin that those pixels (k, 2) show at that depth."""
    scale = depth * 2 * math.tan(math.radians(sight.view_angle_deg / 2)) / sight.height
    across = (pixels - (sight.width / 2, sight.height / 2)) * (scale, -scale)
    return np.asarray(across + axes_of(sight.pose)[:2] @ np.asarray(sight.pose.position))


def _is_box(corners: DoubleArray) -> bool:
    return len(corners) == 4 and np.array_equal(corners[0] + corners[2], corners[1] + corners[3])
