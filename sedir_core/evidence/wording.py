"""Sentences about findings, the same on screen, in reports and in tables."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from sedir_core.types import Defect, DefectKind, Detection
from sedir_core.units import UNKNOWN, area_text, length_text, symbol

MOST_TIMES = 10
"""Times the limit: how much more a score is says nothing to people. JSON and CSV have the number itself."""

_MEASURES: Mapping[DefectKind, str] = {
    "dent": "{} deep",
    "bump": "{} high",
    "extra material": "{} high",
    "displaced region": "by {}",
    "missing material": "up to {}",
    "gap or crack": "{} long",
}


def measure_text(defect: Defect, text: Callable[[float], str]) -> str:
    """`0.42 mm deep`: the most informative length for a defect of its kind; empty if unknown.

    text: formats a length in the scan's own unit.
    """
    if defect.kind is None:
        return ""
    length = defect.depth
    if defect.kind == "gap or crack":
        length = math.nan if defect.size is None else float(defect.size[0])
    return _MEASURES[defect.kind].format(text(abs(length))) if math.isfinite(length) else ""


def defect_sentence(defect: Defect, found: Detection, called: str = "") -> str:
    """`dent, 0.42 mm deep, 155 mm², at the narrow end`, in the model's unit; without unknown lengths.

    found: the detection it belongs to. called: the unit's name, if only the user knows it.
    """
    factor, unit = found.to_unit, found.unit if found.unit != UNKNOWN else called
    measure = measure_text(defect, lambda length: length_text(factor * length, unit))
    area = "" if defect.kind == "gap or crack" and measure else area_words(factor**2 * defect.area, unit)
    return ", ".join(filter(None, (defect.kind or "departure", measure, area, defect.place)))


def area_words(area: float, unit: str) -> str:
    """`155 mm²`; `area 155` if the unit is unknown, as a bare number could be anything."""
    return area_text(area, unit) if symbol(unit) else f"area {area_text(area, unit)}"


def deviation_text(length: float, unit: str) -> str:
    """`0.42 mm too much`, `0.31 mm too little`; length: in that unit."""
    return f"{length_text(abs(length), unit)} too {'much' if length > 0 else 'little'}"


def percent(share: float) -> str:
    """`142 %`; `> 10×` where a percentage means little."""
    return f"> {MOST_TIMES}×" if share > MOST_TIMES else f"{100 * share:.0f} %"


def of_limit(share: float, limit: str = "the limit") -> str:
    """`142 % of the limit`, `more than 10 times the limit`."""
    return f"more than {MOST_TIMES} times {limit}" if share > MOST_TIMES else f"{percent(share)} of {limit}"
