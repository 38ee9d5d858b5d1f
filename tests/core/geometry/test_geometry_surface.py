"""Normals, curvature and smoothing against shapes whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest

from sedir_core.geometry.surface import local_frames, local_variation, normals_and_curvature, smooth_onto_plane
from sedir_core.types import DoubleArray


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def plane(n: int = 4000) -> DoubleArray:
    return rng().uniform(-1, 1, size=(n, 3)) * (1, 1, 0)


def sphere(n: int = 8000) -> DoubleArray:
    points = rng().normal(size=(n, 3))
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def cylinder(n: int = 8000) -> DoubleArray:
    angle, height = rng().uniform(0, 2 * np.pi, n), rng(1).uniform(-1, 1, n)
    return np.stack([np.cos(angle), np.sin(angle), height], axis=1)


def roof(n: int = 6000) -> DoubleArray:
    """Two planes that meet at a right angle along the y axis."""
    points = plane(n)
    points[:, 2] = -np.abs(points[:, 0])
    return points


def degrees_between(normals: DoubleArray, truth: DoubleArray) -> DoubleArray:
    return np.degrees(np.arccos(np.clip(np.abs((normals * truth).sum(axis=1)), 0, 1)))


def test_normals_are_unit() -> None:
    assert np.linalg.norm(normals_and_curvature(sphere())[0], axis=1) == pytest.approx(1)


def test_normals_of_a_plane_are_exact() -> None:
    assert np.abs(normals_and_curvature(plane())[0]) == pytest.approx(np.array([[0, 0, 1.0]] * 4000))


def test_normals_of_a_sphere_are_its_radii() -> None:
    assert degrees_between(normals_and_curvature(sphere())[0], sphere()).max() < 5


def test_normals_of_a_cylinder_point_at_its_axis() -> None:
    points = cylinder()
    inner = np.abs(points[:, 2]) < 0.9
    assert degrees_between(normals_and_curvature(points)[0], points * (1, 1, 0))[inner].max() < 5


def test_a_plane_has_no_curvature() -> None:
    assert normals_and_curvature(plane())[1].max() < 1e-12


@pytest.mark.parametrize(("radius", "shape"), [(1.0, "sphere"), (2.0, "sphere"), (1.0, "cylinder")])
def test_curvature_follows_from_radius_and_reach(radius: float, shape: str) -> None:
    # A cap of height h(r) = r^2 / 2R (cylinder: of one direction only) over a disc of radius a:
    # variances a^2/4 in the plane; along the normal a^4/48R^2, for the cylinder a^4 (1/8 - 1/16)/4R^2.
    points = radius * (sphere() if shape == "sphere" else cylinder())
    inner = np.abs(points[:, 2]) < 0.8 * radius
    reach = np.sqrt(24 * 4 * radius**2 / 8000)  # both have the area 4 pi R^2, and 24 neighbours share a disc
    across = reach**4 / (48 if shape == "sphere" else 64) / radius**2
    expected = across / (reach**2 / 2 + across)
    assert np.median(normals_and_curvature(points, 24)[1][inner]) == pytest.approx(expected, rel=0.2)


def test_scattered_points_have_the_largest_curvature() -> None:
    octahedron = np.concatenate([np.eye(3), -np.eye(3)])
    values = local_frames(octahedron, np.arange(6)[None])[0]
    assert values[0, 0] / values[0].sum() == pytest.approx(1 / 3)


def test_a_plane_does_not_vary() -> None:
    centres = np.arange(0, 4000, 50)
    # An angle near 0 is known to the root of the precision only.
    assert local_variation(plane(), centres) == pytest.approx(np.zeros((80, 2)), abs=1e-6)


def test_a_ridge_varies_more_than_the_roof_beside_it() -> None:
    points = roof()
    ridge = np.flatnonzero((np.abs(points[:, 0]) < 0.02) & (np.abs(points[:, 1]) < 0.8))
    slope = np.flatnonzero((np.abs(points[:, 0] - 0.5) < 0.05) & (np.abs(points[:, 1]) < 0.8))
    assert (local_variation(points, ridge).min(axis=0) > 5 * local_variation(points, slope).max(axis=0)).all()


def test_variation_does_not_depend_on_pose_and_scale() -> None:
    points, centres = roof(), np.arange(0, 6000, 60)
    turn = np.linalg.qr(rng(5).normal(size=(3, 3)))[0]
    moved = local_variation(37 * points @ turn.T + 5, centres)
    assert moved == pytest.approx(local_variation(points, centres), rel=1e-3, abs=1e-6)


def test_variation_of_a_sphere_is_the_mean_angle_to_its_neighbours() -> None:
    # Points within r of a centre lie at 2r/3 on average, at an angle of about that on a unit sphere. The nearest
    # neighbour of a random point is half the root of its area away, and r is seven times that.
    reach = 7 * np.sqrt(4 * np.pi / 8000) / 2
    angle = np.median(local_variation(sphere(), np.arange(0, 8000, 40))[:, 0])
    assert angle == pytest.approx(2 * reach / 3, rel=0.15)


def test_smoothing_takes_out_most_noise() -> None:
    noisy = plane() + rng(1).normal(scale=0.01, size=(4000, 3)) * (0, 0, 1)
    smooth = smooth_onto_plane(noisy, np.arange(4000), 32)[0]
    assert smooth[:, 2].std() < 0.35 * noisy[:, 2].std()


def test_smoothing_keeps_the_two_faces_of_a_thin_wall_apart() -> None:
    wall = np.concatenate([plane(), plane() + np.array([0, 0, 0.02])]) + rng(1).normal(scale=0.002, size=(8000, 3)) * (
        0,
        0,
        1,
    )
    facing = np.repeat([[0, 0, -1.0], [0, 0, 1.0]], 4000, axis=0)
    smooth, normals = smooth_onto_plane(wall, np.arange(8000), 32, facing)
    assert smooth[4000:, 2].mean() - smooth[:4000, 2].mean() == pytest.approx(0.02, rel=0.02)
    assert smooth[:4000, 2].std() < 0.5 * wall[:4000, 2].std()
    assert np.abs(normals[:, 2]).min() > 0.98
    merged = smooth_onto_plane(wall, np.arange(8000), 32)[0]
    assert merged[4000:, 2].mean() - merged[:4000, 2].mean() < 0.01


def test_smoothing_leaves_a_plane_alone() -> None:
    assert smooth_onto_plane(plane(), np.arange(100), 32)[0] == pytest.approx(plane()[:100], abs=1e-12)


def test_smoothing_some_points_equals_smoothing_all() -> None:
    noisy = sphere() + rng(1).normal(scale=0.01, size=(8000, 3))
    wanted = np.array([7, 3, 900])
    some, all_of_them = smooth_onto_plane(noisy, wanted, 16), smooth_onto_plane(noisy, np.arange(8000), 16)
    assert np.array_equal(some[0], all_of_them[0][wanted])
    assert np.array_equal(some[1], all_of_them[1][wanted])
