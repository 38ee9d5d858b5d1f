"""From the current result to a file or the clipboard; writing happens in a thread of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QBuffer, QIODevice, QObject, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog

from app.jobs.saving import Saver
from app.state.entries import Entry
from app.state.session import Session
from app.state.settings import Settings
from app.workspaces.inspect import wording
from app.workspaces.inspect.page import InspectPage
from sedir_core.types import Detection, DoubleArray, Scan

Cell = str | int | float


class Exporter(QObject):
    """Asks where to, and lets the saver write."""

    said = Signal(str)

    def __init__(
        self, session: Session, settings: Settings, page: InspectPage, demo_dir: Path, parent: QObject | None = None
    ) -> None:
        """demo_dir: where the bundled scans are; nothing is saved among them."""
        super().__init__(parent)
        self._session, self._settings, self._page, self._demo_dir = session, settings, page, demo_dir
        self.saver = Saver(self)

    def scored_points(self) -> None:
        """The scan's points with their scores and deviations, as PLY."""
        result = self._result()
        if result is not None and (path := self._ask("scored points", f"{result[0].name}.ply", "PLY (*.ply)")):
            self.write(path, lambda target: _write_scored(target, *result))

    def expected(self) -> None:
        """The surface that the model expects, as PLY; the reconstruction where it expects none."""
        result = self._result()
        if result is not None:
            found = result[1].expected
            self._save_surface("reconstruction" if found is None else "expected", found)

    def reconstruction(self) -> None:
        """What the network decodes, as PLY."""
        self._save_surface("reconstruction", None)

    def _save_surface(self, what: str, points: DoubleArray | None) -> None:
        result = self._result()
        if result is not None and (path := self._ask(what, f"{result[0].name}_{what}.ply", "PLY (*.ply)")):
            surface = result[1].reconstruction if points is None else points
            self.write(path, lambda target: _write_surface(target, surface))

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
            QGuiApplication.clipboard().setText(wording.summary(*result, self._session.unit))
            self.said.emit("The result is on the clipboard.")

    def write(self, path: Path, write: Callable[[Path], None]) -> None:
        """Run `write(path)` in the background."""
        self.saver.write(path, lambda target, report, stop: write(target))

    def close(self) -> bool:
        """Let the file at work be finished. False if that takes too long; the target is then as it was."""
        return self.saver.close()

    def _result(self) -> tuple[Scan, Detection] | None:
        entry = self._session.current_entry
        if entry is None or entry.scan is None or entry.detection is None:
            return None
        return entry.scan, entry.detection

    def _ask(self, what: str, name: str, kind: str) -> Path | None:
        chosen, _ = QFileDialog.getSaveFileName(self._page, f"Save {what}", str(self._folder() / name), kind)
        if chosen:
            self._settings.saved_in = Path(chosen).parent
        return Path(chosen) if chosen else None

    def _folder(self) -> Path:
        """The one from the settings, that of last time, or beside the scan; never among the bundled scans."""
        entry = self._session.current_entry
        beside = None if entry is None or self._demo_dir in entry.path.parents else entry.path.parent
        folders = (self._settings.export_folder, self._settings.saved_in, beside)
        return next((folder for folder in folders if folder is not None and folder.is_dir()), Path.home())


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


def _write_scored(path: Path, scan: Scan, detection: Detection) -> None:
    from sedir_core.io.export import write_scored_ply

    write_scored_ply(path, scan, detection.point_scores, detection.deviation)


def _write_surface(path: Path, points: DoubleArray) -> None:
    from sedir_core.io.export import write_points_ply

    write_points_ply(path, points)


def _write_bytes(path: Path, content: bytes) -> None:
    from sedir_core.io.atomic import write_bytes

    write_bytes(path, content)
