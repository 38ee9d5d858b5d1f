"""Scans from one side are known as such, and brought onto the whole part."""

import numpy as np
import pytest
from core.tiny_run import part

from sedir_core.geometry.registration import Surface, random_rotation
from sedir_core.geometry.views import (
    Views,
    align_view,
    may_be_view,
    refine_direction,
    settled_from,
    view_descriptor,
    views_of,
)
from sedir_core.geometry.visibility import outward, seen_from, sphere_directions
from sedir_core.types import DoubleArray


def unit_part(category: str, seed: int = 0, n_points: int = 12_000) -> DoubleArray:
    points = part(category, seed, n_points)
    points = points - points.mean(axis=0)
    return points / np.linalg.norm(points, axis=1).max()


def lit_surface(points: DoubleArray) -> Surface:
    surface = Surface(points)
    return Surface(points, outward(points, surface.normals, sphere_directions(48)))


@pytest.fixture(scope="module")
def bracket() -> Surface:
    return lit_surface(unit_part("bracket"))


@pytest.fixture(scope="module")
def views(bracket: Surface) -> Views:
    return views_of(bracket)


def seen_side(surface: Surface, direction: DoubleArray) -> DoubleArray:
    return surface.points[seen_from(surface.points, direction, surface.normals)]


@pytest.mark.parametrize("category", ["bracket", "cup", "pipe_elbow"])
def test_a_view_is_told_from_a_whole_scan(category: str) -> None:
    surface = lit_surface(unit_part(category))
    random = np.random.default_rng(0)
    side = seen_side(surface, np.array([0.36, 0.48, 0.8]))
    assert may_be_view(side @ random_rotation(random).T)
    assert not may_be_view(surface.points)


def test_points_in_one_place_are_no_view() -> None:
    assert not may_be_view(np.ones((600, 3)))


@pytest.mark.parametrize("seed", range(4))
def test_a_view_is_brought_back_from_any_pose(bracket: Surface, views: Views, seed: int) -> None:
    random = np.random.default_rng(seed)
    direction = random_rotation(random)[0]
    side = seen_side(bracket, direction)
    turn, shift = random_rotation(random), random.normal(size=3)
    fit = align_view(side @ turn.T + shift, bracket, views, random)
    laid = fit.pose.apply(side @ turn.T + shift)
    assert np.linalg.norm(laid - side, axis=1).mean() < 0.02
    found = refine_direction(random.permutation(laid), bracket, fit.direction)
    assert found @ direction > np.cos(np.radians(45))  # a box looks the same from a whole octant
    assert 0.2 < fit.share < 0.7
    assert fit.residual < 0.02


@pytest.mark.parametrize("fully", [0.1, 0.8])  # the cosine below which the scanner begins to lose points
def test_the_outline_of_a_view_tells_where_it_was_seen_from(fully: float) -> None:
    cup = lit_surface(unit_part("cup"))
    direction, guess = np.array([0.6, 0.0, 0.8]), np.array([0.8, 0.5, 0.33])
    random = np.random.default_rng(0)
    kept = random.random(len(cup.points)) < cup.normals @ direction / fully
    side = cup.points[kept & seen_from(cup.points, direction, cup.normals)]
    found = refine_direction(random.permutation(side), cup, guess / np.linalg.norm(guess))
    assert found @ direction > np.cos(np.radians(12))


def test_what_is_settled_is_seen_from_near_directions_too(bracket: Surface) -> None:
    direction = np.array([0.0, 0.6, 0.8])
    near = np.array([0.1, 0.62, 0.77])
    settled = settled_from(bracket.points, bracket.normals, direction)
    seen = seen_from(bracket.points, near / np.linalg.norm(near), bracket.normals)
    assert 0.1 < settled.mean() < seen.mean()
    assert seen[settled].mean() > 0.98


@pytest.mark.parametrize("noise", [0.0, 0.001])
def test_the_bottom_of_a_shallow_crease_is_not_settled(noise: float) -> None:
    random = np.random.default_rng(0)
    x, y = random.uniform(-1, 1, (2, 20_000))
    points = np.stack([x, y, 0.6 * np.abs(x) + random.normal(scale=max(noise, 1e-9), size=x.shape)], axis=1)
    normals = np.stack([-0.6 * np.sign(x), np.zeros_like(x), np.ones_like(x)], axis=1) / np.hypot(1, 0.6)
    settled = settled_from(points, normals, np.array([0.0, 0.0, 1.0]))
    assert settled[np.abs(x) < 0.008].mean() < 0.1
    assert settled[(np.abs(x) > 0.1) & (np.abs(x) < 0.9) & (np.abs(y) < 0.9)].mean() > 0.95


def test_a_view_is_most_like_its_own_part(bracket: Surface, views: Views) -> None:
    side = seen_side(bracket, np.array([0.0, 0.6, 0.8]))
    descriptor = view_descriptor(side, np.random.default_rng(0))
    cup = views_of(lit_surface(unit_part("cup")))
    assert views.unlikeness(descriptor) < cup.unlikeness(descriptor)
