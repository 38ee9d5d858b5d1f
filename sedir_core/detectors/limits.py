"""From the scores of held-out good scans to the limit for any rate of false alarms, and back.

NumPy alone, so that the window can move a limit while it is dragged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from sedir_core.types import DoubleArray

SCATTER_PRIOR = 30.0  # held-out scans' worth of trust in the typical scatter, beside the category's own
TAIL_SHARE = 0.2  # of the pooled deviations, the highest: they say how fast the upper end falls off
LOWEST_RATE, HIGHEST_RATE = 1e-6, 0.5


@dataclass(frozen=True, eq=False)
class Calibration:
    """What the limits of a run rest on.

    rate: the share of good scans that the stored limits call NG. whole, view: by category the object scores (h,) of
    held-out good scans, from all around and from one side; without those that the run does not keep.
    """

    rate: float
    whole: Mapping[str, DoubleArray]
    view: Mapping[str, DoubleArray]

    def n_scans(self, category: str, from_one_side: bool = False) -> int:
        """How many held-out scans the limit of this category rests on; 0 where its rate cannot be chosen."""
        return len(self._scores(from_one_side).get(category, ()))

    def share(self, category: str, rate: float, from_one_side: bool = False) -> float:
        """The limit for that rate of false alarms, as a share of the stored one. Raises KeyError: see `n_scans`."""
        scores = self._scores(from_one_side)
        return object_limits(scores, rate)[category] / object_limits(scores, self.rate)[category]

    def rate_at(self, category: str, share: float, from_one_side: bool = False) -> float:
        """The inverse of `share`, between LOWEST_RATE and HIGHEST_RATE. Raises KeyError: see `n_scans`."""
        low, high = np.log(LOWEST_RATE), np.log(HIGHEST_RATE)
        for _ in range(40):  # a lower rate never has a lower limit, so halving finds it
            middle = (low + high) / 2
            if self.share(category, float(np.exp(middle)), from_one_side) > share:
                low = middle
            else:
                high = middle
        return float(np.exp((low + high) / 2))

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

    Few held-out samplings a category say where its scores lie and roughly how far they scatter; all categories
    together say the shape of the scatter's upper end, and lend each other a typical scatter.
    """
    logs = {name: np.log(np.maximum(values, 1e-9)) for name, values in scores.items()}
    scatters = _shrunk_scatters(logs)
    # The mean is estimated from the same few values, which hides part of their scatter.
    few = float(np.mean([len(values) for values in logs.values()]))
    deviations = np.concatenate([(values - values.mean()) / scatters[name] for name, values in logs.items()])
    reach = _exceeded(deviations, false_alarm_rate) * float(np.sqrt((few + 1) / max(few - 1.0, 1.0)))
    return {name: float(np.exp(values.mean() + scatters[name] * reach)) for name, values in logs.items()}


def scores_from(arrays: Mapping[str, DoubleArray], name: str) -> DoubleArray:
    """Held-out scores (h,) among a run's arrays, empty where it has none. Raises ValueError if they are none."""
    scores = arrays.get(name, np.empty(0))
    if scores.ndim != 1 or (len(scores) and float(scores.min()) < 0):
        raise ValueError(f"{name} are no scores")
    return scores


def kept(scores: Mapping[str, DoubleArray]) -> dict[str, DoubleArray]:
    """Without the categories that have none."""
    return {name: values for name, values in scores.items() if len(values)}


def _exceeded(deviations: DoubleArray, rate: float) -> float:
    """The value that is exceeded at that rate.

    Weibull's quantile is exceeded at the rate asked for on average, however few the values. It ends at the highest of
    them; beyond, the tail goes on as an exponential, whose scale is its mean excess.
    """
    covered = max(rate, 1 / (len(deviations) + 1))
    reach = float(np.quantile(deviations, 1 - covered, method="weibull"))
    tail_from = float(np.quantile(deviations, 1 - TAIL_SHARE, method="weibull"))
    excess = deviations[deviations > tail_from] - tail_from
    return reach + (float(excess.mean()) * float(np.log(covered / rate)) if len(excess) else 0.0)


def _shrunk_scatters(logs: Mapping[str, DoubleArray]) -> dict[str, float]:
    """Each category's spread, drawn toward the median of all: one that scatters must not widen the others' limits."""
    variances = {name: float(values.var(ddof=1)) if len(values) > 1 else 0.0 for name, values in logs.items()}
    typical = float(np.median(list(variances.values())))
    return {
        name: float(np.sqrt((SCATTER_PRIOR * typical + len(values) * variances[name]) / (SCATTER_PRIOR + len(values))))
        + 1e-12
        for name, values in logs.items()
    }
