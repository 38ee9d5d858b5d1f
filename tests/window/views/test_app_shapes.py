"""What is drawn: shapes made ready in the background, marks that keep apart, numbers that read well."""

from __future__ import annotations

import numpy as np
import pytest
from app_helpers import DENT_DIRECTION, dented_sphere, save_ply
from PySide6.QtCore import QPointF
from PySide6.QtWidgets import QWidget

from app.jobs.inspection import read
from app.views.camera import home, project
from app.views.layers import mix
from app.views.marks import Mark, Marks
from app.views.overlay import Overlay
from app.views.pane import Pane
from app.views.preparing import prepare
from app.views.scale_bar import AxesMark
from app.widgets.numbers import GROUP
from app.workspaces.inspect.wording import LengthWording, number
from sedir_core.drawing.deviation_scale import round_length
from sedir_core.types import never_stop, no_report


def test_normals_point_across_the_surface_and_rows_lead_back():
    points = dented_sphere(depth=0.0).points
    points[7] = np.nan
    shape = prepare(points)
    assert len(shape) == len(points) - 1
    assert np.allclose(points[shape.rows], shape.points + shape.origin, atol=1e-4)
    radial = shape.points / np.linalg.norm(shape.points, axis=1, keepdims=True)
    assert np.abs((radial * shape.normals).sum(axis=1)).min() > 0.95


def test_spacing_closes_the_gaps_between_clumps():
    middles = dented_sphere(1000, 0.0).points
    clumps = np.concatenate([middles + offset for offset in np.random.default_rng(0).normal(0, 0.01, (8, 3))])
    assert prepare(clumps).spacing > 0.8 * np.sqrt(4 * np.pi * 100 / len(clumps))


def test_a_box_lies_as_its_defect_does():
    axes = np.array([[0.6, 0.8, 0.0], [-0.8, 0.6, 0.0], [0.0, 0.0, 1.0]])
    corners = Mark(np.array([-2.0, -1.0, 0.0]), np.array([2.0, 1.0, 0.5]), "1", False, axes=axes).corners
    assert np.allclose(np.ptp(corners @ axes.T, axis=0), (4.0, 2.0, 0.5))
    assert np.ptp(corners, axis=0)[0] < 4.1


def test_a_part_far_from_the_origin_keeps_its_digits():
    points = dented_sphere(depth=0.0).points
    shape = prepare(points + 4e6)
    assert np.abs(shape.points - points[shape.rows]).max() < 0.2
    assert np.abs(np.linalg.norm(shape.points, axis=1) - 10).max() < 0.2


def test_dust_does_not_make_the_part_a_dot():
    points = dented_sphere(depth=0.0).points
    dust = 20 * np.random.default_rng(0).normal(size=(120, 3))
    clean, dusty = prepare(points), prepare(np.concatenate([points, dust]))
    assert dusty.radius == pytest.approx(clean.radius, rel=0.05)
    assert np.abs(dusty.origin - clean.origin).max() < 0.5
    left = dusty.without_strays()
    assert len(points) <= len(left) < len(points) + 12
    assert np.array_equal(left.points, dusty.points[np.isin(dusty.rows, left.rows)])


def test_a_blend_takes_its_share_of_both():
    scan = prepare(dented_sphere(1000).points)
    surface = prepare(dented_sphere(3000, 0.0).points, around=scan)
    mixed = mix(scan, surface, 0.25)
    assert (mixed.rows < 1000).sum() == 750 and (mixed.rows >= 1000).sum() == 750
    both = np.concatenate([scan.points, surface.points])
    assert np.array_equal(both[mixed.rows], mixed.points)


def test_the_first_view_shows_the_whole_part_and_fills_the_picture():
    points = prepare(dented_sphere(depth=0.0).points).points
    seen = project(points, home(points, 30.0, 0.6), 30.0, 300, 500)
    assert seen[:, 0].min() > 0 and seen[:, 0].max() < 300
    assert np.ptp(seen[:, 0]) > 0.8 * 300


def test_callouts_never_cover_each_other(qtbot):
    canvas = QWidget()
    qtbot.addWidget(canvas)
    canvas.resize(400, 300)
    overlay = Overlay(canvas)
    marks = Marks(overlay)
    near = [np.array([0.1 * i, 0.0, 0.0]) for i in range(5)]
    marks.show_marks(
        [Mark(low, low + 0.5, str(i + 1), i == 4, "142 %") for i, low in enumerate(near)], "#ffffff", "#00ffff"
    )
    overlay.set_camera(home(10 * np.eye(3, dtype=np.float32), 30.0, 4 / 3), 30.0)
    rooms = list(marks.callouts().values())
    assert len(rooms) == 5
    assert not any(a.intersects(b) for i, a in enumerate(rooms) for b in rooms[:i])
    assert all(marks.at(room.center()) == index for index, room in marks.callouts().items())
    assert all(canvas.rect().toRectF().contains(room) for room in rooms)


def test_a_callout_keeps_off_the_defect_that_it_points_at(qtbot):
    canvas = QWidget()
    qtbot.addWidget(canvas)
    canvas.resize(400, 300)
    overlay = Overlay(canvas)
    overlay.set_camera(home(10 * np.eye(3, dtype=np.float32), 30.0, 4 / 3), 30.0)
    marks = Marks(overlay)
    large = Mark(np.full(3, -2.5), np.full(3, 2.5), "1", False, "dent, 3.54 mm deep")
    marks.show_marks([large], "#ffffff", "#00ffff")
    (room,) = marks.callouts().values()
    assert not room.intersects(marks._box(large))


def test_callouts_keep_clear_of_the_cube_and_of_the_places_of_defects(qtbot):
    canvas = QWidget()
    qtbot.addWidget(canvas)
    canvas.resize(400, 300)
    overlay = Overlay(canvas)
    overlay.set_camera(home(10 * np.eye(3, dtype=np.float32), 30.0, 4 / 3), 30.0)
    place = np.zeros(3)
    alone = Marks(overlay)
    alone.show_marks([Mark(place, place + 0.5, "1", False, "142 %")], "#ffffff", "#00ffff")
    (usual,) = alone.callouts().values()
    marks = Marks(overlay, lambda: usual)
    marks.show_marks([Mark(place, place + 0.5, str(i + 1), False, "142 %") for i in range(3)], "#ffffff", "#00ffff")
    rooms = list(marks.callouts().values())
    assert len(rooms) == 3 and not any(room.intersects(usual) for room in rooms)
    (spot,) = {(one.place.x(), one.place.y()) for one in marks._spots() if one is not None}
    assert not any(room.contains(QPointF(*spot)) for room in rooms)


@pytest.mark.parametrize("folder", ["GT", "gt"])
def test_labels_beside_a_test_scan_reach_its_own_points(tmp_path, folder):
    sphere = dented_sphere(2000)
    for name in ("test", folder):
        (tmp_path / "part" / name).mkdir(parents=True)
    scan = save_ply(tmp_path / "part" / "test" / "part_dent0.ply", sphere.points)
    rows = np.column_stack([sphere.points, sphere.mask])[::-1]  # in another order
    np.savetxt(tmp_path / "part" / folder / "part_dent0.txt", rows, delimiter=",")
    assert np.array_equal(read(scan, no_report, never_stop).scan.labels, sphere.mask)


def test_lengths_are_written_without_exponents_and_with_like_decimals():
    assert [number(value) for value in (1234.5, 12.345, 0.012345)] == [f"1{GROUP}234", "12.3", "0.0123"]
    assert LengthWording(1.0, "mm").size(np.array([12.34, 0.8, 0.0])) == "12.3 × 0.8 × 0.0 mm"
    assert [round_length(value) for value in (0.9, 3.0, 4.0, 80.0)] == [1.0, 2.0, 5.0, 100.0]


def test_the_dent_direction_is_the_first_camera_s():
    pose = home(np.eye(3, dtype=np.float32), 30.0, 1.0)
    assert np.allclose(np.array(pose.position) / np.linalg.norm(pose.position), DENT_DIRECTION)


def test_a_narrow_view_keeps_the_name_of_what_it_shows(qtbot):
    pane = Pane("Another scan")
    qtbot.addWidget(pane)
    pane.resize(500, 300)
    pane.show()
    pane.set_note("bottle_good · 60 %")
    assert pane.caption.text() == "Another scan · bottle_good · 60 %"
    pane.resize(200, 300)
    assert pane.caption.text() == "bottle_good · 60 %"
    assert pane.caption.toolTip() == "Another scan · bottle_good · 60 %"


def test_the_axes_have_a_corner_of_their_own(qtbot):
    canvas = QWidget()
    qtbot.addWidget(canvas)
    canvas.resize(400, 300)
    overlay = Overlay(canvas)
    overlay.set_camera(home(10 * np.eye(3, dtype=np.float32), 30.0, 4 / 3), 30.0)
    axes = AxesMark(overlay)
    corner = np.array([-4.0, 0.0, -4.0])
    for reserved in ((), (lambda: axes.room,)):
        marks = Marks(overlay, *reserved)
        marks.show_marks([Mark(corner, corner + 0.1, "1", False, "142 %")], "#ffffff", "#00ffff")
        (room,) = marks.callouts().values()
        assert not reserved or not room.intersects(axes.room)
    assert canvas.rect().toRectF().contains(axes.room)
