"""Nearest-neighbour search with consistent array shapes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from sedir_core.types import DoubleArray, IntArray

SHARED_WORK = 20_000  # fewer neighbours are not worth the overhead of threads
Points = NDArray[np.floating[Any]]


class PointTree:
    """A search tree over points (n, 3), multi-threaded for large queries."""

    def __init__(self, points: Points) -> None:
        self.points = points
        self._tree = cKDTree(points)

    def __len__(self) -> int:
        return len(self.points)

    def nearest(self, targets: Points, within: float = np.inf) -> tuple[DoubleArray, IntArray]:
        """Distance and index, both (t,), of the point nearest to each target (t, 3); inf and n if none is `within`."""
        distances, indices = self.nearest_k(targets, 1, within)
        return distances[:, 0], indices[:, 0]

    def nearest_k(self, targets: Points, k: int, within: float = np.inf) -> tuple[DoubleArray, IntArray]:
        """Distances and indices, both (t, k), nearest first; inf and n where fewer than k lie `within` reach.

        k is lowered to n where there are fewer points.
        """
        k = min(k, len(self))
        workers = -1 if len(targets) * k > SHARED_WORK else 1
        distances, indices = self._tree.query(targets, k, distance_upper_bound=within, workers=workers)
        shape = (len(targets), k)
        return np.asarray(distances).reshape(shape), np.asarray(indices, dtype=np.int64).reshape(shape)

    def pairs_within(self, reach: float) -> IntArray:
        """(p, 2) indices of points closer than `reach`."""
        return np.asarray(self._tree.query_pairs(reach, output_type="ndarray"), dtype=np.int64)
