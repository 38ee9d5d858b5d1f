"""Evaluates runs on data sets one after the other, with a cache keyed by content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sedir_core.datasets.index import open_dataset
from sedir_core.detectors import base
from sedir_core.detectors.registry import label_of
from sedir_core.errors import Cancelled
from sedir_core.evaluation.benchmark import CategoryMode, evaluate_modes
from sedir_core.evaluation.results import Outcome
from sedir_core.evaluation.store import EvaluationStore, evaluation_key, kind_of
from sedir_core.io.columns import Columns
from sedir_core.rundir.files import read_about, read_run_config
from sedir_core.types import Report, Stop, never_stop, no_report

CategoryChoice = Literal["both", "auto", "given"]
Terms = Literal["published", "equal"]
"""Each method as it is, or additionally its residuals on equal terms, see `equal_terms`."""
# Without the seconds: a correctly identified scan is not scored a second time.
GIVEN_KEYS = ("categories", "mean", "defects", "false_alarm_rate")


@dataclass(frozen=True)
class Trial:
    """A run, a data set to evaluate it on, and which of its categories; None means all.

    columns: see `read_scan`. evidence, rule: see `evidence.judging`; None means the run's own.
    """

    run_dir: Path
    dataset: Path
    categories: tuple[str, ...] | None = None
    columns: Columns = ()
    evidence: str | None = None
    rule: str | None = None


def evaluate_trial(
    trial: Trial,
    choice: CategoryChoice = "both",
    device: str = "auto",
    report: Report = no_report,
    stop: Stop = never_stop,
    terms: Terms = "published",
) -> dict[str, Any]:
    """The document of `evaluate --json` for one run. Raises what `evaluate_modes` raises, BadRun."""
    detector = base.load_judging(trial.run_dir, device, trial.evidence, trial.rule)
    modes = modes_of(choice, detector.needs_category)
    dataset = open_dataset(trial.dataset, trial.categories, trial.columns)
    outcomes = [one.to_json() for one in evaluate_modes(detector, dataset, trial.categories, modes, report, stop)]
    config = read_run_config(trial.run_dir)
    label = label_of(config)
    document = {"run": str(trial.run_dir), "label": label, "warnings": list(dataset.warnings), **outcomes[0]}
    if len(outcomes) > 1:
        document["category_given"] = {name: outcomes[1][name] for name in GIVEN_KEYS}
    if terms == "equal":
        from sedir_core.evaluation.equal_terms import equal_terms

        names = dataset.categories if trial.categories is None else trial.categories
        document["equal"] = equal_terms(detector, config, dataset, names, report, stop)
    return document


def evaluate_trials(
    trials: Sequence[Trial],
    choice: CategoryChoice = "both",
    device: str = "auto",
    fresh: bool = False,
    report: Report = no_report,
    stop: Stop = never_stop,
    store: EvaluationStore | None = None,
    terms: Terms = "published",
) -> list[Outcome]:
    """Every trial's document, in order; finished ones come from the store, unless `fresh`.

    Raises what `evaluate_trial` raises; finished results are kept.
    """
    kept = EvaluationStore() if store is None else store
    found = []
    for i, trial in enumerate(trials):
        if stop():
            raise Cancelled

        def report_one(fraction: float, stage: str, done: int = i, name: str = trial.run_dir.name) -> None:
            report((done + fraction) / len(trials), f"{name}: {stage}")

        dataset = open_dataset(trial.dataset, trial.categories, trial.columns)
        names = dataset.categories if trial.categories is None else trial.categories
        modes = (choice, trial.evidence or "", trial.rule or "", *([terms] if terms != "published" else []))
        key = evaluation_key(trial.run_dir, dataset, names, modes)
        document = None if fresh else kept.get(key)
        if document is None:
            document = evaluate_trial(trial, choice, device, report_one, stop, terms)
            if not document["errors"]:  # unreadable scans may be repaired later, so do not store
                kept.put(key, document)
        # The key does not depend on the run's name or location.
        document = {**document, "run": str(trial.run_dir), "dataset": dataset.root.name}
        found.append(Outcome(trial.run_dir.name, kind_of(read_run_config(trial.run_dir)), document))
    report(1.0, "done")
    return found


def modes_of(choice: CategoryChoice, needs_category: bool) -> tuple[CategoryMode, ...]:
    """The requested category modes, the main one first."""
    if choice == "both":
        return ("given",) if needs_category else ("auto", "given")
    return (choice,)


def own_dataset(run_dir: Path) -> Path | None:
    """The recorded dataset folder of a run; None if not recorded. Raises BadRun."""
    said = read_about(run_dir).dataset
    return Path(said) if said else None
