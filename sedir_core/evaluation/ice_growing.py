"""Entanglement as a function of the number of categories a model must know.

Each contender is trained on the first 5, 10, 20, ... categories of a dataset, in families of similar parts if it has
them, with several seeds. Separation is measured on all known categories; detection on those shared by every step, by
token residuals on equal terms, so that only the presence of the other categories can change it.
"""

from __future__ import annotations

import json
import logging
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sedir_core.config import Config, override, preset
from sedir_core.datasets.families import growing
from sedir_core.datasets.index import Dataset, open_dataset
from sedir_core.detectors.base import load_detector
from sedir_core.documents import numbers, read_json
from sedir_core.errors import BadDataset, BadRun, Cancelled
from sedir_core.evaluation.equal_terms import equal_terms
from sedir_core.evaluation.ice import Contender, collect, result_of
from sedir_core.evaluation.table_text import Cell, Number, TextTable
from sedir_core.io.atomic import write_text
from sedir_core.rundir import files as run_files
from sedir_core.training.events import AnyEvent, EpochEvent, StageEvent
from sedir_core.training.train import TrainRequest, train
from sedir_core.types import Report, Stop, never_stop, no_report

log = logging.getLogger(__name__)

MEASURES: Mapping[str, str] = {
    "classification_score": "classification score",
    "cross_category_share": "cross-category share",
    "normal_error": "normal error, relative",
    "o_auroc": "O-AUROC",
    "p_auroc": "P-AUROC",
    "o_auroc_place": "O-AUROC by place",
    "p_auroc_place": "P-AUROC by place",
}
"""Display names of a step's measures, by JSON name."""


@dataclass(frozen=True)
class Grower:
    """A contender: file name, title, and settings."""

    name: str
    title: str
    config: Config


@dataclass(frozen=True)
class Step:
    """One training and its results. n_categories: number of known categories; the measures are those of `MEASURES`."""

    name: str
    title: str
    n_categories: int
    seed: int
    classification_score: float | None
    cross_category_share: float | None
    normal_error: float | None
    o_auroc: float | None
    p_auroc: float | None
    o_auroc_place: float | None
    p_auroc_place: float | None


@dataclass(frozen=True)
class GrowRequest:
    """out: folder of runs and results; finished ones are reused."""

    dataset: Path
    growers: tuple[Grower, ...]
    counts: tuple[int, ...]
    seeds: tuple[int, ...]
    out: Path
    device: str = "auto"


@dataclass(frozen=True)
class Growth:
    """shared: the categories on which detection and error are measured."""

    dataset: str
    shared: tuple[str, ...]
    steps: tuple[Step, ...]

    def to_json(self) -> dict[str, Any]:
        """The output of `ice --growing --json`."""
        return {"dataset": self.dataset, "shared": list(self.shared), "steps": [asdict(step) for step in self.steps]}

    def curve(self, name: str, measure: str) -> list[tuple[int, float, float]]:
        """(n categories, mean over seeds, sample deviation or NaN) of a contender, for each step."""
        found = []
        for count in sorted({step.n_categories for step in self.steps}):
            values = [getattr(step, measure) for step in self.steps if (step.name, step.n_categories) == (name, count)]
            values = [value for value in values if value is not None]
            if values:
                spread = statistics.stdev(values) if len(values) > 1 else float("nan")
                found.append((count, statistics.mean(values), spread))
        return found


def contenders(base: Config) -> tuple[Grower, ...]:
    """SeDiR, SeDiR without disentanglement, MC3D-AD: same size, complete scans, same number of epochs."""
    whole = override(base, method="sedir", training={"views": 0})
    without = override(
        whole,
        network={"global_token": "none"},
        loss={"supervised_contrastive": 0.0, "classification": 0.0, "cosine": 0.0},
    )
    sizes = {name: getattr(whole, name).model_dump() for name in ("encoder", "grouping", "network", "training")}
    baseline = override(preset(whole.preset, "mc3d-ad", **sizes), training={"schedule": "step"})
    return (
        Grower("sedir", "SeDiR", whole),
        Grower("sedir-without", "SeDiR without CFGT and C3L", without),
        Grower("mc3d-ad", "MC3D-AD", baseline),
    )


def grow(request: GrowRequest, report: Report = no_report, stop: Stop = never_stop) -> Growth:
    """Train and measure every missing step. Raises what training and comparison raise, BadDataset."""
    dataset = open_dataset(request.dataset, None)
    counts = [count for count in sorted(set(request.counts)) if count <= len(dataset.categories)]
    if not counts or counts[0] < 2:
        what = f"has {len(dataset.categories)} kinds of part, asked for {', '.join(map(str, request.counts))}"
        raise BadDataset(dataset.root, what, "use --counts with two or more, but no more than there are")
    steps = growing(counts, dataset.categories)
    jobs = [(names, grower, seed) for names in steps for grower in request.growers for seed in request.seeds]
    found = []
    for done, (names, grower, seed) in enumerate(jobs):

        def report_one(fraction: float, stage: str, done: int = done) -> None:
            report((done + fraction) / len(jobs), f"{done + 1} of {len(jobs)}: {stage}")

        if stop():
            raise Cancelled
        found.append(_step(request, dataset, names, steps[0], grower, seed, report_one, stop))
    return Growth(dataset.root.name, steps[0], tuple(found))


def _step(
    request: GrowRequest,
    dataset: Dataset,
    names: tuple[str, ...],
    shared: tuple[str, ...],
    grower: Grower,
    seed: int,
    report: Report,
    stop: Stop,
) -> Step:
    place = request.out / f"{grower.name}-{len(names)}-seed{seed}"
    kept = request.out / "measured" / f"{place.name}.json"
    config = override(grower.config, training={"seed": seed})
    begun = (place / run_files.ABOUT).is_file()
    if begun:
        _require_same(place, config, open_dataset(request.dataset, tuple(names)))
        if kept.is_file():
            known = numbers(read_json(kept, BadRun, hint="remove it: it will be measured again"))
            return Step(grower.name, grower.title, len(names), seed, **{name: known.get(name) for name in MEASURES})
    if not (place / run_files.WEIGHTS).is_file():
        _train(request, config, names, place, begun, lambda part, stage: report(0.6 * part, stage), stop)
    later: Report = lambda part, stage: report(0.6 + 0.4 * part, stage)  # noqa: E731
    measured = _measured(place, config, dataset, names, shared, request.device, seed, later, stop)
    step = Step(grower.name, grower.title, len(names), seed, **measured)
    write_text(kept, json.dumps(asdict(step), indent=2) + "\n")
    return step


def _require_same(run_dir: Path, config: Config, dataset: Dataset) -> None:
    """Check the settings of a finished step before reusing its numbers."""
    if run_files.read_run_config(run_dir).settings() != config.settings():
        raise BadRun(run_dir, "was trained with other settings", "choose another --out")
    if run_files.read_about(run_dir).data_hash != dataset.content_hash:
        raise BadRun(run_dir, "was trained on other scans", "choose another --out")


def _train(
    request: GrowRequest,
    config: Config,
    names: Sequence[str],
    run_dir: Path,
    resume: bool,
    report: Report,
    stop: Stop,
) -> None:
    def watch(event: AnyEvent) -> None:
        if isinstance(event, EpochEvent):
            report(event.epoch / event.n_epochs, f"{run_dir.name}: epoch {event.epoch}")
        elif isinstance(event, StageEvent):
            report(0.0, f"{run_dir.name}: {event.stage}")

    log.info("train %s", run_dir.name)
    train(TrainRequest(request.dataset, tuple(names), config, run_dir, resume, request.device), watch, stop)


def _measured(
    run_dir: Path,
    config: Config,
    dataset: Dataset,
    names: Sequence[str],
    shared: Sequence[str],
    device: str,
    seed: int,
    report: Report,
    stop: Stop,
) -> dict[str, float | None]:
    """Every measure of a step."""
    one = Contender.of(run_dir, load_detector(run_dir, device))
    trains = [sample for name in names for sample in dataset.train(name)]
    tests = [sample for name in names for sample in dataset.test(name) if sample.anomalous is False]
    said = collect((one,), [*trains, *tests], "given", lambda part, stage: report(0.5 * part, stage), stop)[0]
    trains, tests = ([sample for sample in part if sample in said] for part in (trains, tests))
    labels, truth = (np.array([names.index(sample.category) for sample in part]) for part in (trains, tests))
    of_train, of_test = ([said[sample][0] for sample in part] for part in (trains, tests))
    found = result_of(one, len(names), of_train, labels, of_test, truth, np.zeros(len(tests), np.bool_), seed)
    few = [names.index(name) for name in shared]
    equal = equal_terms(
        one.detector, config, dataset, shared, lambda part, stage: report(0.5 + 0.5 * part, stage), stop
    )
    lengths = [np.linalg.norm(each.rebuilt) for each in of_test]
    return {
        "classification_score": _number(float(np.nanmean(found.classification_score))),
        "cross_category_share": _number(found.measures["cross_category_share"].value),
        # Residuals relative to the feature norm, whose scale differs between methods and seeds.
        "normal_error": _number(float(np.nanmean(found.normal_error[few]) / np.mean(lengths))),
        "o_auroc": equal["raw"]["mean"]["o_auroc"],
        "p_auroc": equal["raw"]["mean"]["p_auroc"],
        "o_auroc_place": equal["place"]["mean"]["o_auroc"],
        "p_auroc_place": equal["place"]["mean"]["p_auroc"],
    }


def growth_table(found: Growth) -> TextTable:
    """One row per contender and number of categories."""
    rows: list[tuple[Cell, ...]] = []
    per_cent = ("o_auroc", "p_auroc", "o_auroc_place", "p_auroc_place")
    for name, title in dict.fromkeys((step.name, step.title) for step in found.steps):
        curves = {measure: {row[0]: row[1:] for row in found.curve(name, measure)} for measure in MEASURES}
        for count in sorted({step.n_categories for step in found.steps if step.name == name}):
            n_seeds = sum((step.name, step.n_categories) == (name, count) for step in found.steps)
            cells: list[Cell] = []
            for measure in MEASURES:
                mean, spread = curves[measure].get(count, (float("nan"), float("nan")))
                scale, digits = (100.0, 1) if measure in per_cent else (1.0, 3)
                cells.append(Number(scale * mean, scale * spread, n_seeds, digits))
            rows.append((title, str(count), *cells, str(n_seeds)))
    note = (
        f"Score and share over all kinds that a model knows; error and AUROC (per cent, of the tokens' residuals on "
        f"equal terms) over the same {len(found.shared)} in every row. Mean, ± over the seeds."
    )
    return TextTable("Growing", ("method", "kinds", *MEASURES.values(), "seeds"), tuple(rows), note)


def _number(value: float) -> float | None:
    return None if np.isnan(value) else value
