"""Compares methods on equal terms: their residuals on the same alignment, scored by the same two rules.

A published number depends on alignment, encoder, scoring and object score as much as on the method. Here every scan is
aligned once to the surface of the training parts (shared by runs of one seed); a method's residuals, at its tokens or
at the points, are smoothed over spatial neighbours, and the mean of the highest 0.2 per cent is the scan's score:
unchanged (`raw`), or divided by what held-out good samplings show at the same place (`place`). For a memory bank, a
held-out part's own entries are excluded; a network has been trained on it. Runs based on tokens are comparable only
with the same encoder and grouping, so each row says what its residuals are based on.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from sedir_core.config import Config, preset
from sedir_core.datasets.index import Dataset
from sedir_core.datasets.samples import Sample
from sedir_core.detectors.base import Detector
from sedir_core.detectors.by_place import PlaceStatistics, smoothed, top_mean
from sedir_core.detectors.category_given import cloud_of
from sedir_core.detectors.memory_bank import RECIPES
from sedir_core.detectors.peer_features import Cloud
from sedir_core.detectors.reference import Reference, cached_placement
from sedir_core.detectors.residuals import PlacedResiduals, ResidualDetector, tokens_in_words
from sedir_core.detectors.sedir import SedirDetector
from sedir_core.errors import BadDataset, BadRun, Cancelled, TooFewPoints, UnreadableScan
from sedir_core.evaluation.benchmark import MEASURES
from sedir_core.evidence.fitted_parts import FittedParts
from sedir_core.evidence.stages import whole_points, working_points
from sedir_core.evidence.tokens import centres_of, tokenize
from sedir_core.geometry.neighbours import interpolate
from sedir_core.geometry.tree import PointTree
from sedir_core.methods import BY_NAME
from sedir_core.metrics import aupr, auroc, mean
from sedir_core.training.parts_cache import cached_hold_outs, cached_parts
from sedir_core.types import BoolArray, DoubleArray, Report, Scan, Stop, never_stop, no_report

log = logging.getLogger(__name__)

Rule = Literal["raw", "place"]
RULES: tuple[Rule, ...] = ("raw", "place")
HELD_OUT = 2  # held-out samplings per training part
ALIKE = 1e-6  # tolerance between a category's frames in two runs, relative to its radius


@dataclass(frozen=True)
class _ScoredScan:
    """A test scan under one rule: ground truth and score of the object and of its labelled points."""

    anomalous: bool
    score: float
    labels: BoolArray
    points: DoubleArray


def equal_terms(
    detector: Detector,
    config: Config,
    dataset: Dataset,
    categories: Sequence[str],
    report: Report = no_report,
    stop: Stop = never_stop,
) -> dict[str, Any]:
    """The addition of `evaluate --terms equal` to a run's document: by rule, metrics per category and means.

    config: of the run. Raises BadRun if the method has no residuals or the run a different frame; Cancelled.
    """
    if not isinstance(detector, ResidualDetector | SedirDetector):
        raise BadRun(detector.method, "has no residuals to score by other rules", "leave out --terms equal")
    # The frame of a dense part depends on its subsampling, and so on the run's seed.
    seed = {"seed": config.training.seed}
    shared = preset("desktop", "template", grouping=config.grouping.model_dump(), training=seed)
    judged: dict[Rule, dict[str, list[_ScoredScan]]] = {rule: {name: [] for name in categories} for rule in RULES}
    for done, name in enumerate(categories):

        def report_one(fraction: float, stage: str, done: int = done) -> None:
            report((done + fraction) / len(categories), stage)

        all_fitted = cached_parts(_alone(dataset, name), shared, report_one, stop)
        of_category = _OnFittedParts(detector, name, all_fitted[name], shared)
        statistics = of_category.statistics(stop)
        tests = [sample for sample in dataset.test(name) if sample.anomalous is not None]
        for i, sample in enumerate(tests):
            if stop():
                raise Cancelled
            report_one(i / len(tests), f"equal terms: {name}")
            try:
                scan = sample.read()
                for rule, found in of_category.judge(scan, sample, statistics).items():
                    judged[rule][name].append(found)
            except (UnreadableScan, TooFewPoints, BadDataset) as error:
                log.warning("%s", error)
    tokens = tokens_in_words(config, _reads_tokens(config))
    return {"alignment": "shared", "tokens": tokens} | {rule: _measured(judged[rule]) for rule in RULES}


class _OnFittedParts:
    """One detector on one category, with all scans aligned to the same surface."""

    def __init__(self, detector: Detector, name: str, fitted: FittedParts, shared: Config) -> None:
        self.detector, self.name, self.fitted, self.shared = detector, name, fitted, shared
        self.reference = Reference(fitted.frame, fitted.size, fitted.whole.surface, 1.0, np.nan, np.nan)
        _require_same_frame(detector, name, fitted)

    def statistics(self, stop: Stop) -> PlaceStatistics:
        """The detector's residuals on good samplings. Raises Cancelled."""
        shown = []
        n_points = whole_points(self.shared.grouping)
        for sampling in cached_hold_outs(self.fitted, n_points, HELD_OUT, stop, (0, "equal terms", self.name)):
            if stop():
                raise Cancelled
            shown.append((sampling.points, self._at_points(Cloud(sampling.points, sampling.points), sampling.part)))
        return PlaceStatistics.learn(self.fitted.whole.surface.points, shown)

    def judge(self, scan: Scan, sample: Sample, statistics: PlaceStatistics) -> dict[Rule, _ScoredScan]:
        """Score a test scan by both rules. Raises TooFewPoints, UnreadableScan."""
        working = scan.points[working_points(scan, self.shared.grouping)]
        placement = cached_placement(self.reference, working)[0]
        aligned = cloud_of(working, placement).aligned
        values = self._at_points(Cloud(aligned, aligned), None)
        valid = np.flatnonzero(scan.finite)
        nearest = PointTree(working).nearest(scan.points[valid])[1]
        labels = scan.labels[valid] if scan.labels is not None else np.zeros(0, dtype=np.bool_)
        found: dict[Rule, _ScoredScan] = {}
        rules: dict[Rule, DoubleArray] = {"raw": values, "place": statistics.standardised(aligned, values)}
        for rule, shown in rules.items():
            scores = smoothed(shown, aligned)
            points = scores[nearest] if len(labels) else np.zeros(0)
            found[rule] = _ScoredScan(bool(sample.anomalous), top_mean(scores), labels, points)
        return found

    def _at_points(self, cloud: Cloud, left_out: int | None) -> DoubleArray:
        """(n,) residuals at the points of a cloud, interpolated between tokens."""
        found = _residuals(self.detector, self.name, cloud, left_out)
        if len(found.values) == len(cloud) and np.array_equal(found.places, cloud.aligned):
            return found.values
        return interpolate(found.values, found.places, cloud.aligned)


def _residuals(detector: Detector, name: str, cloud: Cloud, left_out: int | None) -> PlacedResiduals:
    if isinstance(detector, ResidualDetector):
        return detector.residuals(name, cloud, left_out)
    assert isinstance(detector, SedirDetector)
    tokens = tokenize(cloud.aligned, detector.config.grouping, detector.nets.encoder, detector.device)
    return PlacedResiduals(centres_of(tokens), detector.token_residuals(tokens))


def _require_same_frame(detector: Detector, name: str, fitted: FittedParts) -> None:
    known: Mapping[str, Any] = getattr(detector, "known", {})
    own = known[name].frame
    off = np.abs(np.append(own.centre - fitted.frame.centre, own.radius - fitted.frame.radius)).max()
    if off > ALIKE * fitted.frame.radius:
        what = f"was trained on other scans of {name}, so that its residuals belong to a different frame"
        raise BadRun(detector.method, what, "give the dataset that it was trained on")


def _reads_tokens(config: Config) -> bool:
    if config.method in RECIPES:
        return RECIPES[config.method].needs_encoder
    return BY_NAME[config.method].from_tokens


def _alone(dataset: Dataset, name: str) -> Dataset:
    samples = tuple(sample for sample in dataset.samples if sample.category == name)
    return Dataset(dataset.root, dataset.layout, (name,), samples)


def _measured(judged: Mapping[str, Sequence[_ScoredScan]]) -> dict[str, Any]:
    """The metrics of every category and their means, as in the main part of a document."""
    categories = {name: _measures(scans) for name, scans in judged.items()}
    return {
        "categories": categories,
        "mean": {one: _defined(mean(_number(of[one]) for of in categories.values())) for one in MEASURES},
    }


def _measures(scans: Sequence[_ScoredScan]) -> dict[str, float | None]:
    anomalous = np.array([one.anomalous for one in scans], dtype=np.bool_)
    scores = np.array([one.score for one in scans])
    labels = np.concatenate([np.zeros(0, dtype=np.bool_), *(one.labels for one in scans)])
    points = np.concatenate([np.zeros(0), *(one.points for one in scans)])
    found = (auroc(anomalous, scores), auroc(labels, points), aupr(anomalous, scores), aupr(labels, points))
    return {name: _defined(value) for name, value in zip(MEASURES, found, strict=True)}


def _defined(value: float) -> float | None:
    return None if np.isnan(value) else value


def _number(value: float | None) -> float:
    return float("nan") if value is None else value
