"""Units of length: which a scan is in, what brings it to the model's, and lengths and areas as people read them.

Files of scans rarely say their unit. A model says which it was trained in (`data.unit`); a scan of a known part then
shows by its size what its coordinates must be multiplied by to be in that unit, and so what it was written in.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

Unit = Literal["unknown", "um", "mm", "cm", "m", "inch"]
UNKNOWN: Unit = "unknown"
TO_MM: Mapping[Unit, float] = {"um": 0.001, "mm": 1.0, "cm": 10.0, "m": 1000.0, "inch": 25.4}
"""Millimetres in one of each."""
NAMES: Mapping[Unit, str] = {
    "um": "micrometres", "mm": "millimetres", "cm": "centimetres", "m": "metres", "inch": "inches",
    UNKNOWN: "an unknown unit",
}  # fmt: skip
SYMBOLS: Mapping[str, str] = {"um": "µm", "inch": "in", UNKNOWN: ""}
"""Of those that are not written as they are called here."""
_SAME = 1e-6  # relative: two factors of units are never this close


def in_mm(unit: Unit) -> float:
    """Millimetres in one of them; 1 where it is unknown, so that nothing is converted."""
    return TO_MM.get(unit, 1.0)


def is_unit(text: object) -> bool:
    """Whether that is a unit as settings spell it."""
    return text in NAMES


def unit_of_scan(model: Unit, factor: float) -> Unit:
    """The unit of a scan whose coordinates times `factor` are in the model's; unknown where none explains it."""
    if model == UNKNOWN:
        return UNKNOWN
    wanted = factor * TO_MM[model]
    return next((unit for unit, in_mm in TO_MM.items() if math.isclose(in_mm, wanted, rel_tol=_SAME)), UNKNOWN)


def read_as(model: Unit, factor: float) -> str:
    """What to say of a scan's unit, in a clause: "read as metres"; nothing where it is the model's."""
    if math.isclose(factor, 1.0, rel_tol=_SAME):
        return ""
    unit = unit_of_scan(model, factor)
    if unit != UNKNOWN:
        return f"read as {NAMES[unit]}"
    times = f"{factor:,.4g} times smaller" if factor > 1 else f"{1 / factor:,.4g} times larger"
    return f"read in another unit than the model's ({times})"


def symbol(unit: str) -> str:
    """What is written after a number: `mm`, `µm`, `in`; nothing where the unit is unknown. Other text stays."""
    return SYMBOLS.get(unit, unit)


def number(value: float, like: float | None = None) -> str:
    """Three digits without an exponent: `1,230`, `12.3`, `0.0123`. like: take as many decimals as this one has."""
    size = abs(value if like is None else like)
    if size == 0 or not math.isfinite(size):
        return f"{value:.3g}"
    decimals = 2 - math.floor(math.log10(size))
    return f"{value:.2e}" if decimals > 8 else f"{value:,.{max(decimals, 0)}f}"


def length_text(length: float, unit: str, like: float | None = None) -> str:
    """`12.3 mm`, or `12.3` where the unit is not known."""
    return f"{number(length, like)} {symbol(unit)}".rstrip().replace("-", "−")


def area_text(area: float, unit: str) -> str:
    """`114 mm²`, or `114` where the unit is not known."""
    return f"{number(area)} {symbol(unit)}²" if symbol(unit) else number(area)
