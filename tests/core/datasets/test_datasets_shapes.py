"""Named parts and random shapes: always there, never twice the same, the right size."""

import numpy as np
import pytest

from sedir_core.datasets.parts import PARTS
from sedir_core.datasets.random_shapes import random_shape


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture(params=sorted(PARTS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_there_are_at_least_ten_categories() -> None:
    assert len(PARTS) >= 10 and list(PARTS) == sorted(PARTS)


def test_a_part_has_about_unit_diagonal(name: str) -> None:
    points, _ = PARTS[name](rng()).sample(5000, rng())
    assert np.linalg.norm(np.ptp(points, axis=0)) == pytest.approx(1.0, abs=0.03)


def test_a_parts_normals_point_outwards(name: str) -> None:
    part = PARTS[name](rng())
    points, normals = part.sample(3000, rng())
    assert (part.distance(points + 1e-3 * normals) > 0).mean() > 0.98
    assert (part.distance(points - 1e-3 * normals) < 0).mean() > 0.98


def test_two_made_parts_differ_by_a_tolerance_only(name: str) -> None:
    one, two = (PARTS[name](rng(seed)).bounds for seed in (1, 2))
    assert 0 < np.abs(one - two).max() < 0.01


def test_a_parts_surface_is_sampled_evenly(name: str) -> None:
    """Two independent samplings fill the eighths of the part alike."""
    part = PARTS[name](rng())
    counts = [np.bincount((part.sample(4000, rng(s))[0] > 0) @ [1, 2, 4], minlength=8) for s in (1, 2)]
    assert np.abs(counts[0] - counts[1]).max() < 6 * np.sqrt(4000 / 4)


def test_random_shapes_are_finite_and_of_unit_size() -> None:
    for seed in range(40):
        points, normals = random_shape(rng(seed)).sample(1000, rng(seed))
        assert np.isfinite(points).all() and np.abs(np.linalg.norm(normals, axis=1) - 1).max() < 1e-6
        assert 0.7 < np.linalg.norm(np.ptp(points, axis=0)) < 1.8


def test_random_shapes_repeat_with_their_seed() -> None:
    one, two = (random_shape(rng(5)).sample(100, rng(5))[0] for _ in range(2))
    np.testing.assert_array_equal(one, two)


def test_random_shapes_differ_between_seeds() -> None:
    one, two = (random_shape(rng(seed)).sample(100, rng(5))[0] for seed in (5, 6))
    assert np.abs(one - two).max() > 0.05
