"""Deviations to colours: green inside the tolerance band, from there in equal steps to blue (too little) and red.

Unlike a score a deviation has a sign and a unit, so its map is another one: a few flat colours that can be named.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sedir_core.evaluation.colour_maps import Rgb
from sedir_core.evaluation.colours import NOT_EVALUATED
from sedir_core.types import DoubleArray, FloatArray, Tolerance
from sedir_core.units import number

INSIDE: tuple[int, int, int] = (104, 178, 112)
TOO_LITTLE = ((62, 62, 176), (54, 104, 206), (74, 160, 226), (140, 214, 236))
"""From the low end to the band."""
TOO_MUCH = ((246, 222, 96), (246, 168, 50), (232, 104, 44), (184, 34, 44))
"""From the band to the high end."""
FAR_SHARE = 0.05
"""Of the part's radius: about where the scale ends."""
USUAL_BAND = 0.4
"""Of the scale: the band where nobody has set one."""
DIGITS = 2
"""Of the edges of a band, while they are dragged."""
LEAST_END = 1.6
"""Times the wider half of the band: so far at least the scale goes."""


@dataclass(frozen=True)
class DeviationScale:
    """band: the deviations that are as wanted. far: where the scale ends on either side; both in one unit."""

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
        """(10,) where a colour ends and the next begins, both ends included; ascending."""
        below = np.linspace(self.low, self.band.minus, len(TOO_LITTLE) + 1)
        above = np.linspace(self.band.plus, self.high, len(TOO_MUCH) + 1)
        return np.concatenate([below, above])

    def colours(self, values: FloatArray) -> Rgb:
        """(n,) deviations, NaN = not evaluated -> (n, 3) uint8; what is beyond an end has the end's colour."""
        inner = self.edges[1:-1]
        known = np.nan_to_num(values)
        # The band's own two edges are inside.
        step = np.where(known > 0, np.searchsorted(inner, known, "left"), np.searchsorted(inner, known, "right"))
        colours = TABLE[step]
        colours[np.isnan(values)] = NOT_EVALUATED
        return np.asarray(colours)

    def times(self, factor: float) -> DeviationScale:
        """The same in another unit."""
        return DeviationScale(Tolerance(self.band.minus * factor, self.band.plus * factor), self.far * factor)


def usual_far(radius: float) -> float:
    """The end of the scale for a part of that radius: a round number that depends on no defect."""
    return round_length(FAR_SHARE * radius)


def usual_band(radius: float) -> Tolerance:
    """The band where nobody has set one."""
    edge = USUAL_BAND * usual_far(radius)
    return Tolerance(-edge, edge)


def rounded(value: float) -> float:
    """To DIGITS significant digits, as people write tolerances."""
    return float(f"{value:.{DIGITS}g}")


def share_inside(values: FloatArray, band: Tolerance) -> float:
    """How much of the evaluated surface is inside the band, 0..1; NaN where nothing was evaluated."""
    known = values[~np.isnan(values)]
    return float(np.mean((known >= band.minus) & (known <= band.plus))) if len(known) else float("nan")


def signed(length: float, like: float) -> str:
    """`+0.42`, `−0.42`, as exact as `like`."""
    return ("+" if length > 0 else "") + number(length, like).replace("-", "−")


def round_length(length: float) -> float:
    """The nearest of 1, 2 or 5 times a power of ten."""
    power = 10.0 ** np.floor(np.log10(length))
    return float(min((power * step for step in (1, 2, 5, 10)), key=lambda value: abs(np.log(value / length))))


TABLE: Rgb = np.array([*TOO_LITTLE, INSIDE, *TOO_MUCH], np.uint8)
