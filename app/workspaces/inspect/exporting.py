"""Exports the current result to a file or the clipboard; files are written in a thread."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QBuffer, QIODevice, QObject, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog

from app.jobs.saving import Saver
from app.state.entries import Entry
from app.state.session import Session
from app.state.settings import Settings
from app.workspaces.inspect import wording
from app.workspaces.inspect.page import InspectPage
from app.workspaces.inspect.report_dialog import ReportDialog
from app.workspaces.inspect.report_writing import ReportedScan, ReportRequest, reportable, write_report
from sedir_core.evaluation.report_style import defect_lines
from sedir_core.types import Detection, DoubleArray, Scan
from sedir_core.units import symbol

Cell = str | int | float


class Exporter(QObject):
    """Asks for the target and passes it to the saver."""

    said = Signal(str)

    def __init__(
        self, session: Session, settings: Settings, page: InspectPage, demo_dir: Path, parent: QObject | None = None
    ) -> None:
        """demo_dir: folder of the bundled scans, into which nothing is saved."""
        super().__init__(parent)
        self._session, self._settings, self._page, self._demo_dir = session, settings, page, demo_dir
        self.saver = Saver(self)

    def scored_points(self) -> None:
        """Save the scan's points with scores and deviations as PLY."""
        result = self._result()
        if result is not None and (path := self._ask("scored points", f"{result[0].name}.ply", "PLY (*.ply)")):
            self.write(path, lambda target: _write_scored(target, *result))

    def expected(self) -> None:
        """Save the expected surface as PLY, or the reconstruction if the model has none."""
        result = self._result()
        if result is not None:
            found = result[1].expected
            self._save_surface("reconstruction" if found is None else "expected", found)

    def reconstruction(self) -> None:
        """Save the network's reconstruction as PLY."""
        self._save_surface("reconstruction", None)

    def _save_surface(self, what: str, points: DoubleArray | None) -> None:
        result = self._result()
        if result is not None and (path := self._ask(what, f"{result[0].name}_{what}.ply", "PLY (*.ply)")):
            surface = result[1].reconstruction if points is None else points
            self.write(path, lambda target: _write_surface(target, surface))

    def scan_list(self) -> None:
        """Save every listed scan with its verdict as CSV."""
        if path := self._ask("scan list", "inspection.csv", "CSV (*.csv)"):
            rows = table(self._session.entries, self._session)
            self.write(path, lambda target: _write_table(target, rows))

    def report(self) -> None:
        """Save a printable report with pictures, as HTML or PDF by the suffix. Asks which scans to include."""
        entries = reportable(self._session.entries)
        if len(entries) < 2:
            self.report_of(entries)
            return
        dialog = ReportDialog(entries, self._page.scans.chosen_ids(), self._page)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.chosen.connect(self.report_of, Qt.ConnectionType.QueuedConnection)  # the dialog has been deleted by then
        dialog.open()

    def report_of(self, entries: Sequence[Entry]) -> None:
        """Save a report of these scans."""
        path = self._ask("report", "report.pdf", "PDF (*.pdf);;HTML (*.html)") if entries else None
        if path is None:
            return
        session, bands, tools = self._session, self._page.stage.bands, self._page.stage.tools
        request = ReportRequest(
            tuple(
                ReportedScan(
                    entry,
                    bands.of(entry) if bands.is_set(entry) else None,
                    tuple(one.words for one in tools.kept(entry)),
                )
                for entry in entries
            ),
            session.run_dir,
            "" if session.model is None else session.model.method,
            session.operator,
            session.lot,
            session.unit,
            self._settings.report_logo,
            tuple(self._page.stage.sections.all),
        )
        self.saver.write(path, lambda target, report, stop: write_report(target, request, report, stop))

    def picture(self) -> None:
        """Save views, colour scale and verdict as on screen, as PNG."""
        entry = self._session.current_entry
        if entry is not None and (path := self._ask("picture", f"{entry.path.stem}.png", "PNG (*.png)")):
            content = self.picture_png()
            self.write(path, lambda target: _write_bytes(target, content))

    def picture_png(self) -> bytes:
        """The page as PNG bytes."""
        self._page.clouds.finish()
        buffer = QBuffer()
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        self._page.grab().save(buffer, "PNG")
        return bytes(buffer.data().data())

    def training_scan(self) -> None:
        """Copy a good scan to the training scans of its kind of part, so that the next training includes it."""
        entry = self._session.current_entry
        if entry is None or entry.raw is None:
            return
        if entry.verdict != "ok":
            self.said.emit(f"{entry.name} is not OK. If the part is good, set it to OK first (O).")
            return
        home = _training_folder(
            self._session.run_dir if entry.model is None else entry.model.run_dir, entry.raw.category
        )
        suggested = str((home or self._folder()) / entry.path.name)
        chosen, _ = QFileDialog.getSaveFileName(self._page, "Add to the training data", suggested)
        if chosen:
            source = entry.path
            self.write(Path(chosen), lambda target: _write_bytes(target, source.read_bytes()))

    def copy_result(self) -> None:
        """Copy verdict, numbers and defects to the clipboard as text."""
        result = self._result()
        if result is not None:
            QGuiApplication.clipboard().setText(wording.summary(*result, self._session.unit))
            self.said.emit("The result is on the clipboard.")

    def write(self, path: Path, write: Callable[[Path], None]) -> None:
        """Run `write(path)` in the background."""
        self.saver.write(path, lambda target, report, stop: write(target))

    def close(self) -> bool:
        """Finish the current file. False if that takes too long; the target is then unchanged."""
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
        """Initial folder: from the settings, the last one used, or the scan's; never that of the bundled scans."""
        entry = self._session.current_entry
        beside = None if entry is None or self._demo_dir in entry.path.parents else entry.path.parent
        folders = (self._settings.export_folder, self._settings.saved_in, beside)
        return next((folder for folder in folders if folder is not None and folder.is_dir()), Path.home())


LIST_COLUMNS = (
    "path", "state", "verdict", "model_verdict", "uncertain", "score", "threshold", "category", "category_confidence",
    "n_points", "n_defects", "limit_share", "reason", "reviewer", "comment", "unit", "deviation_low", "deviation_high",
    "out_of_tolerance", "defects", "operator", "lot", "model",
)  # fmt: skip


def table(entries: Sequence[Entry], session: Session) -> list[tuple[Cell, ...]]:
    """The scan list as rows, the first with the column names. Lengths are in `unit`."""
    rows: list[tuple[Cell, ...]] = [LIST_COLUMNS]
    for entry in entries:
        known = dict.fromkeys(LIST_COLUMNS, "") | _row(entry, session)
        rows.append(tuple(known[name] for name in LIST_COLUMNS))
    return rows


def _row(entry: Entry, session: Session) -> dict[str, Cell]:
    found = entry.detection
    head: dict[str, Cell] = {"path": str(entry.path), "state": entry.state.value}
    if found is None:
        return head | {"reason": entry.failure.what if entry.failure else ""}
    lengths = wording.lengths_of(found, session.unit)
    low, high = (lengths.factor * end for end in found.deviation_range)
    measured: dict[str, Cell] = {} if math.isnan(low) else {"deviation_low": low, "deviation_high": high}
    run_dir = session.run_dir if entry.model is None else entry.model.run_dir
    return (
        head
        | measured
        | {
            "verdict": entry.verdict or "",
            "model_verdict": found.verdict,
            "uncertain": str(found.uncertain).lower(),
            "score": found.object_score,
            "threshold": found.threshold,
            "category": found.category,
            "category_confidence": found.category_confidence,
            "n_points": len(found.point_scores),
            "n_defects": len(found.defects),
            "limit_share": entry.defects_at,
            "reason": found.reason,
            "reviewer": entry.reviewer,
            "comment": entry.review_comment,
            "unit": lengths.unit,
            "out_of_tolerance": str(found.out_of_tolerance).lower(),
            "defects": "; ".join(line.sentence for line in defect_lines(found, lengths.factor, symbol(lengths.unit))),
            "operator": session.operator,
            "lot": session.lot,
            "model": run_dir.name,
        }
    )


def _training_folder(run_dir: Path, category: str) -> Path | None:
    """The folder of a category's training scans, if the run records it and it still exists."""
    from sedir_core.errors import BadRun
    from sedir_core.rundir.files import read_about

    try:
        root = read_about(run_dir).dataset
    except BadRun:
        return None
    if not root:
        return None
    inside = ("train/good", "train", "OK", "ok", "good", "")
    places = [*(Path(root, category, name) for name in inside), Path(root)]
    return next((place for place in places if place.is_dir()), None)


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
