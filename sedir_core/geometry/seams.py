"""Detects narrow gaps as paths over the surface, straight or slightly bent, along which a value stays high.

A crack is only one or two point spacings wide, so no single place of it is unusual: a random sampling has gaps of that
size everywhere. Only a sequence of them does not occur by chance.
"""

from __future__ import annotations

import numpy as np

from sedir_core.geometry.surface import tangents
from sedir_core.geometry.tree import PointTree
from sedir_core.types import BoolArray, DoubleArray, FloatArray, IntArray

N_HEADINGS = 16
N_NEIGHBOURS = 20
SHORTEST, LONGEST = 0.7, 2.0  # spacings that one step may take
SAME_SIDE = 0.3  # cosine between normals: a thin wall's other side is no step
N_STEPS = 6  # to either side: some 17 spacings in all


class SeamFinder:
    """Paths over a surface of points (n, 3) with unit normals (n, 3) and that spacing; reusable for many values."""

    def __init__(self, points: DoubleArray, normals: DoubleArray, spacing: float) -> None:
        around = PointTree(points).nearest_k(points, N_NEIGHBOURS)[1]
        steps = points[around] - points[:, None]
        first, second = tangents(normals)
        x, y = np.einsum("nki,ni->nk", steps, first), np.einsum("nki,ni->nk", steps, second)
        length = np.hypot(x, y) / max(spacing, 1e-300)
        same_side = np.einsum("nki,ni->nk", normals[around], normals) > SAME_SIDE
        allowed = (length > SHORTEST) & (length < LONGEST) & same_side
        self._around: IntArray = around
        self._heading = np.where(allowed, _heading(x, y), -1)
        # The same step in its end's tangent frame, since every point has its own.
        self._arriving = _heading(
            np.einsum("nki,nki->nk", steps, first[around]), np.einsum("nki,nki->nk", steps, second[around])
        )

    def highest_means(self, values: FloatArray) -> DoubleArray:
        """(n,) the highest mean of the values (n,), at least 0, along a path centred on the point."""
        following, arriving, exists = self._best_steps(values)
        total = np.zeros((len(values), N_HEADINGS), np.float32)
        for _ in range(N_STEPS):
            onward = _turned_a_little(total)
            total = np.where(exists, values[following] + onward[following, arriving], 0).astype(np.float32)
        half = N_HEADINGS // 2
        back = np.maximum.reduce([np.roll(total, -(half + bend), axis=1) for bend in (-1, 0, 1)])
        return np.asarray((values + (total + back).max(axis=1)) / (2 * N_STEPS + 1), dtype=np.float64)

    def _best_steps(self, values: FloatArray) -> tuple[IntArray, IntArray, BoolArray]:
        """(n, headings) each: the highest neighbour that way, the heading on arrival there, whether there is any."""
        neighbours = values[self._around]
        rows = np.arange(len(values))
        following = np.zeros((len(values), N_HEADINGS), np.int64)
        arriving, exists = np.zeros_like(following), np.zeros(following.shape, bool)
        for heading in range(N_HEADINGS):
            here = np.where(self._heading == heading, neighbours, -1)
            best = here.argmax(axis=1)
            exists[:, heading] = here[rows, best] >= 0
            following[:, heading] = self._around[rows, best]
            arriving[:, heading] = self._arriving[rows, best]
        return following, arriving, exists


def _heading(x: DoubleArray, y: DoubleArray) -> IntArray:
    return np.asarray(np.round(np.arctan2(y, x) / (2 * np.pi) * N_HEADINGS) % N_HEADINGS, dtype=np.int64)


def _turned_a_little(values: FloatArray) -> FloatArray:
    """The best of each heading and its two neighbours."""
    return np.maximum(values, np.maximum(np.roll(values, 1, axis=1), np.roll(values, -1, axis=1)))
