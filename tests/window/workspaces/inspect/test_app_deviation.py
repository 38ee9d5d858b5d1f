"""The deviation in colours and numbers, the tolerance band, what stands beside a scan, and two scans side by side."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from app_helpers import WAIT_MS, dented_sphere, open_and_wait, save_ply
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QFontMetricsF
from pytestqt.qtbot import QtBot
from scan_entries import found
from scipy.spatial.transform import Rotation

from app.main_window import MainWindow
from app.state.entries import Beside, Entry, State
from app.state.settings import Settings
from app.views.deviation_bar import DeviationBar, signed
from app.views.layer_notes import why_empty
from app.views.layers import Layer, Wanted
from app.views.laying import Laying
from app.views.preparing import prepare
from app.widgets.number_field import SignedField
from app.widgets.tokens import DARK
from app.workspaces.inspect.between import comparable
from sedir_core.drawing.colours import NOT_EVALUATED, SURFACE
from sedir_core.drawing.deviation_scale import (
    INSIDE,
    TOO_LITTLE,
    TOO_MUCH,
    DeviationScale,
    default_band,
    default_far,
    rounded,
    share_inside,
)
from sedir_core.types import FloatArray, Scan, Tolerance

SCALE = DeviationScale(Tolerance(-0.2, 0.4), 2.0)


def values(*numbers: float) -> FloatArray:
    return np.array(numbers, np.float32)


# Colours


def test_what_is_inside_the_band_is_green_and_its_edges_are_inside() -> None:
    exact = DeviationScale(Tolerance(-0.25, 0.5), 2.0)
    assert {tuple(colour) for colour in exact.colours(values(-0.25, 0.0, 0.5)).tolist()} == {INSIDE}


def test_too_little_is_blue_and_too_much_is_red_in_equal_steps() -> None:
    below = np.linspace(-2.0, -0.2, 5)
    above = np.linspace(0.4, 2.0, 5)
    assert SCALE.colours(values(*(below[:-1] + 0.01))).tolist() == [list(colour) for colour in TOO_LITTLE]
    assert SCALE.colours(values(*(above[1:] - 0.01))).tolist() == [list(colour) for colour in TOO_MUCH]


def test_beyond_the_ends_stays_the_end_s_colour_and_unknown_is_grey() -> None:
    assert SCALE.colours(values(-9, 9, np.nan)).tolist() == [
        list(TOO_LITTLE[0]), list(TOO_MUCH[-1]), list(NOT_EVALUATED)
    ]  # fmt: skip


def test_a_band_wider_than_the_scale_makes_the_scale_wider() -> None:
    wide = DeviationScale(Tolerance(-0.1, 5.0), 2.0)
    assert wide.high == 8.0 and (np.diff(wide.edges) > 0).all()


def test_the_scale_in_another_unit_has_the_same_colours() -> None:
    inch = SCALE.times(1 / 25.4)
    some = np.random.default_rng(0).uniform(-3, 3, 500).astype(np.float32)
    assert np.array_equal(inch.colours(some / np.float32(25.4)), SCALE.colours(some))


def test_the_usual_band_depends_on_the_size_alone_and_is_a_round_number() -> None:
    assert default_far(40.0) == 2.0 and default_band(40.0) == Tolerance(-0.8, 0.8)


def test_the_share_inside_counts_what_was_evaluated() -> None:
    assert share_inside(values(0, 0.3, 0.5, np.nan), SCALE.band) == pytest.approx(2 / 3)
    assert np.isnan(share_inside(values(np.nan), SCALE.band))


# The legend


@pytest.fixture
def bar(qtbot: QtBot) -> DeviationBar:
    made = DeviationBar(DARK)
    qtbot.addWidget(made)
    made.resize(432, 90)
    made.show_deviation(values(-1, 0, 0.1, 1), DeviationScale(Tolerance(-0.4, 0.4), 2.0), "mm")
    return made


def drag(qtbot: QtBot, bar: DeviationBar, start: float, end: float, keys: Qt.KeyboardModifier) -> None:
    places = [QPoint(round(bar._x(value)), 50) for value in (start, end)]
    qtbot.mousePress(bar, Qt.MouseButton.LeftButton, pos=places[0])
    qtbot.mouseMove(bar, pos=places[1])
    bar._drag_to(places[1].x(), keys is Qt.KeyboardModifier.ShiftModifier)
    qtbot.mouseRelease(bar, Qt.MouseButton.LeftButton, pos=places[1])


@pytest.mark.parametrize(
    ("keys", "minus"), [(Qt.KeyboardModifier.NoModifier, -1.0), (Qt.KeyboardModifier.ShiftModifier, -0.4)]
)
def test_an_edge_that_is_dragged_takes_the_other_along_unless_shift_is_held(
    qtbot: QtBot, bar: DeviationBar, keys: Qt.KeyboardModifier, minus: float
) -> None:
    bar._held = "plus"
    x = bar._x(1.0)
    bar._drag_to(x, keys is Qt.KeyboardModifier.ShiftModifier)
    assert bar._scale.band.plus == pytest.approx(1.0, abs=0.02)
    assert bar._scale.band.minus == pytest.approx(minus, abs=0.02)


def test_a_drag_sets_the_band_when_the_mouse_is_let_go(qtbot: QtBot, bar: DeviationBar) -> None:
    with qtbot.waitSignal(bar.band_set) as told:
        drag(qtbot, bar, -0.4, -0.8, Qt.KeyboardModifier.NoModifier)
    assert told.args[0].plus == pytest.approx(0.8, abs=0.02)


def test_a_double_click_goes_back_to_the_usual_band(qtbot: QtBot, bar: DeviationBar) -> None:
    with qtbot.waitSignal(bar.band_set) as told:
        qtbot.mouseDClick(bar, Qt.MouseButton.LeftButton, pos=QPoint(200, 50))
    assert told.args == [None]


def test_the_keys_make_the_band_narrower_and_wider(qtbot: QtBot, bar: DeviationBar) -> None:
    with qtbot.waitSignal(bar.band_set) as told:
        qtbot.keyClick(bar, Qt.Key.Key_Right)
    assert told.args[0] == Tolerance(-0.42, 0.42)


def test_a_legend_without_room_is_shorter_rather_than_cut(bar: DeviationBar) -> None:
    metrics = QFontMetricsF(bar.font())
    needed = metrics.horizontalAdvance(bar.caption)
    assert bar.caption_in(needed, metrics) == bar.caption
    assert bar.caption_in(needed - 2, metrics) == bar.short_caption


def test_numbers_carry_their_sign() -> None:
    assert [signed(value) for value in (0.4, -0.4, 0.0)] == ["+0.400", "−0.400", "0"]
    assert rounded(0.12345) == 0.12


# In the window


def show_deviation(qtbot: QtBot, window: MainWindow, *paths: Path) -> Entry:
    open_and_wait(qtbot, window, *paths)
    qtbot.keyClick(window, Qt.Key.Key_4)
    entry = window.session.current_entry
    assert entry is not None
    return entry


def colour_of_row(window: MainWindow, row: int) -> tuple[int, ...]:
    view = window.page.clouds.views[0]
    assert view.shape is not None and view._drawn is not None
    at = np.flatnonzero(view.shape.rows == row)
    return tuple(int(part) for part in view._drawn._paint(at)[0])


def test_the_dent_is_too_little_and_the_rest_is_green(qtbot: QtBot, window: MainWindow, dented_file: Path) -> None:
    entry = show_deviation(qtbot, window, dented_file)
    assert entry.raw is not None and entry.raw.deviation is not None
    assert colour_of_row(window, int(np.nanargmin(entry.raw.deviation))) == TOO_LITTLE[0]
    assert colour_of_row(window, int(np.nanargmin(np.abs(entry.raw.deviation)))) == INSIDE


def test_the_legend_and_the_numbers_of_the_band_are_on_show_with_the_deviation_only(
    qtbot: QtBot, window: MainWindow, dented_file: Path
) -> None:
    show_deviation(qtbot, window, dented_file)
    stage = window.page.stage
    assert stage.deviation_bar.isVisible() and stage.tolerance.isVisible()
    assert not window.page.colour_bar.isVisible() and not window.page.alarms.isVisible()
    qtbot.keyClick(window, Qt.Key.Key_1)
    assert window.page.colour_bar.isVisible() and not stage.deviation_bar.isVisible()


def test_the_boxes_of_two_scales_are_never_on_top_of_each_other(
    qtbot: QtBot, window: MainWindow, dented_file: Path, good_file: Path
) -> None:
    entry = show_deviation(qtbot, window, dented_file, good_file)
    for other in (one for one in window.session.entries if one is not entry):
        window.session.show(other.id)  # and its limit with it
    assert window.page.stage.tolerance.isVisible() and not window.page.alarms.isVisible()


def test_a_band_is_typed_and_the_view_follows(qtbot: QtBot, window: MainWindow, dented_file: Path) -> None:
    entry = show_deviation(qtbot, window, dented_file)
    box = window.page.stage.tolerance
    assert box.both.isChecked() and box.plus.value() == pytest.approx(0.2)
    box.plus.setValue(3.0)
    assert window.page.stage.bands.of(entry) == Tolerance(-3.0, 3.0) and box.minus.value() == -3.0
    assert entry.raw is not None and entry.raw.deviation is not None
    assert colour_of_row(window, int(np.nanargmin(entry.raw.deviation))) == INSIDE


def test_a_minus_is_written_as_elsewhere_and_read_either_way(qtbot: QtBot) -> None:
    field = SignedField(minimum=-10.0, maximum=10.0)
    qtbot.addWidget(field)
    field.setSuffix(" mm")
    field.setValue(-0.8)
    assert field.text() == "\N{MINUS SIGN}0.80 mm"
    for typed, value in (("-0.5", -0.5), ("\N{MINUS SIGN}0.25", -0.25)):
        field.lineEdit().setText(typed)
        field.interpretText()
        assert field.value() == value


def test_the_fields_of_the_band_have_room_for_their_numbers(
    qtbot: QtBot, window: MainWindow, dented_file: Path
) -> None:
    show_deviation(qtbot, window, dented_file)
    box = window.page.stage.tolerance
    for field in (box.minus, box.plus):
        line = field.lineEdit()
        assert line.width() - line.textMargins().left() >= line.fontMetrics().horizontalAdvance("-0.80 mm")
    assert box.rigid.width() >= box.rigid.sizeHint().width()


def test_a_band_may_differ_on_both_sides(qtbot: QtBot, window: MainWindow, dented_file: Path) -> None:
    entry = show_deviation(qtbot, window, dented_file)
    box = window.page.stage.tolerance
    box.both.click()
    box.minus.setValue(-0.5)
    assert window.page.stage.bands.of(entry) == Tolerance(-0.5, 0.2)
    box.both.click()
    assert window.page.stage.bands.of(entry) == Tolerance(-0.5, 0.5)


def test_a_band_stays_for_scans_of_that_kind_and_until_the_next_start(
    qtbot: QtBot, window: MainWindow, dented_file: Path, good_file: Path
) -> None:
    entry = show_deviation(qtbot, window, dented_file)
    window.page.stage.bands.set(entry, Tolerance(-1.0, 2.0))
    open_and_wait(qtbot, window, good_file)
    other = window.session.entries[-1]
    assert window.page.stage.bands.of(other) == Tolerance(-1.0, 2.0)
    window.settings.flush()
    assert list(Settings(window.settings.path).bands.values()) == [Tolerance(-1.0, 2.0)]
    window.page.stage.tolerance.back.click()
    assert not window.settings.bands


def test_what_the_model_judges_by_is_the_band_where_nobody_set_one(
    qtbot: QtBot, window: MainWindow, dented_file: Path
) -> None:
    entry = show_deviation(qtbot, window, dented_file)
    assert entry.raw is not None
    judged = replace(entry, raw=replace(entry.raw, tolerance=Tolerance(-0.3, 0.7)))
    assert window.page.stage.bands.of(judged) == Tolerance(-0.3, 0.7)


def test_the_smooth_difference_can_be_left_in(qtbot: QtBot, window: MainWindow, dented_file: Path) -> None:
    entry = show_deviation(qtbot, window, dented_file)
    window.page.stage.bands.set(entry, Tolerance(-0.05, 0.05))
    assert entry.raw is not None and entry.raw.deviation is not None
    row = int(np.nanargmin(np.abs(entry.raw.deviation)))
    assert colour_of_row(window, row) == INSIDE
    window.page.stage.tolerance.rigid.click()  # the detector's is 0.1 more
    assert colour_of_row(window, row) == TOO_MUCH[0]


def test_a_model_that_measures_no_deviation_says_so(qtbot: QtBot, window: MainWindow, dented_file: Path) -> None:
    entry = show_deviation(qtbot, window, dented_file)
    assert entry.raw is not None
    bare = replace(entry.raw, deviation=None, deviation_rigid=None)
    window.session.update(entry.id, raw=bare, detection=bare)
    assert "not measured by this model" in window.page.clouds._left_pane.caption.toolTip()
    assert window.page.colour_bar.isVisible()


# Beside the scan


def test_the_right_view_shows_the_reconstruction_where_that_is_wanted(
    qtbot: QtBot, window: MainWindow, dented_file: Path
) -> None:
    (entry,) = open_and_wait(qtbot, window, dented_file)
    window.page.clouds.set_beside(Beside.RECONSTRUCTION)
    qtbot.waitUntil(lambda: Beside.RECONSTRUCTION in window.session.get(entry.id).surfaces, timeout=WAIT_MS)
    shown = window.page.clouds.views[1].shape
    assert shown is not None and shown.rows.max() < 2000  # the reconstruction has 2000 points, what is expected 3000
    assert window.page.clouds._right_pane.caption.text().startswith("Reconstruction")


def test_a_model_without_an_expected_surface_shows_its_reconstruction(
    qtbot: QtBot, window: MainWindow, dented_file: Path
) -> None:
    (entry,) = open_and_wait(qtbot, window, dented_file)
    assert entry.raw is not None
    bare = replace(entry.raw, expected=None)
    window.session.set_result(entry.id, bare, {})
    qtbot.waitUntil(lambda: Beside.RECONSTRUCTION in window.session.get(entry.id).surfaces, timeout=WAIT_MS)
    assert window.page.clouds._right_pane.caption.text().startswith("Reconstruction")


def test_two_scans_stand_side_by_side_with_their_scores_and_deviations(
    qtbot: QtBot, window: MainWindow, dented_file: Path, good_file: Path
) -> None:
    open_and_wait(qtbot, window, good_file, dented_file)
    dented, good = window.session.entries
    window.session.show(good.id)
    qtbot.keyClick(window, Qt.Key.Key_B)
    window.session.show(dented.id)
    clouds = window.page.clouds
    left, right = (pane.caption.toolTip() for pane in (clouds._left_pane, clouds._right_pane))
    assert clouds.beside is Beside.SCAN and right.startswith("Another scan · good · ")
    assert "623 %" in left and "−2.49 to +0.00" in left and " %" in right
    shown, own = clouds.views[1].shape, window.session.get(good.id).shape
    assert shown is not None and own is not None and shown.rows is own.rows
    assert not clouds.views[1].marks._marks  # they are the other scan's


def test_one_camera_shows_the_same_side_of_two_scans() -> None:
    lying = np.random.default_rng(0).normal(size=(400, 3)) * (3.0, 2.0, 1.0)
    turn, shift = Rotation.from_rotvec([0.4, 1.1, -0.3]).as_matrix(), np.array([50.0, -20.0, 7.0])
    flat = np.zeros(400, np.float32)
    result = replace(found(0.5), point_scores=flat, deviation=flat, deviation_rigid=flat)
    one, other = (
        Entry(at, Path("a"), shape=prepare(points), raw=replace(result, expected=points))
        for at, points in enumerate((lying, lying @ turn.T + shift))
    )
    assert one.shape is not None and other.shape is not None
    laying = Laying()
    laid = laying.laid(other.shape, other, one)
    places = np.argsort(laid.rows), np.argsort(one.shape.rows)
    assert np.abs(laid.points[places[0]] - one.shape.points[places[1]]).max() < 1e-4
    assert np.abs(np.linalg.norm(laid.normals, axis=1) - 1).max() < 1e-4
    assert laying.laid(other.shape, other, one) is laid  # what the view has built for it stays
    assert other.raw is not None
    cup = replace(other, raw=replace(other.raw, category="cup"))
    assert laying.laid(other.shape, cup, one) is other.shape


def test_the_right_view_says_when_there_will_be_something() -> None:
    waiting = Entry(1, Path("a"), scan=Scan(np.zeros((4, 3)), "a"))
    assert why_empty(waiting, Wanted()) == "after the inspection"
    assert why_empty(replace(waiting, raw=found(0.5)), Wanted()) == ""


def test_one_scan_is_measured_against_the_other(
    qtbot: QtBot, window: MainWindow, dented_file: Path, good_file: Path
) -> None:
    open_and_wait(qtbot, window, good_file, dented_file)
    dented, good = window.session.entries
    window.session.show(good.id)
    qtbot.keyClick(window, Qt.Key.Key_B)
    window.session.show(dented.id)
    window.page.clouds.set_layer(Layer.DEVIATION)
    stage = window.page.stage
    with qtbot.waitSignal(stage.between.changed, timeout=WAIT_MS):
        stage.tolerance.against.click()
    shown = window.page.clouds._wanted.instead
    assert shown is not None and np.nanmin(shown.values) == pytest.approx(-2.49, abs=0.05)
    caption = window.page.clouds._left_pane.caption.toolTip()
    assert "(+" in caption and caption.endswith("from good")
    stage.tolerance.against.click()
    assert window.page.clouds._wanted.instead is None


def test_only_scans_of_one_kind_are_measured_against_each_other(
    qtbot: QtBot, window: MainWindow, dented_file: Path, good_file: Path
) -> None:
    open_and_wait(qtbot, window, good_file, dented_file)
    one, other = window.session.entries
    assert one.raw is not None and comparable(one, other)
    assert not comparable(replace(one, raw=replace(one.raw, category="marble")), other)


def test_the_pinned_scan_lets_go_by_the_same_key(qtbot: QtBot, window: MainWindow, good_file: Path) -> None:
    open_and_wait(qtbot, window, good_file)
    qtbot.keyClick(window, Qt.Key.Key_B)
    assert window.page.clouds.beside is Beside.SCAN
    qtbot.keyClick(window, Qt.Key.Key_B)
    assert window.page.clouds.beside is Beside.EXPECTED


def test_another_scan_is_a_good_one_until_the_operator_says_which(
    qtbot: QtBot, window: MainWindow, tmp_path: Path, good_file: Path, dented_file: Path
) -> None:
    other = save_ply(tmp_path / "other.ply", dented_sphere(4000, 0.2).points)
    open_and_wait(qtbot, window, good_file, other, dented_file)
    dented, good, _ = window.session.entries
    window.session.show(dented.id)
    window.page.clouds.set_beside(Beside.SCAN)
    assert window.session.compared == good.id


def test_a_scan_that_leaves_the_list_leaves_the_right_view(
    qtbot: QtBot, window: MainWindow, good_file: Path, dented_file: Path
) -> None:
    open_and_wait(qtbot, window, good_file, dented_file)
    dented, good = window.session.entries
    window.session.compare(good.id)
    window.session.show(dented.id)
    window.page.clouds.set_beside(Beside.SCAN)
    window.session.remove([good.id])
    assert window.session.compared is None and window.page.clouds.views[1].shape is None
    assert window.session.get(dented.id).state is State.DONE


def test_every_layer_has_its_key(qtbot: QtBot, window: MainWindow, dented_file: Path) -> None:
    open_and_wait(qtbot, window, dented_file)
    for key, layer in enumerate(Layer, Qt.Key.Key_1):
        qtbot.keyClick(window, key)
        assert window.page.clouds.layer is layer


def test_the_section_shows_the_deviation_first_and_the_score_if_asked(
    qtbot: QtBot, window: MainWindow, dented_file: Path
) -> None:
    entry = show_deviation(qtbot, window, dented_file)
    stage = window.page.stage
    stage.tools.show_section(True)
    profile = stage.section.plot._profile
    assert entry.raw is not None and entry.raw.deviation is not None
    rows = stage.section.plot._section.rows
    assert np.allclose(profile.values, entry.raw.deviation[rows], equal_nan=True)
    band = stage.bands.of(entry)
    assert profile.signed and profile.dashed == (band.minus, band.plus)
    stage.bands.set(entry, Tolerance(-0.7, 0.3))
    assert stage.section.plot._profile.dashed == (-0.7, 0.3)
    stage.section.measures.button(1).click()
    assert np.allclose(stage.section.plot._profile.values, entry.raw.point_scores[rows] / entry.raw.point_threshold)
    assert not stage.section.plot._profile.signed


def test_what_is_missing_is_blue_on_the_expected_surface(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    points = dented_sphere(depth=0.0).points
    path = save_ply(tmp_path / "open.ply", points[points[:, 2] < 8.0])  # its cap is gone
    entry = show_deviation(qtbot, window, path)
    clouds = window.page.clouds
    surface = entry.surfaces[Beside.EXPECTED]
    height = (surface.points + surface.origin)[:, 2]
    colours = clouds._picture_beside().paint(np.arange(len(surface)))
    assert (colours[height > 8.5] == TOO_LITTLE[0]).all()
    assert (colours[height < 8.0] == SURFACE).all(axis=1).mean() > 0.99
    assert "blue is missing" in clouds._right_pane._note
    qtbot.keyClick(window, Qt.Key.Key_1)
    assert (clouds._picture_beside().paint(np.arange(len(surface))) == SURFACE).all()
    assert "missing" not in clouds._right_pane._note


def test_the_bottom_of_a_deep_dent_is_not_missing(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    path = save_ply(tmp_path / "deep.ply", dented_sphere(20_000, depth=0.2).points)
    entry = show_deviation(qtbot, window, path)
    assert entry.raw is not None and entry.raw.deviation is not None
    assert np.nanmin(entry.raw.deviation) < -1.5  # many spacings
    assert not entry.surfaces[Beside.EXPECTED].gone.any()
