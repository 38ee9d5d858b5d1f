"""How high each channel of evidence rises on good parts, and how differently from part to part. [O]"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sedir_core.types import DoubleArray

PEAK_SHARE = 0.0005  # of the points, the highest, whose mean is a channel's peak
PEAK_PRIOR = 4.0  # held-out samplings' worth of trust in the spread of all channels' peaks, beside the channel's own
LEAST_SPREAD, PRIOR_SPREAD = 0.12, 0.4  # of the logarithm of peaks
_QUIET = 1e-3


@dataclass(frozen=True)
class Peak:
    """Of the logarithms of a channel's peaks on held-out good samplings: mean and spread."""

    mean: float
    spread: float

    def above(self, values: DoubleArray) -> DoubleArray:
        """How many spreads values (n,) in units of the channel's limit lie above the usual peak."""
        return np.asarray((np.log(values + _QUIET) - self.mean) / self.spread)


def peak_of(values: DoubleArray) -> float:
    """The mean of the highest values (n,)."""
    count = max(1, int(PEAK_SHARE * len(values)))
    return float(np.partition(values, -count)[-count:].mean())


def log_peaks(all_standardised: Sequence[Mapping[str, DoubleArray]], names: Sequence[str]) -> DoubleArray:
    """(h, channels) logarithms of the peaks of channels on held-out samplings."""
    return np.log(np.array([[peak_of(one[name]) for name in names] for one in all_standardised]) + _QUIET)


def learn_peaks(all_standardised: Sequence[Mapping[str, DoubleArray]]) -> dict[str, Peak]:
    """How high each channel rises on held-out good samplings, each in units of its limits as learned from others."""
    peaks = {}
    for name, logs in zip(all_standardised[0], log_peaks(all_standardised, list(all_standardised[0])).T, strict=True):
        own = float(logs.var(ddof=1)) if len(logs) > 1 else PRIOR_SPREAD**2
        variance = (PEAK_PRIOR * PRIOR_SPREAD**2 + len(logs) * own) / (PEAK_PRIOR + len(logs))
        peaks[name] = Peak(float(np.median(logs)), max(float(np.sqrt(variance)), LEAST_SPREAD))
    return peaks
