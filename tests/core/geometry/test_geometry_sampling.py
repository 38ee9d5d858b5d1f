"""Farthest points are the textbook's, subsets are what they promise, groups are nested."""

from __future__ import annotations

import numpy as np
import pytest

from sedir_core.errors import TooFewPoints
from sedir_core.geometry import neighbours
from sedir_core.geometry.neighbours import clusters, interpolate, nearest_groups, typical_spacing
from sedir_core.geometry.sampling import farthest_points, random_subset, repeatable_order, spread_subset
from sedir_core.types import DoubleArray, FloatArray, IntArray


def cloud(n: int, seed: int = 0) -> DoubleArray:
    return np.random.default_rng(seed).normal(size=(n, 3))


def farthest_by_definition(points: FloatArray, count: int, start: int) -> IntArray:
    chosen = [start]
    nearest = np.full(len(points), np.inf)
    for _ in range(count - 1):
        nearest = np.minimum(nearest, ((points - points[chosen[-1]]) ** 2).sum(axis=1))
        chosen.append(int(nearest.argmax()))
    return np.array(chosen)


@pytest.mark.parametrize("n_points", [64, 400, 5000])
def test_farthest_points_are_those_of_the_definition(n_points: int) -> None:
    points = cloud(n_points).astype(np.float32)
    found = farthest_points(points, 64)
    assert np.array_equal(found, farthest_by_definition(points, 64, int(found[0])))


def test_fewer_farthest_points_are_the_first_of_more() -> None:
    points = cloud(1000).astype(np.float32)
    assert np.array_equal(farthest_points(points, 20), farthest_points(points, 80)[:20])


def test_all_points_are_chosen_once_where_as_many_are_asked() -> None:
    points = cloud(100).astype(np.float32)
    assert sorted(farthest_points(points, 100)) == list(range(100))


def test_more_centres_than_points_is_a_user_error() -> None:
    with pytest.raises(TooFewPoints):
        farthest_points(cloud(10).astype(np.float32), 11)


def test_farthest_points_of_copies_stay_within_the_cloud() -> None:
    picked = farthest_points(np.ones((50, 3), dtype=np.float32), 20)
    assert picked.shape == (20,)
    assert picked.min() >= 0
    assert picked.max() < 50


def test_groups_are_sorted_prefixes_of_each_other() -> None:
    points = cloud(500).astype(np.float32)
    distances, members = nearest_groups(points, points[:20], 64)
    assert (np.diff(distances, axis=1) >= 0).all()
    for k in (16, 32):
        assert np.array_equal(nearest_groups(points, points[:20], k)[1], members[:, :k])


def test_a_group_holds_the_nearest_points() -> None:
    points = cloud(300).astype(np.float32)
    members = nearest_groups(points, points[:5], 30)[1]
    for centre, group in zip(points[:5], members, strict=True):
        nearest = np.argsort(np.linalg.norm(points - centre, axis=1))[:30]
        assert set(group) == set(nearest)


def test_a_random_subset_is_sorted_distinct_and_repeatable() -> None:
    first, again = (random_subset(1000, 100, np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(first, again)
    assert (np.diff(first) > 0).all()
    assert len(first) == 100


def test_a_subset_of_few_points_is_all_of_them() -> None:
    assert np.array_equal(random_subset(5, 100, np.random.default_rng(0)), np.arange(5))


def test_the_repeatable_order_is_the_same_for_shuffled_points() -> None:
    points = cloud(1000)
    shuffled = points[np.random.default_rng(1).permutation(1000)]
    assert np.array_equal(points[repeatable_order(points)], shuffled[repeatable_order(shuffled)])


@pytest.mark.parametrize("seed", range(3))
def test_the_repeatable_order_favours_no_place(seed: int) -> None:
    grid = np.stack(np.meshgrid(*[np.arange(32.0)] * 3), axis=-1).reshape(-1, 3) + seed
    mean = grid[repeatable_order(grid)[:3000]].mean(axis=0)
    assert np.abs(mean - grid.mean(axis=0)).max() < 4 * 9.2 / np.sqrt(3000)  # four standard errors


def test_a_spread_subset_evens_out_the_density() -> None:
    dense, sparse = cloud(9000) * 0.2, cloud(1000, 1) * 0.2 + 5
    picked = spread_subset(np.concatenate([dense, sparse]).astype(np.float32), 500, np.random.default_rng(0))
    assert len(picked) <= 500
    assert 0.3 < (picked >= 9000).mean() < 0.6


def test_spread_returns_the_value_at_a_source() -> None:
    points = cloud(50)
    values = np.arange(50.0)
    assert interpolate(values, points, points) == pytest.approx(values, abs=1e-5)


def test_spread_keeps_a_constant_and_columns() -> None:
    values = np.stack([np.full(50, 2.0), np.full(50, -1.0)], axis=1)
    assert interpolate(values, cloud(50), cloud(7, 1)) == pytest.approx(np.array([[2.0, -1.0]] * 7))


@pytest.mark.parametrize("spacing", [0.01, 1.0, 50.0])
def test_the_spacing_of_a_grid_is_its_step(spacing: float) -> None:
    x, y = np.meshgrid(np.arange(60.0), np.arange(60.0))
    grid = np.stack([x, y, 0 * x], axis=-1).reshape(-1, 3) * spacing
    assert typical_spacing(grid) == pytest.approx(spacing, rel=0.15)


def test_the_spacing_of_random_points_is_the_root_of_their_area() -> None:
    points = np.random.default_rng(0).uniform(size=(4000, 3)) * (1, 1, 0)
    assert typical_spacing(points) == pytest.approx(np.sqrt(1 / 4000), rel=0.1)


def test_a_scan_with_every_point_twice_has_half_the_area_a_point() -> None:
    points = np.random.default_rng(0).uniform(size=(4000, 3)) * (1, 1, 0)
    assert typical_spacing(np.repeat(points, 2, axis=0)) == pytest.approx(np.sqrt(1 / 8000), rel=0.15)


def test_the_spacing_of_very_many_points_is_that_of_some(monkeypatch: pytest.MonkeyPatch) -> None:
    points = np.random.default_rng(0).uniform(size=(40_000, 3)) * (1, 1, 0)
    monkeypatch.setattr(neighbours, "MOST_SPACED", 5_000)
    assert typical_spacing(points) == pytest.approx(np.sqrt(1 / 40_000), rel=0.05)


def test_clusters_are_what_lies_together() -> None:
    patch = np.random.default_rng(0).uniform(size=(500, 3))
    labels = clusters(np.concatenate([patch, patch + np.array([1.5, 0, 0])]), 0.3)
    assert len(set(labels[:500])) == len(set(labels[500:])) == 1
    assert labels[0] != labels[-1]


def test_clusters_of_a_place_with_thousands_of_copies_cost_no_more() -> None:
    points = np.concatenate([np.zeros((50_000, 3)), [[1.0, 0, 0]], [[1e30, 0, 0]]])
    labels = clusters(points, 0.1)
    assert len(set(labels[:50_000])) == 1
    assert len(set(labels)) == 3
