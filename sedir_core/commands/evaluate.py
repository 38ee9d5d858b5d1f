"""`sedir evaluate`: a run against the test scans of a dataset, or many runs side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from sedir_core.commands.console import Status, echo, interruptible, names, percent, progress, say, table, write_json
from sedir_core.commands.options import Categories, Columns, Device, EvidenceChoice, JsonResults, RuleChoice
from sedir_core.places import BUNDLE_SUFFIX
from sedir_core.runs.models import find_model

if TYPE_CHECKING:
    from sedir_core.evaluation.many import Trial
    from sedir_core.evaluation.results import Outcome

TABLE_SUFFIXES = (".md", ".csv", ".tex")


def evaluate(
    paths: Annotated[
        list[str],
        typer.Argument(
            help="Run directories, names of runs, or .sedir files, followed by the dataset with test scans. "
            "Without a dataset, each run is evaluated on the one it was trained on.",
            metavar="RUN... [DATASET]",
        ),
    ],
    categories: Categories = None,
    category: Annotated[
        Literal["both", "auto", "given"],
        typer.Option(
            help="Whether the detector identifies the category (auto) or is given it (given), as in benchmarks. "
            "With both, auto gives the main numbers and `category_given` contains the others."
        ),
    ] = "both",
    terms: Annotated[
        Literal["published", "equal"],
        typer.Option(
            help="equal: also score each method's residuals alone, with the same alignment and rules for all."
        ),
    ] = "published",
    json_file: JsonResults = None,
    table_file: Annotated[
        Path | None,
        typer.Option(
            "--table",
            help="Write methods by category, with mean and deviation over seeds, to a .md, .csv or .tex file.",
            metavar="FILE",
        ),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="With several runs or a table: ignore earlier results and evaluate again.")
    ] = False,
    record: Annotated[
        bool,
        typer.Option("--record", help="Store the results in each run, where `sedir runs` and the window find them."),
    ] = False,
    columns: Columns = "",
    evidence: EvidenceChoice = None,
    rule: RuleChoice = None,
    device: Device = "auto",
) -> None:
    """Measure object and point AUROC and AUPR, per category and averaged; several runs side by side."""
    from sedir_core.evaluation.many import evaluate_trial, evaluate_trials
    from sedir_core.io.columns import parse_columns
    from sedir_core.runs.manage import check_keeps, keep_evaluation

    if table_file is not None and table_file.suffix.lower() not in TABLE_SUFFIXES:
        raise typer.BadParameter(f"{table_file.name}: a table ends in " + ", ".join(TABLE_SUFFIXES))
    asked = _trials(paths, names(categories), parse_columns(columns))
    trials = [replace(trial, evidence=evidence, rule=rule) for trial in asked]
    for trial in trials if record else ():
        check_keeps(trial.run_dir)  # checked before the work
    outcomes: list[Outcome] = []
    with interruptible() as stop, progress() as report:
        if len(trials) == 1 and table_file is None:
            documents: Sequence[Mapping[str, Any]] = [evaluate_trial(trials[0], category, device, report, stop, terms)]
        else:
            outcomes = evaluate_trials(trials, category, device, fresh, report, stop, terms=terms)
            documents = [one.document for one in outcomes]
    for trial, document in zip(trials, documents, strict=True) if record else ():
        keep_evaluation(trial.run_dir, document)
    if json_file is not None:
        write_json(json_file, documents[0] if len(trials) == 1 else documents)
    if outcomes:
        _show_tables(outcomes, table_file, quiet=json_file == "-")
    elif json_file != "-":
        echo(_summary(documents[0]))
    _end(documents)


def _trials(paths: Sequence[str], categories: tuple[str, ...] | None, columns: tuple[str, ...]) -> list[Trial]:
    """The runs with their data sets. The last path is the data set unless it is a run.

    A run's own data set is read with the run's data settings.
    """
    from sedir_core.errors import BadRun
    from sedir_core.evaluation.many import Trial, own_dataset
    from sedir_core.io.columns import parse_columns
    from sedir_core.rundir.files import ABOUT, read_run_config

    *runs, last = paths
    shared: Path | None = None
    if not runs or Path(last).suffix == BUNDLE_SUFFIX or (find_model(last) / ABOUT).is_file():
        runs.append(last)
    else:
        shared = Path(last)
    trials = []
    for run_dir in map(find_model, runs):
        dataset = own_dataset(run_dir) if shared is None else shared
        if dataset is None:
            raise BadRun(run_dir, "does not record its dataset", "name a dataset after the runs")
        own = parse_columns(read_run_config(run_dir).data.columns) if shared is None else ()
        trials.append(Trial(run_dir, dataset, categories, columns or own))
    return trials


def _show_tables(outcomes: Sequence[Outcome], target: Path | None, quiet: bool) -> None:
    from sedir_core.evaluation.results import result_tables
    from sedir_core.evaluation.table_text import WRITERS, to_text
    from sedir_core.io.atomic import write_text

    tables = result_tables(outcomes)
    if target is not None:
        write_text(target, WRITERS[target.suffix.lower()](tables))
    if not quiet:
        echo(to_text(tables[:1] if target is not None else tables))


def _end(documents: Sequence[Mapping[str, Any]]) -> None:
    """Print distinct warnings and errors, and exit."""
    for warning in dict.fromkeys(text for document in documents for text in document["warnings"]):
        say(f"warning: {warning}")
    errors = dict.fromkeys(error["message"] for document in documents for error in document["errors"])
    for message in errors:
        say(f"error: {message}")
    if errors:
        raise typer.Exit(Status.UNREADABLE)


def _summary(document: Mapping[str, Any]) -> str:
    """The numbers in per cent, as text, in every mode."""
    from sedir_core.evaluation.results import in_every_mode

    return "\n".join(map(_one_mode, in_every_mode(document)))


def _by_judging(outcome: Mapping[str, Any]) -> str:
    """Object and point AUROC by kind of evidence, calibrated, and by rule on the network's."""
    rows: list[tuple[str, ...]] = [("judged by", "O-AUROC", "P-AUROC")]
    for kind in ("evidence", "rules"):
        for name, one in outcome[kind].items():
            label = f"evidence {name}" if kind == "evidence" else f"network, rule {name}"
            rows.append((label, percent(one["o_auroc"]), percent(one["p_auroc"])))
    return table(rows)


def _one_mode(outcome: Mapping[str, Any]) -> str:
    measures = ("o_auroc", "p_auroc", "o_aupr", "p_aupr")
    rows: list[tuple[str, ...]] = [("category", "O-AUROC", "P-AUROC", "O-AUPR", "P-AUPR", "normal", "defective")]
    for name, result in outcome["categories"].items():
        numbers = (percent(result[measure]) for measure in measures)
        rows.append((name, *numbers, *(str(result.get(count, "")) for count in ("n_normal", "n_anomalous"))))
    rows.append(("mean", *(percent(outcome["mean"][measure]) for measure in measures), "", ""))
    lines = [f"category {outcome['category_mode']}, method {outcome['method']}, per cent", table(rows)]
    if outcome.get("terms"):
        return "\n".join([f"{lines[0]}, {outcome['terms']}", lines[1], ""])
    lines.append(f"false alarms at the stored threshold: {percent(outcome['false_alarm_rate'])} %")
    if outcome["category_accuracy"] is not None:
        lines.append(f"category recognised: {percent(outcome['category_accuracy'])} %")
    if outcome.get("evidence"):
        lines.append(_by_judging(outcome))
    if outcome["defects"]:
        kinds = [("defect", "scans", "found", "O-AUROC", "P-AUROC")]
        for kind, one in outcome["defects"].items():
            kinds.append((kind, str(one["n"]), str(one["n_found"]), percent(one["o_auroc"]), percent(one["p_auroc"])))
        lines.append(f"defects, found at the stored threshold\n{table(kinds)}")
    return "\n".join([*lines, ""])
