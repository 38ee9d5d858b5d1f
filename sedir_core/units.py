"""Units of length: a scan's unit, conversion to the model's, and formatting of lengths and areas.

Scan files rarely state their unit. A model knows the unit of its training (`data.unit`); from the size of a scan of a
known part follows the factor to that unit, and thereby the scan's own unit.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Literal

Unit = Literal["unknown", "um", "mm", "cm", "m", "inch"]
UNKNOWN: Unit = "unknown"
TO_MM: Mapping[Unit, float] = {"um": 0.001, "mm": 1.0, "cm": 10.0, "m": 1000.0, "inch": 25.4}
"""Millimetres per unit."""
NAMES: Mapping[Unit, str] = {
    "um": "micrometres", "mm": "millimetres", "cm": "centimetres", "m": "metres", "inch": "inches",
    UNKNOWN: "an unknown unit",
}  # fmt: skip
SYMBOLS: Mapping[str, str] = {"um": "µm", "inch": "in", UNKNOWN: ""}
"""Symbols that differ from the names used here."""
_SAME = 1e-6  # relative tolerance; unit factors are never this close to each other


def in_mm(unit: Unit) -> float:
    """Millimetres per unit; 1 if unknown, so that nothing is converted."""
    return TO_MM.get(unit, 1.0)


def is_unit(text: object) -> bool:
    """Whether this is a valid unit in the settings."""
    return isinstance(text, str) and text in NAMES


def unit_of_scan(model: Unit, factor: float) -> Unit:
    """The unit of a scan whose coordinates times `factor` are in the model's; unknown if none matches."""
    if model == UNKNOWN:
        return UNKNOWN
    wanted = factor * TO_MM[model]
    return next((unit for unit, in_mm in TO_MM.items() if math.isclose(in_mm, wanted, rel_tol=_SAME)), UNKNOWN)


def read_as(model: Unit, factor: float) -> str:
    """A clause on a scan's unit, such as "read as metres"; empty if it is the model's."""
    if math.isclose(factor, 1.0, rel_tol=_SAME):
        return ""
    unit = unit_of_scan(model, factor)
    if unit != UNKNOWN:
        return f"read as {NAMES[unit]}"
    times = f"{factor:,.4g} times smaller" if factor > 1 else f"{1 / factor:,.4g} times larger"
    return f"read in a unit other than the model's ({times})"


def symbol(unit: str) -> str:
    """The unit's symbol: `mm`, `µm`, `in`; empty if unknown. Other text is returned unchanged."""
    return SYMBOLS.get(unit, unit)


def number(value: float, like: float | None = None) -> str:
    """Three significant digits without exponent: `1,230`, `12.3`, `0.0123`. like: use this number's decimals."""
    size = abs(value if like is None else like)
    if size == 0 or not math.isfinite(size):
        return f"{value:.3g}"
    decimals = 2 - math.floor(math.log10(size))
    return f"{value:.2e}" if decimals > 8 else f"{value:,.{max(decimals, 0)}f}"


def length_text(length: float, unit: str, like: float | None = None) -> str:
    """`12.3 mm`, or `12.3` without a known unit."""
    return f"{number(length, like)} {symbol(unit)}".rstrip().replace("-", "−")


def area_text(area: float, unit: str) -> str:
    """`114 mm²`, or `114` without a known unit."""
    return f"{number(area)} {symbol(unit)}²" if symbol(unit) else number(area)


def unbroken(text: str) -> str:
    """The same with every unit on the line of its number."""
    return re.sub(r"(?<=\d) (?=[^\W\d]|%)", "\N{NO-BREAK SPACE}", text)
