"""From the current result to a file or the clipboard; writing happens in a thread of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QBuffer, QIODevice, QObject, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog

from app.entries import Entry, Failure
from app.jobs.pool import Pool
from app.session import Session
from app.workspaces.inspect import wording
from app.workspaces.inspect.page import InspectPage
from sedir_core.types import Detection, Report, Scan, Stop

Cell = str | int | float


@dataclass(frozen=True)
class WriteRequest:
    """A target and what writes it."""

    path: Path
    write: Callable[[Path], None]


class Exporter(QObject):
    """Asks where to, writes, and says how it went."""

    said = Signal(str)
    failed = Signal(str, object)  # where, Failure

    def __init__(self, session: Session, page: InspectPage, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._page = session, page
        self._pool = Pool("writer", self)
        self.start_in: Path | None = None  # where saving begins; None means beside the scan
        self._targets: dict[int, Path] = {}
        self._pool.done.connect(lambda job, _: self.said.emit(f"Saved {self._targets.pop(job)}"))
        self._pool.failed.connect(lambda job, error: self.failed.emit(self._targets.pop(job).name, Failure.of(error)))

    def scored_points(self) -> None:
        """The scan's points with their scores, as PLY."""
        result = self._result()
        if result is not None and (path := self._ask("scored points", f"{result[0].name}.ply", "PLY (*.ply)")):
            self.write(path, lambda target: _write_scored(target, *result))

    def reconstruction(self) -> None:
        """The surface the model expects, as PLY."""
        result = self._result()
        name = f"{result[0].name}_reconstruction.ply" if result else ""
        if result is not None and (path := self._ask("reconstruction", name, "PLY (*.ply)")):
            self.write(path, lambda target: _write_surface(target, result[1]))

    def scan_list(self) -> None:
        """Every scan of the list with its verdict, as CSV."""
        if path := self._ask("scan list", "inspection.csv", "CSV (*.csv)"):
            rows = table(self._session.entries)
            self.write(path, lambda target: _write_table(target, rows))

    def report(self) -> None:
        """Every scan that was inspected, with pictures, to be read and printed: HTML or PDF by the file's ending."""
        if path := self._ask("report", "report.pdf", "PDF (*.pdf);;HTML (*.html)"):
            entries, info = self._session.entries, self._session.model
            run_dir, method, operator = self._session.run_dir, info.method if info else "", self._session.operator
            self.write(path, lambda target: _write_report(target, entries, run_dir, method, operator))

    def picture(self) -> None:
        """The views, the colour scale and the verdict as they are on the screen, as PNG."""
        entry = self._session.current_entry
        if entry is not None and (path := self._ask("picture", f"{entry.path.stem}.png", "PNG (*.png)")):
            content = self.picture_png()
            self.write(path, lambda target: _write_bytes(target, content))

    def picture_png(self) -> bytes:
        """The page as a PNG file's content."""
        self._page.clouds.finish()
        buffer = QBuffer()
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        self._page.grab().save(buffer, "PNG")
        return bytes(buffer.data().data())

    def copy_result(self) -> None:
        """Verdict, numbers and defects as text, to the clipboard."""
        result = self._result()
        if result is not None:
            QGuiApplication.clipboard().setText(wording.summary(*result))
            self.said.emit("The result is on the clipboard.")

    def write(self, path: Path, write: Callable[[Path], None]) -> None:
        """Run `write(path)` in the background."""
        self._targets[self._pool.submit(_write, WriteRequest(path, write))] = path

    def close(self) -> bool:
        """Let the file at work be finished. False if that takes too long; the target is then as it was."""
        return self._pool.close(timeout_s=3.0)

    def _result(self) -> tuple[Scan, Detection] | None:
        entry = self._session.current_entry
        if entry is None or entry.scan is None or entry.detection is None:
            return None
        return entry.scan, entry.detection

    def _ask(self, what: str, name: str, kind: str) -> Path | None:
        chosen, _ = QFileDialog.getSaveFileName(self._page, f"Save {what}", str(self._folder() / name), kind)
        return Path(chosen) if chosen else None

    def _folder(self) -> Path:
        if self.start_in is not None and self.start_in.is_dir():
            return self.start_in
        entry = self._session.current_entry
        return entry.path.parent if entry is not None else Path.home()


LIST_COLUMNS = (
    "path", "state", "verdict", "model_verdict", "uncertain", "score", "threshold", "category", "category_confidence",
    "n_points", "n_defects", "limit_share", "reason",
)  # fmt: skip


def table(entries: Sequence[Entry]) -> list[tuple[Cell, ...]]:
    """The scan list as rows, the first with the column names."""
    rows: list[tuple[Cell, ...]] = [LIST_COLUMNS]
    for entry in entries:
        found = entry.detection
        if found is None:
            reason = entry.failure.what if entry.failure else ""
            rows.append((str(entry.path), entry.state.value, *[""] * (len(LIST_COLUMNS) - 3), reason))
            continue
        rows.append(
            (
                str(entry.path), entry.state.value, entry.verdict or "", found.verdict, str(found.uncertain).lower(),
                found.object_score, found.threshold, found.category, found.category_confidence,
                len(found.point_scores), len(found.defects), entry.defects_at, found.reason,
            )
        )  # fmt: skip
    return rows


def _write_report(path: Path, entries: Sequence[Entry], run_dir: Path, method: str, operator: str) -> None:
    from sedir_core.errors import UnreadableScan, UserError
    from sedir_core.evaluation.inspection import Inspected, Refused
    from sedir_core.evaluation.report import Report as InspectionReport
    from sedir_core.evaluation.report import check_format
    from sedir_core.io.scans import read_scan

    check_format(path)
    sheets = InspectionReport(str(run_dir), method, operator)
    for entry in entries:
        if entry.failure is not None:
            sheets.add(Refused(entry.path, UnreadableScan(entry.path, entry.failure.what, entry.failure.hint)))
        elif entry.detection is not None:
            try:
                scan = entry.scan or read_scan(entry.path)  # those shown long ago are no longer in memory
            except UserError as error:
                sheets.add(Refused(entry.path, error))
                continue
            sheets.add(Inspected(entry.path, scan, entry.detection, entry.detection.seconds), entry.review)
    sheets.write(path)


def _write_table(path: Path, rows: Sequence[Sequence[Cell]]) -> None:
    from sedir_core.io.export import write_csv

    write_csv(path, rows)


def _write(request: WriteRequest, report: Report, stop: Stop) -> None:
    request.write(request.path)


def _write_scored(path: Path, scan: Scan, detection: Detection) -> None:
    from sedir_core.io.export import write_scored_ply

    write_scored_ply(path, scan, detection.point_scores)


def _write_surface(path: Path, detection: Detection) -> None:
    from sedir_core.io.export import write_points_ply

    write_points_ply(path, detection.reconstruction)


def _write_bytes(path: Path, content: bytes) -> None:
    from sedir_core.io.atomic import write_bytes

    write_bytes(path, content)
