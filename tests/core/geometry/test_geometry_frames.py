"""Frames, units and descriptors: what does not change when a scan is moved, scaled or stored in another unit."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_run import part

from sedir_core.geometry.frames import (
    N_DESCRIPTOR,
    Placement,
    frame_of,
    gyration,
    shape_descriptor,
    shortlist,
    unit_factor,
    without_strays,
)
from sedir_core.geometry.registration import Pose, random_rotation
from sedir_core.types import DoubleArray


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def moved(points: DoubleArray, scale: float = 1.0) -> DoubleArray:
    return scale * points @ random_rotation(rng(5)).T + np.array([3.0, -7.0, 11.0])


@pytest.mark.parametrize(("name", "per_mm"), [("mm", 1.0), ("m", 1e-3), ("cm", 0.1), ("inch", 1 / 25.4)])
def test_the_unit_of_a_scan_of_a_part_in_millimetres_is_found(name: str, per_mm: float) -> None:
    assert unit_factor(37.0 * per_mm, 37.0) == pytest.approx(1 / per_mm)


@pytest.mark.parametrize("per_m", [1e3, 100, 1 / 0.0254])
def test_the_unit_of_a_scan_of_a_part_in_metres_is_found(per_m: float) -> None:
    assert unit_factor(0.037 * per_m, 0.037) == pytest.approx(1 / per_m)


@pytest.mark.parametrize("size", [0.7, 1.0, 1.5])
def test_a_bent_or_broken_part_keeps_its_unit(size: float) -> None:
    assert unit_factor(size, 1.0) == 1.0


def test_a_size_that_no_unit_explains_is_kept() -> None:
    assert unit_factor(4.0, 1.0) == 1.0


@pytest.mark.parametrize("offset", [0.0, 5e6])
@pytest.mark.parametrize("unit", [1.0, 1e3])
def test_the_way_into_a_frame_and_back_keeps_coordinates(offset: float, unit: float) -> None:
    points = rng().normal(scale=30, size=(500, 3)) + offset
    frame = frame_of(rng(1).normal(scale=30 * unit, size=(100, 3)))
    placement = Placement(frame, np.median(points, axis=0), unit, Pose(random_rotation(rng(2)), rng(3).normal(size=3)))
    assert np.abs(placement.leave(placement.enter(points)) - points).max() < 1e-8


def test_a_reference_part_fills_its_frame() -> None:
    points = rng().normal(size=(500, 3)) + 9
    inside = frame_of(points).enter(points)
    assert inside.mean(axis=0) == pytest.approx(np.zeros(3), abs=1e-12)
    assert np.linalg.norm(inside, axis=1).max() == pytest.approx(1)


def test_gyration_of_a_sphere_is_its_radius() -> None:
    points = rng().normal(size=(20_000, 3))
    assert gyration(7 * points / np.linalg.norm(points, axis=1, keepdims=True)) == pytest.approx(7, rel=0.01)


def test_strays_are_taken_out_and_nothing_else() -> None:
    points = part("cup", 3)
    dirty = np.concatenate([points, [[1e4, 0, 0], [0, -1e12, 0]]])
    assert np.array_equal(without_strays(dirty), points)


def test_copies_of_one_place_are_no_reason_to_drop_the_rest() -> None:
    points = np.concatenate([np.zeros((100, 3)), rng().normal(size=(50, 3))])
    assert len(without_strays(points)) == 150


def test_the_descriptor_does_not_depend_on_pose_and_unit() -> None:
    points = part("bracket", 3)
    one, other = (shape_descriptor(cloud, rng()) for cloud in (points, moved(points, 25.4)))
    assert one.shape == (N_DESCRIPTOR,)
    assert other == pytest.approx(one, abs=2e-3)  # a pair on the edge of a bin may change it


def test_another_scan_of_a_part_is_nearer_than_another_part() -> None:
    known = {name: shape_descriptor(part(name, 3), rng()) for name in ("bracket", "cup", "flange", "hex_bolt")}
    for name in known:
        assert shortlist(shape_descriptor(part(name, 4), rng()), known, 1) == [name]


def test_the_shortlist_is_sorted_and_cut() -> None:
    known = {"far": np.full(3, 9.0), "near": np.full(3, 1.0), "also near": np.full(3, 1.0)}
    assert shortlist(np.zeros(3), known, 2) == ["also near", "near"]
