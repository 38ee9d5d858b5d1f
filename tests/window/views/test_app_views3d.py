"""Tools and looks of the 3D views, driven through the real window: pick, measure, cut, colour, callouts."""

from __future__ import annotations

import numpy as np
import pytest
from app_helpers import WAIT_MS, dented_sphere, open_and_wait, save_ply
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication

from app.state.entries import Selection
from app.views.camera import project
from app.workspaces.inspect.tools import Tool
from sedir_core.drawing.colour_maps import colour_map
from sedir_core.drawing.colours import NOT_EVALUATED, SURFACE, position


def click(qtbot, view, place: QPoint | None = None) -> None:
    qtbot.mouseClick(view._plot, Qt.MouseButton.LeftButton, pos=place or view._plot.rect().center())


def test_a_picked_point_tells_its_place_score_and_defect(qtbot, window, dented_file):
    open_and_wait(qtbot, window, dented_file)
    window.session.set_unit("mm")
    qtbot.keyClick(window, Qt.Key.Key_P)
    assert "Click a point" in window.page.stage.readout.text.text()
    click(qtbot, window.page.clouds.views[0])
    (probe,) = window.page.stage.tools.probes
    text = window.page.stage.readout.text.text()
    assert text.startswith("x ") and " mm " in text and "of the limit)" in text and text.endswith("defect 1")
    entry = window.session.current_entry
    assert np.array_equal(probe.place, entry.scan.points[probe.row])
    assert probe.row in entry.detection.defects[0].members


def test_a_point_of_the_expected_surface_has_a_place_and_no_score(qtbot, window, dented_file):
    open_and_wait(qtbot, window, dented_file)
    qtbot.keyClick(window, Qt.Key.Key_P)
    click(qtbot, window.page.clouds.views[1])
    (probe,) = window.page.stage.tools.probes
    assert probe.row is None and np.isclose(np.linalg.norm(probe.place), 10.0, rtol=0.02)
    assert "on the expected surface" in window.page.stage.readout.text.text()


def test_two_clicks_measure_a_distance_and_c_forgets_it(qtbot, window, dented_file):
    open_and_wait(qtbot, window, dented_file)
    tools, view = window.page.stage.tools, window.page.clouds.views[0]
    qtbot.keyClick(window, Qt.Key.Key_M)
    click(qtbot, view)
    assert "second point" in window.page.stage.readout.text.text()
    click(qtbot, view, view._plot.rect().center() + QPoint(30, 10))
    first, second = tools.probes
    length = np.linalg.norm(first.place - second.place)
    assert f"Distance {length:.3f}" in window.page.stage.readout.text.text()
    assert view.probes._length == f"{length:.3f}"
    qtbot.keyClick(window, Qt.Key.Key_C)
    assert tools.probes == [] and view.probes._length == ""


def test_escape_leaves_the_tool_and_then_a_drag_turns_the_part(qtbot, window, dented_file):
    open_and_wait(qtbot, window, dented_file)
    tools, view = window.page.stage.tools, window.page.clouds.views[0]
    qtbot.keyClick(window, Qt.Key.Key_M)
    assert window.page.stage.actions_of_views.measure.isChecked()
    qtbot.keyClick(window.page.scans, Qt.Key.Key_Escape)
    assert tools.tool is Tool.LOOK and not window.page.stage.actions_of_views.measure.isChecked()
    click(qtbot, view)
    assert tools.probes == []


def test_a_drag_picks_nothing(qtbot, window, dented_file):
    open_and_wait(qtbot, window, dented_file)
    qtbot.keyClick(window, Qt.Key.Key_P)
    plot = window.page.clouds.views[0]._plot
    middle = plot.rect().center()
    qtbot.mousePress(plot, Qt.MouseButton.LeftButton, pos=middle)
    qtbot.mouseMove(plot, middle + QPoint(40, 0))
    qtbot.mouseRelease(plot, Qt.MouseButton.LeftButton, pos=middle + QPoint(40, 0))
    assert window.page.stage.tools.probes == []


def test_another_scan_forgets_the_points_and_keeps_the_plane(qtbot, window, dented_file, good_file):
    first, second = open_and_wait(qtbot, window, dented_file, good_file)
    window.session.show(first.id)
    window.page.stage.tools.show_section(True)
    window.page.stage.tools.pick_row(0)
    window.session.show(second.id)
    assert window.page.stage.tools.probes == [] and window.page.stage.section.isVisible()


def test_the_readout_can_be_copied(qtbot, window, dented_file):
    open_and_wait(qtbot, window, dented_file)
    window.page.stage.tools.pick_row(7)
    qtbot.mouseClick(window.page.stage.readout._copy, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == window.page.stage.readout.text.text()


def test_a_click_on_a_callout_chooses_the_defect_and_flies_there(qtbot, window, dented_file):
    open_and_wait(qtbot, window, dented_file)
    view = window.page.clouds.views[1]
    (room,) = view.marks.callouts().values()
    with qtbot.waitSignal(window.page.clouds.arrived, timeout=WAIT_MS):
        click(qtbot, view, room.center().toPoint())
    assert window.session.selection.defect == 0
    assert window.page.defects.view.currentIndex().row() == 0
    found = window.session.current_entry.detection
    peak = 100 * found.defects[0].peak / found.point_threshold
    assert window.page.clouds.views[0].marks._marks[0].detail == f"{peak:.0f} %"


def test_beside_a_small_defect_the_part_can_still_be_made_out(qtbot, window, tmp_path):
    (entry,) = open_and_wait(qtbot, window, save_ply(tmp_path / "small.ply", dented_sphere(depth=0.042).points))
    with qtbot.waitSignal(window.page.clouds.arrived, timeout=WAIT_MS):
        window.session.select(Selection(0))
    points = entry.shape.points.astype(np.float64)
    for view in window.page.clouds.views:
        width, height = view.width(), view.height()
        across, down, _ = project(points, view.pose, view.view_angle_deg, width, height).T
        shown = (across >= 0) & (across < width) & (down >= 0) & (down < height)
        assert 0.5 < shown.mean() < 0.9


def test_the_section_keeps_its_points_bright_and_dims_the_rest(qtbot, window, good_file):
    open_and_wait(qtbot, window, good_file)
    qtbot.keyClick(window, Qt.Key.Key_2)
    view = window.page.clouds.views[0]
    before = painted(view)
    qtbot.keyClick(window, Qt.Key.Key_X)
    qtbot.mouseClick(window.page.stage.section.buttons.button(2), Qt.MouseButton.LeftButton)
    cut = painted(view)
    z = view.shape.points[:, 2]
    inside = np.abs(z) < 0.1
    assert (cut[inside] == SURFACE).all() and (cut[np.abs(z) > 3] < 90).all()
    qtbot.keyClick(window, Qt.Key.Key_X)
    assert window.page.stage.section.isHidden()
    assert np.array_equal(painted(view), before)


def test_the_section_starts_at_the_defect_whichever_way_it_cuts(qtbot, window, dented_file):
    open_and_wait(qtbot, window, dented_file)
    stage, entry = window.page.stage, window.session.current_entry
    deepest = entry.scan.points[np.nanargmax(entry.raw.point_scores)] - entry.shape.origin
    qtbot.keyClick(window, Qt.Key.Key_X)
    stage.section.measures.button(1).click()
    for axis in (1, 2, 0):
        qtbot.mouseClick(stage.section.buttons.button(axis), Qt.MouseButton.LeftButton)
        assert stage.tools.plane.offset == pytest.approx(deepest[axis])
        assert stage.section.plot._profile.values.max() == pytest.approx(
            entry.raw.point_scores.max() / entry.raw.point_threshold
        )


def test_the_section_slider_moves_the_plane_and_a_click_in_the_profile_picks(qtbot, window, dented_file):
    open_and_wait(qtbot, window, dented_file)
    stage = window.page.stage
    qtbot.keyClick(window, Qt.Key.Key_X)
    stage.section.measures.button(1).click()
    stage.section.slider.setValue(300)
    assert 4.0 < stage.tools.plane.offset < 6.0
    plot = stage.section.plot
    assert len(plot._profile.values) == len(plot._section.rows) > 20
    hottest = int(np.nanargmax(plot._profile.values))
    qtbot.mouseClick(plot, Qt.MouseButton.LeftButton, pos=plot.place_of(hottest).toPoint())
    (probe,) = stage.tools.probes
    score = window.session.current_entry.raw.point_scores[probe.row] / window.session.current_entry.raw.point_threshold
    assert score > 0.9 * plot._profile.values[hottest]


def test_the_section_can_face_the_camera(qtbot, window, dented_file):
    open_and_wait(qtbot, window, dented_file)
    qtbot.keyClick(window, Qt.Key.Key_X)
    qtbot.mouseClick(window.page.stage.section.buttons.button(3), Qt.MouseButton.LeftButton)
    pose = window.page.clouds.pose
    toward = np.subtract(pose.position, pose.focus)
    assert np.isclose(window.page.stage.tools.plane.normal @ toward, np.linalg.norm(toward))


def test_the_colour_map_is_that_of_the_menu(qtbot, window, settings, dented_file):
    open_and_wait(qtbot, window, dented_file)
    window.page.stage.actions_of_views.maps[1].trigger()
    assert settings.colour_map == "viridis"
    colours = np.unique(painted(window.page.clouds.views[0]), axis=0)
    assert {tuple(colour) for colour in colours} <= {tuple(colour) for colour in colour_map("viridis")}


def test_the_scale_of_one_scan_makes_a_good_part_hot_and_says_so(qtbot, window, tmp_path):
    slight = save_ply(tmp_path / "slight.ply", dented_sphere(depth=0.02).points)  # half the limit
    open_and_wait(qtbot, window, slight)
    view = window.page.clouds.views[0]
    calm = position(view.picture()[view.height() // 2 - 5 :, view.width() // 2][:10]).max()
    window.page.stage.actions_of_views.scales[1].trigger()
    hot = position(view.picture()[view.height() // 2 - 5 :, view.width() // 2][:10]).max()
    assert calm < 0.4 and hot > 0.75
    assert "Scaled to this scan" in window.page.colour_bar.caption
    assert window.session.current_entry.raw.verdict == "ok"


def test_points_without_a_score_are_grey_and_the_legend_counts_them(qtbot, window, tmp_path):
    points = dented_sphere(depth=0.0).points
    points[points[:, 2] > 9.0] = np.nan
    open_and_wait(qtbot, window, save_ply(tmp_path / "holes.ply", points))
    shares = window.session.current_entry.raw.point_scores
    assert window.page.colour_bar._n_blank == int(np.isnan(shares).sum()) > 0
    assert NOT_EVALUATED not in set(map(tuple, painted(window.page.clouds.views[0]).tolist()))


def test_depth_shading_darkens_edges_when_it_is_switched_on(qtbot, window, settings, dented_file):
    open_and_wait(qtbot, window, dented_file)
    view = window.page.clouds.views[0]
    with qtbot.waitSignal(view.completed, timeout=WAIT_MS):
        window.page.stage.actions_of_views.shading.trigger()
    assert settings.depth_shading == "on"
    assert not view._software or view._shade._image is not None
    window.page.stage.actions_of_views.shading.trigger()
    assert settings.depth_shading == "off" and view._shade._image is None


def test_points_grow_and_shrink_within_bounds(qtbot, window, settings, dented_file):
    open_and_wait(qtbot, window, dented_file)
    view, actions = window.page.clouds.views[0], window.page.stage.actions_of_views
    usual = view._point_size(6000, 2.0)
    for _ in range(5):
        actions.larger.trigger()
    assert settings.point_size == 200 and not actions.larger.isEnabled()
    assert view._point_size(6000, 2.0) > 1.5 * usual
    actions.smaller.trigger()
    assert settings.point_size == 140 and actions.larger.isEnabled()


def painted(view) -> np.ndarray:
    """(n, 3) the colours of all points of a view."""
    return view._drawn._paint(np.arange(len(view.shape)))
