"""A scan's own axes turn with it, and nothing else about a file moves them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_run import CATEGORIES, part

from sedir_core.geometry.own_axes import own_axes
from sedir_core.geometry.registration import random_rotation
from sedir_core.geometry.sampling import repeatable_order
from sedir_core.types import DoubleArray

PARTS = {name: part(name, 0) for name in CATEGORIES}


def along_own_axes(points: DoubleArray) -> DoubleArray:
    own = own_axes(points)
    return own.along(points) / own.size


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(CATEGORIES), st.integers(0, 999), st.floats(-9, 9), st.floats(-1e3, 1e3))
def test_along_them_a_scan_is_the_same_however_it_lies(name: str, seed: int, power: float, shift: float) -> None:
    points = PARTS[name]
    moved = (points @ random_rotation(np.random.default_rng(seed)).T + shift) * 10.0**power
    assert np.abs(along_own_axes(moved) - along_own_axes(points)).max() < 1e-8
    both = repeatable_order(moved, own=own_axes(moved)), repeatable_order(points, own=own_axes(points))
    assert (both[0] == both[1]).mean() > 0.99


def test_a_file_that_rounds_its_points_changes_the_place_of_few_in_the_order() -> None:
    points = PARTS["bracket"]
    rounded = points.astype(np.float32).astype(float)
    first, again = (set(repeatable_order(one, 1_000, own_axes(one))) for one in (points, rounded))
    assert len(first - again) <= 5


def test_the_order_of_the_points_moves_them_not_by_a_bit() -> None:
    points = PARTS["bracket"]
    one, other = own_axes(points), own_axes(np.random.default_rng(0).permutation(points))
    assert np.array_equal(one.axes, other.axes) and np.array_equal(one.centre, other.centre)
    assert one.size == other.size


@pytest.mark.parametrize("name", CATEGORIES)
def test_they_are_a_right_handed_frame(name: str) -> None:
    axes = own_axes(PARTS[name]).axes
    assert axes.T @ axes == pytest.approx(np.eye(3), abs=1e-12)
    assert np.linalg.det(axes) == pytest.approx(1)


@pytest.mark.parametrize(
    "points", [np.empty((0, 3)), np.ones((1, 3)), np.zeros((9, 3)), np.arange(30.0).reshape(-1, 3)]
)
def test_points_without_a_shape_have_some(points: DoubleArray) -> None:
    own = own_axes(points)
    assert np.isfinite(own.along(points)).all()
    assert own.size > 0
