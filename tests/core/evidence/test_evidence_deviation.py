"""Lengths on a body of which every one is known: a ball with a dent and a bump."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from sedir_core.evidence.description import Region
from sedir_core.evidence.measuring import Measured, measure
from sedir_core.geometry.registration import Surface
from sedir_core.geometry.tree import PointTree
from sedir_core.types import DoubleArray

N_POINTS = 20_000
RADIUS, DEPTH, HEIGHT, NOISE = 50.0, 1.0, 0.6, 0.02  # mm
WIDTH, FLOOR = 14.0, 0.4  # mm from the middle of a spot to its rim; the share of that which is flat
DENT, BUMP = np.array([0.0, 0.0, 1.0]), np.array([1.0, 0.0, 0.0])
NEAR_ENOUGH = 0.02


@dataclass(frozen=True)
class Known:
    """true: (n,) the deviation that was made, without the noise of the sensor."""

    measured: Measured
    true: DoubleArray
    noise: float

    def region(self, middle: DoubleArray) -> Region:
        """The region nearest to that direction."""
        return min(self.measured.regions, key=lambda one: float(np.linalg.norm(one.centroid - RADIUS * middle)))


def directions(seed: int) -> DoubleArray:
    random = np.random.default_rng(seed).normal(size=(N_POINTS, 3))
    return np.asarray(random / np.linalg.norm(random, axis=1, keepdims=True))


def spot(outward: DoubleArray, middle: DoubleArray) -> DoubleArray:
    """1 on its flat floor, 0 at the rim, smooth at both: what a gauge would be pressed with."""
    away = RADIUS * np.arccos(np.clip(outward @ middle, -1.0, 1.0)) / WIDTH
    slope = np.clip((1 - away) / (1 - FLOOR), 0.0, 1.0)
    return np.asarray(slope**2 * (3 - 2 * slope))


@pytest.fixture(scope="module", params=[0.0, NOISE], ids=["exact", "noisy"])
def known(request: pytest.FixtureRequest) -> Known:
    outward, expected = directions(1), directions(2)
    true = HEIGHT * spot(outward, BUMP) - DEPTH * spot(outward, DENT)
    points = (RADIUS + true)[:, None] * outward
    points += np.random.default_rng(3).normal(scale=request.param, size=points.shape)
    still = np.zeros_like(points)
    return Known(
        measure(PointTree(points), still, Surface(RADIUS * expected, expected), lambda few: still), true, request.param
    )


def test_a_deviation_is_within_two_per_cent_of_the_depth(known: Known) -> None:
    """But for the sensor's noise, which is no error of the measurement, and one place in a hundred with few points."""
    scan = known.measured.scan.points
    off = np.abs(known.measured.deviation.values - (np.linalg.norm(scan, axis=1) - RADIUS))
    assert np.quantile(off, 0.99) < NEAR_ENOUGH * DEPTH
    assert off.max() < 2 * NEAR_ENOUGH * DEPTH


def test_too_much_is_plus_and_too_little_is_minus(known: Known) -> None:
    values, true = known.measured.deviation.values, known.true
    assert values[true > 0.1].min() > 0 > values[true < -0.1].max()


@pytest.mark.parametrize(("middle", "depth", "kind"), [(DENT, -DEPTH, "dent"), (BUMP, HEIGHT, "bump")])
def test_the_depth_of_a_spot_is_right_within_two_per_cent_where_the_noise_allows(
    known: Known, middle: DoubleArray, depth: float, kind: str
) -> None:
    """The farthest of noisy points are a little farther than their floor."""
    region = known.region(middle)
    assert region.kind == kind
    assert region.depth == pytest.approx(depth, rel=NEAR_ENOUGH, abs=1.5 * known.noise)


def test_the_rims_of_a_dent_and_a_bump_are_no_defects_of_their_own(known: Known) -> None:
    deep = [region for region in known.measured.regions if abs(region.depth) > 2.5 * NOISE]
    assert sorted(region.kind for region in deep) == ["bump", "dent"]
