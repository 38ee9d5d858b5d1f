"""How numbers read in a report."""

from __future__ import annotations

from collections.abc import Sequence


def place(values: Sequence[float]) -> str:
    """Three coordinates or lengths, with as many digits as say something."""
    largest = max((abs(value) for value in values), default=0.0)
    digits = 1 if largest >= 100 else 2 if largest >= 1 else 4
    return ", ".join(f"{value:.{digits}f}" for value in values)
