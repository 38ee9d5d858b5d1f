"""Dents over an edge are as deep as they were pressed in, not as the nearest face is near."""

from __future__ import annotations

import numpy as np
import pytest

from sedir_core.evidence.dents import depths_below
from sedir_core.evidence.description import Region
from sedir_core.evidence.layout import Ground
from sedir_core.evidence.measuring import measure
from sedir_core.geometry.registration import Surface
from sedir_core.geometry.tree import PointTree
from sedir_core.types import DoubleArray

HALF = np.array([20.0, 20.0, 10.0])  # mm, of a block
EDGE = np.array([20.0, 0.0, 10.0])
DEPTH, REACH = 3.0, 12.0


def block(n: int, seed: int) -> tuple[DoubleArray, DoubleArray]:
    """Points (n, 3) on its faces, in random order, and their normals."""
    rng = np.random.default_rng(seed)
    sizes = np.array([HALF[1] * HALF[2], HALF[0] * HALF[2], HALF[0] * HALF[1]])
    axis = rng.choice(3, n, p=sizes / sizes.sum())
    side = rng.choice([-1.0, 1.0], n)
    points = rng.uniform(-1, 1, (n, 3)) * HALF
    points[np.arange(n), axis] = side * HALF[axis]
    return points, side[:, None] * np.eye(3)[axis]


def pressed(angle_degrees: float) -> Region:
    """What is said of a block whose edge is pressed in, at this angle to the normal of the upper face."""
    angle = np.radians(angle_degrees)
    way = np.array([np.sin(angle), 0.0, np.cos(angle)])
    points, normals = block(20_000, 1)
    fall = np.clip(1 - (np.linalg.norm(points - EDGE, axis=1) / REACH) ** 2, 0, None) ** 2 * (normals @ way > 0.2)
    expected, faces = block(20_000, 2)
    still = np.zeros_like(points)
    found = measure(
        PointTree(points - DEPTH * fall[:, None] * way), still, Surface(expected, faces), lambda few: still
    ).regions
    return max(found, key=lambda region: region.area)


@pytest.mark.parametrize("angle_degrees", [20.0, 30.0, 38.0])
def test_a_dent_over_an_edge_is_as_deep_as_it_was_pressed_in(angle_degrees: float) -> None:
    region = pressed(angle_degrees)
    assert region.kind == "dent"
    assert region.depth == pytest.approx(-DEPTH, rel=0.08)


def test_depths_are_measured_along_the_way_from_the_faces_that_look_there() -> None:
    ground = Ground(*block(8_000, 3))
    below = np.array([[19.5, 0.0, 7.0], [0.0, 0.0, 8.0]])
    assert depths_below(below, ground, np.array([0.0, 0.0, 1.0]), 5.0) == pytest.approx([3.0, 2.0])


def test_what_lies_deeper_than_may_be_is_not_known() -> None:
    ground = Ground(*block(8_000, 3))
    assert depths_below(np.array([[0.0, 0.0, 2.0]]), ground, np.array([0.0, 0.0, 1.0]), 5.0) == pytest.approx([0.0])
