"""The golden template: distances with a sign, both ways, as they are or in times of what is usual."""

from __future__ import annotations

import numpy as np
import pytest
from peers import memorise
from tiny_run import TinyRun, dented, part, scan_of

from sedir_core.detectors.template import TemplateDetector, deviation, top_mean
from sedir_core.geometry.registration import Surface
from sedir_core.training.learn_peers import new_part_factor
from sedir_core.types import DoubleArray


def ball(n: int, seed: int) -> DoubleArray:
    directions = np.random.default_rng(seed).normal(size=(n, 3))
    return directions / np.linalg.norm(directions, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def sphere() -> Surface:
    points = ball(8_000, 0)
    return Surface(points, points)


def test_a_dent_is_inside_and_a_bulge_outside(sphere: Surface) -> None:
    points = ball(8_000, 1)
    top, bottom = points[:, 2] > 0.9, points[:, 2] < -0.9
    points[top] *= 0.95
    points[bottom] *= 1.05
    found = deviation(points, sphere)
    assert np.median(found.there[top]) == pytest.approx(-0.05, abs=0.005)
    assert np.median(found.there[bottom]) == pytest.approx(0.05, abs=0.005)
    assert np.abs(np.median(found.there[~top & ~bottom])) < 0.002


def test_what_is_missing_is_far_from_the_scan(sphere: Surface) -> None:
    points = ball(8_000, 1)
    points = points[points[:, 2] < 0.95]
    found = deviation(points, sphere)
    rim = points[:, 2] > 0.93
    assert found.back[rim].mean() > 3 * found.back[~rim].mean()


def test_one_flying_pixel_condemns_no_part() -> None:
    scores = np.full(2_000, 0.1)
    scores[0] = 100.0
    assert top_mean(scores) < 30
    assert top_mean(np.r_[scores[:1], scores[1:] + 0.1]) > top_mean(scores)


@pytest.fixture(scope="module")
def templates(tiny: TinyRun, tmp_path_factory: pytest.TempPathFactory) -> dict[str, TemplateDetector]:
    folder = tmp_path_factory.mktemp("templates")
    runs = {way: memorise("template", tiny, folder / way, standardise=way) for way in ("none", "place")}
    return {way: TemplateDetector.load(run, "cpu") for way, run in runs.items()}


def test_distances_are_in_the_scan_s_unit(templates: dict[str, TemplateDetector]) -> None:
    points, mask = dented(part("bracket", 101), depth=0.1)  # of a diagonal of 100 mm
    found = templates["none"].detect(scan_of(points), "bracket")
    assert 4 < np.quantile(found.point_scores[mask], 0.99) < 12
    assert "the golden surface" in found.reason


def test_a_place_that_varies_among_good_parts_counts_less(templates: dict[str, TemplateDetector]) -> None:
    assert templates["place"].statistics is not None
    points, mask = dented(part("bracket", 101), depth=0.1)
    found = templates["place"].detect(scan_of(points), "bracket")
    assert found.point_scores[mask].mean() > found.point_scores[~mask].mean()
    assert 0.2 < found.threshold < 5  # in times of what is usual


@pytest.mark.parametrize("n_parts", [2, 4, 9])
def test_a_new_part_lies_farther_from_the_mean_than_one_of_it(n_parts: int) -> None:
    shapes = np.random.default_rng(0).normal(size=(100_000, n_parts + 1))
    apart = shapes - shapes[:, :n_parts].mean(axis=1, keepdims=True)
    of_it, new = (float(np.sqrt(np.mean(values**2))) for values in (apart[:, 0], apart[:, n_parts]))
    assert new_part_factor(n_parts) == pytest.approx(new / of_it, rel=0.02)


def test_a_single_part_tells_nothing_of_others() -> None:
    assert new_part_factor(1) == 1.0
