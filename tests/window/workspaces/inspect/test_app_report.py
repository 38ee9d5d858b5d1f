"""Reports from the window: which scans, what their people said, how far it is, and a way out."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest
from app_helpers import WAIT_MS, open_and_wait
from PySide6.QtWidgets import QFileDialog

from app.workspaces.inspect.report_dialog import ReportDialog
from app.workspaces.inspect.report_writing import ReportedScan, ReportRequest, notes_on, write_report
from sedir_core.errors import Cancelled
from sedir_core.types import Tolerance, no_report


@pytest.fixture
def entries(qtbot, window, dented_file, good_file):
    """NG, then OK."""
    return open_and_wait(qtbot, window, dented_file, good_file)


def saved(qtbot, window, target: Path, monkeypatch, act) -> str:
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
    with qtbot.waitSignal(window.exporter.saver.saved, timeout=WAIT_MS):
        act()
    return target.read_text("utf-8")


def test_who_overruled_and_why_stands_in_the_report(qtbot, window, entries, tmp_path, monkeypatch):
    window.settings.operator, window.settings.unit = "Ada", "mm"
    bad = next(entry for entry in entries if entry.verdict == "ng")
    window.page.edits.review(bad.id, "ok")
    window.page.edits.comment(bad.id, "a stain")
    entry = window.session.get(bad.id)
    text = saved(qtbot, window, tmp_path / "r.html", monkeypatch, lambda: window.exporter.report_of([entry]))
    assert "Set to OK by Ada, the model said NG: “a stain”" in text
    assert "areas in mm²" in text and "Ada</dd>" in text


def test_one_may_choose_which_scans_are_reported(qtbot, window, entries, tmp_path, monkeypatch):
    dialog = ReportDialog(entries, [], window)
    qtbot.addWidget(dialog)
    everything, bad, marked = (button for button, _ in dialog.choices)
    assert everything.isChecked() and not marked.isEnabled()
    bad.setChecked(True)
    with qtbot.waitSignal(dialog.chosen) as answer:
        dialog.go_on.click()
    assert [entry.verdict for entry in answer.args[0]] == ["ng"]


def test_marked_scans_are_offered_first(qtbot, window, entries):
    dialog = ReportDialog(entries, [entry.id for entry in entries], window)
    qtbot.addWidget(dialog)
    assert dialog.choices[2][0].isChecked()


def test_the_menu_asks_which_scans_then_where(qtbot, window, entries, tmp_path, monkeypatch):
    window.exporter.report()
    dialog = window.page.findChild(ReportDialog)
    text = saved(qtbot, window, tmp_path / "r.html", monkeypatch, dialog.go_on.click)
    assert text.index("dented") < text.index("good")


def test_a_report_tells_how_far_it_is_and_can_be_stopped(entries, tmp_path):
    said = []
    request = ReportRequest(tuple(ReportedScan(entry) for entry in entries), tmp_path)
    write_report(tmp_path / "r.html", request, lambda fraction, stage: said.append((fraction, stage)), lambda: False)
    assert said == [(0.0, "report: scan 1 of 2"), (0.5, "report: scan 2 of 2")]
    (tmp_path / "r.html").unlink()
    with pytest.raises(Cancelled):
        write_report(tmp_path / "r.html", request, no_report, lambda: True)
    assert not (tmp_path / "r.html").exists()


def test_a_band_that_was_set_goes_into_the_report(qtbot, window, entries, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "r.html"), ""))
    monkeypatch.setattr(
        "app.workspaces.inspect.exporting.write_report", lambda path, request, *_: asked.append(request)
    )
    window.page.stage.bands.set(entries[0], Tolerance(-0.5, 0.25))
    window.settings.report_logo = tmp_path / "logo.png"
    with qtbot.waitSignal(window.exporter.saver.saved, timeout=WAIT_MS):
        window.exporter.report_of(entries)
    assert [part.band for part in asked[0].parts] == [Tolerance(-0.5, 0.25)] * 2
    assert asked[0].logo == tmp_path / "logo.png"


def test_a_limit_that_was_moved_is_said(window, entries):
    entry = replace(entries[0], defects_at=0.5)
    assert notes_on(entry, entry.model.run_dir) == ["The limit was set to 50 % of the calibrated one."]
    assert notes_on(entries[0], Path("elsewhere")) == [f"Inspected with the model {entries[0].model.run_dir.name}."]


def test_the_table_says_who_why_and_what_each_defect_is(qtbot, window, entries, tmp_path, monkeypatch):
    window.settings.operator, window.settings.unit = "Ada", "mm"
    bad = next(entry for entry in entries if entry.verdict == "ng")
    window.page.edits.review(bad.id, "ok")
    window.page.edits.comment(bad.id, "a stain")
    text = saved(qtbot, window, tmp_path / "l.csv", monkeypatch, window.exporter.scan_list)
    rows = {Path(row["path"]).stem: row for row in csv.DictReader(text.splitlines())}
    row = rows[bad.path.stem]
    assert (row["reviewer"], row["comment"], row["unit"], row["operator"]) == ("Ada", "a stain", "mm", "Ada")
    assert "mm²" in row["defects"]
    assert float(row["deviation_low"]) == pytest.approx(bad.detection.deviation_range[0])
