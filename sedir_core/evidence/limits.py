"""From the scores of held-out good scans to the limit for any rate of false alarms, and back.

No network here, so that the window can move a limit while it is dragged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np

from sedir_core.evidence.training_numbers import LIMITS
from sedir_core.types import DoubleArray, IntArray, Tolerance

LOWEST_RATE, HIGHEST_RATE, ALL = 1e-6, 0.5, 0.999
MOST_SHARE = 1e6  # times what is allowed: where nothing is, any deviation would be infinitely many times as much
_TINY = 1e-12


@dataclass(frozen=True, eq=False)
class Calibration:
    """What the limits of a run rest on.

    rate: the share of good scans that the stored limits call NG. whole, view: by category the object scores (h,) of
    held-out good scans, from all around and single-view, as far as the run keeps them. owners: by category the training
    part (h,) of each score in `whole`; ranges: the lowest and highest deviation of each scan, (h, 2) in the model's
    unit. Both are missing in runs of older versions.
    """

    rate: float
    whole: Mapping[str, DoubleArray]
    view: Mapping[str, DoubleArray]
    owners: Mapping[str, IntArray] = field(default_factory=dict)
    ranges: Mapping[str, DoubleArray] = field(default_factory=dict)

    def n_scans(self, category: str, from_one_side: bool = False) -> int:
        """Number of held-out scans behind this category's limit; 0 if its rate cannot be chosen."""
        return len(self._scores(from_one_side).get(category, ()))

    def covers(self, rate: float, from_one_side: bool = False) -> bool:
        """Whether the scores themselves reach that rate; below it, their upper tail is extrapolated."""
        n_all = sum(len(values) for values in self._scores(from_one_side).values())
        return rate * (n_all + 1) >= 1

    def fits(self, category: str, threshold: float, from_one_side: bool = False) -> bool:
        """Whether that limit was set from these scores, not by another model."""
        if not self.n_scans(category, from_one_side):
            return False
        limit = object_limits(self._scores(from_one_side), self.rate)[category]
        return bool(np.isclose(limit, threshold, rtol=1e-6))

    def share(self, category: str, rate: float, from_one_side: bool = False) -> float:
        """The limit for that rate of false alarms, as a share of the stored one. Raises KeyError: see `n_scans`."""
        scatter = _Scatter.of(self._scores(from_one_side))
        return scatter.limit(category, rate) / scatter.limit(category, self.rate)

    def interval(self, category: str) -> tuple[float, float] | None:
        """Confidence interval of the stored limit at LIMITS.confidence, as shares of it, for scans from all around.

        Samplings of one part are alike, so the number of parts counts: the limit is as uncertain as the mean over so
        few parts, which scatter as those of all categories do. None if the scatter of parts is unknown.
        """
        means = {name: _means_of_parts(np.log(self.whole[name]), owners) for name, owners in self.owners.items()}
        freedom = sum(len(parts) - 1 for parts in means.values())
        if category not in means or freedom < 1:
            return None
        variance = sum(float(((parts - parts.mean()) ** 2).sum()) for parts in means.values()) / freedom
        from scipy.stats import t as student  # late: the window opens without scipy

        sure = float(student.ppf((1 + LIMITS.confidence) / 2, freedom))
        reach = float(np.exp(sure * np.sqrt(variance / len(means[category]))))
        return 1 / reach, reach

    def rate_at(self, category: str, share: float, from_one_side: bool = False) -> float:
        """The inverse of `share`, between LOWEST_RATE and HIGHEST_RATE. Raises KeyError: see `n_scans`."""
        scatter = _Scatter.of(self._scores(from_one_side))
        return scatter.rate(category, share * scatter.limit(category, self.rate), HIGHEST_RATE)

    def rate_of(self, tolerance: Tolerance, category: str) -> float | None:
        """The share of good scans, from all around, that a tolerance in the model's unit calls NG.

        None if the run does not keep their deviations.
        """
        ranges = self.ranges.get(category)
        if ranges is None:
            return None
        far, allowed = ranges * [-1.0, 1.0], np.array([-tolerance.minus, tolerance.plus])
        shares = (far / np.maximum(allowed, _TINY)).max(axis=1)
        return _Scatter.of({category: np.minimum(shares, MOST_SHARE)}).rate(category, 1.0, ALL)

    def _scores(self, from_one_side: bool) -> Mapping[str, DoubleArray]:
        return self.view if from_one_side else self.whole


@runtime_checkable
class Calibrated(Protocol):
    """A detector that keeps what its limits rest on."""

    def calibration(self) -> Calibration:
        """The scores kept in the run; none of a category in runs of older versions."""
        ...


def object_limits(scores: Mapping[str, DoubleArray], false_alarm_rate: float) -> dict[str, float]:
    """The object score that a good part of each category exceeds with that probability.

    A category's few held-out samplings give the location of its scores and roughly their scatter; all categories
    together give the shape of the upper tail, and a typical scatter.
    """
    scatter = _Scatter.of(scores)
    return {name: scatter.limit(name, false_alarm_rate) for name in scores}


def scores_from(arrays: Mapping[str, DoubleArray], name: str) -> DoubleArray:
    """Held-out scores (h,) from a run's arrays, empty if it has none. Raises ValueError if they are invalid."""
    scores = arrays.get(name, np.empty(0))
    if scores.ndim != 1 or (len(scores) and float(scores.min()) < 0):
        raise ValueError(f"{name} are no scores")
    return scores


def kept(scores: Mapping[str, DoubleArray]) -> dict[str, DoubleArray]:
    """The scores without categories that have none."""
    return {name: values for name, values in scores.items() if len(values)}


def _means_of_parts(values: DoubleArray, owners: IntArray) -> DoubleArray:
    return np.array([values[owners == owner].mean() for owner in np.unique(owners)])


@dataclass(frozen=True, eq=False)
class _Scatter:
    """Statistics of the scores' logarithms: (mean, spread) by category; deviations of all together, in spreads.

    few: held-out scans per category.
    """

    places: Mapping[str, tuple[float, float]]
    deviations: DoubleArray
    few: float

    @staticmethod
    def of(scores: Mapping[str, DoubleArray]) -> _Scatter:
        logs = {name: np.log(np.maximum(values, 1e-9)) for name, values in scores.items()}
        spreads = _shrunk_scatters(logs)
        deviations = np.concatenate([(values - values.mean()) / spreads[name] for name, values in logs.items()])
        places = {name: (float(values.mean()), spreads[name]) for name, values in logs.items()}
        return _Scatter(places, deviations, float(np.mean([len(values) for values in logs.values()])))

    def rate(self, category: str, limit: float, highest: float) -> float:
        """The rate at which that limit is exceeded, between LOWEST_RATE and `highest`."""
        low, high = float(np.log(LOWEST_RATE)), float(np.log(highest))
        for _ in range(30):  # a lower rate never has a lower limit, so halving finds it
            middle = (low + high) / 2
            if self.limit(category, float(np.exp(middle))) > limit:
                low = middle
            else:
                high = middle
        return float(np.exp((low + high) / 2))

    def limit(self, category: str, rate: float) -> float:
        mean, spread = self.places[category]
        # The mean is estimated from the same few values, which hides part of their scatter.
        reach = _exceeded(self.deviations, rate) * float(np.sqrt((self.few + 1) / max(self.few - 1.0, 1.0)))
        return float(np.exp(mean + spread * reach))


def _exceeded(deviations: DoubleArray, rate: float) -> float:
    """The value that is exceeded at that rate.

    Weibull's quantile is exceeded at the requested rate on average, however few the values. It ends at the highest
    value; beyond, the tail continues as an exponential whose scale is the mean excess.
    """
    covered = max(rate, 1 / (len(deviations) + 1))
    reach = float(np.quantile(deviations, 1 - covered, method="weibull"))
    tail_from = float(np.quantile(deviations, 1 - LIMITS.tail_share, method="weibull"))
    excess = deviations[deviations > tail_from] - tail_from
    return reach + (float(excess.mean()) * float(np.log(covered / rate)) if len(excess) else 0.0)


def _shrunk_scatters(logs: Mapping[str, DoubleArray]) -> dict[str, float]:
    """Each category's spread, shrunk toward the median of all: one that scatters must not widen the others' limits."""
    variances = {name: float(values.var(ddof=1)) if len(values) > 1 else 0.0 for name, values in logs.items()}
    typical = float(np.median(list(variances.values())))
    return {
        name: float(
            np.sqrt(
                (LIMITS.scatter_prior * typical + len(values) * variances[name]) / (LIMITS.scatter_prior + len(values))
            )
        )
        + 1e-12
        for name, values in logs.items()
    }
