"""Histograms are shares of angles, also where there are no angles."""

from __future__ import annotations

import numpy as np

from sedir_core.geometry.fpfh import LARGEST_SHARE, WIDTH, fpfh
from sedir_core.types import DoubleArray


def ball(n: int) -> DoubleArray:
    points = np.random.default_rng(0).normal(size=(n, 3))
    return np.asarray(points / np.linalg.norm(points, axis=1, keepdims=True))


def test_histograms_are_shares_of_the_angles_about_a_point() -> None:
    found = fpfh(ball(800), np.arange(50))
    assert found.shape == (50, WIDTH)
    assert np.allclose(found.sum(axis=1), 600, atol=1)  # three angles, the point's own and its neighbours'


def test_points_that_lie_in_one_place_have_no_histogram_out_of_bounds() -> None:
    points = np.concatenate([ball(500), np.tile([[16.0, -16, -16]], (300, 1)), np.tile([[16.0, 16, 16]], (40, 1))])
    found = fpfh(points, np.arange(len(points)))
    assert np.isfinite(found).all()
    assert found.min() >= 0
    assert found.max() <= LARGEST_SHARE
