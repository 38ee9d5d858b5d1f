"""Around the picture: settings, themes, recent files, exports, palette, the choice of part."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from app_helpers import WAIT_MS, SphereDetector, loader, open_and_wait, open_window
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QGuiApplication, QImage, QPalette
from PySide6.QtWidgets import QApplication, QFileDialog

from app import help_texts
from app.main_window import START_SIZE, MainWindow
from app.state.entries import State
from app.state.session import Session
from app.state.settings import MAX_RECENT, Settings
from app.widgets import theme as themes
from app.widgets.command_palette import KEYS, CommandPalette
from app.widgets.error_details import ErrorDetails
from app.widgets.theme import DARK, LIGHT
from sedir_core.drawing.colours import position
from sedir_core.io.scans import read_scan


def test_settings_survive_a_restart(tmp_path):
    first = Settings(tmp_path / "w.ini")
    first.theme, first.run_dir = "dark", tmp_path / "run"
    first.remember([tmp_path / "a.ply"])
    first.flush()
    second = Settings(tmp_path / "w.ini")
    assert (second.theme, second.run_dir, second.recent) == ("dark", tmp_path / "run", [tmp_path / "a.ply"])


def test_a_damaged_settings_file_gives_defaults(tmp_path):
    (tmp_path / "w.ini").write_bytes(b"[view]\ntheme=purple\n[files]\nrecent=@Variant(\x00)\n\xff\xfe")
    damaged = Settings(tmp_path / "w.ini")
    assert damaged.theme == "system"
    assert all(isinstance(path, Path) for path in damaged.recent)


def test_recent_files_are_few_distinct_and_the_newest_first(settings, tmp_path):
    paths = [tmp_path / f"{number}.ply" for number in range(MAX_RECENT + 3)]
    for path in [*paths, paths[5]]:
        settings.remember([path])
    assert settings.recent[0] == paths[5]
    assert len(settings.recent) == len(set(settings.recent)) == MAX_RECENT


def test_the_theme_menu_changes_the_palette(qtbot, window, settings):
    for choice, theme in (("dark", DARK), ("light", LIGHT)):
        settings.theme = choice
        assert QApplication.palette().color(QPalette.ColorRole.Window) == QColor(theme.window)


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_text_and_verdicts_stand_out_from_their_ground(theme):
    for ink in (theme.ink, theme.quiet, theme.ok, theme.ng, theme.uncertain):
        assert contrast(ink, theme.panel) >= 4.5


def test_verdicts_differ_in_word_and_icon_not_only_in_colour():
    looks = [themes.verdict_look(LIGHT, "ok"), themes.verdict_look(LIGHT, "ng")]
    looks.append(themes.verdict_look(LIGHT, "uncertain"))
    assert len({word for word, _, _ in looks}) == len({picture for _, picture, _ in looks}) == 3


def test_the_window_starts_at_four_fifths_of_the_screen_and_remembers_its_size(qtbot, detector, settings, tmp_path):
    window = MainWindow(Session(loader(detector), tmp_path), settings, tmp_path)
    room = window.screen().availableGeometry()
    assert window.width() == max(round(0.8 * room.width()), START_SIZE[0])
    assert window.height() == max(round(0.8 * room.height()), START_SIZE[1])
    window.resize(1130, 740)
    window.close()
    window = MainWindow(Session(loader(detector), tmp_path), settings, tmp_path)
    assert (window.width(), window.height()) == (1130, 740)
    window.close()


def test_the_scan_list_is_exported(qtbot, window, dented_file, broken_file, tmp_path, monkeypatch):
    open_and_wait(qtbot, window, dented_file, broken_file)
    target = tmp_path / "list.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
    with qtbot.waitSignal(window.exporter.saver.saved, timeout=WAIT_MS):
        window.exporter.scan_list()
    with target.open(newline="") as file:
        rows = {Path(row["path"]).stem: row for row in csv.DictReader(file)}
    assert (rows["dented"]["verdict"], rows["dented"]["n_defects"]) == ("ng", "1")
    assert (rows["broken"]["state"], rows["broken"]["verdict"]) == ("failed", "")
    assert rows["broken"]["reason"]


def test_a_report_shows_what_counts(qtbot, window, dented_file, broken_file, tmp_path, monkeypatch):
    entries = open_and_wait(qtbot, window, dented_file, broken_file)
    dented = next(entry for entry in entries if entry.path == dented_file)
    window.session.update(dented.id, review="ok", scan=None)  # as after a while: read again for the picture
    target = tmp_path / "report.html"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
    with qtbot.waitSignal(window.exporter.saver.saved, timeout=20_000):
        window.exporter.report_of(window.session.entries)
    text = target.read_text("utf-8")
    assert "Set to OK by the operator, the model said NG" in text
    assert broken_file.name in text


def test_the_layout_comes_back(qtbot, detector, settings, tmp_path):
    with open_window(qtbot, Session(loader(detector), tmp_path), settings, tmp_path) as window:
        window.page.docks[2].setVisible(False)
    with open_window(qtbot, Session(loader(detector), tmp_path), settings, tmp_path) as window:
        assert [dock.isVisible() for dock in window.page.docks] == [True, True, False]


def test_scored_points_are_exported_whole_and_in_order(qtbot, window, dented_file, tmp_path, monkeypatch):
    open_and_wait(qtbot, window, dented_file)
    target = tmp_path / "out.ply"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
    with qtbot.waitSignal(window.exporter.saver.saved, timeout=WAIT_MS):
        window.exporter.scored_points()
    assert b"scalar_anomaly" in target.read_bytes()[:300]
    assert np.array_equal(read_scan(target).points, read_scan(dented_file).points)


def test_an_export_that_cannot_be_written_says_so(qtbot, window, dented_file, tmp_path, monkeypatch):
    open_and_wait(qtbot, window, dented_file)
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "file" / "out.ply"), ""))
    with qtbot.waitSignal(window.exporter.saver.failed, timeout=WAIT_MS):
        window.exporter.reconstruction()
    assert "out.ply" in window.page.messages.text


def test_the_saved_picture_shows_the_heat(qtbot, window, dented_file):
    open_and_wait(qtbot, window, dented_file)
    image = QImage.fromData(window.exporter.picture_png())
    ratio = image.width() / window.page.width()
    view = window.page.clouds.views[0]
    place = (view.mapTo(window.page, view.rect().center()) * ratio).toTuple()
    around = [image.pixelColor(place[0] + x, place[1] + y).getRgb()[:3] for x in range(-9, 10) for y in range(-9, 10)]
    assert position(np.median(around, axis=0).astype(np.uint8)[None])[0] > 0.75


def test_the_rows_of_the_palette_are_even(qtbot, window):
    palette = CommandPalette(window.commands(), window)
    qtbot.addWidget(palette)
    palette.show()
    rows = [palette.list.item(row) for row in range(palette.list.count())]
    assert len({palette.list.visualItemRect(row).height() for row in rows}) == 1
    assert not any(row.icon().isNull() for row in rows)


def test_the_palette_keeps_names_and_shortcuts_apart(qtbot, window):
    palette = CommandPalette(window.commands(), window)
    qtbot.addWidget(palette)
    rows = [palette.list.item(at) for at in range(palette.list.count())]
    opening = next(row for row in rows if row.text() == "File: Open Scans…")
    assert opening.data(KEYS) == window.menus.open.shortcut().toString()


def test_the_palette_finds_and_runs_a_command(qtbot, window):
    palette = CommandPalette(window.commands(), window)
    palette.show()
    qtbot.keyClicks(palette.field, "dark")
    assert palette.list.count() == 1
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    assert window.settings.theme == "dark"


def test_the_palette_says_what_a_command_is_about(qtbot, window):
    window.show_workspace("runs")
    palette = CommandPalette(window.commands(), window)
    qtbot.addWidget(palette)
    names = [palette.list.item(row).text() for row in range(palette.list.count())]
    assert "Runs: Import…" in names and "Theme: Dark" in names
    assert len(names) == len(set(names))


def test_every_kind_of_part_is_listed_without_scrolling(window):
    assert window._category.maxVisibleItems() >= 20


def test_diagnostics_name_versions_and_no_files(qtbot, window, dented_file):
    open_and_wait(qtbot, window, dented_file)
    text = help_texts.diagnostics(window.session, window.settings)
    assert "pyvista:" in text and "scans: 1 done" in text and "dented" not in text


def test_a_model_that_needs_the_part_asks_for_it(qtbot, settings, tmp_path, dented_file):
    detector = SphereDetector()
    detector.needs_category = True
    with open_window(qtbot, Session(loader(detector), tmp_path / "run"), settings, tmp_path) as window:
        (entry,) = open_and_wait(qtbot, window, dented_file)
        assert entry.state is State.FAILED
        assert "choose the category" in entry.failure.hint
        window.session.set_category("marble")
        with qtbot.waitSignal(window.model.batch_finished, timeout=WAIT_MS):
            window.model.inspect_again([entry.id])
        assert window.session.get(entry.id).detection.category == "marble"


def test_copied_errors_are_complete(qtbot, window, broken_file):
    (entry,) = open_and_wait(qtbot, window, broken_file)
    window.page.messages._show_details()
    dialog = window.findChild(ErrorDetails)
    dialog.copy()
    assert entry.failure.details in QGuiApplication.clipboard().text()
    dialog.close()


def contrast(first: str, second: str) -> float:
    """Contrast ratio as WCAG defines it."""
    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(name: str) -> float:
    channels = np.array(QColor(name).getRgbF()[:3])
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])
