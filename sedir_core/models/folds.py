"""What is fitted several times, each time without some training parts, so that a held-out part meets what never saw it.

With as many folds as few parts there are, what judges a held-out part knows nearly as many parts as what judges a new
scan: limits learned from the one hold for the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

FOLDS = 4  # part i teaches all but fold i % FOLDS

_T = TypeVar("_T")


def folds_without(part: int | None) -> list[int]:
    """Those that a training part did not teach; all for a new scan, which is of none."""
    return [fold for fold in range(FOLDS) if part is None or part % FOLDS == fold]


def taught_by(parts: Sequence[_T], fold: int) -> list[_T]:
    """Those of all training parts that teach a fold."""
    return [part for i, part in enumerate(parts) if i % FOLDS != fold]
