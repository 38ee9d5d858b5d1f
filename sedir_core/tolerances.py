"""Parses and formats tolerances."""

from __future__ import annotations

from sedir_core.errors import BadConfig
from sedir_core.types import Tolerance
from sedir_core.units import symbol

HINT = "0.3 allows that much on either side; -0.2,0.4 allows 0.2 too little and 0.4 too much"


def parse_tolerance(text: str, where: str = "--tolerance") -> Tolerance | None:
    """Parse a tolerance, None for an empty text. Raises BadConfig, which names `where`."""
    if not text.strip():
        return None
    try:
        numbers = [float(part) for part in text.split(",")]
        return Tolerance(-numbers[0], numbers[0]) if len(numbers) == 1 else Tolerance(*numbers)
    except (ValueError, TypeError) as error:
        raise BadConfig(where, f"{text!r} is not a tolerance", HINT) from error


def plain_tolerance(tolerance: Tolerance) -> str:
    """Format for `parse_tolerance`: `0.3`, `-0.2,0.4`."""
    if tolerance.minus == -tolerance.plus:
        return f"{tolerance.plus:.10g}"
    return f"{tolerance.minus:.10g},{tolerance.plus:.10g}"


def tolerance_text(tolerance: Tolerance, unit: str) -> str:
    """`±0.3 mm`, `−0.2 to 0.4 mm`."""
    if tolerance.minus == -tolerance.plus:
        return f"±{plain_length(tolerance.plus, unit)}"
    return f"{plain_length(tolerance.minus, '')} to {plain_length(tolerance.plus, unit)}"


def plain_length(length: float, unit: str) -> str:
    """A user's length without extra digits: `0.3 mm`."""
    return f"{length:g} {symbol(unit)}".rstrip().replace("-", "−")
