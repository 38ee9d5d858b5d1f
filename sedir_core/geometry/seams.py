"""Detects narrow gaps as paths over the surface, straight or slightly bent, along which a value stays high.

A crack is only one or two point spacings wide, so no single place of it is unusual: a random sampling has gaps of that
size everywhere. Only a sequence of them does not occur by chance.
"""

from __future__ import annotations

import numpy as np

from sedir_core.geometry.scan_numbers import SEAMS
from sedir_core.geometry.surface import tangents
from sedir_core.geometry.tree import PointTree
from sedir_core.types import DoubleArray, FloatArray, IntArray


class SeamFinder:
    """Paths over a surface of points (n, 3) with unit normals (n, 3) and that spacing; reusable for many values."""

    def __init__(self, points: DoubleArray, normals: DoubleArray, spacing: float) -> None:
        around = PointTree(points).nearest_k(points, SEAMS.neighbours)[1]
        steps = points[around] - points[:, None]
        first, second = tangents(normals)
        x, y = np.einsum("nki,ni->nk", steps, first), np.einsum("nki,ni->nk", steps, second)
        length = np.hypot(x, y) / max(spacing, 1e-300)
        same_side = np.einsum("nki,ni->nk", normals[around], normals) > SEAMS.same_side
        allowed = (length > SEAMS.shortest) & (length < SEAMS.longest) & same_side
        self._around: IntArray = around
        self._heading = np.where(allowed, _heading(x, y), -1)
        # The same step in its end's tangent frame, since every point has its own.
        arriving = _heading(
            np.einsum("nki,nki->nk", steps, first[around]), np.einsum("nki,nki->nk", steps, second[around])
        )
        self._arrival: IntArray = around * SEAMS.headings + arriving

    def highest_means(self, values: FloatArray) -> DoubleArray:
        """(n,) the highest mean of the values (n,), at least 0, along a path centred on the point."""
        gained, onward_at = self._best_steps(values)
        exists = gained >= 0
        gained *= exists
        total = np.zeros_like(gained)
        for _ in range(SEAMS.steps):
            onward = np.take(_turned_a_little(total).ravel(), onward_at)
            total = (gained + onward) * exists
        half = SEAMS.headings // 2
        back = np.roll(_turned_a_little(total), -half, axis=1)
        return np.asarray((values + (total + back).max(axis=1)) / (2 * SEAMS.steps + 1), dtype=np.float64)

    def _best_steps(self, values: FloatArray) -> tuple[FloatArray, IntArray]:
        """(n, headings) each: the value of the highest neighbour that way, below 0 if there is none; and where, in such
        an array flattened, that neighbour is with the heading on arrival there."""
        rows = np.arange(len(values))
        best = np.full((len(values), SEAMS.headings + 1), -1.0, np.float32)  # the last is of steps that are not allowed
        step = np.zeros(best.shape, np.int64)
        for number, neighbours in enumerate(self._around.T):
            heading, here = self._heading[:, number], values[neighbours]
            higher = np.flatnonzero(here > best[rows, heading])
            best[higher, heading[higher]] = here[higher]
            step[higher, heading[higher]] = number
        chosen = step[:, :-1]
        return best[:, :-1], np.take_along_axis(self._arrival, chosen, axis=1)


def _heading(x: DoubleArray, y: DoubleArray) -> IntArray:
    return np.asarray(np.round(np.arctan2(y, x) / (2 * np.pi) * SEAMS.headings) % SEAMS.headings, dtype=np.int64)


def _turned_a_little(values: FloatArray) -> FloatArray:
    """The best of each heading and its two neighbours."""
    return np.maximum(values, np.maximum(np.roll(values, 1, axis=1), np.roll(values, -1, axis=1)))
