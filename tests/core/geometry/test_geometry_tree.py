"""The search tree: the same neighbours by either library, and nothing that is no number."""

from __future__ import annotations

import numpy as np
import pytest

from sedir_core.geometry.tree import FEW, MANY, PointTree
from sedir_core.types import DoubleArray


def cloud(n: int, dimensions: int = 3) -> DoubleArray:
    return np.random.default_rng(n).normal(size=(n, dimensions))


@pytest.mark.parametrize("dimensions", [3, 6])
@pytest.mark.parametrize("k", [1, 8, FEW, FEW + 1])
def test_many_targets_have_the_neighbours_that_each_has_alone(dimensions: int, k: int) -> None:
    tree, targets = PointTree(cloud(700, dimensions)), cloud(MANY, dimensions)
    distances, indices = tree.nearest_k(targets, k)
    every = np.linalg.norm(targets[:, None] - tree.points[None], axis=2)
    assert np.array_equal(indices, np.argsort(every, axis=1)[:, :k])
    assert distances == pytest.approx(np.sort(every, axis=1)[:, :k])


@pytest.mark.parametrize("count", [MANY - 1, MANY])
def test_what_is_out_of_reach_is_infinitely_far(count: int) -> None:
    tree = PointTree(cloud(50))
    distances, indices = tree.nearest(cloud(count), within=0.5)
    assert np.isinf(distances).any()
    assert distances[~np.isinf(distances)].max() <= 0.5
    assert np.array_equal(np.isinf(distances), indices == len(tree))


@pytest.mark.parametrize("count", [MANY - 1, MANY])
def test_a_target_that_is_no_number_is_refused(count: int) -> None:
    targets = cloud(count)
    targets[3, 1] = np.nan
    with pytest.raises(ValueError, match="finite"):
        PointTree(cloud(50)).nearest(targets)


@pytest.mark.parametrize("count", [1, MANY])
def test_more_neighbours_than_points_are_all_points(count: int) -> None:
    assert PointTree(cloud(5)).nearest_k(cloud(count), 9)[1].shape == (count, 5)
