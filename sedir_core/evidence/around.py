"""Neighbours of each point of a scan: found once, and shared by everything that averages over neighbours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sedir_core.geometry.tree import PointTree
from sedir_core.types import DoubleArray, IntArray

WIDEST = 128
# Of the WIDEST nearest points. Averages over many neighbours are taken over some of them, and all would take three
# times the memory, while the samplings of a training wait for their judges.
RANKS = (*range(32), *range(32, WIDEST, 8))


@dataclass(frozen=True)
class Around:
    """indices: (n, r) int32, each point's neighbours with these RANKS, nearest first; the first is the point itself."""

    indices: NDArray[np.int32]

    @staticmethod
    def of(points: DoubleArray) -> Around:
        """points: (n, 3)."""
        return Around.among(PointTree(points).nearest_k(points, WIDEST)[1])

    @staticmethod
    def among(nearest: IntArray | NDArray[np.int32]) -> Around:
        """nearest: (n, WIDEST) indices of each point's neighbours; fewer columns if there are fewer points."""
        return Around(nearest[:, [rank for rank in RANKS if rank < nearest.shape[1]]].astype(np.int32))

    def nearest(self, most: int, step: int = 1) -> NDArray[np.int32]:
        """(n, k) a subset of that many nearest points; beyond the 32nd, every eighth."""
        return self.indices[:, [i for i in range(self.indices.shape[1]) if RANKS[i] < most and RANKS[i] % step == 0]]
