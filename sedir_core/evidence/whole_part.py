"""Properties of a part as a whole: its size relative to the good parts."""

from __future__ import annotations

import numpy as np

from sedir_core.evidence.fields import Places
from sedir_core.evidence.numbers import WHOLE_PART
from sedir_core.geometry.robust import SIGMA_PER_MEDIAN, TUKEY_WIDTH, tukey
from sedir_core.types import DoubleArray

SIZE = "size"
SIZE_UNIT = 0.01  # of the size: what is far more than scanners and temperature change of it
_WIDTH = TUKEY_WIDTH * SIGMA_PER_MEDIAN  # times the median


def size_difference(points: DoubleArray, places: Places) -> float:
    """Relative size difference between a scan and the normal surface: 0.03 is 3 per cent larger.

    points: (n, 3) in the category's frame, rigidly aligned. From the best similarity transform, by Gauss-Newton steps
    on point-to-plane distances with Tukey weights, so that a defect has no influence; 0 if too little of the surface is
    visible.
    """
    some = points[:: max(1, len(points) // WHOLE_PART.points)]
    shift, turn, scale = np.zeros(3), np.zeros(3), 0.0
    for _ in range(WHOLE_PART.steps):
        moved = (some + np.cross(turn, some) + shift) * (1 - scale)
        over = places.over(moved)
        if over.on.sum() < WHOLE_PART.least_points:
            return 0.0
        at, off, normals = moved[over.on], over.along[over.on], places.normals[over.place[over.on]]
        width = _WIDTH * float(np.median(np.abs(off))) + 1e-12
        weights = tukey(off, width)
        rows = np.column_stack([np.cross(at, normals), normals, (at * normals).sum(axis=1)])
        normal_matrix = (rows * weights[:, None]).T @ rows
        damping = 1e-6 * np.trace(normal_matrix) / 7 * np.eye(7)
        step = np.linalg.solve(normal_matrix + damping, (rows * weights[:, None]).T @ off)
        turn, shift, scale = turn - step[:3], shift - step[3:6], scale + float(step[6])
    return scale


def words_of_size(difference: float) -> str:
    """The remark for the operator."""
    return f"{100 * abs(difference):.1f} % {'larger' if difference > 0 else 'smaller'} than good parts"
