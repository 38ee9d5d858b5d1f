"""Where to look at a defect from: the side that shows most of it, occlusion considered."""

from __future__ import annotations

import numpy as np

from app.state.shapes import Shape, Triple
from app.views.camera import START_DIRECTION
from app.views.thumbnail import axes_from, cover
from sedir_core.types import Defect, Detection, DoubleArray

POINTS, PIXELS = 2500, 40
TURNS, HEIGHTS_DEGREES = 16, (-30.0, 10.0, 35.0, 65.0)
ENOUGH = 0.75
"""Share of what the best side shows that suffices to keep the default view."""


def front_of(shape: Shape, found: Detection) -> Triple | None:
    """Direction from the part to the camera for its first view; None without a visible defect."""
    if not found.defects or not len(shape):
        return None
    few = shape.head(POINTS)
    hot = _heat(shape, few, found.defects[0])
    if not hot.any():
        return None
    usual = np.array(START_DIRECTION) / np.linalg.norm(START_DIRECTION)
    shown = {way: _shown(few, hot, np.array(way)) for way in _ways()}
    best = max(shown, key=lambda way: shown[way])
    if _shown(few, hot, usual) >= ENOUGH * shown[best]:
        return None
    return best


def side_of(shape: Shape, defect: Defect, outward: DoubleArray) -> DoubleArray:
    """Direction from a defect to the camera that is to look at it: outward (3,), unless another shows far more of it.

    On the face of a disc, the way outward from the middle of the part runs along the face.
    """
    few = shape.head(POINTS)
    hot = _heat(shape, few, defect)
    if not hot.any():
        return outward
    ways = [outward, np.array(START_DIRECTION)]
    if defect.axes is not None:
        ways += [defect.axes[2], -defect.axes[2]]
    shown = [_shown(few, hot, way / max(float(np.linalg.norm(way)), 1e-12)) for way in ways]
    return outward if shown[0] >= ENOUGH * max(shown) else ways[int(np.argmax(shown))]


def _heat(shape: Shape, few: Shape, defect: Defect) -> DoubleArray:
    """(m,) 1 at the few points nearest to those of the defect."""
    from sedir_core.geometry.tree import PointTree

    place = np.full(max(int(shape.rows.max()), int(defect.members.max(initial=0))) + 1, -1)
    place[shape.rows] = np.arange(len(shape))
    members = place[defect.members]
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
