"""Averages over neighbours, and which points have any."""

from __future__ import annotations

import numpy as np
import pytest

from sedir_core.geometry.neighbours import Shares, clusters, has_neighbours, interpolate, surface_reach
from sedir_core.geometry.tree import PointTree
from sedir_core.types import DoubleArray


def sphere(n: int = 4000) -> DoubleArray:
    points = np.random.default_rng(0).normal(size=(n, 3))
    return np.asarray(10 * points / np.linalg.norm(points, axis=1, keepdims=True))


def test_every_point_of_a_surface_has_company_however_thin_it_is() -> None:
    assert has_neighbours(sphere()).all()
    denser_below = np.concatenate([sphere(400), sphere(8000)[sphere(8000)[:, 2] < 0]])  # 20 times as dense
    assert has_neighbours(denser_below).all()


def test_flying_pixels_and_pairs_of_them_have_none() -> None:
    flying = np.array([[0, 0, 0], [20, 0, 0], [20, 0, 0.1], [0, 1e9, 0]])
    found = has_neighbours(np.concatenate([flying, sphere()]))
    assert np.array_equal(np.flatnonzero(~found), np.arange(4))


def test_a_fleck_of_a_few_points_is_kept() -> None:
    fleck = [0, 20, 0] + 0.1 * np.random.default_rng(0).normal(size=(8, 3))
    assert has_neighbours(np.concatenate([sphere(), fleck])).all()


@pytest.mark.parametrize("points", [np.zeros((50, 3)), np.zeros((1, 3)), np.eye(3)], ids=["one place", "one", "three"])
def test_where_there_is_no_spacing_nothing_is_left_out(points: DoubleArray) -> None:
    assert has_neighbours(points).all()


def test_reach_follows_the_unit() -> None:
    assert surface_reach(1e-3 * sphere()) == pytest.approx(1e-3 * surface_reach(sphere()), rel=0.05)  # sampled


def test_nothing_is_spread_beyond_reach() -> None:
    sources = np.array([[0.0, 0, 0], [1, 0, 0]])
    found = interpolate(np.array([2.0, 4.0]), sources, np.array([[0.0, 0, 0], [0.5, 0, 0], [5, 0, 0]]), within=1.0)
    assert found[:2] == pytest.approx([2.0, 3.0])
    assert np.isnan(found[2])


def test_shares_say_what_interpolation_says() -> None:
    random = np.random.default_rng(0)
    values, sources, targets = random.random((300, 2)), random.random((300, 3)), random.random((50, 3))
    shares = Shares.of(PointTree(sources), targets)
    assert np.array_equal(shares(values), interpolate(values, sources, targets))
    assert np.array_equal(shares.indices[:, 0], PointTree(sources).nearest(targets)[1])


def linked(points: DoubleArray, reach: float) -> list[int]:
    """Labels by every pair within reach, the cluster of the first point first."""
    near = np.linalg.norm(points[:, None] - points, axis=2) <= reach
    for _ in range(len(points)):
        near |= (near.astype(float) @ near) > 0
    return np.unique(near.argmax(axis=1), return_inverse=True)[1].tolist()


@pytest.mark.parametrize("reach", [0.5, 1.5, 3.0, 8.0])
def test_clusters_hang_together_within_reach(reach: float) -> None:
    points = np.unique(np.floor(sphere(150) + 0.5), axis=0)  # of no voxel more than one
    expected = linked(points, reach)
    found = clusters(points, reach).tolist()
    assert [[a == b for b in found] for a in found] == [[a == b for b in expected] for a in expected]


def test_points_far_apart_are_clusters_of_their_own() -> None:
    points = np.array([[0, 0, 0], [1e9, 0, 0], [0.1, 0, 0], [0, -1e12, 0], [1e9, 0.1, 0]])
    assert clusters(points, 0.3).tolist() == [1, 2, 1, 0, 2]
