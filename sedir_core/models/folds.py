"""What is fitted several times, each time to other training parts, so that a held-out part meets what never saw it."""

from __future__ import annotations

FOLDS = 2  # part i teaches fold i % FOLDS


def folds_without(part: int | None) -> list[int]:
    """Those that a training part did not teach; all for a new scan, which is of none."""
    return [fold for fold in range(FOLDS) if part is None or part % FOLDS != fold]
