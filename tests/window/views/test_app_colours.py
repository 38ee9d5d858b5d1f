"""The colour maps and scales: even steps, rising lightness, the limit in the middle, grey for the unknown."""

from __future__ import annotations

import numpy as np
import pytest

from app.views.colours import Look
from sedir_core.drawing.colour_maps import MAPS, colour_map
from sedir_core.drawing.colours import NOT_EVALUATED, TRUTH, heat, position

TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
# Eyes without red or without green cones, on linear RGB: Machado, Oliveira and Fernandes 2009.
DICHROMATS = {
    "no red": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "no green": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
}


def linear(rgb: np.ndarray) -> np.ndarray:
    share = rgb / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def oklab(rgb: np.ndarray, seen: np.ndarray | None = None) -> np.ndarray:
    light = linear(rgb) if seen is None else np.clip(linear(rgb) @ seen.T, 0, 1)
    return np.cbrt(light @ TO_LMS.T) @ TO_LAB.T


@pytest.mark.parametrize("name", MAPS)
def test_equal_steps_of_score_look_equally_large(name):
    steps = np.linalg.norm(np.diff(oklab(colour_map(name)[::8].astype(float)), axis=0), axis=1)
    assert steps.max() / steps.min() < 1.35


@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize("eyes", [None, *DICHROMATS])
def test_lightness_only_rises_for_every_kind_of_eye(name, eyes):
    seen = None if eyes is None else np.array(DICHROMATS[eyes])
    assert (np.diff(oklab(colour_map(name)[::8].astype(float), seen)[:, 0]) > 0).all()


@pytest.mark.parametrize("name", ["viridis", "plasma"])
def test_known_maps_are_those_of_matplotlib(name):
    from matplotlib import colormaps

    known = colormaps[name](np.linspace(0, 1, 256))[:, :3] * 255
    nearest = np.sqrt(((colour_map(name)[:, None].astype(float) - known[None]) ** 2).sum(axis=2)).min(axis=1)
    assert nearest.max() < 6


@pytest.mark.parametrize("name", MAPS)
def test_grey_and_the_colour_of_the_truth_are_of_no_map(name):
    table = colour_map(name).astype(int)
    assert np.abs(table - TRUTH).sum(axis=1).min() > 30
    assert np.abs(table - NOT_EVALUATED).sum(axis=1).min() > 30


def test_the_limit_is_the_middle_of_the_scale():
    shown = heat(np.array([0.0, 3.0, 6.0, 60.0], np.float32), limit=3.0)
    assert np.abs(position(shown) - [0.0, 0.5, 1.0, 1.0]).max() < 0.01


@pytest.mark.parametrize("per_scan", [False, True])
def test_what_was_not_evaluated_is_grey(per_scan):
    scores = np.array([np.nan, 0.1, 0.4], np.float32)
    assert tuple(Look(per_scan=per_scan).scale(scores, 1.0).colours(scores)[0]) == NOT_EVALUATED


def test_the_calibrated_scale_does_not_depend_on_the_scan_and_its_own_does():
    quiet, loud = np.array([0.2, 0.3], np.float32), np.array([0.2, 50.0], np.float32)
    assert (heat(quiet, 1.0)[0] == heat(loud, 1.0)[0]).all()
    own = Look(per_scan=True).scale(quiet, 1.0)
    assert own.own and np.allclose(position(own.colours(quiet)), [0.0, 1.0], atol=0.01)


def test_a_scan_without_any_score_keeps_the_calibrated_scale():
    nothing = np.full(3, np.nan, np.float32)
    assert not Look(per_scan=True).scale(nothing, 1.0).own


def test_a_limit_that_is_no_positive_number_colours_all_alike():
    assert (heat(np.array([0.0, 9.0], np.float32), 0.0) == colour_map()[0]).all()
