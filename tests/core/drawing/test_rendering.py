"""Surfaces drawn without a screen: what is near hides what is far, and what is closed has no holes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from roundness import RoundnessDetector, ball

from sedir_core.drawing import rendering
from sedir_core.drawing.drawn_scan import DrawnScan, Patch
from sedir_core.drawing.joining import DrawnSurface, part_of, surface_of
from sedir_core.drawing.rendering import Viewport, render
from sedir_core.types import Scan

RED, BLUE = (200, 0, 0), (0, 0, 200)
FRONT = Viewport(np.eye(3), (0.0, 0.0), 1.0, 40)


def square(depth: float, half: float = 0.5) -> DrawnSurface:
    corners = np.array([(-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0)], np.float32) * np.float32(half)
    corners[:, 2] = depth
    upright = np.tile(np.array((0, 0, 1), np.float32), (4, 1))
    return DrawnSurface(corners, upright, np.array([(0, 1, 2), (0, 2, 3)], np.int32), np.empty(0, np.int64), 0.1)


def of(colour: tuple[int, int, int], n: int = 4) -> np.ndarray:
    return np.tile(np.array(colour, np.uint8), (n, 1))


def centred() -> np.ndarray:
    points = ball()
    return points - points.mean(axis=0)


@pytest.fixture(scope="module")
def round_one() -> DrawnSurface:
    return surface_of(np.random.default_rng(0).permutation(centred()))


def test_a_square_covers_its_pixels_and_no_others() -> None:
    covered = render([(square(0.0), of(RED))], FRONT)[..., 3]
    assert (covered[10:30, 10:30] == 255).all() and covered.sum() == 255 * 400


@pytest.mark.parametrize("nearest_first", [True, False])
def test_what_is_near_hides_what_is_far(nearest_first: bool) -> None:
    layers = [(square(0.5), of(RED)), (square(-0.5, 0.9), of(BLUE))]
    pixels = render(layers if nearest_first else layers[::-1], FRONT)
    red, blue = pixels[..., 0].astype(int), pixels[..., 2].astype(int)
    assert (red > blue)[11:29, 11:29].all() and (blue > red)[4:36, 4:8].all()


def test_a_surface_that_is_drawn_bit_by_bit_is_the_same(monkeypatch, round_one: DrawnSurface) -> None:
    whole = render([(round_one, of(RED, len(round_one)))], FRONT)
    monkeypatch.setattr(rendering, "ROWS_AT_ONCE", 7)
    assert np.array_equal(render([(round_one, of(RED, len(round_one)))], FRONT), whole)


def test_a_ball_of_points_has_no_holes(round_one: DrawnSurface) -> None:
    reach = float(np.linalg.norm(round_one.points, axis=1).max())
    frame = Viewport(np.eye(3), (0.0, 0.0), 1.1 * reach, 60)
    covered = render([(round_one, of(RED, len(round_one)))], frame)[..., 3]
    across = (np.arange(60) + 0.5 - 30) / 30 * frame.half
    inside = np.hypot(*np.meshgrid(across, across)) < 0.9 * reach
    assert (covered[inside] == 255).all()


def test_too_few_points_for_a_surface_are_drawn_as_points() -> None:
    few = surface_of(np.array([(0.0, 0.0, 0.0), (0.5, 0.0, 0.0), (0.0, 0.5, 0.0)]))
    assert render([(few, of(RED, 3))], FRONT)[20, 20, 3] == 255


def test_nothing_is_drawn_of_what_lies_outside_the_frame() -> None:
    assert not render([(square(0.0), of(RED))], Viewport(np.eye(3), (5.0, 5.0), 1.0, 40)).any()


def test_part_of_a_surface_has_only_its_own_triangles(round_one: DrawnSurface) -> None:
    upper = part_of(round_one, round_one.points[:, 2] > 0)
    assert (upper.points[:, 2] > 0).all()
    assert 0 < len(upper.triangles) < len(round_one.triangles) and upper.triangles.max() < len(upper)


def test_a_report_takes_the_surface_that_the_window_has_made_without_strays() -> None:
    points = np.concatenate([centred(), [[1e3, 0, 0]]])
    scan = Scan(points, "ball")
    found = RoundnessDetector().detect(Scan(centred(), "ball"))
    scores = np.append(found.point_scores, np.float32(np.nan))
    detection = replace(found, point_scores=scores)
    known = Patch(surface_of(points), np.arange(len(points)), np.zeros(3))
    whole = DrawnScan(scan, detection, known).whole
    assert np.array_equal(whole.rows, np.arange(len(points) - 1))
    assert np.array_equal(whole.surface.points, known.surface.points[:-1])
