"""Offsets on places of the surface: signed, of all points, and silent where nobody knows; and the size of the whole."""

from __future__ import annotations

import numpy as np
import pytest

from sedir_core.evidence.fields import FIELDS, Facing, Places, offset_fields
from sedir_core.evidence.whole_part import size_difference, words_of_size
from sedir_core.geometry.tree import PointTree
from sedir_core.types import BoolArray, DoubleArray

NOISE = 0.004


def ball(count: int, seed: int, noise: float = 0.0) -> DoubleArray:
    random = np.random.default_rng(seed)
    points = random.normal(size=(count, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    return points * (1 + noise * random.normal(size=(count, 1)))


@pytest.fixture(scope="module")
def places() -> Places:
    points = ball(6_000, 0)
    return Places(points, points)


def fields(places: Places, points: DoubleArray) -> dict[str, DoubleArray]:
    return offset_fields(places, places.over(points), np.arange(len(places.points)))


def test_noise_falls_with_the_neighbourhood(places: Places) -> None:
    found = fields(places, ball(60_000, 1, NOISE))
    medians = [float(np.nanmedian(found[name])) for name in FIELDS]
    assert medians == sorted(medians, reverse=True)
    assert medians[-1] < NOISE / 10


def test_a_dent_keeps_its_depth(places: Places) -> None:
    points = ball(60_000, 1, NOISE)
    inside = points[:, 2] > 0.95
    points[inside] *= 0.98
    found = fields(places, points)
    middle = places.points[:, 2] > 0.99
    assert np.median(found["field_16"][middle]) == pytest.approx(0.02, rel=0.15)


def test_places_without_points_say_nothing(places: Places) -> None:
    points = ball(60_000, 1)
    found = fields(places, points[points[:, 2] < 0])
    assert np.isnan(found["field_4"][places.points[:, 2] > 0.2]).all()
    assert np.isnan(found["field_4"][places.points[:, 2] < -0.2]).mean() < 0.01


def test_what_lies_beside_the_known_surface_is_not_judged() -> None:
    known = ball(6_000, 0)
    known = known[known[:, 2] < 0.3]
    half = Places(known, known)
    points = ball(20_000, 1)
    on = half.over(points).on
    assert on[points[:, 2] < 0].mean() > 0.95
    assert not on[points[:, 2] > 0.5].any()


def wall(count: int, seed: int, height: float) -> DoubleArray:
    """A square of that height, with a scanner's noise."""
    random = np.random.default_rng(seed)
    return np.column_stack([random.uniform(-1, 1, (count, 2)), height + 0.002 * random.normal(size=count)])


@pytest.fixture(scope="module")
def outer() -> Places:
    """The outer face of a wall: all that the training scans showed."""
    points = wall(6_000, 0, 0.0) * [1, 1, 0]
    return Places(points, np.tile([0.0, 0, 1], (len(points), 1)))


def other_face(places: Places, scan: DoubleArray, facing: Facing) -> BoolArray:
    return places.other_face(scan, places.over(scan), PointTree(scan), facing)


def facing(*normal: float, surety: float = 1.0) -> Facing:
    return lambda some: np.tile(surety * np.array(normal) / np.linalg.norm(normal), (len(some), 1))


def test_the_other_face_of_a_wall_is_told_by_where_it_faces(outer: Places) -> None:
    front, back = wall(20_000, 1, 0.0), wall(20_000, 2, -0.06)
    assert other_face(outer, back, facing(0, 0, -1)).mean() > 0.95
    assert not other_face(outer, front, facing(0, 0, 1)).any()


@pytest.mark.parametrize("depth", [-0.06, 0.06])
def test_a_dent_or_a_bump_faces_the_way_the_surface_does(outer: Places, depth: float) -> None:
    moved = wall(20_000, 1, depth)
    assert not other_face(outer, moved, facing(0.2, 0, 1)).any()


def test_the_flank_of_a_burr_is_not_the_other_face(outer: Places) -> None:
    random = np.random.default_rng(3)
    along, up = random.uniform(-0.1, 0.1, 600), random.uniform(0, 0.15, 600)
    flank = np.column_stack([0.002 * random.normal(size=600), along, up])
    assert other_face(outer, flank, facing(1, 0, 0)).mean() < 0.1


def test_a_wrong_vote_on_the_known_face_itself_leaves_it_judged(outer: Places) -> None:
    front = wall(20_000, 1, 0.0)
    assert not other_face(outer, front, facing(0, 0, -1)).any()


@pytest.mark.parametrize("larger", [-0.03, 0.0, 0.03])
def test_the_size_of_a_part_is_found(places: Places, larger: float) -> None:
    points = (1 + larger) * ball(20_000, 2, NOISE) + [0.01, -0.01, 0.005]
    assert size_difference(points, places) == pytest.approx(larger, abs=0.002)


def test_a_defect_has_no_say_in_the_size(places: Places) -> None:
    points = ball(20_000, 2, NOISE)
    points[points[:, 2] > 0.9] *= 0.9
    assert size_difference(points, places) == pytest.approx(0.0, abs=0.002)


def test_sizes_are_told_in_per_cent() -> None:
    assert words_of_size(0.031) == "3.1 % larger than good parts"
    assert words_of_size(-0.02) == "2.0 % smaller than good parts"


def test_a_displaced_face_whose_side_nobody_knows_is_not_judged(outer: Places) -> None:
    moved = wall(20_000, 1, 0.06)
    assert other_face(outer, moved, facing(0, 0, 1, surety=0.2)).mean() > 0.95
