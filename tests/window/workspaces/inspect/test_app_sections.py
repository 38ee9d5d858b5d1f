"""Sections that are kept: listed by name, renamed, removed, and drawn in the report of every scan."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from app_helpers import open_and_wait
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.main_window import MainWindow
from app.views.needles import needles
from app.views.section import CrossSection, across_axis
from app.workspaces.inspect.kept_sections import KeptSections
from app.workspaces.inspect.report_writing import ReportedScan, ReportRequest, write_report
from app.workspaces.inspect.section_panel import SectionPanel
from app.workspaces.inspect.tools import Tool
from sedir_core.drawing.section_picture import section_picture
from sedir_core.types import never_stop, no_report


def test_a_name_that_is_taken_gets_a_number() -> None:
    kept = KeptSections()
    for _ in range(3):
        kept.keep(across_axis(0), "rim")
    kept.keep(across_axis(1), "neck")
    kept.rename(3, " rim ")
    kept.rename(0, "")
    assert [one.name for one in kept.all] == ["rim", "rim (2)", "rim (3)", "rim (4)"]


def keep_two(qtbot: QtBot, window: MainWindow, path: Path) -> SectionPanel:
    open_and_wait(qtbot, window, path)
    qtbot.keyClick(window, Qt.Key.Key_X)
    panel = window.page.stage.section
    panel.keep.click()
    panel.buttons.button(2).click()
    panel.keep.click()
    return panel


def test_a_section_that_was_kept_is_shown_again_by_its_name(
    qtbot: QtBot, window: MainWindow, dented_file: Path
) -> None:
    panel = keep_two(qtbot, window, dented_file)
    assert panel.kept.count() == 2 and panel.kept.currentIndex() == 1
    assert panel.kept.itemText(0).startswith("x = ") and panel.kept.itemText(1).startswith("z = ")
    assert not panel.keep.isVisible()
    panel.kept.activated.emit(0)
    plane = window.page.stage.tools.plane
    assert plane is window.page.stage.sections.all[0].plane and plane.name == "x"
    panel.slider.setValue(100)  # another plane, which is not kept yet
    assert panel.kept.currentIndex() == -1 and panel.keep.isVisible() and not panel.forget.isVisible()


@pytest.mark.parametrize(("faces", "cut"), [((1.0, 0.0, 0.0), "y"), ((0.0, 0.6, 0.8), "x")])
def test_the_first_section_cuts_through_the_defect_instead_of_along_it(
    qtbot: QtBot,
    window: MainWindow,
    dented_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    faces: tuple[float, ...],
    cut: str,
) -> None:
    (entry,) = open_and_wait(qtbot, window, dented_file)
    window.session.show(entry.id)
    assert entry.detection is not None
    tools = window.page.stage.tools
    defect = replace(entry.detection.defects[0], axes=np.array([np.zeros(3), np.zeros(3), faces]))
    monkeypatch.setattr(type(tools), "_defect_of_interest", lambda self: defect)
    tools.show_section(True)
    assert tools.plane is not None and tools.plane.name == cut


def test_it_is_renamed_where_its_name_stands_and_removed(qtbot: QtBot, window: MainWindow, dented_file: Path) -> None:
    panel = keep_two(qtbot, window, dented_file)
    panel.kept.lineEdit().setText("Rim")
    panel.kept.lineEdit().editingFinished.emit()
    assert [one.name for one in window.page.stage.sections.all][1] == "Rim" and panel.kept.currentText() == "Rim"
    panel.forget.click()
    assert panel.kept.count() == 1 and window.page.stage.section.isVisible()


def test_the_report_draws_each_of_them_for_each_scan(
    qtbot: QtBot, window: MainWindow, dented_file: Path, tmp_path: Path
) -> None:
    keep_two(qtbot, window, dented_file)
    stage, (entry,) = window.page.stage, window.session.entries
    stage.sections.rename(0, "Rim <1>")
    request = ReportRequest((ReportedScan(entry),), tmp_path / "run", sections=tuple(stage.sections.all))
    write_report(tmp_path / "report.html", request, no_report, never_stop)
    text = (tmp_path / "report.html").read_text("utf-8")
    assert text.count('<figure class="cut">') == 2 and "Section Rim &lt;1&gt;" in text
    write_report(tmp_path / "report.pdf", request, no_report, never_stop)
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")


def test_a_section_that_cuts_nothing_is_a_picture_too() -> None:
    nothing = np.empty((0, 2), np.float32)
    assert section_picture(nothing, np.empty((0, 3), np.uint8), nothing, 1.0, "mm").startswith(b"\x89PNG")


def test_two_clicks_in_a_section_measure_a_distance(qtbot: QtBot, window: MainWindow, dented_file: Path) -> None:
    open_and_wait(qtbot, window, dented_file)
    qtbot.keyClick(window, Qt.Key.Key_X)
    stage = window.page.stage
    section = stage.section.plot._section
    assert section is not None and window.session.current_entry is not None
    scan = window.session.current_entry.scan
    assert scan is not None
    rows = [int(section.rows[np.argmin(section.outline[:, 0])]), int(section.rows[np.argmax(section.outline[:, 0])])]
    stage.tools.use(Tool.MEASURE)
    for row in rows:
        stage.section.plot.row_clicked.emit(row)
    assert stage.tools.measurement is not None
    away = float(np.linalg.norm(scan.points[rows[0]] - scan.points[rows[1]]))
    assert stage.tools.length.startswith(f"{away:.3g}"[:3]) and stage.section.plot._dimension == (
        rows,
        stage.tools.length,
    )
    stage.section.plot.grab()


def test_the_wheel_magnifies_the_outline_where_the_mouse_is(
    qtbot: QtBot, window: MainWindow, dented_file: Path
) -> None:
    open_and_wait(qtbot, window, dented_file)
    qtbot.keyClick(window, Qt.Key.Key_X)
    plot = window.page.stage.section.plot
    assert plot._section is not None

    def outline() -> np.ndarray:
        assert plot._section is not None
        return np.stack(plot._outline_pixels(plot._section.outline), axis=1)

    before = outline()
    place = QPointF(*before[5])
    steps = QPoint(0, 240)
    where = plot.mapToGlobal(place)
    buttons, mods = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier
    event = QWheelEvent(place, where, QPoint(), steps, buttons, mods, Qt.ScrollPhase.NoScrollPhase, False)
    QApplication.sendEvent(plot, event)
    after = outline()
    assert np.allclose(after[5], before[5], atol=1e-6)
    assert np.allclose(np.ptp(after, axis=0), 1.25**2 * np.ptp(before, axis=0))
    plot.grab()
    qtbot.mouseDClick(plot, Qt.MouseButton.LeftButton, pos=QPoint(2, 2))
    assert np.allclose(outline(), before)


def test_needles_point_from_the_expected_surface_to_what_deviates() -> None:
    expected = np.stack([np.linspace(0, 10, 101), np.zeros(101)], axis=1).astype(np.float32)
    outline = expected.copy()
    outline[40:60, 1] = -1.0
    section = CrossSection(outline, np.arange(101), expected)
    at, ways = needles(section, outline[:, 1], 0.5)
    assert at.tolist() == list(range(40, 60)) and np.allclose(ways, (0.0, -1.0))
    assert len(needles(section, np.full(101, np.nan, np.float32), 0.5)[0]) == 0
