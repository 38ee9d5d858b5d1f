"""The best viewpoint for a defect: the side that shows most of it, occlusion considered."""

from __future__ import annotations

import numpy as np

from app.state.shapes import Shape, Triple
from app.views.camera import START_DIRECTION
from app.views.thumbnail import axes_from, cover
from sedir_core.types import Detection, DoubleArray

POINTS, PIXELS = 2500, 40
TURNS, HEIGHTS_DEGREES = 16, (-30.0, 10.0, 35.0, 65.0)
ENOUGH = 0.75
"""Share of what the best side shows that suffices to keep the default view."""


def front_of(shape: Shape, found: Detection) -> Triple | None:
    """Direction from the part to the camera for its first view; None without a visible defect."""
    if not found.defects or not len(shape):
        return None
    few = shape.head(POINTS)
    hot = _heat(shape, few, found)
    if not hot.any():
        return None
    usual = np.array(START_DIRECTION) / np.linalg.norm(START_DIRECTION)
    shown = {way: _shown(few, hot, np.array(way)) for way in _ways()}
    best = max(shown, key=lambda way: shown[way])
    if _shown(few, hot, usual) >= ENOUGH * shown[best]:
        return None
    return best


def _heat(shape: Shape, few: Shape, found: Detection) -> DoubleArray:
    """(m,) 1 at the few points nearest to those of the strongest defect."""
    from sedir_core.geometry.tree import PointTree

    place = np.full(len(found.point_scores), -1)
    place[shape.rows] = np.arange(len(shape))
    members = place[found.defects[0].members]
    members = members[members >= 0]
    hot = np.zeros(len(few))
    if len(members):
        hot[np.unique(PointTree(few.points).nearest(shape.points[members])[1])] = 1.0
    return hot


def _ways() -> list[Triple]:
    found = []
    for height in np.deg2rad(HEIGHTS_DEGREES):
        for turn in np.arange(TURNS) * 2 * np.pi / TURNS:
            across = float(np.cos(height))
            found.append((float(np.cos(turn)) * across, float(np.sin(turn)) * across, float(np.sin(height))))
    return found


def _shown(shape: Shape, hot: DoubleArray, towards: DoubleArray) -> float:
    """How much of the defect is visible: its pixels, weighted by how squarely they face the camera."""
    pixels, owners = cover(shape, axes_from(towards), PIXELS)
    front = np.zeros(PIXELS * PIXELS)
    front[pixels] = hot[owners]
    return float(front.sum())
