"""Averages over neighbours, and which points have any."""

from __future__ import annotations

import numpy as np
import pytest

from sedir_core.geometry.neighbours import has_neighbours, interpolate, surface_reach
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
