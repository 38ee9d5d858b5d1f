"""What departs is called by its kind: on a bar with two faces, damaged as parts are."""

from __future__ import annotations

import numpy as np
import pytest

from sedir_core.evidence.measuring import measure
from sedir_core.geometry.registration import Surface
from sedir_core.geometry.tree import PointTree
from sedir_core.types import DoubleArray

N_FACE = 5_000
LENGTH, WIDTH, HALF, NOISE = 2.0, 0.6, 0.15, 0.002


def face(seed: int, up: float) -> tuple[DoubleArray, DoubleArray]:
    """One of the bar's large faces with its normals."""
    flat = np.random.default_rng(seed).uniform((-LENGTH / 2, -WIDTH / 2), (LENGTH / 2, WIDTH / 2), (N_FACE, 2))
    return np.column_stack([flat, np.full(N_FACE, up * HALF)]), np.tile([0.0, 0.0, up], (N_FACE, 1))


def bar(seed: int) -> tuple[DoubleArray, DoubleArray]:
    points, normals = (np.concatenate(pair) for pair in zip(face(seed, 1.0), face(seed + 1, -1.0), strict=True))
    mixed = np.random.default_rng(seed).permutation(len(points))
    return points[mixed], normals[mixed]


def kind_of(points: DoubleArray) -> str:
    """Of the largest region that departs; empty where nothing does. Random gaps at the bar's edges are small ones."""
    noisy = points + np.random.default_rng(9).normal(scale=NOISE, size=points.shape)
    still = np.zeros_like(noisy)
    measured = measure(PointTree(noisy), still, Surface(*bar(0)), lambda few: still)
    largest = max(measured.regions, key=lambda region: region.area, default=None)
    return "" if largest is None else largest.kind


def lifted(points: DoubleArray, height: float) -> DoubleArray:
    """One end of the bar turned up."""
    return points + np.clip(points[:, :1] - 0.5, 0.0, None) / 0.5 * (0.0, 0.0, height)


def test_a_good_bar_has_nothing_to_describe() -> None:
    assert kind_of(bar(2)[0]) == ""


@pytest.mark.parametrize("height", [0.15, 0.03], ids=["far", "a little"])
def test_an_end_that_is_bent_is_displaced_however_little(height: float) -> None:
    """Its faces are regions of their own, too much on one and too little on the other: one body has moved."""
    assert kind_of(lifted(bar(2)[0], height)) == "displaced region"


def test_what_lines_a_hole_makes_no_crack_of_it() -> None:
    points = bar(2)[0]
    away = np.linalg.norm(points[:, :2] - (0.2, 0.0), axis=1)
    top = points[:, 2] > 0
    proud = top & (away < 0.215)
    points[proud, 2] += 0.02
    assert kind_of(points[~(top & (away < 0.2))]) == "missing material"


def test_a_long_high_lip_with_few_points_is_a_crack() -> None:
    points = bar(2)[0]
    along, across = points[:, 0], points[:, 1]
    on = (points[:, 2] > 0) & (np.abs(along) < 0.5)
    points[on & (across > 0) & (across < 0.05), 2] += 0.028
    thin = np.random.default_rng(3).random(len(points)) < 0.6
    assert kind_of(points[~(on & (np.abs(across) < 0.05) & thin)]) == "gap or crack"


def test_a_swelling_is_a_bump_and_a_hollow_is_a_dent() -> None:
    for sign, kind in ((1.0, "bump"), (-1.0, "dent")):
        points = bar(2)[0]
        fall = np.clip(1 - (np.linalg.norm(points[:, :2], axis=1) / 0.2) ** 2, 0.0, None) ** 2
        points[:, 2] += sign * 0.06 * fall * (points[:, 2] > 0)
        assert kind_of(points) == kind
