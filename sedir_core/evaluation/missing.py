"""What of a part is not there: it has no points that could be coloured, so the expected surface stands for it."""

from __future__ import annotations

import numpy as np

from sedir_core.evaluation.colour_maps import Rgb
from sedir_core.evaluation.deviation_scale import TABLE
from sedir_core.geometry.neighbours import typical_spacing
from sedir_core.geometry.tree import PointTree
from sedir_core.types import Detection, DoubleArray, Scan

GAP_SPACINGS = 3.0
"""A place of the expected surface with no point of the scan so near is empty."""


def missing_places(scan: Scan, detection: Detection) -> DoubleArray:
    """(g, 3) places of the expected surface where the scan has nothing: what is not there has no deviation to colour.

    None of a scan from one side, which cannot show everything.
    """
    expected, points = detection.expected, scan.points[scan.finite]
    if expected is None or detection.from_one_side or min(len(expected), len(points)) < 2:
        return np.empty((0, 3))
    reach = GAP_SPACINGS * max(typical_spacing(points), typical_spacing(expected))
    gone = np.isinf(PointTree(points).nearest(expected, within=reach)[0])
    return np.asarray(expected[gone])


def missing_colours(n: int) -> Rgb:
    """(n, 3) uint8: the colour of the low end."""
    return np.tile(TABLE[0], (n, 1))
