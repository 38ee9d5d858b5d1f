"""A part cut off is told from what a camera saw, another size from a defect, and chance from few points."""

from __future__ import annotations

import numpy as np
import pytest

from sedir_core.evidence.fields import Places
from sedir_core.evidence.numbers import ONE_SIDE
from sedir_core.evidence.one_side import camera_view
from sedir_core.evidence.remarks import too_sparse
from sedir_core.evidence.whole_part import size_difference, size_to_tell
from sedir_core.geometry.registration import Surface
from sedir_core.geometry.visibility import seen_from
from sedir_core.types import DoubleArray

TOWARDS = np.array([1.0, 0.0, 0.0])


def tube(n: int, seed: int) -> tuple[DoubleArray, DoubleArray]:
    """Points and outward normals of a tube along z, of radius 0.5 and a wall of 0.08."""
    random = np.random.default_rng(seed)
    angle, height, inner = random.uniform(0, 2 * np.pi, n), random.uniform(-0.8, 0.8, n), random.random(n) < 0.46
    out = np.stack([np.cos(angle), np.sin(angle), np.zeros(n)], axis=1)
    points = out * np.where(inner, 0.42, 0.5)[:, None] + height[:, None] * [0, 0, 1]
    return points, np.where(inner[:, None], -out, out)


@pytest.fixture(scope="module")
def surface() -> Surface:
    return Surface(*tube(20_000, 0))


def test_few_points_that_a_camera_sees_of_a_tube_may_be_seen_by_one(surface: Surface) -> None:
    points, normals = tube(20_000, 1)
    seen = seen_from(points, TOWARDS, normals)
    assert camera_view(points[seen][::10], surface, TOWARDS).from_one_side


def test_a_surface_coarser_than_its_walls_tells_nothing_of_a_half() -> None:
    points, _ = tube(4_000, 1)
    assert camera_view(points[points[:, 0] > 0], Surface(*tube(4_000, 0)), TOWARDS).hidden == 0


def test_what_a_camera_sees_of_a_tube_may_be_seen_by_one(surface: Surface) -> None:
    points, normals = tube(20_000, 1)
    sight = camera_view(points[seen_from(points, TOWARDS, normals)], surface, TOWARDS)
    assert sight.from_one_side
    assert sight.lacking < ONE_SIDE.most_lacking


@pytest.mark.parametrize("n", [2_000, 20_000])
def test_half_a_tube_cut_through_its_walls_is_seen_by_no_camera(surface: Surface, n: int) -> None:
    points, _ = tube(n, 1)
    assert not camera_view(points[points[:, 0] > 0], surface, TOWARDS).from_one_side


def test_normals_of_a_thin_wall_that_face_the_wrong_way_hide_nothing(surface: Surface) -> None:
    outward = surface.points * [1, 1, 0]
    astray = Surface(surface.points, outward / np.linalg.norm(outward, axis=1, keepdims=True))
    points, _ = tube(20_000, 1)
    assert not camera_view(points[points[:, 0] > 0], astray, TOWARDS).from_one_side


def test_a_view_that_ends_amid_what_its_camera_sees_lacks_the_rest(surface: Surface) -> None:
    points, normals = tube(20_000, 1)
    seen = seen_from(points, TOWARDS, normals) & (points[:, 2] < 0)
    assert camera_view(points[seen], surface, TOWARDS).lacking == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("size", [0.9, 1.05, 1.1, 1.2])
def test_the_size_of_a_part_is_told_also_where_it_is_far_off(size: float) -> None:
    random = np.random.default_rng(0)
    angles = random.uniform(0, 2 * np.pi, 12_000)
    radii = random.choice([0.6, 0.7, 0.8, 0.9], len(angles))
    rings = radii[:, None] * np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=1)
    rings[:, 2] = random.uniform(-0.3, 0.3, len(rings))
    normals = rings * [1, 1, 0] / np.linalg.norm(rings[:, :2], axis=1, keepdims=True)
    places = Places(rings, normals)
    larger, left = size_to_tell(size * rings[::2], places)
    assert larger == pytest.approx(size - 1, abs=0.005)
    assert left < 0.2


def test_a_part_of_the_right_size_is_told_to_be_of_no_other() -> None:
    points, normals = tube(8_000, 2)
    places = Places(points, normals)
    noisy = points + np.random.default_rng(0).normal(scale=0.002, size=points.shape)
    assert abs(size_difference(noisy, places)) < 0.002
    larger, left = size_to_tell(noisy, places)
    assert abs(larger) < 0.002
    assert left > 0.8


def test_a_scan_of_few_points_must_exceed_the_limit_as_much_more() -> None:
    assert too_sparse(2_000, 10_000, 1.7).startswith("is above the limit (170 %), but has only 2,000 points")
    assert too_sparse(2_000, 10_000, 6.0) == ""
    assert too_sparse(2_000, 10_000, 0.9) == ""
    assert too_sparse(12_000, 10_000, 1.1) == ""


def test_what_the_network_takes_a_sparse_scan_for_is_put_down_to_its_few_points() -> None:
    said = too_sparse(2_000, 10_000, 0.5, taken_for="bowl")
    assert said.startswith("has only 2,000 points, too few for the network, which takes it for bowl")
    assert too_sparse(9_000, 10_000, 0.5, taken_for="bowl") == ""
