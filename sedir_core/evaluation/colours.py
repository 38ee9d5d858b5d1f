"""Scores to colours: a scale and a map, grey for what was not evaluated.

The calibrated scale is the same for every scan and has the limit in its middle: what is over it looks warm, and below
60 % of it there is one quiet tone, so that a good part looks good. The scale of one scan alone spans that scan's
scores, so it shows the little there is, and a good part looks as hot as a bad one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sedir_core.evaluation.colour_maps import DEFAULT_MAP, N_STEPS, Rgb, colour_map
from sedir_core.types import FloatArray

NOT_EVALUATED: tuple[int, int, int] = (82, 84, 88)
SURFACE: tuple[int, int, int] = (196, 202, 210)
"""A scan without scores, and the reconstruction."""
TRUTH: tuple[int, int, int] = (64, 190, 235)
"""Where the data set says the defect is: a colour that no map has."""


QUIET, NEARLY = 0.6, 0.22
"""Of the limit: scores below have one tone. Just below the limit they are so far along the map; at it, half way."""


@dataclass(frozen=True)
class Scale:
    """Values at the two ends of a map. own: the ends are one scan's, and say nothing about another.

    quiet: up to there all values look alike, and what is below the middle differs from what is over it at a glance.
    """

    low: float
    high: float
    map: str = DEFAULT_MAP
    own: bool = False
    quiet: float | None = None

    def colours(self, values: FloatArray) -> Rgb:
        """(n,) values, NaN = not evaluated -> (n, 3) uint8; what is beyond an end has the end's colour."""
        known = np.nan_to_num(values, nan=self.low)
        shares: NDArray[np.floating]
        if not self.high > self.low:
            shares = np.zeros(len(values))
        elif self.quiet is None:
            shares = (known - self.low) / (self.high - self.low)
        else:
            middle = (self.low + self.high) / 2
            over = 0.5 + 0.5 * (known - middle) / (self.high - middle)
            shares = np.where(known >= middle, over, NEARLY * (known - self.quiet) / (middle - self.quiet))
        shares = np.clip(shares, 0.0, 1.0)
        colours = colour_map(self.map)[np.minimum(shares * N_STEPS, N_STEPS - 1).astype(np.uint8)]
        colours[np.isnan(values)] = NOT_EVALUATED
        return np.asarray(colours)


def calibrated(limit: float, map_name: str = DEFAULT_MAP) -> Scale:
    """The scale that is the same for every scan: from 0 to twice the limit."""
    return Scale(0.0, 2.0 * limit, map_name, quiet=QUIET * limit)


def heat(scores: FloatArray, limit: float) -> Rgb:
    """(n,) scores on the calibrated scale, which runs from 0 to twice the limit, as (n, 3) uint8."""
    return calibrated(limit).colours(scores)


def position(colours: Rgb, name: str = DEFAULT_MAP) -> NDArray[np.float64]:
    """(n, 3) uint8 -> (n,) place on the map, 0..1: the nearest entry. What a picture shows, read back."""
    table = colour_map(name).astype(np.int32)
    distance = ((np.asarray(colours, np.int32)[:, None, :] - table[None]) ** 2).sum(axis=2)
    return np.asarray(distance.argmin(axis=1) / (N_STEPS - 1))
