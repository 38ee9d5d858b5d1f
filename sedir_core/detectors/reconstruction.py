"""The surface the model believes is normal, as points: decoded patches, completed where the scan has nothing.

Method section 6 [O]: the rebuilt token of a place is decoded into the points of its neighbourhood. A patch is set
where the normal surface lies, not where a dent has moved the scan; what no patch reaches (a hole, a broken end)
is filled from the category's surface, and decoded points are laid onto it.
"""

from __future__ import annotations

import numpy as np

from sedir_core.detectors.normal_surface import Departure, NormalSurface
from sedir_core.geometry.neighbours import spread
from sedir_core.geometry.tree import PointTree
from sedir_core.types import DoubleArray

MOST_POINTS = 40_000
SIDEWAYS = 0.02  # of the radius: about two spacings of a stored surface


def rebuild_surface(
    patches: DoubleArray, centres: DoubleArray, points: DoubleArray, k: int, normal: NormalSurface, departure: Departure
) -> DoubleArray:
    """patches (N, M, 3) in units of their radius, at centres (N, 3) of an aligned scan (n, 3); returns (m, 3)."""
    radii = PointTree(points).nearest_k(centres, k)[0][:, -1]
    moves = departure.places - departure.points
    there = centres + spread(moves, departure.points, centres)
    nearest = normal.surface.tree.nearest(there)[1]
    offsets = normal.surface.points[nearest] - there
    along = np.einsum("ij,ij->i", offsets, normal.surface.normals[nearest])[:, None] * normal.surface.normals[nearest]
    decoded = (patches * radii[:, None, None] + (centres + along)[:, None]).reshape(-1, 3)
    decoded = _cleaned(decoded, decoded + spread(moves, departure.points, decoded), normal)
    back = normal.surface.points - spread(moves, departure.places, normal.surface.points)
    if len(decoded) == 0:  # nothing of the scan lies on the category's surface
        return back[:: max(1, len(back) // MOST_POINTS)]
    missing = back[PointTree(decoded).nearest(back)[0] > np.median(radii) / 2]
    together = np.concatenate([decoded, missing])
    return together[:: max(1, len(together) // MOST_POINTS)]


def _cleaned(decoded: DoubleArray, there: DoubleArray, normal: NormalSurface) -> DoubleArray:
    """Decoded points laid onto the category's surface; those with none of it near, as inside a bolt hole, are dropped.

    decoded: (m, 3) in the scan's shape, there: the same in the category's mean shape. A patch of few points is
    blurred, and its blur would close every hole of its size.
    """
    distances, nearest = normal.surface.tree.nearest(there)
    normals = normal.surface.normals[nearest]
    along = np.einsum("ij,ij->i", normal.surface.points[nearest] - there, normals)[:, None] * normals
    aside = np.sqrt(np.maximum(distances**2 - (along**2).sum(axis=1), 0))
    return np.asarray((decoded + along)[aside < SIDEWAYS])
