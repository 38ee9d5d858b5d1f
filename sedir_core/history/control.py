"""Statistical process control: has the NG share, or the score of good parts, drifted?

Source: Western Electric, Statistical Quality Control Handbook, 1956; Montgomery, Introduction to Statistical Quality
Control, chapters 6 and 7.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from sedir_core.history.records import ChartPoint, Tally

BASELINE = 50
"""First scores, used for centre and sigma, so that a drift does not widen its own limits."""
LEAST = 20
"""Fewest scores needed to test for drift."""
RULES = {
    1: "beyond three sigma",
    2: "two of three beyond two sigma",
    3: "four of five beyond one sigma",
    4: "eight in a row on one side",
}
_MEAN_RANGE = 1.128  # d2: mean range of two normal values, in sigmas
Grouping = Literal["lot", "day", "hour"]


@dataclass(frozen=True)
class Group:
    """The inspections of one lot, day or hour. low, high: control limits of the NG share for that sample size."""

    name: str
    n: int
    n_ng: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """NG share, 0..1."""
        return self.n_ng / self.n

    @property
    def out(self) -> bool:
        """Whether it is outside the control limits."""
        return not self.low <= self.share <= self.high


@dataclass(frozen=True)
class ShareChart:
    """A p-chart. centre: NG share over all groups."""

    centre: float
    groups: tuple[Group, ...]


@dataclass(frozen=True)
class RunChart:
    """Scores of one category in time order. alarms: by index, the violated rules of RULES.

    centre, sigma: of the first scores under the limit, None if there are too few. Scores over the limit are ignored by
    the rules: a defect is a separate event, a drift is a change of the good parts.
    """

    samples: tuple[ChartPoint, ...]
    centre: float | None
    sigma: float | None
    alarms: dict[int, tuple[int, ...]]


def share_chart(tallies: Iterable[Tally], by: Grouping) -> ShareChart:
    """NG share by lot, day or hour (local time), in order of first inspection."""
    name = _NAMES[by]
    counts: dict[str, list[int]] = {}
    for tally in tallies:
        count = counts.setdefault(name(tally), [0, 0])
        count[0] += tally.n
        count[1] += tally.n_ng
    total = sum(n for n, _ in counts.values())
    centre = sum(n_ng for _, n_ng in counts.values()) / total if total else 0.0
    groups = []
    for group, (n, n_ng) in counts.items():
        reach = 3 * math.sqrt(centre * (1 - centre) / n)
        groups.append(Group(group, n, n_ng, max(0.0, centre - reach), min(1.0, centre + reach)))
    return ShareChart(centre, tuple(groups))


def run_chart(samples: Sequence[ChartPoint]) -> RunChart:
    """samples: of one category, oldest first. Those without a score are skipped."""
    known = tuple(sample for sample in samples if sample.share is not None)
    good = [i for i, sample in enumerate(known) if not sample.over]
    if len(good) < LEAST:
        return RunChart(known, None, None, {})
    values = [float(known[i].share or 0.0) for i in good]
    centre, sigma = spread(values[:BASELINE])
    found = western_electric(values, centre, sigma)
    return RunChart(known, centre, sigma, {good[i]: rules for i, rules in found.items()})


def spread(values: Sequence[float]) -> tuple[float, float]:
    """Mean and sigma of two or more values, with sigma from the moving range, which a slow drift does not widen."""
    ranges = [abs(after - before) for before, after in pairwise(values)]
    return sum(values) / len(values), sum(ranges) / len(ranges) / _MEAN_RANGE


def western_electric(values: Sequence[float], centre: float, sigma: float) -> dict[int, tuple[int, ...]]:
    """Violated rules by index of the last value involved.

    With zero sigma no rule can be violated.
    """
    if sigma <= 1e-12 * max(1.0, abs(centre)):
        return {}
    zones = [(value - centre) / sigma for value in values]
    found: dict[int, tuple[int, ...]] = {}
    for i in range(len(zones)):
        broken = tuple(
            rule
            for rule, (beyond, needed, within) in _RULES.items()
            if any(_breaks(zones[max(0, i + 1 - within) : i + 1], side, beyond, needed) for side in (1, -1))
        )
        if broken:
            found[i] = broken
    return found


# rule: how many sigmas away, how many of them, within how many.
_RULES = {1: (3.0, 1, 1), 2: (2.0, 2, 3), 3: (1.0, 4, 5), 4: (0.0, 8, 8)}


def _breaks(zones: Sequence[float], side: int, beyond: float, needed: int) -> bool:
    """Whether the last value and enough of the preceding ones are that far out on this side."""
    return side * zones[-1] > beyond and sum(side * zone > beyond for zone in zones) >= needed


_NAMES: dict[Grouping, Callable[[Tally], str]] = {
    "lot": lambda tally: tally.lot or "no lot",
    "day": lambda tally: f"{tally.time.astimezone():%Y-%m-%d}",
    "hour": lambda tally: f"{tally.time.astimezone():%Y-%m-%d %H:00}",
}
