"""`sedir evaluate`: a run against the test scans of a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from sedir_core.commands.console import Status, interruptible, names, percent, progress, say, table, write_json
from sedir_core.runs.models import find_model

if TYPE_CHECKING:
    from sedir_core.evaluation.benchmark import CategoryMode


CategoryChoice = Literal["both", "auto", "given"]
# Not the seconds: a scan that was recognised is not scored a second time.
GIVEN_KEYS = ("categories", "mean", "defects", "false_alarm_rate")


def evaluate(
    run: Annotated[str, typer.Argument(help="Run directory, name of a run, or .sedir file.")],
    dataset: Annotated[Path, typer.Argument(help="Dataset with test scans.")],
    categories: Annotated[str | None, typer.Option(help="Only these, separated by commas.", metavar="A,B")] = None,
    category: Annotated[
        CategoryChoice,
        typer.Option(
            help="Whether the detector finds the category itself (auto) or is told (given), as benchmarks do. "
            "With both, auto gives the main numbers and `category_given` the others."
        ),
    ] = "both",
    json_file: Annotated[
        str | None, typer.Option("--json", help="Write the results there; - is standard output.", metavar="FILE")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = "auto",
) -> None:
    """Measure object and point AUROC and AUPR, per category and in the mean."""
    from sedir_core.datasets.index import open_dataset
    from sedir_core.detectors.base import load_detector
    from sedir_core.evaluation.benchmark import evaluate_modes

    run_dir, wanted = find_model(run), names(categories)
    data = open_dataset(dataset, wanted)
    for warning in data.warnings:
        say(f"warning: {warning}")
    with interruptible() as stop, progress() as report:
        detector = load_detector(run_dir, device)
        modes = _modes(category, detector.needs_category)
        outcomes = [one.to_json() for one in evaluate_modes(detector, data, wanted, modes, report, stop)]
    document = {"run": str(run_dir), **outcomes[0]}
    if len(outcomes) > 1:
        document["category_given"] = {name: outcomes[1][name] for name in GIVEN_KEYS}
    if json_file is not None:
        write_json(json_file, document)
    if json_file != "-":
        for outcome in outcomes:
            typer.echo(_summary(outcome))
    for error in document["errors"]:
        say(f"error: {error['message']}")
    if document["errors"]:
        raise typer.Exit(Status.UNREADABLE)


def _modes(choice: CategoryChoice, needs_category: bool) -> tuple[CategoryMode, ...]:
    if choice == "both":
        return ("given",) if needs_category else ("auto", "given")
    return (choice,)


def _summary(outcome: dict[str, Any]) -> str:
    """One mode's numbers in per cent, for people."""
    measures = ("o_auroc", "p_auroc", "o_aupr", "p_aupr")
    rows: list[tuple[str, ...]] = [("category", "O-AUROC", "P-AUROC", "O-AUPR", "P-AUPR", "normal", "defective")]
    for name, result in outcome["categories"].items():
        numbers = (percent(result[measure]) for measure in measures)
        rows.append((name, *numbers, str(result["n_normal"]), str(result["n_anomalous"])))
    rows.append(("mean", *(percent(outcome["mean"][measure]) for measure in measures), "", ""))
    lines = [f"category {outcome['category_mode']}, method {outcome['method']}, per cent", table(rows)]
    lines.append(f"false alarms at the stored threshold: {percent(outcome['false_alarm_rate'])} %")
    if outcome["category_accuracy"] is not None:
        lines.append(f"category recognised: {percent(outcome['category_accuracy'])} %")
    found = ", ".join(f"{kind} {one['n_found']}/{one['n']}" for kind, one in outcome["defects"].items())
    lines.append(f"defects found at the stored threshold: {found or 'none to find'}")
    return "\n".join([*lines, ""])
