"""Compares two runs: differing settings, and the better one in each metric."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sedir_core.config import Config
from sedir_core.runs.catalogue import MEASURES, RunDetail

Side = Literal["first", "second", ""]
SAME_WITHIN = 0.0005
"""Metrics are shown in per cent with one decimal; values that round to the same are equal."""


@dataclass(frozen=True)
class Pair:
    """One metric of one category (or of the mean) in both runs, 0..1; None if missing."""

    category: str
    measure: str
    first: float | None
    second: float | None

    @property
    def better(self) -> Side:
        """The side with the higher value; empty if one is missing or they are equal."""
        if self.first is None or self.second is None or abs(self.first - self.second) < SAME_WITHIN:
            return ""
        return "first" if self.first > self.second else "second"


@dataclass(frozen=True)
class RunComparison:
    """settings: dotted name and the values in both runs, where they differ."""

    first: RunDetail
    second: RunDetail
    settings: tuple[tuple[str, str, str], ...]
    pairs: tuple[Pair, ...]

    def to_json(self) -> dict[str, Any]:
        """For `sedir runs compare --json`."""
        return {
            "first": self.first.entry.to_json(),
            "second": self.second.entry.to_json(),
            "settings": {name: [one, other] for name, one, other in self.settings},
            "measures": [
                {"category": p.category, "measure": p.measure, "first": p.first, "second": p.second, "better": p.better}
                for p in self.pairs
            ],
        }


def compare_runs(first: RunDetail, second: RunDetail) -> RunComparison:
    """Categories in the order of the first run, then those only in the second; last the mean over shared ones."""
    one, other = first.entry.measured, second.entry.measured
    names = [*one, *(name for name in other if name not in one)]
    pairs = [Pair(n, m, one.get(n, {}).get(m), other.get(n, {}).get(m)) for n in names for m in MEASURES]
    shared = [name for name in one if name in other]
    if len(shared) > 1:
        pairs += [Pair("mean", m, _mean(one, shared, m), _mean(other, shared, m)) for m in MEASURES]
    return RunComparison(first, second, _differences(first, second), tuple(pairs))


def _mean(measured: Mapping[str, Mapping[str, float]], names: list[str], measure: str) -> float | None:
    values = [measured[name][measure] for name in names if measure in measured[name]]
    return sum(values) / len(values) if len(values) == len(names) else None


def _differences(first: RunDetail, second: RunDetail) -> tuple[tuple[str, str, str], ...]:
    one, other = _facts(first), _facts(second)
    names = [*one, *(name for name in other if name not in one)]
    return tuple((n, one.get(n, ""), other.get(n, "")) for n in names if one.get(n, "") != other.get(n, ""))


def _facts(detail: RunDetail) -> dict[str, str]:
    """A run's inputs: categories and data, then every setting by its dotted name."""
    about = detail.entry.about
    facts = {}
    if about is not None:
        facts = {"categories": ", ".join(about.categories), "data": about.data_hash[:12], "device": about.device}
    return facts | ({} if detail.config is None else settings_of(detail.config))


def settings_of(config: Config) -> dict[str, str]:
    """Every setting by its dotted name, as text."""
    found: dict[str, str] = {}
    for section, values in config.settings().items():
        fields = values.items() if isinstance(values, dict) else [("", values)]
        found |= {".".join(filter(None, (section, name))): _text(value) for name, value in fields}
    return found


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
