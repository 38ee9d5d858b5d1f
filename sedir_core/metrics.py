"""AUROC and average precision of object and point scores; NumPy only.

Both are computed from the scores in descending order, grouping equal scores, so the storage order of points never
matters.

Undefined cases: with only one class present, both metrics are NaN (`null` in JSON), and `mean` skips them.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from sedir_core.types import BoolArray, IntArray

Scores = NDArray[np.floating]


def auroc(positive: BoolArray, scores: Scores) -> float:
    """Area under the ROC curve: the chance that a random positive outscores a random negative, ties counting half.

    positive: (n,) bool. scores: (n,) float, higher is more anomalous; NaN means "not evaluated" and ranks lowest.
    Returns 0..1, or NaN where one class is missing. Raises ValueError if the shapes differ.
    Source: the Mann-Whitney U statistic with mid-ranks (Hanley & McNeil 1982).
    """
    hits, misses = _counts_per_score(positive, scores)
    n_positive, n_negative = int(hits.sum()), int(misses.sum())
    if not n_positive or not n_negative:
        return float("nan")
    outscored = n_negative - np.cumsum(misses)  # negatives below each distinct score
    twice_u = int((hits * (2 * outscored + misses)).sum())  # integers: exact for any number of points we can hold
    return twice_u / (2 * n_positive * n_negative)


def aupr(positive: BoolArray, scores: Scores) -> float:
    """Average precision: precision at each distinct score, weighted by the recall gained there.

    Same arguments, undefined cases and errors as `auroc`. Not the trapezoid under the curve, which is too
    optimistic (Davis & Goadrich 2006).
    """
    hits, misses = _counts_per_score(positive, scores)
    n_positive, n_negative = int(hits.sum()), int(misses.sum())
    if not n_positive or not n_negative:
        return float("nan")
    found = np.cumsum(hits)
    precision = found / (found + np.cumsum(misses))
    return float((precision * hits).sum() / n_positive)


def mean(values: Iterable[float]) -> float:
    """Mean of the defined values; NaN where there is none."""
    defined = [value for value in values if not np.isnan(value)]
    return sum(defined) / len(defined) if defined else float("nan")


def _counts_per_score(positive: BoolArray, scores: Scores) -> tuple[IntArray, IntArray]:
    """Positives and negatives at each distinct score, from the highest score to the lowest."""
    if positive.ndim != 1 or positive.shape != scores.shape:
        raise ValueError(f"labels and scores must be (n,), got {positive.shape} and {scores.shape}")
    if not len(scores):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    ranked = np.where(np.isnan(scores), -np.inf, scores)
    order = np.argsort(-ranked, kind="stable")
    ranked, is_positive = ranked[order], positive[order].astype(np.int64)
    starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
    hits = np.add.reduceat(is_positive, starts)
    sizes = np.diff(np.r_[starts, len(ranked)])
    return hits, sizes - hits
