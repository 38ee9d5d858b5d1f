"""Angles, distances of faces and diameters from clicked points; what is kept is listed and goes into the report."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from app_helpers import open_and_wait, save_ply
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from app.main_window import MainWindow
from app.state.entries import Entry
from app.views.picking import Probe
from app.workspaces.inspect.report_writing import ReportedScan, ReportRequest, write_report
from sedir_core.types import never_stop, no_report

HALF = np.array([10.0, 6.0, 4.0])


@pytest.fixture
def block_file(tmp_path: Path) -> Path:
    """The surface of a block, 20 x 12 x 8, with a round pin of diameter 5 on top."""
    rng = np.random.default_rng(0)
    points = rng.uniform(-1, 1, (9_000, 3)) * HALF
    axis, rows = rng.integers(0, 3, len(points)), np.arange(len(points))
    points[rows, axis] = HALF[axis] * rng.choice([-1.0, 1.0], len(points))
    turn, height = rng.uniform(0, 2 * np.pi, 3_000), rng.uniform(4, 10, 3_000)
    pin = np.column_stack([2.5 * np.cos(turn), 2.5 * np.sin(turn), height])
    return save_ply(tmp_path / "block.ply", np.vstack([points, pin]))


def probe(entry: Entry, x: float, y: float, z: float) -> Probe:
    assert entry.scan is not None
    row = int(np.linalg.norm(entry.scan.points - (x, y, z), axis=1).argmin())
    return Probe(entry.scan.points[row], row)


def measured(qtbot: QtBot, window: MainWindow, path: Path, key: Qt.Key, *places: tuple[float, float, float]) -> str:
    (entry,) = open_and_wait(qtbot, window, path)
    window.session.set_unit("mm")
    qtbot.keyClick(window, key)
    for place in places:
        window.page.clouds.point_clicked.emit(probe(entry, *place))
    return window.page.stage.readout.text.text()


def test_two_parallel_faces_tell_their_distance(qtbot: QtBot, window: MainWindow, block_file: Path) -> None:
    text = measured(qtbot, window, block_file, Qt.Key.Key_A, (-10, 0, 0), (10, 1, 1))
    assert text.startswith("Distance between two faces 20.0") and "0.00° from parallel" in text


def test_two_others_tell_their_angle(qtbot: QtBot, window: MainWindow, block_file: Path) -> None:
    text = measured(qtbot, window, block_file, Qt.Key.Key_A, (-10, 0, 0), (0, 6, 0))
    assert text.startswith("Angle between two faces 90.00°")


def test_a_click_on_a_round_surface_tells_its_diameter(qtbot: QtBot, window: MainWindow, block_file: Path) -> None:
    assert measured(qtbot, window, block_file, Qt.Key.Key_I, (2.5, 0, 8)).startswith("Diameter 5.00")


def test_a_face_has_no_diameter_and_says_so(qtbot: QtBot, window: MainWindow, block_file: Path) -> None:
    text = measured(qtbot, window, block_file, Qt.Key.Key_I, (-10, 0, 0))
    assert text == "No round surface around that point."
    assert not window.page.stage.readout.keep.isVisible()


def test_what_is_kept_is_listed_stays_with_its_scan_and_can_be_removed(
    qtbot: QtBot, window: MainWindow, block_file: Path, good_file: Path
) -> None:
    measured(qtbot, window, block_file, Qt.Key.Key_I, (2.5, 0, 8))
    stage = window.page.stage
    stage.readout.keep.click()
    assert stage.measured.isVisible() and stage.measured.list.item(0).text().startswith("Diameter 5.00")
    assert not stage.readout.keep.isVisible()  # once is enough
    stage.measured.copy.click()
    assert QGuiApplication.clipboard().text().startswith("Diameter 5.00")
    first = window.session.entries[0]
    other = next(entry for entry in open_and_wait(qtbot, window, good_file) if entry.id != first.id)
    window.session.show(other.id)
    assert not stage.measured.isVisible()
    window.session.show(first.id)
    assert stage.measured.isVisible()
    stage.measured.list.setFocus()
    qtbot.keyClick(stage.measured.list, Qt.Key.Key_Delete)
    assert not stage.measured.isVisible()


def test_the_report_says_what_was_measured(qtbot: QtBot, window: MainWindow, block_file: Path, tmp_path: Path) -> None:
    measured(qtbot, window, block_file, Qt.Key.Key_I, (2.5, 0, 8))
    tools = window.page.stage.tools
    tools.keep()
    entry = window.session.entries[0]
    part = ReportedScan(entry, None, tuple(one.words for one in tools.kept(entry)))
    path = tmp_path / "report.html"
    write_report(path, ReportRequest((part,), tmp_path / "run"), no_report, never_stop)
    assert "Measured: Diameter 5.00" in path.read_text("utf-8")
