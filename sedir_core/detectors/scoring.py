"""From evidence to one score per point and one per scan, each measured in what is usual at that place.

Every channel of evidence (token residual, offsets, gaps, ...) is divided by its own RMS value over held-out normal
samplings, place by place, then by a high quantile of the same; what is left is combined as a length. 1 is therefore
about the largest value that a good part shows in one channel. All of this is our choice [O]; `paper_scores` is the
published rule [P].
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from sedir_core.detectors.normal_surface import GAPS, SEAM
from sedir_core.geometry.neighbours import spread
from sedir_core.geometry.tree import PointTree
from sedir_core.types import DoubleArray

TOKEN = "token"
# Which channels colour the points, and which decide on the scan; found on shapes and defects of our own making
# (benchmarks/README.md). Drift and coarse offsets outline a bent end well, but vary too much between good parts.
MAP_WEIGHTS: Mapping[str, float] = {
    "offset_32": 1.0,
    "offset_128": 1.0,
    "bare_32": 1.0,
    SEAM: 2.5,
    "stray_8": 0.5,
    "drift": 0.7,
    TOKEN: 0.7,
}
OBJECT_WEIGHTS: Mapping[str, float] = {
    "offset_8": 0.7,
    "offset_32": 0.7,
    "bare_8": 1.0,
    "bare_32": 1.0,
    SEAM: 1.0,
    TOKEN: 0.5,
}
SEAM_OF_VIEWS = 0.5  # as it decides on them: the rims of hollows that a scanner may not see into look like seams
SMOOTHING = 32  # neighbours over which the points' scores are averaged
OBJECT_SHARE = 0.002  # the object score is the mean of this share of the points, the highest
LIMIT_QUANTILE = 0.999
PRIOR_COUNT = 30.0  # points' worth of trust in the category's overall value, beside the place's own
LARGEST = 8.0  # limits
_LEAST_LIMIT = 1e-6  # a channel that is the same everywhere divides nothing by zero
# These never come near zero, so only what exceeds the usual counts; the other channels do.
BASELINE: Mapping[str, float] = {TOKEN: 1.0, SEAM: 1.0}


@dataclass(frozen=True)
class Evidence:
    """Channels of a scan, name -> (n,), at places (n, 3) of the normal surface."""

    places: DoubleArray
    channels: Mapping[str, DoubleArray]
    from_one_side: bool = False


@dataclass(frozen=True)
class Usual:
    """What good parts of a category show: per anchor (a, 3) and channel an RMS value (a,), per channel a limit."""

    anchors: DoubleArray
    values: Mapping[str, DoubleArray]
    limits: Mapping[str, float]

    def exceed(self, evidence: Evidence) -> dict[str, DoubleArray]:
        """Each channel in units of its limit, (n,); capped, so that a few flying pixels do not condemn a part."""
        names = [name for name in evidence.channels if name in self.values]
        usual = spread(np.stack([self.values[name] for name in names], axis=1), self.anchors, evidence.places, k=4)
        found = {}
        for i, name in enumerate(names):
            ratio = np.maximum(evidence.channels[name] / usual[:, i] - BASELINE.get(name, 0.0), 0)
            found[name] = np.minimum(ratio / self.limits[name], LARGEST)
        return found


def learn_usual(held_out: Sequence[Evidence], anchors: DoubleArray) -> Usual:
    """The usual values from held-out normal samplings, at least one. anchors: (a, 3) places to keep them at.

    Gaps of views are in spacings already and alike everywhere; what few views show at a place says where their rims
    happened to be.
    """
    tree = PointTree(anchors)
    near = [tree.nearest_k(evidence.places, 4)[1] for evidence in held_out]
    places = np.concatenate([indices.ravel() for indices in near])
    count = np.bincount(places, minlength=len(anchors))
    values = {}
    for name in held_out[0].channels:
        squares = [np.repeat(e.channels[name] ** 2, n.shape[1]) for e, n in zip(held_out, near, strict=True)]
        overall = float(np.mean([square.mean() for square in squares])) + 1e-12
        if held_out[0].from_one_side and name in GAPS:
            values[name] = np.full(len(anchors), np.sqrt(overall))
            continue
        sums = np.bincount(places, np.concatenate(squares), minlength=len(anchors))
        values[name] = np.sqrt((sums + PRIOR_COUNT * overall) / (count + PRIOR_COUNT))
    unlimited = Usual(anchors, values, dict.fromkeys(values, 1.0))
    uncapped = [unlimited.exceed(evidence) for evidence in held_out]
    limits = {name: float(np.mean([np.quantile(u[name], LIMIT_QUANTILE) for u in uncapped])) for name in values}
    return Usual(anchors, values, {name: max(limit, _LEAST_LIMIT) for name, limit in limits.items()})


def point_map(exceedance: Mapping[str, DoubleArray], places: DoubleArray) -> DoubleArray:
    """(n,) smoothed scores for the points at places (n, 3), from each channel in units of its limit."""
    around = PointTree(places).nearest_k(places, SMOOTHING)[1]
    return np.asarray(_length(exceedance, MAP_WEIGHTS)[around].mean(axis=1))


def object_score(exceedance: Mapping[str, DoubleArray], from_one_side: bool = False) -> float:
    """One score for the scan: the mean of the highest points of the channels that decide."""
    weights = {**OBJECT_WEIGHTS, SEAM: SEAM_OF_VIEWS} if from_one_side else OBJECT_WEIGHTS
    scores = np.sort(_length(exceedance, weights))
    return float(scores[-max(1, int(OBJECT_SHARE * len(scores))) :].mean())


def _length(exceedance: Mapping[str, DoubleArray], weights: Mapping[str, float]) -> DoubleArray:
    used = [(weights[name] * values) ** 2 for name, values in exceedance.items() if name in weights]
    return np.asarray(np.sqrt(np.sum(used, axis=0)))


def paper_scores(residuals: DoubleArray) -> DoubleArray:
    """(N,) token scores as published: min-max within the instance, then a 1-D Gaussian along the tokens [P].

    The paper's kernel size and sigma were lost with its symbols; sigma 1 over 5 tokens is ours [O].
    """
    low, high = residuals.min(), residuals.max()
    scaled = (residuals - low) / max(float(high - low), 1e-12)
    return np.asarray(gaussian_filter1d(scaled, sigma=1.0, radius=2))
