"""The network's reconstruction as points, without use of the normal surface.

Decoded from rebuilt tokens (method section 6 [O]) if the network rebuilds from the scan's own; if from identity and
place, see `network_surface`. The surface expected in the scan's own shape is another one (`measuring`).
"""

from __future__ import annotations

import numpy as np

from sedir_core.geometry.tree import PointTree
from sedir_core.types import DoubleArray

MOST_POINTS = 40_000


def decoded_points(patches: DoubleArray, centres: DoubleArray, points: DoubleArray, k: int) -> DoubleArray:
    """(m, 3) points of decoded patches around the centres (N, 3) of their groups.

    patches: (N, M, 3) in units of their radius. points: (n, 3) the scan, grouped k at a time.
    """
    radii = PointTree(points).nearest_k(centres, k)[0][:, -1]
    decoded = (patches * radii[:, None, None] + centres[:, None]).reshape(-1, 3)
    return np.asarray(decoded[:: max(1, len(decoded) // MOST_POINTS)])
