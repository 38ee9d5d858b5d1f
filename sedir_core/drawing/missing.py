"""Missing material: it has no scan points to colour, so the expected surface is shown there."""

from __future__ import annotations

import numpy as np

from sedir_core.drawing.colour_maps import Rgb
from sedir_core.drawing.deviation_scale import TABLE
from sedir_core.geometry.neighbours import typical_spacing
from sedir_core.geometry.sampling import selected
from sedir_core.geometry.tree import PointTree
from sedir_core.types import BoolArray, Detection, DoubleArray, FloatArray, Scan

GAP_SPACINGS = 3.0
"""A place of the expected surface without a scan point within this distance is empty."""
RIM_SPACINGS = 0.5
"""The same beside an empty place, so that no ring of nothing is left around what is missing."""


def missing_places(scan: Scan, detection: Detection) -> DoubleArray:
    """(g, 3) places of the expected surface without scan points nearby.

    Empty for single-view scans, which never show everything.
    """
    expected, some = detection.expected, scan.finite
    if expected is None or detection.deviation is None or detection.from_one_side:
        return np.empty((0, 3))
    empty = nothing_near(expected, selected(scan.points, some), selected(detection.deviation, some))
    return np.asarray(expected[empty])


def nothing_near(expected: DoubleArray, points: DoubleArray, deviation: FloatArray) -> BoolArray:
    """(m,) which places (m, 3) of an expected surface are empty in a scan's points (n, 3).

    deviation: (n,) of the points. The bottom of a dent is surface, displaced by its deviation, and not missing.
    """
    if min(len(expected), len(points)) < 2:
        return np.zeros(len(expected), dtype=np.bool_)
    spacing = max(typical_spacing(points), typical_spacing(expected))
    distances, nearest = PointTree(points).nearest(expected)
    apart = distances - np.abs(np.nan_to_num(deviation))[nearest]
    empty = apart > GAP_SPACINGS * spacing
    rim = np.flatnonzero(~empty & (apart > RIM_SPACINGS * spacing))
    if empty.any() and len(rim):
        empty[rim] = PointTree(expected[empty]).nearest(expected[rim])[0] <= GAP_SPACINGS * spacing
    return np.asarray(empty)


def missing_colours(n: int) -> Rgb:
    """(n, 3) uint8: the colour of the scale's low end."""
    return np.tile(TABLE[0], (n, 1))
