"""Picking, sections and depth shading as plain geometry: no window, no graphics."""

from __future__ import annotations

import numpy as np
import pytest
from app_helpers import DENT_DIRECTION, dented_sphere

from app.views.camera import home, project
from app.views.depth_shading import darkness
from app.views.picking import Probe, distance, point_under
from app.views.preparing import prepare
from app.views.section import across_axis, corners, cut, facing, half_thickness, highest, in_slab, reach

WIDTH, HEIGHT, ANGLE = 400.0, 300.0, 30.0


@pytest.fixture(scope="module")
def ball():
    return prepare(dented_sphere(depth=0.0).points + np.array([100.0, 0.0, 0.0]))


def under(shape, x, y):
    return point_under(shape.points, home(shape.points, ANGLE, WIDTH / HEIGHT), ANGLE, WIDTH, HEIGHT, x, y)


def test_a_click_on_the_middle_finds_the_near_side(ball):
    found = under(ball, WIDTH / 2, HEIGHT / 2)
    assert ball.points[found] @ DENT_DIRECTION > 9.5


def test_a_click_on_the_ground_finds_nothing(ball):
    assert under(ball, 2.0, 2.0) is None


def test_the_point_found_is_drawn_where_the_click_was(ball):
    pose = home(ball.points, ANGLE, WIDTH / HEIGHT)
    front = np.flatnonzero(ball.points @ DENT_DIRECTION > 6)[:40]
    seen = project(ball.points[front].astype(float), pose, ANGLE, WIDTH, HEIGHT)
    assert [under(ball, x, y) for x, y, _ in seen] == front.tolist()


def test_an_empty_shape_has_no_point_to_find():
    assert under(prepare(np.empty((0, 3))), 200.0, 150.0) is None


def test_distances_are_straight_and_along_the_axes():
    length, way = distance(Probe(np.array([1.0, 2.0, 3.0]), 0), Probe(np.array([4.0, 6.0, 3.0]), None))
    assert length == 5.0 and way.tolist() == [3.0, 4.0, 0.0]


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_section_across_an_axis_holds_the_points_near_it_and_no_others(ball, axis):
    plane = across_axis(axis).at(3.0)
    inside = np.abs(ball.points[:, axis] - 3.0) <= half_thickness(ball)
    assert np.array_equal(in_slab(ball, plane), inside)
    section = cut(ball, ball, plane)
    assert np.array_equal(section.rows, ball.rows[inside])
    assert np.allclose(np.hypot(*section.outline.T), np.sqrt(91), atol=half_thickness(ball))
    assert len(section.expected) == len(section.outline)


def test_the_axes_of_a_plane_are_at_right_angles():
    tilted = facing(np.array([0.3, -1.0, 0.2]), np.array([0.0, 0.0, 1.0]))
    for plane in (across_axis(0), across_axis(1), across_axis(2), tilted):
        axes = np.stack([plane.normal, plane.along, plane.across])
        assert np.allclose(axes @ axes.T, np.eye(3), atol=1e-12)
    assert tilted.across @ [0, 0, 1] > 0.9  # up stays up


def test_the_plane_reaches_from_one_end_of_the_part_to_the_other(ball):
    assert np.allclose(reach(ball, across_axis(2)), (-10, 10), atol=0.3)
    assert np.allclose(corners(ball, across_axis(2).at(4.0))[:, 2], 4.0)


def test_a_plane_beside_the_part_cuts_nothing(ball):
    section = cut(ball, None, across_axis(0).at(50.0))
    assert section.outline.shape == section.expected.shape == (0, 2)


def test_a_profile_hides_no_peak_and_no_gap():
    along = np.array([0.0, 0.1, 5.0, 10.0], np.float32)
    places, peaks = highest(along, np.array([1.0, 3.0, np.nan, 2.0], np.float32), 10)
    assert places.tolist() == [0.5, 9.5] and peaks.tolist() == [3.0, 2.0]
    assert highest(along, np.full(4, np.nan, np.float32), 10)[0].size == 0


def test_a_step_in_depth_darkens_what_lies_behind_it_and_not_the_ground():
    near, far = 1.0, 10.0

    def as_drawn(distance_: float) -> float:
        return (far / (far - near)) * (1 - near / distance_)

    depth = np.ones((40, 60), np.float32)
    depth[10:30, 10:30], depth[10:30, 30:50] = as_drawn(4.0), as_drawn(5.0)
    dark = darkness(depth, near, far)
    assert dark[20, 30] > 40 and dark[20, 29] == 0
    assert dark[20, 45] == 0 and dark[5, 5] == 0 and dark[10, 15] == 0


def test_an_empty_picture_has_no_shade():
    assert not darkness(np.ones((4, 5), np.float32), 1.0, 2.0).any()
