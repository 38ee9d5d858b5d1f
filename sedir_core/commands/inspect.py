"""`sedir inspect`: score scans, print a verdict for each, write JSON and exports."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sedir_core.commands.console import Status, interruptible, progress, say, table, write_json
from sedir_core.commands.options import Device, ExportFolder, FalseAlarmRate, JsonResults, Model, PartCategory
from sedir_core.commands.recording import Folder, Lot, Operator, Record, Recording, Space, Url
from sedir_core.history.place import HistoryPlace
from sedir_core.places import DEFAULT_RUN
from sedir_core.runs.models import find_model

if TYPE_CHECKING:
    from sedir_core.detectors.base import Detector
    from sedir_core.evaluation.cluster import Cluster
    from sedir_core.evaluation.inspection import Inspected, Refused
    from sedir_core.evaluation.report import Report as InspectionReport
    from sedir_core.types import Report, Stop

COLUMNS = (
    "path",
    "verdict",
    "uncertain",
    "score",
    "threshold",
    "category",
    "category_confidence",
    "n_points",
    "reason",
)
"""Of the CSV, named as in the JSON."""


def inspect(
    paths: Annotated[list[Path], typer.Argument(help="Scans, or folders of scans.")],
    model: Model = DEFAULT_RUN,
    category: PartCategory = "auto",
    json_file: JsonResults = None,
    export: ExportFolder = None,
    report_file: Annotated[
        Path | None, typer.Option("--report", help="Write a report there, as .html or .pdf.", metavar="FILE")
    ] = None,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", help="Write a table there, one row a scan.", metavar="FILE")
    ] = None,
    device: Device = "auto",
    false_alarm_rate: FalseAlarmRate = None,
    cluster: Annotated[
        str | None,
        typer.Option(help="Spread the work: local (all cores), auto or HOST:PORT of a Ray cluster.", metavar="ADDRESS"),
    ] = None,
    fail_on_ng: Annotated[bool, typer.Option("--fail-on-ng", help="Exit with 3 if a scan is NG.")] = False,
    record: Record = False,
    operator: Operator = None,
    lot: Lot = "",
    history_url: Url = "",
    history_folder: Folder = None,
    history_gb: Space = 10.0,
) -> None:
    """Score scans and say OK or NG, where, and how far from the limit."""
    from sedir_core.detectors.base import load_detector
    from sedir_core.detectors.relimit import AtRate
    from sedir_core.evaluation.cluster import Cluster

    run_dir = find_model(model)
    sheets = _report(report_file, run_dir)  # a name that cannot be is said before the work
    files, refused = scan_files(paths)
    recording = Recording(record, HistoryPlace(history_url, history_folder), operator, lot, history_gb)
    with interruptible() as stop, progress() as report:
        detector = load_detector(run_dir, device)
        if false_alarm_rate is not None:
            detector = AtRate(detector, false_alarm_rate)
        engine = None if cluster is None else Cluster(cluster, run_dir, device, false_alarm_rate)
        with recording.of(run_dir, detector) as recorded:
            document = inspect_files(
                detector, run_dir, files, refused, category, export, report, stop, sheets, engine, recorded
            )
    if json_file is not None:
        write_json(json_file, document)
    if csv_file is not None:
        write_table(csv_file, document)
    if report_file is not None and sheets is not None:
        sheets.write(report_file)
    _end(document, json_file == "-", recording.lost > 0, fail_on_ng)


def _end(document: dict[str, Any], quiet: bool, lost: bool, fail_on_ng: bool) -> None:
    """Say the verdicts, unless they are on standard output already, and what went wrong; then the exit status."""
    if not quiet:
        typer.echo(verdict_table(document["results"]))
    for error in document["errors"]:
        say(f"error: {error['message']}")
    if lost:
        raise typer.Exit(Status.FAILED)
    # An unreadable scan leaves the answer incomplete, so it is said first.
    if document["errors"]:
        raise typer.Exit(Status.UNREADABLE)
    if fail_on_ng and any(result["verdict"] == "ng" for result in document["results"]):
        raise typer.Exit(Status.NG)


def scan_files(paths: list[Path]) -> tuple[list[Path], list[Refused]]:
    """The files that `paths` stand for, and the folders among them that hold no scan."""
    from sedir_core.errors import UnreadableScan
    from sedir_core.evaluation.inspection import Refused
    from sedir_core.io.scans import find_scans

    empty = [path for path in paths if path.is_dir() and not find_scans([path])]
    refused = [Refused(path, UnreadableScan(path, "no scans in this folder", "name the files")) for path in empty]
    return find_scans(paths), refused


def inspect_files(
    detector: Detector,
    run_dir: Path,
    files: list[Path],
    refused: list[Refused],
    category: str,
    export: Path | None,
    report: Report,
    stop: Stop,
    sheets: InspectionReport | None = None,
    cluster: Cluster | None = None,
    record: Callable[[Inspected | Refused], None] | None = None,
) -> dict[str, Any]:
    """Inspect, export and record every file, and add it to a report. Returns what `--json` prints."""
    from sedir_core.evaluation.inspection import Inspected, export_inspection, export_stems, inspect_scans

    stems = dict(zip(files, export_stems(files, export), strict=True)) if export is not None else {}
    results, errors = [], [one.to_json() for one in refused]
    if sheets is not None:
        sheets.method = detector.method
        sheets.errors += errors
    for outcome in (cluster or inspect_scans)(detector, files, category, report, stop):
        if sheets is not None:
            sheets.add(outcome)
        if record is not None:
            record(outcome)
        if not isinstance(outcome, Inspected):
            errors.append(outcome.to_json())
            continue
        if export is not None:
            export_inspection(outcome, export, stems[outcome.path])
        results.append(outcome.to_json())
    return {"model": str(run_dir), "method": detector.method, "results": results, "errors": errors}


def _report(path: Path | None, run_dir: Path) -> InspectionReport | None:
    if path is None:
        return None
    from sedir_core.evaluation.report import Report as InspectionReport
    from sedir_core.evaluation.report import check_format

    check_format(path)
    return InspectionReport(str(run_dir), "")


def write_table(path: Path, document: dict[str, Any]) -> None:
    """The results of `--json` as CSV, one row a scan; what could not be read has only path and reason."""
    from sedir_core.io.export import write_csv

    rows: list[tuple[Any, ...]] = [(*COLUMNS, "n_defects", "seconds")]
    for result in document["results"]:
        rows.append((*(result[name] for name in COLUMNS), len(result["defects"]), result["seconds"]["total"]))
    for error in document["errors"]:
        rows.append(tuple({"path": error["path"], "reason": error["message"]}.get(name) for name in rows[0]))
    write_csv(path, rows)


def verdict_table(results: list[dict[str, Any]]) -> str:
    """One line a scan, for people."""
    rows = [("verdict", "% of limit", "category", "sure %", "defects", "seconds", "scan")]
    for result in results:
        score, limit = result["score"], result["threshold"]
        share = f"{100 * score / limit:.0f}" if score is not None and limit else "-"
        rows.append(
            (
                result["verdict"].upper(),
                share,
                result["category"] + (" ?" if result["uncertain"] else ""),
                f"{100 * result['category_confidence']:.0f}",
                str(len(result["defects"])),
                f"{result['seconds']['total']:.2f}",
                result["path"],
            )
        )
    return table(rows)
