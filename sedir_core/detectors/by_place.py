"""Standardises values by normal statistics at the same place, smooths them, and computes the object score.

Used to compare methods on equal terms, and by our own place-aware detectors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sedir_core.geometry.neighbours import interpolate
from sedir_core.geometry.sampling import farthest_points
from sedir_core.geometry.tree import PointTree
from sedir_core.types import DoubleArray

N_ANCHORS = 2_048
NEAR = 4  # anchors over which a value is spread, and from which statistics are interpolated
PRIOR_COUNT = 30.0  # shrinkage towards the overall RMS, in number of values
SMOOTHING = 32  # neighbours for smoothing the point scores
OBJECT_SHARE = 0.002  # the object score is the mean of this share of the highest point scores


@dataclass(frozen=True)
class PlaceStatistics:
    """Normal statistics by place: the RMS (a,) of good parts' values around anchors (a, 3)."""

    anchors: DoubleArray
    rms: DoubleArray

    @classmethod
    def learn(cls, surface: DoubleArray, shown: Sequence[tuple[DoubleArray, DoubleArray]]) -> PlaceStatistics:
        """Fit to places (n, 3) on a surface (m, 3) and values (n,) there, one pair per held-out good scan."""
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
        """(n,) values at places (n, 3) divided by the RMS there."""
        return values / interpolate(self.rms, self.anchors, places, k=NEAR)

    def tensors(self) -> dict[str, Tensor]:
        """Flat and named; see `from_tensors`."""
        return {"usual.anchors": torch.from_numpy(self.anchors), "usual.rms": torch.from_numpy(self.rms)}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> PlaceStatistics:
        """Raises KeyError or ValueError if something is missing or has the wrong shape."""
        anchors, rms = (tensors[f"usual.{name}"].double().numpy() for name in ("anchors", "rms"))
        if anchors.shape != (len(rms), 3) or not len(rms) or float(rms.min()) <= 0:
            raise ValueError(f"usual values {rms.shape} at places {anchors.shape}")
        return cls(anchors, rms)


def smoothed(values: DoubleArray, places: DoubleArray, k: int = SMOOTHING) -> DoubleArray:
    """(n,) the mean over each point's k nearest places (n, 3)."""
    return np.asarray(values[PointTree(places).nearest_k(places, k)[1]].mean(axis=1))


def top_mean(scores: DoubleArray) -> float:
    """The mean of the highest 0.2 per cent of the points, so that a single flying pixel does not fail a part [O]."""
    return float(np.sort(scores)[-max(1, int(OBJECT_SHARE * len(scores))) :].mean())
