"""Values at points, measured in what good parts show at the same place, smoothed in space, and one number for the scan.

The terms on which methods are compared, and those of the detectors of our own that know places.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sedir_core.geometry.neighbours import spread
from sedir_core.geometry.sampling import farthest_points
from sedir_core.geometry.tree import PointTree
from sedir_core.types import DoubleArray

N_ANCHORS = 2_048
NEAR = 4  # anchors that share a value, and that a place's usual value is interpolated from
PRIOR_COUNT = 30.0  # values' worth of trust in the overall one, beside the place's own
SMOOTHING = 32  # neighbours over which the points' scores are averaged
OBJECT_SHARE = 0.002  # the object score is the mean of this share of the points, the highest


@dataclass(frozen=True)
class PlaceStatistics:
    """The RMS (a,) of what good parts show around anchors (a, 3)."""

    anchors: DoubleArray
    rms: DoubleArray

    @classmethod
    def learn(cls, surface: DoubleArray, shown: Sequence[tuple[DoubleArray, DoubleArray]]) -> PlaceStatistics:
        """From places (n, 3) on a surface (m, 3) and values (n,) there, one pair a held-out good scan."""
        anchors = surface[farthest_points(surface.astype(np.float32), min(N_ANCHORS, len(surface)))]
        tree = PointTree(anchors)
        sums, count = np.zeros(len(anchors)), np.zeros(len(anchors))
        for places, values in shown:
            near = tree.nearest_k(places, NEAR)[1]
            sums += np.bincount(near.ravel(), np.repeat(values**2, near.shape[1]), len(anchors))
            count += np.bincount(near.ravel(), minlength=len(anchors))
        overall = float(np.mean([(values**2).mean() for _, values in shown])) + 1e-24
        return cls(anchors, np.sqrt((sums + PRIOR_COUNT * overall) / (count + PRIOR_COUNT)))

    def standardised(self, places: DoubleArray, values: DoubleArray) -> DoubleArray:
        """(n,) values at places (n, 3) in times of the usual one."""
        return values / spread(self.rms, self.anchors, places, k=NEAR)

    def tensors(self) -> dict[str, Tensor]:
        """Flat and named; see `from_tensors`."""
        return {"usual.anchors": torch.from_numpy(self.anchors), "usual.rms": torch.from_numpy(self.rms)}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> PlaceStatistics:
        """Raises KeyError or ValueError where something is missing or misshapen."""
        anchors, rms = (tensors[f"usual.{name}"].double().numpy() for name in ("anchors", "rms"))
        if anchors.shape != (len(rms), 3) or not len(rms) or float(rms.min()) <= 0:
            raise ValueError(f"usual values {rms.shape} at places {anchors.shape}")
        return cls(anchors, rms)


def smoothed(values: DoubleArray, places: DoubleArray, k: int = SMOOTHING) -> DoubleArray:
    """(n,) the mean over each point's k nearest places (n, 3)."""
    return np.asarray(values[PointTree(places).nearest_k(places, k)[1]].mean(axis=1))


def top_mean(scores: DoubleArray) -> float:
    """The mean of the highest 0.2 per cent of the points: a single flying pixel condemns no part [O]."""
    return float(np.sort(scores)[-max(1, int(OBJECT_SHARE * len(scores))) :].mean())
