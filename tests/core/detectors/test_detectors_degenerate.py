"""Degenerate clouds: a value or a plain message, never NaN, a crash or a hang."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_run import part, scan_of

from sedir_core.detectors.sedir import SedirDetector
from sedir_core.errors import TooFewPoints, UnreadableScan
from sedir_core.types import Detection, DoubleArray, Scan


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def line(n: int = 500) -> DoubleArray:
    return np.linspace(0, 50, n)[:, None] * np.array([1.0, 2.0, -0.5])


def plane(n: int = 500) -> DoubleArray:
    return rng().uniform(-40, 40, size=(n, 3)) * (1, 1, 0)


def grid() -> DoubleArray:
    axes = np.arange(12.0)
    return np.stack(np.meshgrid(axes, axes, axes), axis=-1).reshape(-1, 3)


CLOUDS: dict[str, DoubleArray] = {
    "collinear": line(),
    "planar": plane(),
    "a regular grid": grid(),
    "two far clumps": np.concatenate([rng().normal(size=(300, 3)), rng().normal(size=(300, 3)) + 1e6]),
    "mostly one place": np.concatenate([np.zeros((3000, 3)), plane(200)]),
    "every point a hundred times": np.repeat(plane(100), 100, axis=0),
    "as few as the model takes": plane(64),
    "tiny": 1e-30 * plane(),
    "large": 1e11 * plane() / 100,
    "a far outlier": np.concatenate([part("bracket", 20), [[1e12, 0, 0]]]),
    "outliers all around": np.concatenate([part("bracket", 20), 1e4 * rng().normal(size=(900, 3))]),
    "far from the origin": part("bracket", 20) + 9e11,
}


def is_plain(found: Detection, scan: Scan) -> bool:
    numbers = (found.object_score, found.threshold, found.point_threshold, found.category_confidence)
    arrays = (found.point_scores[found.evaluated], found.reconstruction, found.token)
    if not found.evaluated.any() or found.evaluated.all() == ("stray" in found.reason):
        return False
    return all(np.isfinite(numbers)) and all(np.isfinite(array).all() for array in arrays) and bool(found.reason)


@pytest.mark.timeout(60, func_only=True)  # not of the training that the first of them waits for
@pytest.mark.parametrize("name", CLOUDS)
def test_a_degenerate_cloud_gets_a_value(detector: SedirDetector, name: str) -> None:
    scan = scan_of(CLOUDS[name], name)
    assert is_plain(detector.detect(scan, "bracket"), scan)


@pytest.mark.parametrize("name", ["mostly one place", "a far outlier"])
def test_so_it_does_where_the_category_is_to_be_found(detector: SedirDetector, name: str) -> None:
    scan = scan_of(CLOUDS[name], name)
    assert is_plain(detector.detect(scan), scan)


@pytest.mark.parametrize("name", ["collinear", "planar", "tiny"])
def test_what_is_no_part_gets_a_value_and_is_never_ok_without_doubt(detector: SedirDetector, name: str) -> None:
    scan = scan_of(CLOUDS[name], name)
    found = detector.detect(scan)
    assert is_plain(found, scan)
    assert found.verdict == "ng" or found.uncertain


@pytest.mark.parametrize(
    "points",
    [
        np.zeros((0, 3)),
        np.zeros((1, 3)),
        np.full((500, 3), np.nan),
        np.ones((5000, 3)),
        np.repeat(plane(30), 200, axis=0),
        plane(60),
    ],
    ids=["none", "one", "not a number", "one place", "thirty places", "too few"],
)
def test_too_few_points_are_refused_by_name(detector: SedirDetector, points: DoubleArray) -> None:
    with pytest.raises(TooFewPoints, match="rivet"):
        detector.detect(scan_of(points, "rivet"))


@pytest.mark.parametrize("points", [1e30 * plane(), np.concatenate([plane(), [[1e30, 0, 0]]]), 1e300 * plane()])
def test_astronomic_coordinates_are_refused_by_name(detector: SedirDetector, points: DoubleArray) -> None:
    with pytest.raises(UnreadableScan, match=r"rivet.*coordinate"):
        detector.detect(scan_of(points, "rivet"))
