"""Distances of all the points of a scan from the surface that the network expects, averaged on places of that surface.

As `fields`, but the distances are the network's (`models.implicit`), of the rigidly aligned points: no part-to-part
field is taken out of them. Instead each mean is also held against the median of a wide neighbourhood. [O]
"""

from __future__ import annotations

import numpy as np

from sedir_core.evidence.fields import (
    EXTREME_SIZES,
    FACING,
    FIELD_SIZES,
    ROUGH_SIZES,
    Offsets,
    Places,
    extreme,
    means,
    roughness,
)
from sedir_core.geometry.neighbours import interpolate
from sedir_core.geometry.tree import PointTree
from sedir_core.types import BoolArray, DoubleArray, IntArray

IMPLICIT = (
    *(f"implicit_{k}" for k in FIELD_SIZES),
    *(f"implicit_local_{k}" for k in FIELD_SIZES),
    *(f"implicit_rough_{k}" for k in ROUGH_SIZES),
    *(f"implicit_{end}_{k}" for k in EXTREME_SIZES for end in ("lowest", "highest")),
)
WIDE, N_WIDE = 512, 600  # places of a wide neighbourhood, and how many of these
_LEAST = 1e-6  # radii: no channel is exactly zero


def implicit_fields(
    places: Places, points: DoubleArray, distances: DoubleArray, own: IntArray
) -> dict[str, DoubleArray]:
    """IMPLICIT for all points (n, 3) with their signed distances (n,), around the places next to place own[i], (m,).

    implicit_k: length of the mean distance over k places. implicit_local_k: the same less the median of the WIDE
    places around. implicit_rough_k, implicit_lowest_k, implicit_highest_k: see `fields.offset_fields`. NaN where too
    few points say it; points whose distance is not a number say nothing.
    """
    known = ~np.isnan(distances)
    shown = places.offsets(points[known], distances[known])
    wide = _wide_medians(places, shown)
    found = {}
    for k, summed in zip(FIELD_SIZES, places.sums.values(), strict=True):
        mean = means(shown, summed, k)
        found[f"implicit_{k}"] = np.abs(mean) + _LEAST
        found[f"implicit_local_{k}"] = np.abs(mean - wide) + _LEAST
        if k in ROUGH_SIZES:
            found[f"implicit_rough_{k}"] = roughness(shown, summed, mean) + _LEAST
        if k in EXTREME_SIZES:
            found[f"implicit_lowest_{k}"] = _LEAST - extreme(np.minimum, summed, shown.lowest)
            found[f"implicit_highest_{k}"] = _LEAST + extreme(np.maximum, summed, shown.highest)
    return {name: found[name][own] for name in IMPLICIT}


def _wide_medians(places: Places, shown: Offsets) -> DoubleArray:
    """(p,) medians of the mean distances of the WIDE places around that face the same way; 0 where there are none."""
    told: BoolArray = shown.count > 0
    if not told.any():
        return np.zeros(len(places.points))
    mean = shown.total[told] / shown.count[told]
    step = max(1, len(places.points) // N_WIDE)
    middles, normals = places.points[::step], places.normals[::step]
    around = PointTree(places.points[told]).nearest_k(middles, WIDE)[1]
    same = np.einsum("aki,ai->ak", places.normals[told][around], normals) > FACING
    values = np.where(same, mean[around], np.nan)
    some = same.any(axis=1)
    medians = np.zeros(len(middles))
    medians[some] = np.nanmedian(values[some], axis=1)
    return interpolate(medians, middles, places.points, k=4)
