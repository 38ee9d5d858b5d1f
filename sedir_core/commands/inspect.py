"""`sedir inspect`: score scans, print a verdict for each, write JSON and exports."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sedir_core.commands.console import Failing, Status, echo, interruptible, progress, say, table, write_json
from sedir_core.commands.options import (
    AllowedDeviation,
    Columns,
    Device,
    EvidenceChoice,
    ExportFolder,
    FailOnUncertain,
    FalseAlarmRate,
    JsonResults,
    Model,
    PartCategory,
    RuleChoice,
    ToleranceFiles,
)
from sedir_core.commands.recording import Folder, Lot, Operator, Record, Recording, Space, Url
from sedir_core.errors import CannotWrite, UserError
from sedir_core.history.place import HistoryPlace
from sedir_core.names import storable
from sedir_core.places import DEFAULT_RUN, is_folder
from sedir_core.runs.models import find_model

if TYPE_CHECKING:
    from sedir_core.detectors.base import Detector
    from sedir_core.evaluation.cluster import Cluster
    from sedir_core.evaluation.inspection import Inspected, Refused
    from sedir_core.evaluation.report import Report as InspectionReport
    from sedir_core.io.finding import SkippedFile
    from sedir_core.types import Report, Stop

MOST_NAMED = 8  # files listed in the closing line
COLUMNS = (
    "path",
    "verdict",
    "uncertain",
    "score",
    "threshold",
    "category",
    "category_confidence",
    "n_points",
    "unit",
    "out_of_tolerance",
    "reason",
)
"""Columns of the CSV, named as in the JSON."""
MORE_COLUMNS = ("deviation_low", "deviation_high", "regions_out", "n_defects", "defects", "seconds")
"""List-valued fields of the JSON."""
DOCUMENT = ("method", "results", "errors", "skipped", "complete")


def inspect(
    paths: Annotated[list[Path], typer.Argument(help="Scans, or folders of scans.")],
    model: Model = DEFAULT_RUN,
    category: PartCategory = "auto",
    json_file: JsonResults = None,
    export: ExportFolder = None,
    report_file: Annotated[
        Path | None, typer.Option("--report", help="Write a report as .html or .pdf.", metavar="FILE")
    ] = None,
    logo: Annotated[
        Path | None, typer.Option(help="Logo at the top of the report, PNG or JPEG.", metavar="FILE")
    ] = None,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", help="Write a table with one row per scan.", metavar="FILE")
    ] = None,
    columns: Columns = "",
    device: Device = "auto",
    false_alarm_rate: FalseAlarmRate = None,
    cluster: Annotated[
        str | None,
        typer.Option(
            help="Distribute the work: local (all cores), auto or HOST:PORT of a Ray cluster.", metavar="ADDRESS"
        ),
    ] = None,
    evidence: EvidenceChoice = None,
    rule: RuleChoice = None,
    tolerance: AllowedDeviation = None,
    tolerance_files: ToleranceFiles = None,
    fail_on_ng: Annotated[bool, typer.Option("--fail-on-ng", help="Exit with status 3 if a scan is NG.")] = False,
    fail_on_uncertain: FailOnUncertain = False,
    record: Record = False,
    operator: Operator = None,
    lot: Lot = "",
    history_url: Url = "",
    history_folder: Folder = None,
    history_gb: Space = 10.0,
) -> None:
    """Inspect scans: verdict, defects, and margin to the limit."""
    from sedir_core.detectors.relimit import load_relimited
    from sedir_core.evaluation.cluster import Cluster
    from sedir_core.evaluation.zone_file import read_part_tolerance
    from sedir_core.evaluation.zones import ByZone
    from sedir_core.io.columns import parse_columns

    run_dir = find_model(model)
    sheets = _report(report_file, run_dir, operator or "", lot, logo)  # reject an invalid name before the work
    asked = parse_columns(columns)
    allowed = [read_part_tolerance(path) for path in tolerance_files or ()]
    files, refused, skipped = scan_files(paths)
    check_outputs([Path(one) for one in (json_file, csv_file, report_file) if one not in (None, "-")], files)
    recording = Recording(record, HistoryPlace(history_url, history_folder), operator, lot, history_gb)
    batch = Batch(run_dir, skipped=[{"path": storable(one.path), "reason": one.why} for one in skipped])
    with ExitStack() as outputs, interruptible() as stop, progress() as report:
        detector = load_relimited(run_dir, device, evidence, rule, tolerance, false_alarm_rate)
        engine = (
            None if cluster is None else Cluster(cluster, run_dir, device, false_alarm_rate, evidence, rule, tolerance)
        )
        if engine is not None and not engine.alone:
            say(f"the Ray cluster at {cluster} is trusted: its owners can run programs as you; see the user guide")
        zones = ByZone(detector, allowed, category)
        outputs.callback(batch.deliver, json_file, csv_file, report_file, sheets)
        try:
            with recording.of(run_dir, detector) as recorded:
                batch.inspect(
                    detector, files, refused, category, export, report, stop, sheets, engine, recorded, asked, zones
                )
        finally:
            if recording.trouble is not None:
                batch.fail(recording.trouble)
    batch.end(Failing(fail_on_ng, fail_on_uncertain))


@dataclass
class Batch:
    """Results of a command so far. They are written however the work ends, with a flag for completeness."""

    run_dir: Path
    method: str = ""
    results: list[dict[str, Any]] = field(default_factory=list)
    errors: list[dict[str, str]] = field(default_factory=list)
    skipped: list[dict[str, str]] = field(default_factory=list)
    complete: bool = False

    def to_json(self) -> dict[str, Any]:
        """The output of `--json`."""
        return {"model": storable(self.run_dir)} | {name: getattr(self, name) for name in DOCUMENT}

    def fail(self, error: UserError, path: Path | None = None) -> None:
        """Note a failure other than of a scan (export, output, history); the work continues."""
        where = error.where if path is None else storable(path)
        self.errors.append({"path": where, "kind": error.kind, "message": str(error)})

    def inspect(
        self,
        detector: Detector,
        files: list[Path],
        refused: list[Refused],
        category: str,
        export: Path | None,
        report: Report,
        stop: Stop,
        sheets: InspectionReport | None = None,
        cluster: Cluster | None = None,
        record: Callable[[Inspected | Refused], None] | None = None,
        columns: tuple[str, ...] = (),
        judge: Callable[[Inspected | Refused], Inspected | Refused] = lambda outcome: outcome,
    ) -> None:
        """Inspect, export and record every file, and add it to a report. judge: final step for each result."""
        from sedir_core.evaluation.inspection import Exports, Inspected, inspect_scans

        self.method = detector.method
        exports = None if export is None else Exports(export)
        if exports is not None:
            exports.plan(files)
        self.errors += [one.to_json() for one in refused]
        if sheets is not None:
            sheets.method = detector.method
            sheets.errors += self.errors
        for found in (cluster or inspect_scans)(detector, files, category, report, stop, columns):
            outcome = judge(found)
            if not isinstance(outcome, Inspected):
                self.errors.append(outcome.to_json())
            else:
                self.results.append(outcome.to_json())
                if exports is not None:
                    try:
                        exports.write(outcome)
                    except CannotWrite as error:
                        self.fail(error, outcome.path)
            if sheets is not None:
                sheets.add(outcome)
            if record is not None:
                record(outcome)
        self.complete = True

    def deliver(
        self, json_file: str | None, csv_file: Path | None, report_file: Path | None, sheets: InspectionReport | None
    ) -> None:
        """Write every output; a failing one is listed without stopping the others. Nothing without results."""
        if not (self.results or self.complete):
            return
        with ExitStack() as last:  # opened first, closed last: executed even if a report fails unexpectedly
            if json_file != "-":
                last.callback(self._deliver, lambda: echo(verdict_table(self.results)))
            if json_file is not None:
                last.callback(self._deliver, lambda: write_json(json_file, self.to_json()))
            if csv_file is not None:
                self._deliver(lambda: write_table(csv_file, self.to_json()))
            if report_file is not None and sheets is not None:
                from sedir_core.evaluation.report_file import save_report

                self._deliver(lambda: save_report(sheets, report_file))

    def _deliver(self, write: Callable[[], None]) -> None:
        try:
            write()
        except CannotWrite as error:
            self.fail(error)

    def end(self, failing: Failing) -> None:
        """Print the problems, and exit with the status for verdicts and failures."""
        if others := self.skipped:
            files = "file that is not a scan" if len(others) == 1 else "files that are not scans"
            named = ", ".join(f"{Path(one['path']).name} ({one['reason']})" for one in others[:MOST_NAMED])
            more = f" and {len(others) - MOST_NAMED} more" if len(others) > MOST_NAMED else ""
            say(f"skipped {len(others):,} {files}: {named}{more}")
        for error in self.errors:
            say(f"error: {error['message']}")
        # Failures make the result incomplete, so they take precedence.
        if self.errors:
            raise typer.Exit(Status.UNREADABLE)
        for one in self.results:
            if failing.on(one["verdict"], one["uncertain"], measured=None not in (one["score"], one["threshold"])):
                raise typer.Exit(Status.NG)


def scan_files(paths: list[Path]) -> tuple[list[Path], list[Refused], tuple[SkippedFile, ...]]:
    """The scans in `paths`, the folders among them without scans, and other files in the folders."""
    from sedir_core.errors import UnreadableScan
    from sedir_core.evaluation.inspection import Refused
    from sedir_core.io.finding import search_scans

    found = search_scans(paths)
    empty = [path for path in paths if is_folder(path) and not any(one.is_relative_to(path) for one in found.scans)]
    refused = [Refused(path, UnreadableScan(path, "no scans in this folder", "name the files")) for path in empty]
    return list(found.scans), refused, found.skipped


def check_outputs(outputs: list[Path], scans: list[Path]) -> None:
    """Raises CannotWrite if an output would replace a scan, or another output."""
    taken = {scan.resolve(): "is one of the scans" for scan in scans}
    for path in outputs:
        try:
            place = path.resolve()
            if path.exists() and not path.is_file():  # a device takes any number; a folder is refused at its turn
                continue
        except (OSError, RuntimeError):  # an impossible name, or a circular link: said when it is written
            continue
        if place in taken:
            raise CannotWrite(path, taken[place], "name another file")
        taken[place] = "is named for two outputs"


def _report(path: Path | None, run_dir: Path, operator: str, lot: str, logo: Path | None) -> InspectionReport | None:
    if path is None:
        return None
    from sedir_core.evaluation.report import Report as InspectionReport
    from sedir_core.evaluation.report import read_logo
    from sedir_core.evaluation.report_file import check_format

    check_format(path)
    return InspectionReport(str(run_dir), "", operator=operator, lot=lot, logo=read_logo(logo))


def write_table(path: Path, document: dict[str, Any]) -> None:
    """Write the results of `--json` as CSV, one row per scan; unreadable ones have only path and reason."""
    from sedir_core.io.export import write_csv

    rows: list[tuple[Any, ...]] = [(*COLUMNS, *MORE_COLUMNS)]
    for result in document["results"]:
        sentences = "; ".join(defect["sentence"] for defect in result["defects"])
        regions = "; ".join(zone["name"] for zone in result["regions"] if zone["out_of_tolerance"])
        more = (*result["deviation"], regions, len(result["defects"]), sentences, result["seconds"]["total"])
        rows.append((*(result[name] for name in COLUMNS), *more))
    for error in document["errors"]:
        rows.append(tuple({"path": error["path"], "reason": error["message"]}.get(name) for name in rows[0]))
    write_csv(path, rows)


def verdict_table(results: list[dict[str, Any]]) -> str:
    """Text table, one line per scan."""
    from sedir_core.types import VERDICT_WORDS

    # The column is shown only if requested.
    limited = [bool(result["tolerance"] or any(one["tolerance"] for one in result["regions"])) for result in results]
    n_said = int(any(limited))
    rows = [("verdict", "% of limit", *("tolerance",) * n_said, "category", "sure %", "defects", "seconds", "scan")]
    for result, has_tolerance in zip(results, limited, strict=True):
        score, limit, sure = result["score"], result["threshold"], result["category_confidence"]
        share = _share(score / limit) if score is not None and limit else "-"
        rows.append(
            (
                VERDICT_WORDS[result["verdict"]],
                share,
                *(("out" if result["out_of_tolerance"] else "within") if has_tolerance else "-",) * n_said,
                result["category"] + (" ?" if result["uncertain"] else ""),
                "-" if sure is None else f"{100 * sure:.0f}",
                str(len(result["defects"])),
                f"{result['seconds']['total']:.2f}",
                result["path"],
            )
        )
    return table(rows)


def _share(share: float) -> str:
    """A share in per cent, for a column; far above the limit more digits would mean nothing."""
    return ">999" if round(100 * share) > 999 else f"{100 * share:.0f}"
