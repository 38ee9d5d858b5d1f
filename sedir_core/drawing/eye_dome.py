"""Eye-dome lighting: pixels farther away than their surroundings are darkened. Source: Boucheny 2009."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sedir_core.types import FloatArray

STRENGTH = 18.0
DARKEST = 0.62
STEP_SHARE = 0.0022  # distance of a pixel's neighbours, as a share of the picture's height
WAYS = ((0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1))


def eye_dome(distances: FloatArray) -> NDArray[np.uint8]:
    """How much to darken each pixel, 0..255.

    distances: (h, w) from the viewer in any unit, NaN where nothing was drawn.
    """
    drawn = ~np.isnan(distances)
    if not drawn.any():
        return np.zeros(distances.shape, np.uint8)
    # Relative to the part's depth range: the same shading for a screw and a wing.
    low, high = np.percentile(distances[drawn][:: max(1, int(drawn.sum()) // 20_000)], [1, 99])
    relief = ((distances - np.float32(low)) / max(float(high - low), 1e-12)).astype(np.float32)
    step = max(1, round(STEP_SHARE * distances.shape[0]))
    behind = np.zeros(distances.shape, np.float32)
    padded = np.pad(relief, step, constant_values=np.nan)
    for down, right in WAYS:
        rows, columns = slice((1 + down) * step, None), slice((1 + right) * step, None)
        other = padded[rows, columns][: distances.shape[0], : distances.shape[1]]
        behind += np.nan_to_num(np.maximum(relief - other, 0.0))  # the part's outline is not shaded
    dark = (1.0 - np.exp(-STRENGTH * behind / len(WAYS))) * DARKEST
    return np.asarray(np.where(drawn, dark * 255, 0), np.uint8)
