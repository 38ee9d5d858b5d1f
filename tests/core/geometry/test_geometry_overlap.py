"""Scans that each show another part of a part are laid by what both show."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_run import part

from sedir_core.geometry.frames import frame_of
from sedir_core.geometry.oriented import Oriented, rim_of
from sedir_core.geometry.overlap import better, judge
from sedir_core.geometry.registration import Pose, random_rotation
from sedir_core.geometry.surface import normals_and_curvature
from sedir_core.types import DoubleArray

STILL = Pose(np.eye(3), np.zeros(3))


def scanned(seed: int) -> DoubleArray:
    points = part("bracket", seed, 12_000)
    return frame_of(part("bracket", 0, 12_000)).enter(points)


def shown(points: DoubleArray, direction: DoubleArray, share: float) -> DoubleArray:
    """What is left when the lowest points along a direction are not seen."""
    height = points @ direction
    return points[height > np.quantile(height, share)]


@pytest.fixture(scope="module")
def lying() -> tuple[DoubleArray, DoubleArray, Pose]:
    """A part without its lower side, one without its upper side, turned; and the pose that brings that one back."""
    up = np.array([0.3, 0.2, 1.0]) / np.linalg.norm([0.3, 0.2, 1.0])
    turn = random_rotation(np.random.default_rng(5))
    shift = np.array([0.1, -0.2, 0.05])
    return shown(scanned(0), up, 0.2), shown(scanned(0), -up, 0.2) @ turn.T + shift, Pose(turn.T, -turn.T @ shift)


def test_the_right_pose_of_another_side_disagrees_least(lying: tuple[DoubleArray, DoubleArray, Pose]) -> None:
    first, second, back = lying
    scan, surface = Oriented(second), Oriented(first)
    right = judge(scan, surface, back)
    wrong = judge(scan, surface, Pose(random_rotation(np.random.default_rng(1)) @ back.rotation, back.translation))
    assert right.conflict < 0.5 * wrong.conflict
    assert right.cost < 0.7 * wrong.cost


def test_a_scan_of_another_side_is_laid_by_what_both_show(lying: tuple[DoubleArray, DoubleArray, Pose]) -> None:
    first, second, back = lying
    found = better(Oriented(second), Oriented(first), Pose(random_rotation(np.random.default_rng(1)), np.zeros(3)))
    assert np.median(np.linalg.norm(found.pose.apply(second) - back.apply(second), axis=1)) < 0.03


def test_a_pose_that_is_right_already_is_kept(lying: tuple[DoubleArray, DoubleArray, Pose]) -> None:
    first, second, back = lying
    assert better(Oriented(second), Oriented(first), back).pose is back


def test_a_rim_is_where_a_cloud_ends() -> None:
    grid = np.stack(np.meshgrid(np.linspace(-1, 1, 60), np.linspace(-1, 1, 60)), axis=-1).reshape(-1, 2)
    flat = np.column_stack([grid, 1e-3 * np.random.default_rng(0).normal(size=len(grid))])
    rim = rim_of(flat, normals_and_curvature(flat)[0])[1]
    edge = np.abs(flat[:, :2]).max(axis=1)
    assert rim[edge > 0.97].all()
    assert not rim[edge < 0.7].any()
