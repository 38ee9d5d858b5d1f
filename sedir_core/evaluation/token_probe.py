"""Probes the category in a frozen SeDiR: context token versus pooled tokens (the paper's table S8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sedir_core.datasets.samples import Dataset, Sample
from sedir_core.detectors.sedir import SedirDetector
from sedir_core.errors import BadDataset, Cancelled
from sedir_core.models.cfgt import BASE
from sedir_core.types import FloatArray, Report, Stop, never_stop, no_report


def probe_accuracies(
    detector: SedirDetector, dataset: Dataset, report: Report = no_report, stop: Stop = never_stop
) -> dict[str, float]:
    """Accuracy of a linear probe for the category on normal test scans, by its input: "mean", "max", "act".

    The probe is fitted to the training scans' tokens. The paper trains its head for 100 epochs; ours is fitted to
    convergence, independently of a learning rate [O]. Raises BadDataset without such scans, Cancelled.
    """
    trains = [sample for sample in dataset.samples if sample.split == "train"]
    tests = [sample for sample in dataset.samples if sample.split == "test" and sample.anomalous is False]
    if len({sample.category for sample in trains}) < 2 or not tests:
        raise BadDataset(dataset.root, "no normal test scans of two categories", "add some to the test part")
    train, test = (
        [_pools(detector, sample, _part(report, i, len(trains) + len(tests)), stop) for i, sample in enumerate(part)]
        for part in (trains, tests)
    )
    labels, truth = ([sample.category for sample in part] for part in (trains, tests))
    return {name: _accuracy(_column(train, name), labels, _column(test, name), truth) for name in train[0]}


def _pools(detector: SedirDetector, sample: Sample, report: Report, stop: Stop) -> dict[str, FloatArray]:
    if stop():
        raise Cancelled
    report(0.0, f"{sample.category}: {sample.path.name}")
    tokens = detector.tokens_of(sample.read(), sample.category)
    with torch.no_grad():
        who = detector.nets.network.tokenizer(tokens.features, tokens.centers)
    base = who.encoded[BASE, 0]
    found = {"mean": base.mean(0), "max": base.amax(0), "act": who.context[0]}
    return {name: value.float().cpu().numpy() for name, value in found.items()}


def _accuracy(train: FloatArray, labels: Sequence[str], test: FloatArray, truth: Sequence[str]) -> float:
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2_000)).fit(train, labels)
    return float(np.mean(probe.predict(test) == np.array(truth)))


def _column(pools: Sequence[Mapping[str, FloatArray]], name: str) -> FloatArray:
    return np.stack([pool[name] for pool in pools])


def _part(report: Report, index: int, count: int) -> Report:
    return lambda fraction, stage: report((index + fraction) / count, stage)
