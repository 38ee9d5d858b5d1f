"""Colour maps for scores, with uniformly increasing lightness, hence safe for colour-blind users.

*Ember* is our own curve in OKLab (Ottosson 2020), from steel blue over mauve to yellow. *Viridis* and *Plasma* are
matplotlib's (Smith and van der Walt 2015), sampled at 17 places. All are resampled to perceptually equal steps. None
passes through the grey of points that were not evaluated.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

Rgb = NDArray[np.uint8]

N_STEPS = 256
DEFAULT_MAP = "ember"
MAPS = {"ember": "Ember", "viridis": "Viridis", "plasma": "Plasma"}
"""Name in settings and title in menus."""

# Bezier points in OKLab: lightness, green-red, blue-yellow.
_EMBER = np.array([(0.615, -0.012, -0.038), (0.68, 0.03, -0.05), (0.67, 0.205, 0.1), (0.92, 0.0, 0.17)])
_VIRIDIS = (
    "440154 48186a 472d7b 424086 3b528b 33638d 2c728e 26828e 21918c 1fa088 28ae80 3fbc73 5ec962 84d44b addc30 d8e219"
    " fde725"
)
_PLASMA = (
    "0d0887 310597 4c02a1 6600a7 7e03a8 9511a1 aa2395 bc3587 cc4778 da5a6a e66c5c f0804e f89540 fdac33 fdc527 f8df25"
    " f0f921"
)


@cache
def colour_map(name: str = DEFAULT_MAP) -> Rgb:
    """(256, 3) uint8, from low to high, read-only. Raises KeyError for an unknown name."""
    lab = _bezier() if name == "ember" else _oklab(_hex({"viridis": _VIRIDIS, "plasma": _PLASMA}[name]))
    table = np.rint(_srgb(_evenly(lab)) * 255).astype(np.uint8)
    table.flags.writeable = False
    return table


def _bezier() -> NDArray[np.float64]:
    t = np.linspace(0.0, 1.0, 4096)[:, None]
    a, b, c, d = _EMBER
    return np.asarray((1 - t) ** 3 * a + 3 * (1 - t) ** 2 * t * b + 3 * (1 - t) * t**2 * c + t**3 * d)


def _evenly(curve: NDArray[np.float64]) -> NDArray[np.float64]:
    """(256, 3) points at equal distances along a curve (n, 3)."""
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(curve, axis=0), axis=1))])
    even = np.linspace(0.0, length[-1], N_STEPS)
    return np.stack([np.interp(even, length, curve[:, axis]) for axis in range(3)], axis=1)


def _hex(colours: str) -> NDArray[np.float64]:
    return np.array([list(bytes.fromhex(colour)) for colour in colours.split()]) / 255


_LMS_FROM_LAB = np.array(
    [[1, 0.3963377774, 0.2158037573], [1, -0.1055613458, -0.0638541728], [1, -0.0894841775, -1.2914855480]]
)
_RGB_FROM_LMS = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)


def _srgb(lab: NDArray[np.float64]) -> NDArray[np.float64]:
    """OKLab (n, 3) to sRGB (n, 3) in 0..1, clipped to the gamut."""
    linear = np.clip((lab @ _LMS_FROM_LAB.T) ** 3 @ _RGB_FROM_LMS.T, 0.0, 1.0)
    return np.asarray(np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055))


def _oklab(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """sRGB (n, 3) in 0..1 to OKLab (n, 3)."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return np.asarray(np.cbrt(linear @ np.linalg.inv(_RGB_FROM_LMS).T) @ np.linalg.inv(_LMS_FROM_LAB).T)
