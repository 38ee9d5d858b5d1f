"""Separation of categories in token space, with confidence intervals.

Tokens are normalised to unit length, so that models with different token norms are comparable.
Intervals come from a bootstrap stratified by category. For means over samples (all but Davies-Bouldin), neighbours and
probe are fixed, only the averaged samples are resampled, and percentiles are taken. Davies-Bouldin is recomputed;
since duplicated samples make clusters look tighter, its interval is the value plus or minus 1.96 standard errors
instead of percentiles, which would be biased.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree
from scipy.stats import spearmanr
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import davies_bouldin_score, silhouette_samples
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sedir_core.evaluation.ice_style import HIGHER_IS_BETTER
from sedir_core.runtime import generator
from sedir_core.types import DoubleArray, FloatArray, IntArray

K_NEIGHBOURS = 5
FOLDS = 5
RESAMPLES = 1000
CONFIDENCE = 0.95
NORMAL_QUANTILE = 1.96


@dataclass(frozen=True)
class Measure:
    """A value and its 95 % confidence interval; NaN with too little data."""

    value: float
    low: float
    high: float


UNDEFINED = Measure(float("nan"), float("nan"), float("nan"))


def separation(
    tokens: FloatArray, labels: IntArray, train_tokens: FloatArray, train_labels: IntArray, seed: int
) -> dict[str, Measure]:
    """Every measure of `HIGHER_IS_BETTER`.

    tokens: (n, d) of the normal test samples, labels (n,); train_tokens (m, d), train_labels (m,) of the training.
    """
    tokens, train_tokens = unit(tokens), unit(train_tokens)
    draws = _draws(labels, seed)
    found = dict.fromkeys(HIGHER_IS_BETTER, UNDEFINED)
    n_categories = len(np.unique(labels))
    if 2 <= n_categories < len(labels):
        found["silhouette"] = _mean(silhouette_samples(tokens, labels), draws)
        found["davies_bouldin"] = _resampled(lambda at: float(davies_bouldin_score(tokens[at], labels[at])), draws)
        found["knn_purity"] = _mean(neighbour_purity(tokens, labels), draws)
    if n_categories >= 2 and np.bincount(labels)[np.unique(labels)].min() >= 2:
        found["probe_accuracy"] = _mean(probe_hits(tokens, labels, seed), draws)
    if len(train_tokens) and len(tokens):
        nearest = cKDTree(train_tokens).query(tokens)[1]
        found["cross_category_share"] = _mean((train_labels[nearest] != labels).astype(np.float64), draws)
    return found


def neighbour_purity(tokens: FloatArray, labels: IntArray, k: int = K_NEIGHBOURS) -> DoubleArray:
    """(n,) share of each sample's k nearest neighbours that are of its category.

    k is limited to the number of others in its category, so that perfect separation is 1 in small test sets, too.
    NaN for the only sample of a category.
    """
    own = np.bincount(labels)[labels] - 1
    nearest = np.asarray(cKDTree(tokens).query(tokens, min(k + 1, len(tokens)))[1]).reshape(len(tokens), -1)
    purity = np.full(len(tokens), np.nan)
    for i in np.flatnonzero(own):  # a duplicate may be listed before the sample itself
        row = nearest[i][nearest[i] != i][: min(k, own[i])]
        purity[i] = (labels[row] == labels[i]).mean()
    return purity


def probe_hits(tokens: FloatArray, labels: IntArray, seed: int) -> DoubleArray:
    """(n,) 1 where a linear probe predicts the sample's category in stratified cross-validation.

    Every category needs two samples; the smallest determines the number of folds.
    """
    folds = min(FOLDS, int(np.bincount(labels)[np.unique(labels)].min()))
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    splits = StratifiedKFold(folds, shuffle=True, random_state=seed)
    return np.asarray(cross_val_predict(probe, tokens, labels, cv=splits) == labels, np.float64)


def rank_correlation(a: DoubleArray, b: DoubleArray) -> float:
    """Spearman's rho of two values per category; NaN with fewer than three categories or a constant input."""
    known = np.isfinite(a) & np.isfinite(b)
    a, b = a[known], b[known]
    if len(a) < 3 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(spearmanr(a, b).statistic)


def unit(tokens: FloatArray) -> FloatArray:
    """(n, d) rows normalised to unit length; zero rows are unchanged."""
    length = np.linalg.norm(tokens, axis=1, keepdims=True)
    return np.asarray(tokens / np.where(length > 0, length, 1), np.float32)


def _draws(labels: IntArray, seed: int) -> IntArray:
    """(RESAMPLES, n) bootstrap indices, stratified by category."""
    rng = generator(seed, "bootstrap")
    parts = [
        rng.choice(np.flatnonzero(labels == label), (RESAMPLES, (labels == label).sum())) for label in np.unique(labels)
    ]
    return np.concatenate(parts, axis=1).astype(np.int64) if parts else np.zeros((RESAMPLES, 0), np.int64)


def _mean(values: DoubleArray, draws: IntArray) -> Measure:
    """Mean over the samples where the value is defined."""
    if np.isnan(values).all():
        return UNDEFINED
    return Measure(float(np.nanmean(values)), *_interval(np.nanmean(values[draws], axis=1)))


def _resampled(measure: Callable[[IntArray], float], draws: IntArray) -> Measure:
    n = draws.shape[1]
    values = np.array([measure(row) for row in draws[: RESAMPLES // 5]])
    value, reach = measure(np.arange(n)), NORMAL_QUANTILE * float(values.std(ddof=1))
    return Measure(value, value - reach, value + reach)


def _interval(values: DoubleArray) -> tuple[float, float]:
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(values, (tail, 1 - tail))
    return float(low), float(high)
