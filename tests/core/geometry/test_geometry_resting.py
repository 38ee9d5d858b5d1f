"""The side a part lay on is found where nobody could see it, and tells the outer sides of what was seen."""

from __future__ import annotations

import numpy as np
import pytest

from sedir_core.geometry.orientation import outward_sides
from sedir_core.geometry.oriented import Oriented
from sedir_core.geometry.overlap import better
from sedir_core.geometry.registration import Pose, random_rotation
from sedir_core.geometry.resting import resting_side
from sedir_core.geometry.surface import normals_and_curvature
from sedir_core.geometry.tree import PointTree
from sedir_core.types import DoubleArray

Box = tuple[tuple[float, float, float], tuple[float, float, float]]
PLATE: tuple[Box, ...] = (
    ((0.0, 0.0, 0.0), (0.9, 0.6, 0.05)),
    ((-0.6, 0.1, 0.2), (0.1, 0.4, 0.15)),
    ((0.3, -0.1, 0.2), (0.1, 0.3, 0.15)),
)
"""A thin plate with two ribs on it: centres and half sizes."""
DOWN = np.array([0.0, 0.0, -1.0])


def surface_of(boxes: tuple[Box, ...], per_area: float, random: np.random.Generator) -> tuple[DoubleArray, DoubleArray]:
    """Points (n, 3) and outward normals of the boxes' union, with a scanner's noise."""
    points, normals = [], []
    for centre, half in boxes:
        for axis in range(3):
            others = [i for i in range(3) if i != axis]
            for sign in (-1.0, 1.0):
                count = int(per_area * 4 * half[others[0]] * half[others[1]])
                face = random.uniform(-1, 1, size=(count, 3)) * half
                face[:, axis] = sign * half[axis]
                points.append(face + centre)
                normals.append(np.tile(sign * np.eye(3)[axis], (count, 1)))
    found, facing = np.concatenate(points), np.concatenate(normals)
    inside = np.zeros(len(found), bool)
    for centre, half in boxes:
        inside |= (np.abs(found - centre) < np.array(half) - 1e-9).all(axis=1)
    found, facing = found[~inside], facing[~inside]
    return found + random.normal(scale=1e-3, size=found.shape), facing


def lying_on(down: DoubleArray, seed: int) -> tuple[DoubleArray, DoubleArray]:
    """The plate as a scanner above it sees it: nothing that faces the table, none of the lowest half per cent."""
    points, normals = surface_of(PLATE, 6_000, np.random.default_rng(seed))
    height = points @ down
    seen = (normals @ down < 0.5) & (height < height.max() - 0.005)
    return points[seen], normals[seen]


@pytest.mark.parametrize("down", [DOWN, -DOWN], ids=["on its plate", "on its ribs"])
def test_the_side_it_lay_on_is_found(down: DoubleArray) -> None:
    points, normals = lying_on(down, 0)
    turn = random_rotation(np.random.default_rng(2))
    found = resting_side(points @ turn.T, normals @ turn.T)
    assert found is not None
    assert found @ turn @ down > 0.99


def test_what_shows_all_its_sides_lay_on_none() -> None:
    points, normals = surface_of(PLATE, 6_000, np.random.default_rng(0))
    assert resting_side(points, normals) is None


def test_an_open_box_lay_on_its_bottom_and_not_on_its_mouth() -> None:
    walls: tuple[Box, ...] = tuple(
        ((x, y, 0.0), half)
        for x, y, half in (
            (0.5, 0.0, (0.03, 0.5, 0.3)),
            (-0.5, 0.0, (0.03, 0.5, 0.3)),
            (0.0, 0.5, (0.5, 0.03, 0.3)),
            (0.0, -0.5, (0.5, 0.03, 0.3)),
        )
    )
    points, normals = surface_of(walls, 6_000, np.random.default_rng(0))
    assert resting_side(points, normals) is None
    seen = (normals[:, 2] > -0.5) & (points[:, 2] > points[:, 2].min() + 0.005)
    found = resting_side(points[seen], normals[seen])
    assert found is not None
    assert found @ DOWN > 0.99


@pytest.mark.parametrize(
    "points", [np.zeros((100, 3)), np.eye(3), np.random.default_rng(0).normal(size=(50, 3)) * (1, 1, 0)]
)
def test_what_has_no_volume_has_no_side(points: DoubleArray) -> None:
    assert resting_side(points, np.tile([0.0, 0.0, 1.0], (len(points), 1))) is None


def test_the_one_face_of_a_plate_that_was_seen_is_its_outer_side() -> None:
    points, normals = lying_on(DOWN, 0)
    found = normals_and_curvature(points)[0]
    right = np.einsum("ij,ij->i", found, normals) * outward_sides(PointTree(points), found) > 0
    assert float(right.mean()) > 0.97


def test_an_underside_is_not_laid_onto_the_upper_side() -> None:
    """They are a plate's thickness apart, and a rigid fit of what is near would pull them together."""
    upper, _ = lying_on(DOWN, 0)
    lower, _ = lying_on(-DOWN, 1)
    onto_it = Pose(np.eye(3), np.array([0.0, 0.0, 0.1]))
    fit = better(Oriented(lower), Oriented(upper), onto_it)
    assert np.linalg.norm(fit.pose.apply(lower) - lower, axis=1).max() < 0.01
