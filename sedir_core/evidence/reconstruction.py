"""What the network rebuilt, as points, without a look at the normal surface.

Decoded from rebuilt tokens (method section 6 [O]) where the network rebuilds from the scan's own; where from identity
and place, see `network_surface`. What is expected in the scan's own shape is another surface (`measuring`).
"""

from __future__ import annotations

import numpy as np

from sedir_core.geometry.tree import PointTree
from sedir_core.types import DoubleArray

MOST_POINTS = 40_000


def decoded_points(patches: DoubleArray, centres: DoubleArray, points: DoubleArray, k: int) -> DoubleArray:
    """(m, 3) the points of decoded patches about the centres (N, 3) of their groups.

    patches: (N, M, 3) in units of their radius. points: (n, 3) the scan that was grouped, k at a time.
    """
    radii = PointTree(points).nearest_k(centres, k)[0][:, -1]
    decoded = (patches * radii[:, None, None] + centres[:, None]).reshape(-1, 3)
    return np.asarray(decoded[:: max(1, len(decoded) // MOST_POINTS)])
