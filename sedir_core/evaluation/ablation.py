"""The list of ablations: settings changed by each row of the paper's tables, and the paper's numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Literal, cast

from sedir_core.config import Config, override
from sedir_core.documents import parse_toml
from sedir_core.errors import BadConfig

Probe = Literal["mean", "max", "act"]
MEASURES = ("o_auroc", "p_auroc")
"""Metrics reported in the paper's ablations."""


@dataclass(frozen=True)
class Variant:
    """A row: its cells, the settings it changes, and the paper's numbers in per cent.

    set, scale: section -> name -> value or factor. paper: in the order of `MEASURES`; empty if unknown.
    """

    cells: tuple[str, ...]
    set: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    scale: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    paper: tuple[float, ...] = ()

    def applied(self, base: Config) -> Config:
        """The preset with this row's changes. Raises BadConfig if a scaled value leaves its range."""
        changes: dict[str, dict[str, Any]] = {section: dict(names) for section, names in self.set.items()}
        for section, factors in self.scale.items():
            for name, factor in factors.items():
                value = getattr(getattr(base, section), name)
                changes.setdefault(section, {})[name] = type(value)(value * factor)
        return override(base, **changes)


@dataclass(frozen=True)
class ProbeRow:
    """A row measured on the unmodified model. paper: accuracy in per cent."""

    cells: tuple[str, ...]
    probe: Probe
    paper: tuple[float, ...]


@dataclass(frozen=True)
class Ablation:
    """One table. Either variants or probes."""

    number: str
    title: str
    columns: tuple[str, ...]
    variants: tuple[Variant, ...]
    probes: tuple[ProbeRow, ...]


@cache
def ablations() -> tuple[Ablation, ...]:
    """Every table, in the paper's order."""
    text = files("resources").joinpath("ablations/paper.toml").read_text(encoding="utf-8")
    return tuple(map(_ablation, parse_toml(text)["tables"]))


def chosen(numbers: Sequence[str] | None) -> tuple[Ablation, ...]:
    """The tables with these numbers, all by default. Raises BadConfig for an unknown one."""
    if numbers is None:
        return ablations()
    known = {table.number.lower(): table for table in ablations()}
    missing = [number for number in numbers if number.lower() not in known]
    if missing:
        raise BadConfig(", ".join(missing), "no such table", "use " + ", ".join(table.number for table in ablations()))
    return tuple(known[number.lower()] for number in numbers)


def distinct(tables: Sequence[Ablation], base: Config) -> Iterator[Config]:
    """The distinct configurations of the tables; the unmodified one, shared by all, first."""
    seen = [base]
    yield base
    for config in (variant.applied(base) for table in tables for variant in table.variants):
        if config not in seen:
            seen.append(config)
            yield config


def _ablation(raw: Mapping[str, Any]) -> Ablation:
    variants = tuple(
        Variant(tuple(row["cells"]), row.get("set", {}), row.get("scale", {}), tuple(row.get("paper", ())))
        for row in raw.get("variants", ())
    )
    probes = tuple(
        ProbeRow(tuple(row["cells"]), cast(Probe, row["probe"]), tuple(row["paper"])) for row in raw.get("probes", ())
    )
    return Ablation(raw["number"], raw["title"], tuple(raw["columns"]), variants, probes)
