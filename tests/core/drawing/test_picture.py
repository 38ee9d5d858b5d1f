"""The picture of an inspection shows the defect, and only where the scan is."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import imread
from roundness import RoundnessDetector, ball

from sedir_core.drawing.deviation_scale import DeviationScale
from sedir_core.drawing.painting import DPI
from sedir_core.drawing.picture import ON_PAPER, PANEL_INCHES, _deviation_bar, draw_inspection
from sedir_core.types import Scan, Tolerance


def drawn(path: Path, dent: float) -> np.ndarray:
    scan = Scan(ball(dent=dent), "name with $ and _")
    draw_inspection(path, scan, RoundnessDetector().detect(scan))
    picture = imread(path)[:, :, :3]
    return picture[picture.shape[0] // 8 : -picture.shape[0] // 7]  # without the words and the colour bar


def hot(pixels: np.ndarray) -> int:
    """How many pixels are of the bright end of the heat scale: yellow, where normal is dark violet."""
    return int(((pixels[..., 0] > 0.6) & (pixels[..., 1] > 0.5) & (pixels[..., 2] < 0.75 * pixels[..., 1])).sum())


def test_the_defect_is_hot_on_the_left_only(tmp_path) -> None:
    pixels = drawn(tmp_path / "dented.png", dent=0.2)
    middle = pixels.shape[1] // 2
    assert hot(pixels[:, :middle]) > 500
    assert hot(pixels[:, middle:]) == 0


def test_a_good_part_stays_cool(tmp_path) -> None:
    assert hot(drawn(tmp_path / "good.png", dent=0.0)) == 0


def test_the_same_inspection_gives_the_same_picture(tmp_path) -> None:
    first, second = drawn(tmp_path / "a.png", 0.1), drawn(tmp_path / "b.png", 0.1)
    assert np.array_equal(first, second)


@pytest.mark.parametrize("n_reconstructed", [0, 1, 3])
def test_a_reconstruction_of_next_to_nothing_is_no_error(tmp_path, n_reconstructed) -> None:
    scan = Scan(ball(), "ball")
    detection = RoundnessDetector().detect(scan)
    draw_inspection(tmp_path / "a.png", scan, replace(detection, reconstruction=scan.points[:n_reconstructed]))
    assert (tmp_path / "a.png").stat().st_size > 1000


def test_points_that_were_not_evaluated_are_drawn_too(tmp_path) -> None:
    points = ball()
    points[:10] = np.nan
    scan = Scan(points, "holes")
    draw_inspection(tmp_path / "a.png", scan, RoundnessDetector().detect(scan))
    assert (tmp_path / "a.png").stat().st_size > 1000


def test_strays_do_not_make_the_part_a_dot(tmp_path) -> None:
    points = np.concatenate([ball(dent=0.2), [[1e6, 0, 0], [0, 900, 0]]])
    found = RoundnessDetector().detect(Scan(ball(dent=0.2), "ball"))
    scores = np.concatenate([found.point_scores, [np.nan, np.nan]]).astype(np.float32)
    draw_inspection(tmp_path / "strays.png", Scan(points, "name with $ and _"), replace(found, point_scores=scores))
    clean, dirty = drawn(tmp_path / "clean.png", dent=0.2), imread(tmp_path / "strays.png")[:, :, :3]
    dirty = dirty[dirty.shape[0] // 8 : -dirty.shape[0] // 7]
    assert hot(dirty) == pytest.approx(hot(clean), rel=0.05)


@pytest.mark.parametrize("band", [(-0.01, 0.01), (0, 0.02), (-0.1, 0.1), (-0.02, 0.3), (-0.31, 0.28), (-0.6, 0.6)])
def test_labels_of_the_deviation_never_overlap(band: tuple[float, float]) -> None:
    figure = Figure((2 * ON_PAPER * PANEL_INCHES, 4), dpi=DPI)
    FigureCanvasAgg(figure)
    _deviation_bar(figure, DeviationScale(Tolerance(*band), 1.0).times(0.443), "black")
    figure.draw_without_rendering()
    boxes = [label.get_window_extent() for label in figure.axes[0].get_xticklabels()]
    assert all(left.x1 < right.x0 for left, right in pairwise(boxes))
