"""Two scans of one kind of part, compared with each other: wherever they lie, and in whatever unit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from measured_ball import MeasuringDetector
from scipy.spatial.transform import Rotation

from sedir_core.evaluation.between import alike, deviation_between, laid_like
from sedir_core.types import Detection, DoubleArray, Scan

N_POINTS, N_PLACES = 8_000, 4_000
TURNED = Rotation.from_rotvec([0.4, 1.1, -0.3]).as_matrix()
INCHES = 25.4


def directions(count: int, seed: int) -> DoubleArray:
    random = np.random.default_rng(seed).normal(size=(count, 3))
    return np.asarray(random / np.linalg.norm(random, axis=1, keepdims=True))


def made(depth: float, seed: int, unit: float = 1.0, turned: DoubleArray | None = None) -> tuple[Scan, Detection]:
    """A ball of 1 mm with a dent at the top, written in a unit of so many millimetres, turned."""
    turn = np.eye(3) if turned is None else turned
    outward = directions(N_POINTS, seed)
    deviation = -depth * np.clip((outward[:, 2] - 0.8) / 0.1, 0.0, 1.0)
    scan = Scan((1 + deviation)[:, None] * outward @ turn.T / unit, "ball")
    found = replace(
        MeasuringDetector().detect(scan),
        deviation=(deviation / unit).astype(np.float32),
        deviation_rigid=(deviation / unit).astype(np.float32),
        expected=directions(N_PLACES, 0) @ turn.T / unit,
        to_unit=unit,
    )
    return scan, found


@pytest.mark.parametrize(("unit", "turned"), [(1.0, None), (INCHES, TURNED)], ids=["as it lies", "turned, in inches"])
def test_the_deeper_dent_of_two_is_deeper_by_the_difference(unit: float, turned: DoubleArray | None) -> None:
    scan, found = made(0.10, 1)
    between = deviation_between(scan, found, *made(0.04, 2, unit, turned), rigid=False)
    top = scan.points[:, 2] > 0.93 * 0.9
    assert np.median(between[top & (scan.points[:, 2] > 0.85)]) == pytest.approx(-0.06, abs=0.005)
    assert np.abs(between[scan.points[:, 2] < 0.6]).max() < 0.005


@pytest.mark.parametrize(("unit", "turned"), [(1.0, None), (INCHES, TURNED)], ids=["as it lies", "turned, in inches"])
def test_another_scan_is_laid_as_this_one_lies(unit: float, turned: DoubleArray | None) -> None:
    (_, found), (_, other) = made(0.10, 1), made(0.04, 2, unit, turned)
    turn, shift = laid_like(found, other)
    assert other.expected is not None and found.expected is not None
    assert np.abs(other.expected @ turn.T + shift - found.expected).max() < 1e-9
    assert np.linalg.det(turn) > 0


def test_a_scan_deviates_from_itself_by_nothing() -> None:
    one = made(0.10, 1)
    assert np.abs(np.median(deviation_between(*one, *one, rigid=True))) < 1e-6


def test_what_the_other_lacks_is_not_compared() -> None:
    other, found = made(0.0, 2)
    assert found.deviation is not None
    kept = other.points[:, 2] > -0.5
    measured = found.deviation[kept]
    less = replace(found, deviation=measured, deviation_rigid=measured, point_scores=found.point_scores[kept])
    scan, own = made(0.0, 1)
    between = deviation_between(scan, own, Scan(other.points[kept], "half"), less, rigid=False)
    assert np.isnan(between[scan.points[:, 2] < -0.8]).all()
    assert not np.isnan(between[scan.points[:, 2] > 0.0]).any()


def test_only_scans_of_one_kind_and_one_model_can_be_compared() -> None:
    one, other = made(0.1, 1)[1], made(0.0, 2)[1]
    assert alike(one, other)
    assert not alike(one, replace(other, category="globe"))
    assert not alike(one, replace(other, expected=None))
    assert not alike(one, replace(other, expected=directions(10, 0)))
