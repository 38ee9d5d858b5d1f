"""From deviations to colours: green inside the tolerance band, and steps to blue (too little) and red outside.

Unlike a score, a deviation has a sign and a unit, so its map has a few flat, nameable colours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sedir_core.drawing.colour_maps import Rgb
from sedir_core.drawing.colours import NOT_EVALUATED
from sedir_core.types import DoubleArray, FloatArray, Tolerance
from sedir_core.units import number

INSIDE: tuple[int, int, int] = (104, 178, 112)
TOO_LITTLE = ((62, 62, 176), (54, 104, 206), (74, 160, 226), (140, 214, 236))
"""Colours from the low end to the band."""
TOO_MUCH = ((246, 222, 96), (246, 168, 50), (232, 104, 44), (184, 34, 44))
"""Colours from the band to the high end."""
FAR_SHARE = 0.05
"""Approximate end of the scale, as a share of the part's radius."""
USUAL_BAND = 0.4
"""Default band, as a share of the scale."""
DIGITS = 2
"""Significant digits of a band's edges while dragging."""
LEAST_END = 1.6
"""Least extent of the scale, as a multiple of the band's wider half."""


@dataclass(frozen=True)
class DeviationScale:
    """band: deviations in tolerance. far: end of the scale on either side; both in one unit."""

    band: Tolerance
    far: float

    @property
    def high(self) -> float:
        return max(self.far, LEAST_END * max(-self.band.minus, self.band.plus))

    @property
    def low(self) -> float:
        return -self.high

    @property
    def edges(self) -> DoubleArray:
        """(10,) ascending boundaries of the colours, including both ends."""
        below = np.linspace(self.low, self.band.minus, len(TOO_LITTLE) + 1)
        above = np.linspace(self.band.plus, self.high, len(TOO_MUCH) + 1)
        return np.concatenate([below, above])

    def colours(self, values: FloatArray) -> Rgb:
        """(n,) deviations, NaN = not evaluated -> (n, 3) uint8; values out of range are clipped."""
        inner = self.edges[1:-1]
        known = np.nan_to_num(values)
        # The edges belong to the band.
        step = np.where(known > 0, np.searchsorted(inner, known, "left"), np.searchsorted(inner, known, "right"))
        colours = TABLE[step]
        colours[np.isnan(values)] = NOT_EVALUATED
        return np.asarray(colours)

    def times(self, factor: float) -> DeviationScale:
        """The scale converted by a unit factor."""
        return DeviationScale(Tolerance(self.band.minus * factor, self.band.plus * factor), self.far * factor)


def default_far(radius: float) -> float:
    """Default end of the scale for a part of that radius: a round number, independent of defects."""
    return round_length(FAR_SHARE * radius)


def default_band(radius: float) -> Tolerance:
    """The default band."""
    edge = USUAL_BAND * default_far(radius)
    return Tolerance(-edge, edge)


def rounded(value: float) -> float:
    """Round to DIGITS significant digits."""
    return float(f"{value:.{DIGITS}g}")


def share_inside(values: FloatArray, band: Tolerance) -> float:
    """Share of the evaluated points inside the band, 0..1; NaN if none was evaluated."""
    known = values[~np.isnan(values)]
    return float(np.mean((known >= band.minus) & (known <= band.plus))) if len(known) else float("nan")


def signed(length: float, like: float) -> str:
    """`+0.42`, `−0.42`, with the precision of `like`."""
    return ("+" if length > 0 else "") + number(length, like).replace("-", "−")


def round_length(length: float) -> float:
    """The nearest of 1, 2 or 5 times a power of ten."""
    power = 10.0 ** np.floor(np.log10(length))
    return float(min((power * step for step in (1, 2, 5, 10)), key=lambda value: abs(np.log(value / length))))


TABLE: Rgb = np.array([*TOO_LITTLE, INSIDE, *TOO_MUCH], np.uint8)
