"""Departure of a scan from the surface that the network expects, averaged over places of the normal surface.

Like `fields`, but distances and missing places come from the network (`network_surface`). The smooth part-to-part
difference is removed by a field of its own, fitted to the network's distances; mean distances are also compared with
the median of a wide neighbourhood. [O]
"""

from __future__ import annotations

import numpy as np

from sedir_core.evidence.fields import (
    EXTREME_SIZES,
    FIELD_SIZES,
    RIDGE,
    ROUGH_SIZES,
    Offsets,
    Places,
    extreme,
    means,
    ridges,
    roughness,
)
from sedir_core.evidence.network_surface import NetworkSurface
from sedir_core.evidence.normal_surface import NormalSurface
from sedir_core.evidence.numbers import FIELD
from sedir_core.evidence.probes import GAPS
from sedir_core.geometry.neighbours import interpolate
from sedir_core.geometry.tree import PointTree
from sedir_core.types import BoolArray, DoubleArray, IntArray

DRIFT, IMPLICIT_RIDGE = "implicit_drift", f"implicit_{RIDGE}"
IMPLICIT_GAPS = tuple(f"implicit_{name}" for name in GAPS)
IMPLICIT = (
    *(f"implicit_{k}" for k in FIELD_SIZES),
    *(f"implicit_local_{k}" for k in FIELD_SIZES),
    *(f"implicit_rough_{k}" for k in ROUGH_SIZES),
    *(f"implicit_{end}_{k}" for k in EXTREME_SIZES for end in ("lowest", "highest")),
    IMPLICIT_RIDGE,
    DRIFT,
    *IMPLICIT_GAPS,
)
_LEAST = 1e-6  # radii: no channel is exactly zero


def implicit_fields(
    expected: NetworkSurface,
    normal: NormalSurface,
    points: DoubleArray,
    few: DoubleArray,
    own: IntArray,
    sound: BoolArray | None = None,
) -> dict[str, DoubleArray]:
    """IMPLICIT of a rigidly aligned scan at `few` of its points (m, 3), which are next to the places own (m,).

    points: (n, 3) all of it that is judged. implicit_k: length of the mean distance over k places. implicit_local_k:
    the same less the median of the FIELD.wide places around. implicit_rough_k, implicit_lowest_k, implicit_highest_k:
    see `fields.offset_fields`. implicit_ridge: see `fields.ridges`. implicit_drift: how far the smooth difference moved
    the point. implicit_gap_k, implicit_seam: gaps of the scan on the expected surface, see `probes`. NaN where too few
    points say it; points whose distance is not a number say nothing. sound: (n,) which of the points may say how the
    part differs smoothly; by default all.
    """
    places = normal.probes.places
    some = normal.telling(points if sound is None else points[sound])
    smooth = normal.prior.comparing.fit(some, expected.toward)
    moved, moves = points + smooth(points), smooth(few)
    found = _of_distances(places, moved, expected.distances(moved))
    at = PointTree(few + moves)
    gaps = dict.fromkeys(GAPS, np.full(len(few), np.nan))
    if expected.probes is not None:
        gaps = expected.probes.gaps(at)
    return (
        {name: values[own] for name, values in found.items()}
        | {DRIFT: np.linalg.norm(moves, axis=1)}
        | {f"implicit_{name}": values for name, values in gaps.items()}
    )


def _of_distances(places: Places, points: DoubleArray, distances: DoubleArray) -> dict[str, DoubleArray]:
    """At all places (p,), from points (n, 3) in the expected shape with their signed distances (n,)."""
    known = ~np.isnan(distances)
    shown = places.offsets(places.over(points[known]).told(distances[known]))
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
    found[IMPLICIT_RIDGE] = _LEAST + ridges(places, shown, mean)
    return found


def _wide_medians(places: Places, shown: Offsets) -> DoubleArray:
    """(p,) medians of the mean distances of nearby places that face the same way; 0 where there are none."""
    told: BoolArray = shown.count > 0
    if not told.any():
        return np.zeros(len(places.points))
    mean = shown.total[told] / shown.count[told]
    step = max(1, len(places.points) // FIELD.wide_places)
    middles, normals = places.points[::step], places.normals[::step]
    around = PointTree(places.points[told]).nearest_k(middles, FIELD.wide)[1]
    same = np.einsum("aki,ai->ak", places.normals[told][around], normals) > FIELD.facing
    values = np.where(same, mean[around], np.nan)
    some = same.any(axis=1)
    medians = np.zeros(len(middles))
    medians[some] = np.nanmedian(values[some], axis=1)
    return interpolate(medians, middles, places.points, k=4)
