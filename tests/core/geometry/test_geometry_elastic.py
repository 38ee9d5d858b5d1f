"""The elastic field takes out what is smooth and leaves what is a defect."""

from __future__ import annotations

import numpy as np
import pytest

from sedir_core.geometry.elastic import Elastic, SmoothPrior
from sedir_core.geometry.registration import Surface
from sedir_core.geometry.sampling import farthest_points
from sedir_core.types import DoubleArray

N_CONTROLS = 64


def sphere(n: int, seed: int = 0) -> DoubleArray:
    points = np.random.default_rng(seed).normal(size=(n, 3))
    return points / np.linalg.norm(points, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def surface() -> Surface:
    return Surface(sphere(8000))


@pytest.fixture(scope="module")
def prior(surface: Surface) -> SmoothPrior:
    return SmoothPrior(surface.points[farthest_points(surface.points.astype(np.float32), N_CONTROLS)])


def swollen(points: DoubleArray) -> DoubleArray:
    """A smooth tolerance of up to two hundredths of the radius."""
    return points * (1 + 0.02 * points[:, :1] * points[:, 1:2] + 0.015 * points[:, 2:] ** 2)


def off_sphere(points: DoubleArray) -> DoubleArray:
    return np.abs(np.linalg.norm(points, axis=1) - 1)


def test_a_smooth_deformation_is_taken_out(surface: Surface, prior: SmoothPrior) -> None:
    scan = swollen(sphere(3000, 1))
    left = off_sphere(scan + prior.fit(scan, surface.toward)(scan))
    assert left.mean() < 0.15 * off_sphere(scan).mean()


@pytest.mark.parametrize("amplitude", [0.01, 0.05])
def test_a_dent_is_left(surface: Surface, prior: SmoothPrior, amplitude: float) -> None:
    prior, scan = prior.with_amplitude(amplitude), sphere(3000, 1)
    dent = scan[:, 2] > np.cos(0.2)
    depth = 0.06 * np.clip(1 - (np.arccos(np.clip(scan[:, 2], -1, 1)) / 0.2) ** 2, 0, None)
    scan = scan * (1 - depth[:, None])
    left = off_sphere(scan + prior.fit(scan, surface.toward)(scan))
    assert left[dent].mean() > 0.75 * off_sphere(scan)[dent].mean()
    assert left[~dent].mean() < 0.003


def test_parts_that_differ_more_need_a_prior_that_lets_them(surface: Surface, prior: SmoothPrior) -> None:
    scan = sphere(3000, 1)
    scan = scan * (1 + 0.2 * np.sin(2 * scan[:, :1]) * np.sin(2 * scan[:, 1:2]))
    left = [off_sphere(scan + prior.with_amplitude(a).fit(scan, surface.toward)(scan)).mean() for a in (0.01, 0.05)]
    assert left[1] < 0.5 * left[0]


def test_a_scan_of_the_surface_itself_is_hardly_moved(surface: Surface, prior: SmoothPrior) -> None:
    scan = sphere(3000, 1)
    moves = prior.fit(scan, surface.toward)(scan)
    assert np.linalg.norm(moves, axis=1).mean() < 0.002


def test_no_displacement_moves_nothing(prior: SmoothPrior) -> None:
    assert not prior.none(sphere(10)).any()


def test_the_field_is_linear_in_its_weights(prior: SmoothPrior) -> None:
    weights = np.random.default_rng(0).normal(size=(N_CONTROLS, 3))
    one, two = Elastic(prior, weights), Elastic(prior, 2 * weights)
    assert two(sphere(20)) == pytest.approx(2 * one(sphere(20)))


@pytest.mark.parametrize("amplitude", [0.004, 0.02])
def test_a_random_displacement_has_the_amplitude_asked_for(prior: SmoothPrior, amplitude: float) -> None:
    random, points = np.random.default_rng(0), sphere(500, 2)
    draws = np.array([prior.draw(amplitude, random)(points) for _ in range(60)])
    assert np.sqrt((draws**2).mean()) == pytest.approx(amplitude, rel=0.1)


def test_a_random_displacement_is_smooth(prior: SmoothPrior) -> None:
    points = sphere(500, 2)
    near = points + 0.02 * sphere(500, 3)
    field = prior.draw(0.01, np.random.default_rng(0))
    step = np.linalg.norm(field(points) - field(near), axis=1).mean()
    assert step < 0.1 * np.linalg.norm(field(points), axis=1).mean()


def test_the_same_generator_draws_the_same_displacement(prior: SmoothPrior) -> None:
    first, again = (prior.draw(0.01, np.random.default_rng(4)).weights for _ in range(2))
    assert np.array_equal(first, again)


@pytest.mark.parametrize("numbers", [[1.0], [0.02, 1.5, 0.5], [0.02, 0.02, 2.0], [0.0], [np.nan], [0.02, 0.02]])
def test_differences_and_lengths_beyond_their_own_bounds_are_refused(prior: SmoothPrior, numbers: list[float]) -> None:
    with pytest.raises(ValueError, match="no smooth differences"):
        SmoothPrior.learned(prior.controls, np.array(numbers))


def test_a_length_may_be_larger_than_any_amplitude(prior: SmoothPrior) -> None:
    numbers = np.array([0.03, 0.02, 1.5])
    assert np.array_equal(SmoothPrior.learned(prior.controls, numbers).numbers, numbers)
