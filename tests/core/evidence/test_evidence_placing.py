"""Where on a part a defect is, in words."""

from __future__ import annotations

import numpy as np

from sedir_core.evidence.placing import place_words
from sedir_core.types import DoubleArray

OUTSIDE, INSIDE = np.array([0.5, 0.0, 0.0]), np.array([0.4, 0.0, 0.0])
AWAY, TOWARDS_AXIS = np.array([1.0, 0.0, 0.0]), np.array([-1.0, 0.0, 0.0])


def tube(radii: tuple[float, ...]) -> DoubleArray:
    """Points of walls of those radii around the z axis, which they follow from -1 to 1."""
    random = np.random.default_rng(0)
    angle, height = random.uniform(0, 2 * np.pi, 8_000), random.uniform(-1, 1, 8_000)
    radius = random.choice(radii, 8_000)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), height], axis=1)


def test_the_inside_of_a_wall_is_the_inner_side() -> None:
    assert place_words(INSIDE, TOWARDS_AXIS, tube((0.4, 0.5))) == "in the middle, on the inner side"


def test_the_outside_is_not() -> None:
    assert place_words(OUTSIDE, AWAY, tube((0.4, 0.5))) == "in the middle"


def test_a_normal_that_points_the_wrong_way_makes_no_inner_side_of_the_outermost_wall() -> None:
    assert place_words(OUTSIDE, TOWARDS_AXIS, tube((0.4, 0.5))) == "in the middle"
    assert place_words(OUTSIDE, TOWARDS_AXIS, tube((0.5,))) == "in the middle"


def test_ends_of_one_width_have_no_name_of_their_own() -> None:
    assert place_words(np.array([0.5, 0.0, 0.95]), AWAY, tube((0.5,))) == "at one end"
