"""Runs the paper's ablations: trains and evaluates what is missing, and formats the same tables.

Runs shared by two tables are trained once. A stopped ablation resumes where it was, even within a training.
"""

from __future__ import annotations

import json
import logging
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan
from pathlib import Path

from sedir_core.config import Config, override
from sedir_core.datasets.index import open_dataset
from sedir_core.detectors.base import load_detector
from sedir_core.detectors.sedir import SedirDetector
from sedir_core.documents import numbers, read_json
from sedir_core.errors import BadConfig, BadRun, Cancelled
from sedir_core.evaluation.ablation import MEASURES, Ablation, distinct
from sedir_core.evaluation.many import Trial, evaluate_trials
from sedir_core.evaluation.results import MEASURE_NAMES, Outcome
from sedir_core.evaluation.store import EvaluationStore, kind_of
from sedir_core.evaluation.table_text import Cell, Number, TextTable
from sedir_core.evaluation.token_probe import probe_accuracies
from sedir_core.io.atomic import write_text
from sedir_core.io.columns import parse_columns
from sedir_core.rundir import files as run_files
from sedir_core.training.events import AnyEvent, EpochEvent, StageEvent
from sedir_core.training.train import TrainRequest, train
from sedir_core.types import Report, Stop, never_stop, no_report

log = logging.getLogger(__name__)

PROBES = "probes"
NOTE = (
    "Per cent, category given, mean over the categories, ± over the seeds. Columns marked (paper) are printed in the "
    "paper for Real3D-AD and were not measured here; a dash there: the row cannot be identified for sure."
)


@dataclass(frozen=True)
class AblateRequest:
    """What to ablate. base: the configuration modified by rows. out: folder of runs and evaluations."""

    dataset: Path
    categories: tuple[str, ...] | None
    base: Config
    tables: tuple[Ablation, ...]
    seeds: tuple[int, ...]
    out: Path
    device: str = "auto"


def ablate(request: AblateRequest, report: Report = no_report, stop: Stop = never_stop) -> list[TextTable]:
    """Every table of the request. Raises what training and evaluation raise; finished work is kept."""
    if request.base.method != "sedir":
        raise BadConfig(request.base.method, "has no parts to ablate", "ablate sedir")
    configs = list(distinct(request.tables, request.base))
    jobs = [(config, seed) for config in configs for seed in request.seeds]
    data_hash = open_dataset(request.dataset, request.categories).content_hash
    found: dict[str, list[Outcome]] = {}
    store = EvaluationStore(request.out / "evaluations")
    for i, (config, seed) in enumerate(jobs):

        def report_job(fraction: float, stage: str, done: int = i) -> None:
            report((done + fraction) / len(jobs), f"{done + 1} of {len(jobs)}: {stage}")

        run_dir = _trained(request, config, seed, data_hash, report_job, stop)
        trial = Trial(run_dir, request.dataset, request.categories)
        outcomes = evaluate_trials([trial], "given", request.device, False, _later(report_job), stop, store)
        found.setdefault(kind_of(config), []).extend(outcomes)
    return [_table(request, table, found, report, stop) for table in request.tables]


def _trained(request: AblateRequest, config: Config, seed: int, data_hash: str, report: Report, stop: Stop) -> Path:
    """The run of a configuration and seed, trained or resumed if not finished."""
    run_dir = _run_dir(request, config, seed)
    resume = (run_dir / run_files.ABOUT).is_file()
    if resume and run_files.read_about(run_dir).data_hash != data_hash:
        raise BadRun(run_dir, "was trained on other scans", "choose another --out")
    if (run_dir / run_files.WEIGHTS).is_file():
        return run_dir
    seeded = override(config, training={"seed": seed})

    def watch(event: AnyEvent) -> None:
        if isinstance(event, EpochEvent):
            report(0.8 * event.epoch / event.n_epochs, f"{run_dir.name}: epoch {event.epoch}")
        elif isinstance(event, StageEvent):
            report(0.0, f"{run_dir.name}: {event.stage}")

    log.info("train %s", run_dir.name)
    wanted = TrainRequest(request.dataset, request.categories, seeded, run_dir, resume, request.device)
    return train(wanted, watch, stop)


def _run_dir(request: AblateRequest, config: Config, seed: int) -> Path:
    """Named by its settings, so that an edited list or another preset never picks up a different run."""
    return request.out / "runs" / f"{kind_of(config)[:12]}-seed{seed}"


def _table(
    request: AblateRequest, table: Ablation, found: Mapping[str, Sequence[Outcome]], report: Report, stop: Stop
) -> TextTable:
    title = f"Table {table.number}. {table.title}"
    if table.probes:
        return _probe_table(request, table, title, report, stop)
    names = [MEASURE_NAMES[measure] for measure in MEASURES]
    rows: list[tuple[Cell, ...]] = []
    for variant in table.variants:
        outcomes = found[kind_of(variant.applied(request.base))]
        ours = [_over_seeds([one.document["mean"][measure] for one in outcomes]) for measure in MEASURES]
        paper = [Number(value) for value in variant.paper] or [Number(nan)] * len(MEASURES)
        rows.append((*variant.cells, *ours, *paper))
    head = (*table.columns, *names, *(f"{name} (paper)" for name in names))
    return TextTable(title, head, tuple(rows), NOTE)


def _probe_table(request: AblateRequest, table: Ablation, title: str, report: Report, stop: Stop) -> TextTable:
    """Measured on the unmodified model of every seed."""
    accuracies = [_probed(request, seed, report, stop) for seed in request.seeds]
    rows: list[tuple[Cell, ...]] = []
    for row in table.probes:
        rows.append((*row.cells, _over_seeds([one[row.probe] for one in accuracies]), *map(Number, row.paper)))
    return TextTable(title, (*table.columns, "accuracy", "accuracy (paper)"), tuple(rows), NOTE)


def _probed(request: AblateRequest, seed: int, report: Report, stop: Stop) -> dict[str, float]:
    """Probe accuracies of a seed's model; cached, because they require reading the training scans."""
    run_dir = _run_dir(request, request.base, seed)
    kept = request.out / PROBES / f"{run_dir.name}.json"
    if kept.is_file():
        return numbers(read_json(kept, BadRun, hint="remove it: it will be recreated"), 0.0, 1.0)
    if stop():
        raise Cancelled
    detector = load_detector(run_dir, request.device)
    assert isinstance(detector, SedirDetector)
    columns = parse_columns(request.base.data.columns)
    found = probe_accuracies(detector, open_dataset(request.dataset, request.categories, columns), report, stop)
    write_text(kept, json.dumps(found, indent=2) + "\n")
    return found


def _over_seeds(shares: Sequence[float | None]) -> Number:
    values = [100 * share for share in shares if share is not None]
    if not values:
        return Number(nan)
    return Number(statistics.mean(values), statistics.stdev(values) if len(values) > 1 else nan, len(values))


def _later(report: Report) -> Report:
    return lambda fraction, stage: report(0.8 + 0.2 * fraction, stage)
