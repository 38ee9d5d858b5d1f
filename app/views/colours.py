"""Scores to colours: one map, one fixed scale, grey for what was not evaluated.

The map is a curve of our own in OKLab (Ottosson 2020), slate blue over mauve to yellow, cut into steps of equal
length: equal differences of score look equally large. Its lightness only rises, so it survives every kind of colour
blindness and a black-and-white printer. The limit sits in the middle of the scale: what is over it looks warm.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from sedir_core.types import FloatArray

Rgb = NDArray[np.uint8]

N_STEPS = 256
NOT_EVALUATED: tuple[int, int, int] = (122, 126, 132)
SURFACE: tuple[int, int, int] = (196, 202, 210)
"""A scan without scores, and the reconstruction."""
TRUTH: tuple[int, int, int] = (64, 190, 235)
"""Where the data set says the defect is: a colour that the heat does not have."""

# Bezier points in OKLab: lightness, green-red, blue-yellow.
_CURVE = np.array([(0.43, -0.03, -0.09), (0.60, -0.02, -0.13), (0.62, 0.24, 0.10), (0.90, 0.0, 0.16)])


def heat(scores: FloatArray, limit: float) -> Rgb:
    """(n,) scores, NaN = not evaluated -> (n, 3) uint8. The scale runs from 0 to twice the limit."""
    scale = N_STEPS / (2.0 * limit) if limit > 0 else 0.0
    blank = np.isnan(scores)
    step = np.clip(np.where(blank, 0.0, scores) * scale, 0, N_STEPS - 1).astype(np.intp)
    colours = heat_map()[step]
    colours[blank] = NOT_EVALUATED
    return colours


@cache
def heat_map() -> Rgb:
    """(256, 3) uint8, from harmless to hot. Not to be written to."""
    t = np.linspace(0.0, 1.0, 4096)[:, None]
    a, b, c, d = _CURVE
    curve = (1 - t) ** 3 * a + 3 * (1 - t) ** 2 * t * b + 3 * (1 - t) * t**2 * c + t**3 * d
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(curve, axis=0), axis=1))])
    even = np.interp(np.linspace(0.0, length[-1], N_STEPS), length, t[:, 0])
    lab = np.stack([np.interp(even, t[:, 0], curve[:, axis]) for axis in range(3)], axis=1)
    table = np.rint(_srgb(lab) * 255).astype(np.uint8)
    table.flags.writeable = False
    return table


def position(colours: Rgb) -> NDArray[np.float64]:
    """(n, 3) uint8 -> (n,) place on the map, 0..1: the nearest entry. What a picture shows, read back."""
    table = heat_map().astype(np.int32)
    distance = ((np.asarray(colours, np.int32)[:, None, :] - table[None]) ** 2).sum(axis=2)
    return np.asarray(distance.argmin(axis=1) / (N_STEPS - 1))


def _srgb(lab: NDArray[np.float64]) -> NDArray[np.float64]:
    """OKLab (n, 3) to sRGB (n, 3) in 0..1, clipped to the gamut."""
    to_lms = np.array(
        [[1, 0.3963377774, 0.2158037573], [1, -0.1055613458, -0.0638541728], [1, -0.0894841775, -1.2914855480]]
    )
    to_rgb = np.array(
        [
            [4.0767416621, -3.3077115913, 0.2309699292],
            [-1.2684380046, 2.6097574011, -0.3413193965],
            [-0.0041960863, -0.7034186147, 1.7076147010],
        ]
    )
    linear = np.clip((lab @ to_lms.T) ** 3 @ to_rgb.T, 0.0, 1.0)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
