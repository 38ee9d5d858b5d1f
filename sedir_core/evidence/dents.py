"""Depth of a dent over an edge: measured the way that the damage took, not to the nearest face. [O]"""

from __future__ import annotations

import numpy as np

from sedir_core.evidence.layout import Ground
from sedir_core.evidence.report_numbers import DESCRIPTION
from sedir_core.geometry.surface import tangents
from sedir_core.geometry.tree import PointTree
from sedir_core.types import DoubleArray


def depths_below(points: DoubleArray, ground: Ground, way: DoubleArray, farthest: float) -> DoubleArray:
    """(m,) how far points (m, 3) lie below the ground along a unit vector (3,), at most `farthest`; 0 where unknown.

    Each is measured from the planes of the few places that are least aside of its line and face that way.
    """
    facing = ground.normals @ way > DESCRIPTION.faces_way
    if not facing.any():
        return np.zeros(len(points))
    places, normals = ground.places[facing], ground.normals[facing]
    across = np.stack(tangents(way[None]), axis=2)[0]
    asides, near = PointTree(_flat(places @ across)).nearest_k(_flat(points @ across), DESCRIPTION.columns)
    offsets = places[near] - points[:, None]
    heights = np.einsum("mki,mki->mk", offsets, normals[near]) / (normals[near] @ way)
    asides = np.where(np.abs(heights) <= farthest, asides, np.inf)
    order = np.argsort(asides, axis=1, kind="stable")[:, : DESCRIPTION.least]
    known = np.isfinite(np.take_along_axis(asides, order, axis=1))
    heights = np.where(known, np.take_along_axis(heights, order, axis=1), np.nan)
    found = np.zeros(len(points))
    found[known.any(axis=1)] = np.nanmedian(heights[known.any(axis=1)], axis=1)
    return found


def _flat(plane: DoubleArray) -> DoubleArray:
    """(n, 3) points of a plane, from their coordinates (n, 2) in it."""
    return np.concatenate([plane, np.zeros((len(plane), 1))], axis=1)
