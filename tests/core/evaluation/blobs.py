"""A comparison made of blobs: the model keeps the categories apart, the baseline mixes them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from sedir_core.datasets.samples import Sample
from sedir_core.evaluation.ice import Comparison, RunResult
from sedir_core.evaluation.separation import rank_correlation, separation
from sedir_core.types import FloatArray, IntArray

NAMES = ("bottle", "bowl", "bracket", "chair", "cup", "flange", "gear", "helmet", "hex bolt", "elbow", "vase", "tap")


def blobs(labels: IntArray, spread: float, seed: int = 0) -> FloatArray:
    """(n, 16) tokens: a random unit centre for each category, and noise of that size."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(labels.max() + 1, 16))
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    return np.asarray(centres[labels] + spread * rng.normal(size=(len(labels), 16)), np.float32)


def run_of(name: str, labels: IntArray, n_categories: int, spread: float, anomalous: np.ndarray) -> RunResult:
    rng = np.random.default_rng(len(name))
    tokens = blobs(labels, spread)
    logits = 2 * np.eye(n_categories)[labels] / (0.3 + spread * 3) + rng.normal(size=(len(labels), n_categories))
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    truth = probabilities[np.arange(len(labels)), labels]
    errors = 1.2 + spread + 0.5 * (1 - truth) + 0.05 * rng.normal(size=len(labels))
    means = [np.array([v[(labels == c) & ~anomalous].mean() for c in range(n_categories)]) for v in (truth, errors)]
    measures = separation(tokens[~anomalous], labels[~anomalous], tokens[anomalous], labels[anomalous], 0)
    return RunResult(
        name, "mc3d-ad" if "base" in name else "sedir", "base" in name, "reconstruction", tokens, probabilities,
        errors, measures, means[0], means[1], rank_correlation(means[0], means[1]),
    )  # fmt: skip


@cache
def comparison(n_categories: int = 12, each: int = 20, folder: Path = Path("/parts")) -> Comparison:
    """Every fifth sample is defective. Measuring how far the categories lie apart takes a second: made once."""
    labels = np.repeat(np.arange(n_categories), each)
    anomalous = np.tile(np.arange(each) % 5 == 4, n_categories)
    names = (NAMES * (n_categories // len(NAMES) + 1))[:n_categories]
    samples = tuple(
        Sample(folder / f"{names[label]}_{i}.ply", names[label], "test", bool(anomalous[i]))
        for i, label in enumerate(labels)
    )
    model = run_of("run-0.1", labels, n_categories, 0.1, anomalous)
    baseline = run_of("baseline-0.35", labels, n_categories, 0.35, anomalous)
    return Comparison("parts", 0, "given", names, samples, labels, anomalous, model, baseline, 24)
