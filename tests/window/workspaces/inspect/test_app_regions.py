"""Tolerances by region in the window: drawn on one scan, they judge all of its kind, also at the next start."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from app_helpers import WAIT_MS, SphereDetector, dented_sphere, loader, open_and_wait, open_window
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox
from pytestqt.qtbot import QtBot

from app.main_window import MainWindow
from app.state.entries import Entry, State
from app.state.session import Session
from app.state.settings import Settings
from app.views.zone_drawing import wires
from app.workspaces.inspect.region_panel import (
    ALLOWED,
    MEASURED,
    NAME,
    SIZE,
    STATE,
    USE,
    read_length,
    read_tolerance,
)
from app.workspaces.inspect.regions import Regions
from app.workspaces.inspect.tools import Tool
from sedir_core.errors import BadConfig
from sedir_core.evaluation.zone_file import ball, read_part_tolerance
from sedir_core.evidence.limits import Calibration
from sedir_core.types import Tolerance, ZonePlace


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("0.3", Tolerance(-0.3, 0.3)), ("±0.3 mm", Tolerance(-0.3, 0.3)), ("−0.2 to 0.4 mm", Tolerance(-0.2, 0.4)),
        ("-0.2,0.4", Tolerance(-0.2, 0.4)), ("any", None), ("", None),
    ],
)  # fmt: skip
def test_a_tolerance_is_typed_as_it_is_shown(text: str, read: Tolerance | None) -> None:
    assert read_tolerance(text) == read


@pytest.mark.parametrize("text", ["much", "0.4 to -0.2", "mm"])
def test_what_is_no_tolerance_is_refused(text: str) -> None:
    with pytest.raises(BadConfig):
        read_tolerance(text)


def test_a_radius_is_a_number_above_zero() -> None:
    assert read_length("1,250 mm", "mm") == 1250 and read_length("0.5", "") == 0.5
    assert [read_length(text, "mm") for text in ("0", "-1", "inf", "x", "")] == [None] * 5


def test_the_wires_lie_on_the_rim_of_a_region() -> None:
    place = ball(np.array([5.0, 2.0, 1.0]), 2.0)
    for line in wires(place, np.array([4.0, 0.0, 0.0])):
        assert np.allclose(np.linalg.norm(line - (1.0, 2.0, 1.0), axis=1), 2.0)
    box = ZonePlace(np.zeros(3), np.array([1.0, 2.0, 3.0]), np.eye(3))
    corners = {tuple(corner) for line in wires(box, np.zeros(3)) for corner in line}
    assert len(corners) == 8 and all(np.allclose(np.abs(corner), box.half) for corner in corners)


def judged(qtbot: QtBot, window: MainWindow) -> list[Entry]:
    """Until every scan is judged by the tolerances of now."""
    known = window.session.tolerances.get("ball")
    qtbot.waitUntil(lambda: all(entry.tolerated is known for entry in window.session.entries), timeout=WAIT_MS)
    return window.session.entries


def with_region(qtbot: QtBot, window: MainWindow, *paths: Path) -> list[Entry]:
    """The first scan on show, a region of ±0.5 drawn where its dent is."""
    first, *_ = open_and_wait(qtbot, window, *paths)
    window.session.show(first.id)
    assert window.session.current_entry is not None and window.session.current_entry.raw is not None
    window.page.stage.bands.set(window.session.current_entry, Tolerance(-0.5, 0.5))
    qtbot.keyClick(window, Qt.Key.Key_T)
    window.page.stage.tools.pick_row(int(np.flatnonzero(dented_sphere().mask)[0]))
    window.page.stage.region_panel.add.click()
    return judged(qtbot, window)


def test_a_region_judges_every_scan_of_its_kind_and_the_verdict_names_it(
    qtbot: QtBot, window: MainWindow, dented_file: Path, good_file: Path
) -> None:
    dented, good = with_region(qtbot, window, dented_file, good_file)
    assert dented.detection is not None and good.detection is not None
    assert "; out of tolerance in region 1 (±0.5): " in dented.detection.reason
    assert [zone.out(1.0) for zone in good.detection.zones] == [False, False] and good.verdict == "ok"
    table = window.page.stage.region_panel.table
    assert [table.item(0, column).text() for column in (NAME, ALLOWED, STATE)] == ["region 1", "±0.5", "NG"]
    assert table.item(0, MEASURED).text().startswith("−")


def test_what_is_typed_counts_at_once(qtbot: QtBot, window: MainWindow, dented_file: Path) -> None:
    with_region(qtbot, window, dented_file)
    table = window.page.stage.region_panel.table
    table.item(0, ALLOWED).setText("5")
    (entry,) = judged(qtbot, window)
    assert entry.raw is not None and not entry.raw.out_of_tolerance
    table.item(0, NAME).setText("rim")
    table.item(1, ALLOWED).setText("0.2")
    judged(qtbot, window)
    table.item(0, SIZE).setText("1")
    (entry,) = judged(qtbot, window)
    assert entry.raw is not None
    rim, rest = entry.raw.zones
    assert (rim.name, rim.tolerance, rest.tolerance) == ("rim", Tolerance(-5, 5), Tolerance(-0.2, 0.2))
    assert rim.place is not None and rim.place.half[0] == pytest.approx(1.0)
    assert entry.detection is not None and "out of tolerance outside the regions" in entry.detection.reason


def test_a_tolerance_of_the_whole_part_needs_no_region(
    qtbot: QtBot, window: MainWindow, dented_file: Path, good_file: Path, settings: Settings
) -> None:
    dented, _ = open_and_wait(qtbot, window, dented_file, good_file)
    window.session.show(dented.id)
    qtbot.keyClick(window, Qt.Key.Key_T)
    table = window.page.stage.region_panel.table
    assert [table.item(0, column).text() for column in (NAME, ALLOWED, STATE)] == ["Whole part", "any", ""]
    table.item(0, ALLOWED).setText("0.5")
    dented, good = judged(qtbot, window)
    assert dented.detection is not None and "out of the tolerance of ±0.5" in dented.detection.reason
    assert good.detection is not None and good.detection.reason.endswith("within the tolerance of ±0.5")
    assert [table.item(0, column).text() for column in (ALLOWED, STATE)] == ["±0.5", "NG"]
    stored = settings.path.parent / "tolerances" / "ball.toml"
    assert read_part_tolerance(stored).elsewhere == Tolerance(-0.5, 0.5)
    window.page.stage.tools.pick_row(10)
    window.page.stage.region_panel.add.click()
    dented, _ = judged(qtbot, window)
    assert dented.raw is not None and dented.raw.zones[1].tolerance == Tolerance(-0.5, 0.5)
    assert table.item(1, NAME).text() == "Elsewhere"
    table.setCurrentCell(0, NAME)
    window.page.stage.region_panel.remove.click()
    table.item(0, ALLOWED).setText("any")
    dented, _ = judged(qtbot, window)
    assert dented.raw is not None and dented.raw.tolerance is None and not stored.exists()


class Sure(SphereDetector):
    """Knows how far its held-out scans deviate."""

    def calibration(self) -> Calibration:
        ranges = np.exp(np.random.default_rng(0).normal(0, 0.2, (20, 2))) * [-0.3, 0.3]
        return Calibration(0.05, {"ball": np.full(20, 0.02)}, {}, ranges={"ball": ranges})


def test_a_tolerance_says_how_many_good_parts_it_calls_ng(
    qtbot: QtBot, settings: Settings, tmp_path: Path, dented_file: Path
) -> None:
    said = []
    with open_window(qtbot, Session(loader(Sure()), tmp_path / "run"), settings, tmp_path) as window:
        (entry,) = open_and_wait(qtbot, window, dented_file)
        window.session.show(entry.id)
        qtbot.keyClick(window, Qt.Key.Key_T)
        panel = window.page.stage.region_panel
        for tolerance in ("5", "0.1"):
            panel.table.item(0, ALLOWED).setText(tolerance)
            judged(qtbot, window)
            said.append(panel.hint.toolTip() or panel.hint.text())
    assert said == [
        f"Calls about {share} of good parts NG, by 20 held-out good scans." for share in ("less than 0.1 %", "100 %")
    ]


def test_what_cannot_be_meant_is_said_and_changes_nothing(qtbot: QtBot, window: MainWindow, dented_file: Path) -> None:
    with_region(qtbot, window, dented_file)
    before = window.session.tolerances
    with qtbot.waitSignal(window.page.stage.region_panel.wrong):
        window.page.stage.region_panel.table.item(0, ALLOWED).setText("plenty")
    assert window.session.tolerances == before
    assert window.page.stage.region_panel.table.item(0, ALLOWED).text() == "±0.5"


def test_a_region_drawn_on_another_scan_is_kept_where_it_is_on_the_reference(
    qtbot: QtBot, window: MainWindow, dented_file: Path, good_file: Path
) -> None:
    _, good = with_region(qtbot, window, dented_file, good_file)
    window.session.show(good.id)
    assert good.scan is not None
    window.page.stage.tools.pick_row(10)
    window.page.stage.region_panel.add.click()
    judged(qtbot, window)
    part = window.session.tolerances["ball"]
    assert part.reference == dented_file and part.zones[1].name == "region 2"
    assert part.zones[1].place is not None
    assert np.allclose(part.zones[1].place.centre, good.scan.points[10], atol=0.2)  # the spheres are concentric


def test_they_are_there_at_the_next_start_and_gone_when_the_last_is_removed(
    qtbot: QtBot, window: MainWindow, dented_file: Path, session: Session, settings: Settings, tmp_path: Path
) -> None:
    with_region(qtbot, window, dented_file)
    panel = window.page.stage.region_panel
    again = Regions(Session(session.load, session.run_dir), settings)
    again.load()
    (zone,) = again._session.tolerances["ball"].zones
    assert (zone.name, zone.tolerance) == ("region 1", Tolerance(-0.5, 0.5))
    window.page.stage.regions.give(window.session.entries[0], tmp_path / "for_the_line.toml")
    assert read_part_tolerance(tmp_path / "for_the_line.toml").reference == dented_file
    panel.table.setCurrentCell(0, NAME)
    panel.remove.click()
    (entry,) = judged(qtbot, window)
    assert entry.raw is not None and entry.raw.zones == () and "tolerance" not in entry.raw.reason
    assert list((settings.path.parent / "tolerances").glob("*")) == []


@pytest.mark.parametrize("button", ["Box", "Lasso", "Plane"])
def test_a_region_that_is_drawn_is_ignored_on_every_scan_and_undone_with_one_key(
    qtbot: QtBot, window: MainWindow, dented_file: Path, good_file: Path, settings: Settings, button: str
) -> None:
    dented, _ = open_and_wait(qtbot, window, dented_file, good_file)
    window.session.show(dented.id)
    qtbot.keyClick(window, Qt.Key.Key_T)
    stage, panel = window.page.stage, window.page.stage.region_panel
    next(one for one in panel.draw.values() if one.text() == button).click()
    assert stage.readout.isVisible()
    inside = dented_sphere().mask
    assert dented.scan is not None
    centre = dented.scan.points[inside].mean(axis=0)
    stage.clouds.region_drawn.emit(ZonePlace(centre, np.full(3, 3.0), np.eye(3)))
    dented, good = judged(qtbot, window)
    assert dented.raw is not None and good.raw is not None and stage.tools.tool is Tool.LOOK
    assert np.isnan(dented.raw.point_scores[inside]).mean() > 0.9
    assert panel.table.item(0, MEASURED).text() == "not evaluated"
    stored = settings.path.parent / "tolerances" / "ball.toml"
    assert read_part_tolerance(stored).zones[0].use == "ignore"
    window.page.edits.stack.undo()
    dented, good = judged(qtbot, window)
    assert dented.raw is not None and not np.isnan(dented.raw.point_scores).any() and not stored.exists()
    window.page.edits.stack.redo()
    dented, _ = judged(qtbot, window)
    assert dented.raw is not None and np.isnan(dented.raw.point_scores).any() and stored.exists()


def test_a_region_is_given_another_use_in_the_list(qtbot: QtBot, window: MainWindow, dented_file: Path) -> None:
    with_region(qtbot, window, dented_file)
    table = window.page.stage.region_panel.table
    choice = table.cellWidget(0, USE)
    assert isinstance(choice, QComboBox) and choice.currentText() == "Own tolerance"
    choice.activated.emit(1)
    (entry,) = judged(qtbot, window)
    assert entry.raw is not None and entry.raw.zones[0].use == "only"
    assert np.isnan(entry.raw.point_scores).any() and table.item(0, ALLOWED).text() == "as elsewhere"


def test_a_reference_that_is_gone_fails_the_scan_instead_of_passing_it(
    qtbot: QtBot, window: MainWindow, dented_file: Path, good_file: Path
) -> None:
    with_region(qtbot, window, dented_file)
    dented_file.unlink()
    window.model._inspector._laid.clear()
    with qtbot.waitSignal(window.model.batch_finished, timeout=WAIT_MS):
        window.opening.open([good_file])
    entry = window.session.entries[-1]
    assert entry.state is State.FAILED and entry.failure is not None
