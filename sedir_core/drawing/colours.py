"""From scores to colours: a scale and a map, grey for points not evaluated.

The calibrated scale is the same for every scan, with the limit in its middle: scores over it are warm, and below 60 %
of it all have one quiet tone, so that a good part looks good. A per-scan scale spans the scan's own scores: it shows
small differences, but a good part looks as hot as a bad one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sedir_core.drawing.colour_maps import DEFAULT_MAP, N_STEPS, Rgb, colour_map
from sedir_core.types import FloatArray

NOT_EVALUATED: tuple[int, int, int] = (82, 84, 88)
SURFACE: tuple[int, int, int] = (196, 202, 210)
"""Colour of a scan without scores, and of the reconstruction."""
TRUTH: tuple[int, int, int] = (64, 190, 235)
"""Ground-truth defects: a colour that is in no map."""


QUIET, NEARLY = 0.6, 0.22
"""Share of the limit below which scores have one tone; position on the map just below the limit (0.5 at it)."""


@dataclass(frozen=True)
class Scale:
    """Values at the two ends of a map. own: the ends are those of one scan.

    quiet: up to this all values have one tone, with a visible step at the middle.
    """

    low: float
    high: float
    map: str = DEFAULT_MAP
    own: bool = False
    quiet: float | None = None

    def colours(self, values: FloatArray) -> Rgb:
        """(n,) values, NaN = not evaluated -> (n, 3) uint8; values out of range are clipped."""
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
    """The scale shared by all scans: from 0 to twice the limit."""
    return Scale(0.0, 2.0 * limit, map_name, quiet=QUIET * limit)


def heat(scores: FloatArray, limit: float) -> Rgb:
    """(n,) scores -> (n, 3) uint8 on the calibrated scale, from 0 to twice the limit."""
    return calibrated(limit).colours(scores)


def position(colours: Rgb, name: str = DEFAULT_MAP) -> NDArray[np.float64]:
    """Inverse: (n, 3) uint8 -> (n,) position of the nearest entry of the map, 0..1."""
    table = colour_map(name).astype(np.int32)
    distance = ((np.asarray(colours, np.int32)[:, None, :] - table[None]) ** 2).sum(axis=2)
    return np.asarray(distance.argmin(axis=1) / (N_STEPS - 1))
