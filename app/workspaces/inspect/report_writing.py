"""Writes a report of listed scans, one by one, with reviews and measurements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from app.jobs.inspection import prepare_beside
from app.state.entries import Beside, Entry
from app.views.preparing import prepare
from app.views.section import cut
from app.workspaces.inspect.kept_sections import KeptSection
from sedir_core.evidence.wording import percent
from sedir_core.types import Report, Scan, Stop, Tolerance

if TYPE_CHECKING:
    from sedir_core.drawing.drawn_scan import Patch
    from sedir_core.evaluation.report import DrawnSection


@dataclass(frozen=True)
class ReportedScan:
    """An entry and its category's tolerance band; None for the default one.

    measured: manual measurements, a line each.
    """

    entry: Entry
    band: Tolerance | None = None
    measured: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReportRequest:
    """Header of a report, its scans, and their sections."""

    parts: tuple[ReportedScan, ...]
    run_dir: Path
    method: str = ""
    operator: str = ""
    lot: str = ""
    unit: str = ""
    logo: Path | None = None
    sections: tuple[KeptSection, ...] = ()


def reportable(entries: Sequence[Entry]) -> list[Entry]:
    """Entries with a result or a failure."""
    return [entry for entry in entries if entry.detection is not None or entry.failure is not None]


def write_report(path: Path, request: ReportRequest, report: Report, stop: Stop) -> None:
    """Write HTML or PDF, by the suffix. Raises CannotWrite, Cancelled."""
    from sedir_core.errors import Cancelled, UnreadableScan, UserError
    from sedir_core.evaluation.inspection import Inspected, Refused
    from sedir_core.evaluation.report import Report as InspectionReport
    from sedir_core.evaluation.report import read_logo
    from sedir_core.evaluation.report_file import check_format, save_report
    from sedir_core.evaluation.report_style import Review
    from sedir_core.io.scans import read_scan

    check_format(path)
    logo = read_logo(request.logo)
    head = (request.method, request.operator)
    sheets = InspectionReport(str(request.run_dir), *head, lot=request.lot, unit=request.unit, logo=logo)
    for done, part in enumerate(request.parts):
        if stop():
            raise Cancelled
        entry = part.entry
        report(done / len(request.parts), f"report: scan {done + 1} of {len(request.parts)}")
        if entry.failure is not None:
            sheets.add(Refused(entry.path, UnreadableScan(entry.path, entry.failure.what, entry.failure.hint)))
        elif entry.detection is not None:
            try:
                scan = entry.scan or read_scan(entry.path)  # those not shown recently are no longer in memory
            except UserError as error:
                sheets.add(Refused(entry.path, error))
                continue
            said = Review(entry.review, entry.reviewer, entry.review_comment)
            shown = Inspected(entry.path, scan, entry.detection, entry.detection.seconds)
            measured = [f"Measured: {one}." for one in part.measured]
            cuts = [_cut(entry, scan, one) for one in request.sections]
            sheets.add(shown, said, part.band, [*measured, *notes_on(entry, request.run_dir)], cuts, _meshed(entry))
    if stop():
        raise Cancelled
    save_report(sheets, path)


def _meshed(entry: Entry) -> Patch | None:
    """The scan as the window shows it; None if it has not been meshed."""
    from sedir_core.drawing.drawn_scan import Patch
    from sedir_core.drawing.joining import DrawnSurface

    shape = entry.shape
    if shape is None or not len(shape.triangles):
        return None
    surface = DrawnSurface(shape.level, shape.normals, shape.triangles, shape.alone, shape.spacing)
    return Patch(surface, shape.rows, shape.origin)


def _cut(entry: Entry, scan: Scan, section: KeptSection) -> DrawnSection:
    from sedir_core.evaluation.report import DrawnSection

    shape = entry.shape or prepare(scan.points)
    surface = entry.surface
    if surface is None and entry.raw is not None:
        surface = prepare_beside(entry.raw, shape, entry.shown_as(Beside.EXPECTED))
    found = cut(shape, surface, section.plane)
    return DrawnSection(section.name, found.outline, found.rows, found.expected)


def notes_on(entry: Entry, run_dir: Path) -> list[str]:
    """Notes for the reader: a changed limit, a different model from the report's, an older inspection."""
    notes = []
    if entry.defects_at != 1:
        notes.append(f"The limit was set to {percent(entry.defects_at)} of the calibrated one.")
    if entry.model is not None and entry.model.run_dir != run_dir:
        notes.append(f"Inspected with the model {entry.model.run_dir.name}.")
    if entry.past is not None:
        notes.append(entry.past.said)
    return notes
