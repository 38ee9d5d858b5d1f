"""How high each channel of evidence rises on good parts, and how differently from part to part. [O]"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sedir_core.evidence.numbers import PEAKS
from sedir_core.types import DoubleArray

_QUIET = 1e-3


@dataclass(frozen=True)
class Peak:
    """Mean and spread of the logarithms of a channel's peaks on held-out good samplings."""

    mean: float
    spread: float

    def above(self, values: DoubleArray) -> DoubleArray:
        """Height of values (n,), in units of the channel's limit, above the usual peak, in spreads."""
        return np.asarray((np.log(values + _QUIET) - self.mean) / self.spread)


def peak_of(values: DoubleArray) -> float:
    """The mean of the highest values (n,)."""
    count = max(1, int(PEAKS.share * len(values)))
    return float(np.partition(values, -count)[-count:].mean())


def log_peaks(all_standardised: Sequence[Mapping[str, DoubleArray]], names: Sequence[str]) -> DoubleArray:
    """(h, channels) logarithms of the peaks of channels on held-out samplings."""
    return np.log(np.array([[peak_of(one[name]) for name in names] for one in all_standardised]) + _QUIET)


def learn_peaks(all_standardised: Sequence[Mapping[str, DoubleArray]], owners: Sequence[int]) -> dict[str, Peak]:
    """How high each channel rises on held-out good samplings, in units of its limits as learned from the other parts.

    owners: the part of each sampling. Samplings of one part are alike, so the number of parts counts: the fewer they
    are, the less they show of the scatter of others.
    """
    own, names = np.asarray(owners), list(all_standardised[0])
    parts, peaks = np.unique(own), {}
    for name, logs in zip(names, log_peaks(all_standardised, names).T, strict=True):
        means = np.array([logs[own == part].mean() for part in parts])
        within = float(np.mean([logs[own == part].var() for part in parts]))
        between = float(means.var(ddof=1)) * (1 + 1 / len(parts)) if len(parts) > 1 else PEAKS.prior_spread**2
        variance = (PEAKS.prior * PEAKS.prior_spread**2 + len(parts) * (between + within)) / (PEAKS.prior + len(parts))
        peaks[name] = Peak(float(np.median(logs)), max(float(np.sqrt(variance)), PEAKS.least_spread))
    return peaks
