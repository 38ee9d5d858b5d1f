"""The colour map: even steps, rising lightness, the limit in the middle, grey for the unknown."""

from __future__ import annotations

import numpy as np

from app.views import colours
from app.views.colours import NOT_EVALUATED, heat, heat_map, position

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


def oklab(rgb: np.ndarray) -> np.ndarray:
    share = rgb / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return np.cbrt(linear @ TO_LMS.T) @ TO_LAB.T


def test_equal_steps_of_score_look_equally_large():
    steps = np.linalg.norm(np.diff(oklab(heat_map()[::8].astype(float)), axis=0), axis=1)
    assert steps.max() / steps.min() < 1.35


def test_lightness_only_rises():
    assert (np.diff(oklab(heat_map()[::4].astype(float))[:, 0]) > 0).all()


def test_the_limit_is_the_middle_of_the_scale():
    shown = heat(np.array([0.0, 3.0, 6.0, 60.0], np.float32), limit=3.0)
    assert np.abs(position(shown) - [0.0, 0.5, 1.0, 1.0]).max() < 0.01


def test_what_was_not_evaluated_is_grey():
    assert tuple(heat(np.array([np.nan], np.float32), 1.0)[0]) == NOT_EVALUATED


def test_the_scale_does_not_depend_on_the_scan():
    quiet, loud = np.array([0.2, 0.3], np.float32), np.array([0.2, 50.0], np.float32)
    assert (heat(quiet, 1.0)[0] == heat(loud, 1.0)[0]).all()


def test_grey_is_none_of_the_map():
    assert np.abs(heat_map().astype(int) - colours.NOT_EVALUATED).sum(axis=1).min() > 30
