"""A narrow gap is found as a line, whichever way it runs, and chance holes are not."""

from __future__ import annotations

import numpy as np
import pytest

from sedir_core.geometry.scan_numbers import SEAMS
from sedir_core.geometry.seams import SeamFinder
from sedir_core.types import DoubleArray, FloatArray

N = 2_500
SPACING = 1 / np.sqrt(N)


def plane() -> tuple[DoubleArray, DoubleArray]:
    points = np.random.default_rng(1).uniform(size=(N, 3)) * (1, 1, 0)
    return points, np.tile([0.0, 0.0, 1.0], (N, 1))


@pytest.fixture(scope="module")
def finder() -> SeamFinder:
    return SeamFinder(*plane(), SPACING)


def along(angle: float, bend: float = 0.0) -> tuple[FloatArray, DoubleArray]:
    """One on a line through the middle of the plane, 20 spacings long, less than one elsewhere; the line's points."""
    centred = plane()[0] - [0.5, 0.5, 0]
    u = centred[:, 0] * np.cos(angle) + centred[:, 1] * np.sin(angle)
    v = centred[:, 1] * np.cos(angle) - centred[:, 0] * np.sin(angle)
    on = (np.abs(v - bend * u**2) < 0.8 * SPACING) & (np.abs(u) < 10 * SPACING)
    values = np.random.default_rng(2).uniform(0, 0.6, N)
    return np.where(on, 1.0, values).astype(np.float32), on & (np.abs(u) < 4 * SPACING)


@pytest.mark.parametrize("angle", [0.0, 0.4, 1.3, 2.5])
def test_a_line_stands_out_whichever_way_it_runs(finder: SeamFinder, angle: float) -> None:
    values, line = along(angle)
    found = finder.highest_means(values)
    assert np.median(found[line]) > 1.3 * np.median(found[~line])


def test_a_bent_line_stands_out_as_well(finder: SeamFinder) -> None:
    values, line = along(0.7, bend=1.5)
    found = finder.highest_means(values)
    assert np.median(found[line]) > 1.3 * np.median(found[~line])


def test_a_single_hole_is_no_line(finder: SeamFinder) -> None:
    values = np.zeros(N, np.float32)
    values[0] = 1.0
    assert finder.highest_means(values).max() == pytest.approx(1 / (2 * SEAMS.steps + 1))


def test_the_mean_is_one_where_everything_is(finder: SeamFinder) -> None:
    found = finder.highest_means(np.ones(N, np.float32))
    assert found.max() == pytest.approx(1.0)
    assert np.median(found) == pytest.approx(1.0)


def test_no_step_leads_through_a_thin_wall() -> None:
    points, normals = plane()
    other = points + np.array([0, 0, 0.3 * SPACING])
    both = SeamFinder(np.concatenate([points, other]), np.concatenate([normals, -normals]), SPACING)
    values = np.concatenate([np.zeros(N), np.ones(N)]).astype(np.float32)
    assert both.highest_means(values)[:N].max() == 0
