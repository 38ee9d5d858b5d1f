"""Lines along a bent course, and the emptiest of them: a crack leaves one without points, however narrow it is. [O]"""

from __future__ import annotations

import numpy as np

from sedir_core.evidence.report_numbers import DESCRIPTION
from sedir_core.types import DoubleArray


class Course:
    """The line on which a region is strongest, from end to end: its places (r,) along and across it, with weights."""

    def __init__(self, along: DoubleArray, across: DoubleArray, weights: DoubleArray, step: float) -> None:
        n_steps = max(1, int(np.ptp(along) / step))
        edges = np.linspace(along.min(), along.max(), n_steps + 1)
        at = np.clip(np.digitize(along, edges) - 1, 0, n_steps - 1)
        total = np.bincount(at, weights, n_steps)
        known = total > 0
        self._ends = edges[0], edges[-1]
        self._along = ((edges[1:] + edges[:-1]) / 2)[known]
        self._across = np.bincount(at, weights * across, n_steps)[known] / total[known]

    def beside(self, along: DoubleArray, across: DoubleArray) -> DoubleArray:
        """(k,) how far places lie beside it, signed; NaN beyond its ends."""
        aside = across - np.interp(along, self._along, self._across)
        return np.where((along < self._ends[0]) | (along > self._ends[1]), np.nan, aside)


def emptiest_line(room: DoubleArray, found: DoubleArray, per_place: float, spacing: float) -> float:
    """By how many standard errors points are too few on the emptiest of the lines along a course.

    room, found: (p,), (n,) how far evenly scattered places of the surface, and points of the scan, lie beside it.
    per_place: expected points. spacing: of the scan. 0 if no line is long enough to tell.
    """
    width, around = DESCRIPTION.line_width * spacing, DESCRIPTION.line_around * spacing
    weight = width / (width + 2 * around)
    most = 0.0
    for left in np.arange(-DESCRIPTION.line_aside, DESCRIPTION.line_aside, DESCRIPTION.line_step) * spacing:
        own = _within(room, left, left + width)
        mean = weight * _within(room, left - around, left + width + around)
        expected = per_place * min(mean, own + DESCRIPTION.scatter * np.sqrt(own))
        if expected >= DESCRIPTION.least_expected:
            fewer = expected - _within(found, left, left + width)
            most = max(most, float(fewer / np.sqrt(expected * (1 + per_place * weight))))
    return most


def _within(values: DoubleArray, low: float, high: float) -> int:
    return int(((values >= low) & (values < high)).sum())
