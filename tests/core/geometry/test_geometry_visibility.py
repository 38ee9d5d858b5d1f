"""What a far camera sees, on bodies where it is known."""

import numpy as np
import pytest

from sedir_core.geometry.visibility import outward, plainly_seen, seen_from, sphere_directions, visible_from
from sedir_core.types import DoubleArray

UP = np.array([0.0, 0.0, 1.0])


def ball(n: int = 8_000) -> DoubleArray:
    points = np.random.default_rng(0).normal(size=(n, 3))
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def thin_wall(n: int = 6_000, thickness: float = 0.02) -> tuple[DoubleArray, DoubleArray]:
    """Both faces of a plate of unit side, and the normals, which point outward."""
    random = np.random.default_rng(1)
    side = np.where(np.arange(n) % 2, 1.0, -1.0)
    points = np.column_stack([random.random((n, 2)), side * thickness / 2])
    return points, side[:, None] * UP


def test_directions_are_unit_vectors_all_around() -> None:
    found = sphere_directions(96)
    assert np.allclose(np.linalg.norm(found, axis=1), 1)
    assert np.allclose(found.mean(axis=0), 0, atol=0.02)
    nearest = np.sort(found @ found.T, axis=1)[:, -2]
    assert nearest.min() > np.cos(np.radians(25))  # no direction is lonely


def test_of_a_ball_the_near_half_is_seen() -> None:
    points = ball()
    seen = seen_from(points, UP, points)
    assert seen[points[:, 2] > 0.35].all()
    assert not seen[points[:, 2] < 0.05].any()


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_back_of_a_thin_wall_is_not_seen(sign: float) -> None:
    points, normals = thin_wall()
    seen = seen_from(points, sign * UP, normals)
    assert seen[normals[:, 2] == sign].all()
    assert not seen[normals[:, 2] == -sign].any()


def test_without_normals_only_depth_counts() -> None:
    near, far = np.random.default_rng(2).random((2, 3_000, 3)) * [1, 1, 0]
    seen = visible_from(np.concatenate([near + UP, far]), UP)
    assert seen[:3_000].all()
    assert seen[3_000:].mean() < 0.05


def test_normals_of_a_ball_are_turned_outward() -> None:
    points = ball()
    flipped = points * np.where(np.random.default_rng(3).random(len(points)) < 0.5, 1.0, -1.0)[:, None]
    found = outward(points, flipped, sphere_directions(48))
    assert np.array_equal(found, points)


def test_normals_inside_a_bowl_point_into_the_open() -> None:
    points = ball()
    shell = np.concatenate([points, 0.8 * points])
    below = shell[:, 2] < 0
    normals = np.concatenate([points, points])
    found = outward(shell[below], normals[below], sphere_directions(48))
    inner = np.arange(len(shell))[below] >= len(points)
    deep = shell[below, 2] < -0.3  # the rim itself may be either
    assert (np.einsum("ij,ij->i", found, normals[below])[inner & deep] < 0).mean() > 0.97
    assert (np.einsum("ij,ij->i", found, normals[below])[~inner & deep] > 0).mean() > 0.97


def test_the_bottom_of_a_deep_hollow_is_not_plainly_seen() -> None:
    angle, depth = np.meshgrid(np.linspace(0, 2 * np.pi, 90, endpoint=False), np.linspace(-1, 0, 30))
    wall = np.stack([0.2 * np.cos(angle), 0.2 * np.sin(angle), depth], axis=-1).reshape(-1, 3)
    rim = np.random.default_rng(0).uniform(-1, 1, (3_000, 3)) * (1, 1, 0)
    rim = rim[np.linalg.norm(rim, axis=1) > 0.2]
    seen = plainly_seen(np.concatenate([rim, wall]), np.array([0.0, 0.0, 1.0]))
    assert seen[: len(rim)].mean() > 0.95
    assert seen[len(rim) :][wall[:, 2] < -0.5].mean() < 0.05
