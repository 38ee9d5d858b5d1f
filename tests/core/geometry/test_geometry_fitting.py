"""Faces and cylinders by fit: lengths and angles that are known beforehand, among noise and neighbours."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from sedir_core.geometry.fitting import angle_deg, cylinder_around, distance_between, plane_around
from sedir_core.types import DoubleArray

FAR = np.array([5_000.0, -300.0, 40.0])  # from the origin, as scanners put parts


def block(noise: float = 0.01, seed: int = 0) -> DoubleArray:
    """The surface of a block, 20 x 12 x 8, turned and far from the origin; 20,000 points."""
    rng, half = np.random.default_rng(seed), np.array([10.0, 6.0, 4.0])
    points = rng.uniform(-1, 1, (20_000, 3)) * half
    axis = rng.integers(0, 3, len(points))
    rows = np.arange(len(points))
    points[rows, axis] = half[axis] * rng.choice([-1.0, 1.0], len(points)) + noise * rng.standard_normal(len(points))
    return points


TURN = Rotation.from_rotvec([0.4, -0.7, 1.1]).as_matrix()


def placed(points: DoubleArray) -> DoubleArray:
    return points @ TURN.T + FAR


def on_face(axis: int, side: float) -> DoubleArray:
    place = np.zeros(3)
    place[axis] = side * (10.0, 6.0, 4.0)[axis]
    return placed(place[None])[0]


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_two_faces_of_a_block_are_as_far_apart_as_it_is_thick(axis: int) -> None:
    points = placed(block())
    first, second = (plane_around(points, on_face(axis, side), 3.0) for side in (-1.0, 1.0))
    assert first is not None and second is not None
    assert angle_deg(first, second) < 0.1
    assert distance_between(first, second) == pytest.approx(2 * (10.0, 6.0, 4.0)[axis], abs=0.005)
    assert first.scatter == pytest.approx(0.01, rel=0.2)


def test_neighbouring_faces_stand_at_a_right_angle_also_when_picked_near_the_edge() -> None:
    points = placed(block())
    near_edge = placed(np.array([[10.0, 5.0, 0.0]]))[0]
    first, second = plane_around(points, near_edge, 3.0), plane_around(points, on_face(1, 1.0), 3.0)
    assert first is not None and second is not None
    assert angle_deg(first, second) == pytest.approx(90.0, abs=0.2)


def tube(radius: float, noise: float = 0.01, share: float = 1.0) -> DoubleArray:
    """A round surface along z with a floor beside it; share: of the circumference that was seen."""
    rng = np.random.default_rng(1)
    turn, height = rng.uniform(0, 2 * np.pi * share, 12_000), rng.uniform(-10, 10, 12_000)
    away = radius + noise * rng.standard_normal(12_000)
    floor = np.column_stack([rng.uniform(-15, 15, (4_000, 2)), np.full(4_000, -10.0)])
    return placed(np.vstack([np.column_stack([away * np.cos(turn), away * np.sin(turn), height]), floor]))


@pytest.mark.parametrize("share", [1.0, 0.4])
@pytest.mark.parametrize("radius", [3.0, 7.5])
def test_a_diameter_is_found_from_one_point_of_the_round_surface(radius: float, share: float) -> None:
    place = placed(np.array([[radius * np.cos(0.5), radius * np.sin(0.5), 2.0]]))[0]
    found = cylinder_around(tube(radius, share=share), place, 2.0)
    assert found is not None
    assert 2 * found.radius == pytest.approx(2 * radius, abs=0.02)
    assert abs(float(found.axis @ TURN[:, 2])) == pytest.approx(1.0, abs=1e-3)
    assert found.scatter == pytest.approx(0.01, rel=0.3)


def test_a_flat_face_has_no_diameter() -> None:
    found = cylinder_around(placed(block(noise=0.0)), on_face(0, 1.0), 3.0)
    assert found is None


def test_where_there_is_nothing_nothing_is_fitted() -> None:
    points = placed(block())
    assert plane_around(points, FAR + 100.0, 3.0) is None and cylinder_around(points, FAR + 100.0, 3.0) is None
