"""Evaluates a detector on a dataset's test scans with the benchmarks' metrics, per category and averaged.

Points of all test scans of a category are pooled for the point metrics, as in Real3D-AD and Anomaly-ShapeNet. Scans
are scored sequentially, so the same run and data give the same numbers.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from sedir_core.datasets.index import Dataset, Sample
from sedir_core.detectors.base import Detector, JudgesInSeveralWays
from sedir_core.errors import BadDataset, Cancelled, TooFewPoints, UnknownCategory, UnreadableScan, UserError
from sedir_core.evidence.judging import EVIDENCE, RULES
from sedir_core.metrics import aupr, auroc, mean
from sedir_core.types import BoolArray, Detection, DoubleArray, FloatArray, Report, Scan, Stop, never_stop, no_report

log = logging.getLogger(__name__)

CategoryMode = Literal["auto", "given"]
UNNAMED = "unnamed"
"""Kind of a defect if the scan's name does not give it."""
MEASURES = ("o_auroc", "p_auroc", "o_aupr", "p_aupr")


@dataclass(frozen=True)
class CategoryResult:
    """The four metrics of one category, 0..1, NaN if undefined (see metrics.py), and the sample counts."""

    o_auroc: float
    p_auroc: float
    o_aupr: float
    p_aupr: float
    n_normal: int
    n_anomalous: int


@dataclass(frozen=True)
class DefectResult:
    """One kind of defect: number of scans, and how many of them are NG at the stored threshold.

    o_auroc, p_auroc: against the normal scans of the same category, averaged over categories; 0..1, or NaN.
    """

    n: int
    n_found: int
    o_auroc: float
    p_auroc: float


@dataclass(frozen=True)
class Evaluation:
    """The outcome of `evaluate`.

    n_train: normal scans of these categories in the dataset's training split. defects: by kind of defect.
    false_alarm_rate: share of normal scans called NG. category_accuracy: share of scans with correctly identified
    category; NaN if it was given. judgings: the four means by judging; empty for a detector with only one.
    """

    method: str
    dataset: str
    category_mode: CategoryMode
    n_train: int
    categories: Mapping[str, CategoryResult]
    defects: Mapping[str, DefectResult]
    false_alarm_rate: float
    category_accuracy: float
    seconds_per_scan: float
    errors: tuple[UserError, ...] = ()
    judgings: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @property
    def mean(self) -> dict[str, float]:
        """Each metric, averaged over the categories where it is defined."""
        return {name: mean(getattr(result, name) for result in self.categories.values()) for name in MEASURES}

    def to_json(self) -> dict[str, Any]:
        """The output of `evaluate --json`; undefined numbers are None."""
        return {
            "method": self.method,
            "dataset": self.dataset,
            "category_mode": self.category_mode,
            "n_train": self.n_train,
            "categories": {
                name: {measure: _defined(getattr(result, measure)) for measure in MEASURES}
                | {"n_normal": result.n_normal, "n_anomalous": result.n_anomalous}
                for name, result in self.categories.items()
            },
            "mean": {name: _defined(value) for name, value in self.mean.items()},
            "category_accuracy": _defined(self.category_accuracy),
            "seconds_per_scan": _defined(self.seconds_per_scan),
            "false_alarm_rate": _defined(self.false_alarm_rate),
            "defects": {
                kind: {"n": one.n, "n_found": one.n_found}
                | {"o_auroc": _defined(one.o_auroc), "p_auroc": _defined(one.p_auroc)}
                for kind, one in self.defects.items()
            },
            "evidence": self._means_of({one: f"{one}.calibrated" for one in EVIDENCE}),
            "rules": self._means_of({rule: f"network.{rule}" for rule in RULES}),
            "errors": [{"path": error.where, "kind": error.kind, "message": str(error)} for error in self.errors],
        }

    def _means_of(self, judgings: Mapping[str, str]) -> dict[str, dict[str, float | None]]:
        return {
            name: {measure: _defined(value) for measure, value in self.judgings[judging].items()}
            for name, judging in judgings.items()
            if judging in self.judgings
        }


@dataclass(frozen=True)
class _Scored:
    """Result of one test scan. detection: without points, see `_without_points`. labels: None if missing."""

    sample: Sample
    detection: Detection
    point_scores: FloatArray
    labels: BoolArray | None


@dataclass
class _Tally:
    """Results of one category's test scans."""

    scans: list[_Scored] = field(default_factory=list)

    def add(self, sample: Sample, labels: BoolArray | None, detection: Detection) -> None:
        scores = detection.point_scores
        if labels is None and sample.anomalous:
            log.warning("%s has no point labels; it counts for the object measures only", sample.path)
        elif labels is None:
            labels = np.zeros(len(scores), bool)
        self.scans.append(_Scored(sample, _without_points(detection), scores, labels))

    def result(self) -> CategoryResult:
        anomalous, scores = _objects(self.scans)
        point_labels, point_scores = _points(self.scans)
        return CategoryResult(
            o_auroc=auroc(anomalous, scores),
            p_auroc=auroc(point_labels, point_scores),
            o_aupr=aupr(anomalous, scores),
            p_aupr=aupr(point_labels, point_scores),
            n_normal=int((~anomalous).sum()),
            n_anomalous=int(anomalous.sum()),
        )

    def with_defect(self, kind: str) -> list[_Scored]:
        return [one for one in self.scans if one.sample.anomalous and (one.sample.defect or UNNAMED) == kind]

    def normal(self) -> list[_Scored]:
        return [one for one in self.scans if not one.sample.anomalous]


def _objects(scans: Sequence[_Scored]) -> tuple[BoolArray, DoubleArray]:
    anomalous = np.array([bool(one.sample.anomalous) for one in scans], bool)
    return anomalous, np.array([one.detection.object_score for one in scans], np.float64)


def _points(scans: Sequence[_Scored]) -> tuple[BoolArray, FloatArray]:
    """Pooled points of the scans with labels."""
    labelled = [(one.labels, one.point_scores) for one in scans if one.labels is not None]
    labels = np.concatenate([np.zeros(0, bool), *(each for each, _ in labelled)])
    return labels, np.concatenate([np.zeros(0, np.float32), *(each for _, each in labelled)])


def _defect(kind: str, tallies: Sequence[_Tally]) -> DefectResult:
    carriers = [tally.with_defect(kind) for tally in tallies]
    against = [[*tally.normal(), *found] for tally, found in zip(tallies, carriers, strict=True) if found]
    verdicts = [one.detection.verdict == "ng" for found in carriers for one in found]
    return DefectResult(
        n=len(verdicts),
        n_found=sum(verdicts),
        o_auroc=mean(auroc(*_objects(scans)) for scans in against),
        p_auroc=mean(auroc(*_points(scans)) for scans in against),
    )


def evaluate(
    detector: Detector,
    dataset: Dataset,
    categories: Sequence[str] | None = None,
    category_mode: CategoryMode = "auto",
    report: Report = no_report,
    stop: Stop = never_stop,
) -> Evaluation:
    """Score every test scan of `categories` (by default all of the dataset) and compare with the ground truth.

    category_mode: `given` passes the category to the detector, as in the benchmarks; `auto` lets it identify it.
    Scans without ground truth are skipped, and so are unreadable ones, which are listed in `errors`. Raises BadDataset
    without test scans, UnknownCategory (also if the detector needs the category in mode `auto`), Cancelled.
    """
    return evaluate_modes(detector, dataset, categories, (category_mode,), report, stop)[0]


def evaluate_modes(
    detector: Detector,
    dataset: Dataset,
    categories: Sequence[str] | None = None,
    modes: Sequence[CategoryMode] = ("auto", "given"),
    report: Report = no_report,
    stop: Stop = never_stop,
) -> tuple[Evaluation, ...]:
    """`evaluate` for several modes, one result each; a correctly identified scan is scored only once."""
    names = _shared_categories(detector, dataset, categories)
    if detector.needs_category and "auto" in modes:
        raise UnknownCategory("auto", f"{detector.method} needs the category to be given", "use --category given")
    samples = [sample for name in names for sample in dataset.test(name) if sample.anomalous is not None]
    if not samples:
        raise BadDataset(dataset.root, "no test scans known to be good or defective", "add them, as ok and ng")
    tallies = {mode: {name: _Tally() for name in names} for mode in modes}
    others: dict[CategoryMode, dict[str, dict[str, _Tally]]] = {mode: {} for mode in modes}
    errors: list[UserError] = []
    for i, sample in enumerate(samples):
        if stop():
            raise Cancelled
        report(i / len(samples), f"{sample.category}: {sample.path.name}")
        try:
            scan = sample.read()
            found = _detections(detector, scan, sample.category, modes, stop)
            for mode, (detection, each) in found.items():
                tallies[mode][sample.category].add(sample, scan.labels, detection)
                for judging, other in each.items():
                    by_category = others[mode].setdefault(judging, {name: _Tally() for name in names})
                    by_category[sample.category].add(sample, scan.labels, other)
        except (UnreadableScan, TooFewPoints, BadDataset) as error:
            log.warning("%s", error)
            errors.append(error)
    report(1.0, "done")
    n_train = sum(len(dataset.train(name)) for name in names)
    summaries = []
    for mode in modes:
        found_out = _summary(detector.method, dataset.root.name, mode, n_train, tallies[mode], tuple(errors))
        means = {judging: _means(tallied) for judging, tallied in others[mode].items()}
        summaries.append(replace(found_out, judgings=means))
    return tuple(summaries)


def _means(tallies: Mapping[str, _Tally]) -> dict[str, float]:
    results = [tally.result() for tally in tallies.values()]
    return {measure: mean(getattr(one, measure) for one in results) for measure in MEASURES}


def _detections(
    detector: Detector, scan: Scan, category: str, modes: Sequence[CategoryMode], stop: Stop
) -> dict[CategoryMode, tuple[Detection, dict[str, Detection]]]:
    """With the right category identified, the result equals that with the category given (see `Detector.detect`)."""
    found: dict[CategoryMode, tuple[Detection, dict[str, Detection]]] = {}
    for mode in modes:
        recognised = [one for one in found.values() if one[0].category == category]
        if mode == "given" and recognised:
            found[mode] = recognised[0]
        else:
            wanted = category if mode == "given" else "auto"
            if isinstance(detector, JudgesInSeveralWays):
                found[mode] = detector.detect_each(scan, wanted, stop=stop)
            else:
                found[mode] = detector.detect(scan, wanted, stop=stop), {}
    return found


def _summary(
    method: str,
    dataset: str,
    category_mode: CategoryMode,
    n_train: int,
    tallies: Mapping[str, _Tally],
    errors: tuple[UserError, ...],
) -> Evaluation:
    scans = [one for tally in tallies.values() for one in tally.scans]
    kinds = sorted({one.sample.defect or UNNAMED for one in scans if one.sample.anomalous})
    recognised = [float(one.detection.category == one.sample.category) for one in scans]
    false_alarms = [float(one.detection.verdict == "ng") for one in scans if not one.sample.anomalous]
    return Evaluation(
        method=method,
        dataset=dataset,
        category_mode=category_mode,
        n_train=n_train,
        categories={name: tally.result() for name, tally in tallies.items()},
        defects={kind: _defect(kind, list(tallies.values())) for kind in kinds},
        false_alarm_rate=mean(false_alarms),
        category_accuracy=mean(recognised) if category_mode == "auto" else float("nan"),
        seconds_per_scan=mean(one.detection.seconds["total"] for one in scans),
        errors=errors,
    )


def _shared_categories(detector: Detector, dataset: Dataset, wanted: Sequence[str] | None) -> tuple[str, ...]:
    """The categories to test. Raises UnknownCategory if the dataset or the model lacks one of them."""
    names = tuple(dataset.categories if wanted is None else wanted)
    missing = [name for name in names if name not in dataset.categories]
    if missing:
        raise UnknownCategory(", ".join(missing), "not in this dataset", "it has " + ", ".join(dataset.categories))
    unknown = [name for name in names if name not in detector.categories]
    if unknown:
        shared = [name for name in names if name in detector.categories]
        way_out = f"use --categories {','.join(shared)}" if shared else "it knows " + ", ".join(detector.categories)
        raise UnknownCategory(", ".join(unknown), "the model was not trained on it", way_out)
    return names


def _without_points(detection: Detection) -> Detection:
    """Keep only the verdict: a test set's reconstructions and tokens would fill the memory."""
    nothing = np.zeros(0, np.float32)
    return replace(
        detection,
        point_scores=nothing,
        token=nothing,
        reconstruction=np.zeros((0, 3)),
        deviation=None,
        deviation_rigid=None,
        expected=None,
        regions=(),
        defects=(),
    )


def _defined(value: float) -> float | None:
    return None if np.isnan(value) else value
