"""Inter-category entanglement of two runs, or three, on the same samples, as in the paper's figure 2 and beyond.

The category classification score is the mean probability of the true category predicted by a light MLP, trained on the
frozen model's reconstructed features of the training split (averaged per scan). For a detector without reconstructed
features, the tokens are probed instead, and the point scores stand for the reconstruction error; both are marked.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sedir_core.datasets.samples import Dataset, Sample
from sedir_core.detectors.base import Detector
from sedir_core.detectors.explain import Explains, Explanation
from sedir_core.detectors.registry import label_of
from sedir_core.errors import BadDataset, BadRun, Cancelled, TooFewPoints, UnknownCategory, UnreadableScan, UserError
from sedir_core.evaluation.separation import Measure, rank_correlation, separation
from sedir_core.rundir.files import read_run_config
from sedir_core.runtime import generator
from sedir_core.types import BoolArray, DoubleArray, FloatArray, IntArray, Report, Scan, Stop, never_stop, no_report

log = logging.getLogger(__name__)

MOST_SAMPLES = 2000
HIDDEN = 64  # hidden units of the light MLP
Source = Literal["reconstruction", "tokens"]
RUN_NAMES = ("model", "baseline", "third")


@dataclass(frozen=True)
class RunResult:
    """Results of one run on the n test samples of a `Comparison`.

    tokens: (n, d). probabilities: (n, C) by the light MLP. errors: (n,) mean residual of each scan.
    classification_score, normal_error: (C,), on normal samples only. source: features of the MLP and the errors.
    title: for display, method and seed.
    """

    name: str
    method: str
    needs_category: bool
    source: Source
    tokens: FloatArray
    probabilities: DoubleArray
    errors: DoubleArray
    measures: Mapping[str, Measure]
    classification_score: DoubleArray
    normal_error: DoubleArray
    spearman: float
    title: str = ""

    def confusion(self, labels: IntArray, chosen: BoolArray) -> IntArray:
        """(C, C) counts of the selected samples: true category by row, predicted category by column."""
        n = self.probabilities.shape[1]
        counts = np.zeros((n, n), np.int64)
        np.add.at(counts, (labels[chosen], self.probabilities[chosen].argmax(axis=1)), 1)
        return counts


@dataclass(frozen=True)
class Comparison:
    """All runs on the same samples. labels: (n,) index into categories. anomalous: (n,) True on defective samples,
    which take part in the picture and in none of the numbers. warnings: what a reader should know."""

    dataset: str
    seed: int
    category_mode: str
    categories: tuple[str, ...]
    samples: tuple[Sample, ...]
    labels: IntArray
    anomalous: BoolArray
    model: RunResult
    baseline: RunResult
    n_train: int
    warnings: tuple[str, ...] = ()
    errors: tuple[UserError, ...] = ()
    third: RunResult | None = None

    @property
    def runs(self) -> tuple[RunResult, ...]:
        """Model, baseline, and the third where there is one."""
        return (self.model, self.baseline, *(() if self.third is None else (self.third,)))

    @property
    def by_name(self) -> dict[str, RunResult]:
        """The runs, as documents and tables call them."""
        return dict(zip(RUN_NAMES, self.runs, strict=False))

    def to_json(self) -> dict[str, Any]:
        """The output of `ice --json`; undefined numbers are None."""
        return {
            **{name: self._run_json(run) for name, run in self.by_name.items()},
            "dataset": self.dataset,
            "seed": self.seed,
            "category_mode": self.category_mode,
            "n_train": self.n_train,
            "n_normal": int((~self.anomalous).sum()),
            "n_anomalous": int(self.anomalous.sum()),
            "warnings": list(self.warnings),
            "errors": [{"path": error.where, "kind": error.kind, "message": str(error)} for error in self.errors],
        }

    def _run_json(self, run: RunResult) -> dict[str, Any]:
        return {
            **{name: defined(measure.value) for name, measure in run.measures.items()},
            "classification_score": self._by_category(run.classification_score),
            "normal_error": self._by_category(run.normal_error),
            "spearman": defined(run.spearman),
            "intervals": {name: [defined(m.low), defined(m.high)] for name, m in run.measures.items()},
            "confusion": run.confusion(self.labels, ~self.anomalous).tolist(),
            "run": run.name,
            "title": run.title or run.name,
            "method": run.method,
            "needs_category": run.needs_category,
            "classification_source": run.source,
        }

    def _by_category(self, values: DoubleArray) -> dict[str, float | None]:
        return {name: defined(float(value)) for name, value in zip(self.categories, values, strict=True)}


@dataclass(frozen=True)
class Contender:
    """A detector with the name of its run. title: for display; by default the name."""

    name: str
    detector: Detector
    title: str = ""

    @classmethod
    def of(cls, run_dir: Path, detector: Detector) -> Contender:
        """Load a run's detector, titled by method and seed. Raises BadRun."""
        config = read_run_config(run_dir)
        return cls(run_dir.name, detector, f"{label_of(config)}, seed {config.training.seed}")


def told_apart(*contenders: Contender) -> tuple[Contender, ...]:
    """Add the run names to the titles if these are not unique."""
    titles = [one.title for one in contenders]
    if len(set(titles)) == len(titles):
        return contenders
    return tuple(replace(one, title=f"{one.title} ({one.name})" if one.title else one.name) for one in contenders)


def compare(
    model: Contender,
    baseline: Contender,
    dataset: Dataset,
    categories: Sequence[str] | None = None,
    category_mode: Literal["given", "auto"] = "given",
    with_anomalous: bool = False,
    seed: int = 0,
    report: Report = no_report,
    stop: Stop = never_stop,
    third: Contender | None = None,
) -> Comparison:
    """Compare tokens, reconstructions and residuals of all runs on the training split and the test samples.

    categories: those that dataset and runs share by default. third: another run beside the two.

    Raises UnknownCategory, BadDataset, BadRun, Cancelled.
    """
    runs = (model, baseline) if third is None else (model, baseline, third)
    names, warnings = _shared(runs, dataset, categories)
    for one in runs:
        if one.detector.needs_category and category_mode == "auto":
            raise UnknownCategory("auto", f"{one.name} needs the category to be given", "use --category given")
    tests = [s for n in names for s in dataset.test(n) if s.anomalous is False or (with_anomalous and s.anomalous)]
    if len(tests) > MOST_SAMPLES:
        kept = np.sort(generator(seed, "samples").choice(len(tests), MOST_SAMPLES, replace=False))
        warnings.append(f"{MOST_SAMPLES} of {len(tests)} test samples were drawn")
        tests = [tests[i] for i in kept]
    trains = [s for n in names for s in dataset.train(n)]
    pairs, errors = collect(runs, [*trains, *tests], category_mode, report, stop)
    trains, tests = ([s for s in part if s in pairs] for part in (trains, tests))
    _require(dataset, names, trains, tests)
    labels, train_labels = (np.array([names.index(s.category) for s in part], np.int64) for part in (tests, trains))
    anomalous = np.array([bool(s.anomalous) for s in tests], np.bool_)
    results = []
    for i, one in enumerate(runs):
        if stop():
            raise Cancelled
        report(0.9 + 0.1 * i / len(runs), f"measures: {one.name}")
        train_said, said = ([pairs[s][i] for s in part] for part in (trains, tests))
        results.append(result_of(one, len(names), train_said, train_labels, said, labels, anomalous, seed))
    report(1.0, "done")
    return Comparison(
        dataset.root.name, seed, category_mode, names, tuple(tests), labels, anomalous, results[0], results[1],
        len(trains), tuple(warnings), tuple(errors), None if third is None else results[2],
    )  # fmt: skip


def defined(value: float) -> float | None:
    """A number for JSON; None for NaN."""
    return None if np.isnan(value) else value


def collect(
    runs: Sequence[Contender], samples: Sequence[Sample], mode: str, report: Report, stop: Stop
) -> tuple[dict[Sample, tuple[Explanation, ...]], list[UserError]]:
    """What each run says of each sample; a scan that one of them cannot take is left out for all."""
    found: dict[Sample, tuple[Explanation, ...]] = {}
    errors: list[UserError] = []
    for i, sample in enumerate(samples):
        report(0.9 * i / len(samples), f"{sample.category}: {sample.path.name}")
        asked = sample.category if mode == "given" else "auto"
        try:
            scan = sample.read()
            said = []
            for one in runs:
                if stop():
                    raise Cancelled
                said.append(_explain(one, scan, asked, stop))
            found[sample] = tuple(said)
        except (UnreadableScan, TooFewPoints, BadDataset) as error:
            log.warning("%s", error)
            errors.append(error)
    return found, errors


def _explain(one: Contender, scan: Scan, category: str, stop: Stop) -> Explanation:
    if isinstance(one.detector, Explains):
        return one.detector.explain(scan, category)
    detection = one.detector.detect(scan, category, stop=stop)
    if not detection.token.size:
        raise BadRun(one.name, f"{one.detector.method} has no global token", "choose a run whose method has one")
    return Explanation(detection.token, detection.token, float(np.nanmean(detection.point_scores)))


def result_of(
    one: Contender,
    n_categories: int,
    train_said: Sequence[Explanation],
    train_labels: IntArray,
    said: Sequence[Explanation],
    labels: IntArray,
    anomalous: BoolArray,
    seed: int,
) -> RunResult:
    """One run's results on the test samples, with probes fitted on the training split."""
    tokens, train_tokens = (np.stack([each.token for each in part]) for part in (said, train_said))
    rebuilt, train_rebuilt = (np.stack([each.rebuilt for each in part]) for part in (said, train_said))
    probe = make_pipeline(StandardScaler(), MLPClassifier(HIDDEN, solver="lbfgs", max_iter=500, random_state=seed))
    probabilities = np.asarray(probe.fit(train_rebuilt, train_labels).predict_proba(rebuilt), np.float64)
    errors = np.array([each.residual for each in said])
    normal = ~anomalous
    of_truth = probabilities[np.arange(len(labels)), labels]
    score, error = (_category_means(values[normal], labels[normal], n_categories) for values in (of_truth, errors))
    return RunResult(
        name=one.name,
        method=one.detector.method,
        needs_category=one.detector.needs_category,
        source="reconstruction" if isinstance(one.detector, Explains) else "tokens",
        tokens=tokens,
        probabilities=probabilities,
        errors=errors,
        measures=separation(tokens[normal], labels[normal], train_tokens, train_labels, seed),
        classification_score=score,
        normal_error=error,
        spearman=rank_correlation(score, error),
        title=one.title or one.name,
    )


def _category_means(values: DoubleArray, labels: IntArray, n_categories: int) -> DoubleArray:
    return np.array([values[labels == c].mean() if (labels == c).any() else np.nan for c in range(n_categories)])


def _shared(
    runs: Sequence[Contender], dataset: Dataset, wanted: Sequence[str] | None
) -> tuple[tuple[str, ...], list[str]]:
    """The categories to compare, and warnings about those left out."""
    asked = tuple(dataset.categories if wanted is None else wanted)
    warnings, lacking = [], set()
    knowing = [(one.name, one.detector.categories) for one in runs]
    for where, known in (*knowing, (dataset.root.name, dataset.categories)):
        missing = [name for name in asked if name not in known]
        if missing and wanted is not None:
            raise UnknownCategory(", ".join(missing), f"not in {where}", "it has " + ", ".join(known))
        if missing:
            warnings.append(f"{where} does not know {', '.join(missing)}: left out")
        lacking |= set(missing)
    names = tuple(name for name in asked if name not in lacking)
    if len(names) < 2:
        what = "fewer than two categories in common with the runs"
        raise UnknownCategory(dataset.root.name, what, "choose runs that were trained on this data set's categories")
    return names, warnings


def _require(dataset: Dataset, names: Sequence[str], trains: Sequence[Sample], tests: Sequence[Sample]) -> None:
    normal = {s.category for s in tests if not s.anomalous}
    if len(normal) < 2:
        what = f"normal test samples in {len(normal)} of {len(names)} categories"
        raise BadDataset(dataset.root, what, "add normal scans to the test part of at least two categories")
    untrained = [name for name in names if name not in {s.category for s in trains}]
    if untrained:
        raise BadDataset(dataset.root, f"no readable training scan of {', '.join(untrained)}", "repair or add some")
