"""Signed offsets of all points of a scan, averaged over places of the normal surface.

Unlike a mean over a scan's own neighbours, such a mean uses every point, stays on one side of a wall, and covers the
same area on every scan: noise decreases with the number of points, a dent does not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_matrix

from sedir_core.evidence.numbers import FIELD
from sedir_core.geometry.oriented import rim_of
from sedir_core.geometry.robust import sigma
from sedir_core.geometry.seams import SeamFinder
from sedir_core.geometry.surface import local_frames
from sedir_core.geometry.tree import PointTree
from sedir_core.types import BoolArray, DoubleArray, IntArray

FIELD_SIZES = (1, 4, 16, 64)
FIELDS = tuple(f"field_{k}" for k in FIELD_SIZES)
ROUGH_SIZES, EXTREME_SIZES = (4, 16, 64), (4, 16)
RIDGE = "ridge"
# Scatter of the offsets about their mean, the lowest and the highest, how unusual the density is, the share of points
# beside the known surface, and the height of narrow ridges and grooves: a crack hardly changes a mean.
SPREADS = (
    *(f"rough_{k}" for k in ROUGH_SIZES),
    *(f"{end}_{k}" for k in EXTREME_SIZES for end in ("lowest", "highest", "density")),
    "beside_16",
    RIDGE,
)
_TINY = 1e-300


Facing = Callable[[IntArray], DoubleArray]
"""Outward normals (k, 3) at some of the points, whose length is their certainty (`Oriented.facing`)."""


@dataclass(frozen=True)
class Over:
    """For n points: the place (n,) each is over, its signed offset (n,), and whether (n,) it is over one at all."""

    place: IntArray
    along: DoubleArray
    on: BoolArray

    def of(self, some: BoolArray) -> Over:
        """The same for a subset of the points, by mask (n,)."""
        return Over(self.place[some], self.along[some], self.on[some])

    def told(self, along: DoubleArray) -> Over:
        """The same with other offsets (n,)."""
        return Over(self.place, along, self.on)


@dataclass(frozen=True)
class Places:
    """Places (p, 3) on a surface and their normals (p, 3). confirmed: (p,) flags of certain ones; None for all."""

    points: DoubleArray
    normals: DoubleArray
    confirmed: BoolArray | None = None

    @cached_property
    def tree(self) -> PointTree:
        """Of the places."""
        return PointTree(self.points)

    @cached_property
    def spacing(self) -> float:
        """Side of the square that a place represents."""
        return max(self.tree.spacing, _TINY)

    @cached_property
    def rim(self) -> BoolArray:
        """(p,) flags of places near an edge of the known surface."""
        return rim_of(self.points, self.normals)[1]

    def over(self, points: DoubleArray) -> Over:
        """Which places points (n, 3) are over.

        Points beside the known surface are not judged: what belongs there is unknown.
        """
        found = self.tree.nearest(points)[1]
        away = points - self.points[found]
        along = np.einsum("ij,ij->i", away, self.normals[found])
        aside = np.sqrt(np.maximum((away**2).sum(axis=1) - along**2, 0))
        on = aside < np.where(self.rim[found], FIELD.aside_at_rim, FIELD.aside) * self.spacing
        return Over(found, along, on if self.confirmed is None else on & self.confirmed[found])

    @cached_property
    def seams(self) -> SeamFinder:
        """Follows narrow features along the surface."""
        return SeamFinder(self.points, self.normals, self.spacing)

    @cached_property
    def sums(self) -> dict[str, csr_matrix]:
        """For each channel a (p, p) matrix that sums over the nearest places on the same side."""
        around = self.tree.nearest_k(self.points, 2 * max(FIELD_SIZES))[1]
        same = np.einsum("pki,pi->pk", self.normals[around], self.normals) > FIELD.facing
        rank = same.cumsum(axis=1)
        matrices = {}
        for name, k in zip(FIELDS, FIELD_SIZES, strict=True):
            rows, columns = np.nonzero(same & (rank <= k))
            ones = np.ones(len(rows), np.float32)
            matrices[name] = csr_matrix((ones, (rows, around[rows, columns])), shape=(len(self.points),) * 2)
        return matrices

    def other_face(self, points: DoubleArray, over: Over, scan: PointTree, facing: Facing) -> BoolArray:
        """(n,) flags of a scan's points (n, 3) that may lie on the opposite face of a wall, which is unknown.

        over: the places they are over. scan: all of its points. Too few training scans saw the opposite face. A dent or
        a bump faces the same way as the surface; walls of pits and flanks of burrs stand across it.
        """
        other: BoolArray = over.on & (np.abs(over.along) > FIELD.layer * self.spacing)
        some = np.flatnonzero(other)
        if len(some):
            around = scan.nearest_k(points[some], FIELD.layer_points)[1]
            normals = local_frames(scan.points, around)[1][:, :, 0]
            cosine = np.einsum("ij,ij->i", normals, self.normals[over.place[some]])
            same_way = cosine * np.einsum("ij,ij->i", normals, facing(some))
            other[some] = (np.abs(cosine) > FIELD.parallel) & (same_way < FIELD.surely)
        return other

    def offsets(self, over: Over) -> Offsets:
        """Summarise the offsets over each place."""
        own, size = over.place[over.on], len(self.points)
        along = np.clip(over.along[over.on], -FIELD.farthest, FIELD.farthest)
        lowest, highest = np.zeros(size), np.zeros(size)
        np.minimum.at(lowest, own, along)
        np.maximum.at(highest, own, along)
        return Offsets(
            np.bincount(own, minlength=size).astype(float),
            np.asarray(np.bincount(own, along, minlength=size), float),
            np.asarray(np.bincount(own, along**2, minlength=size), float),
            lowest,
            highest,
            np.bincount(over.place[~over.on], minlength=size).astype(float),
        )


@dataclass(frozen=True)
class Offsets:
    """Per place (p,): number of points over it, sums of their signed offsets and of the squares, the lowest and the
    highest (0 if there is none below or above), and number of points beside the surface there."""

    count: DoubleArray
    total: DoubleArray
    squares: DoubleArray
    lowest: DoubleArray
    highest: DoubleArray
    beside: DoubleArray


def offset_fields(places: Places, over: Over, own: IntArray) -> dict[str, DoubleArray]:
    """FIELDS and SPREADS over the k places around place own[i], (m,).

    field_k: absolute mean offset. rough_k: scatter about it. lowest_k, highest_k: the farthest offset inward and
    outward, positive. density_k: points per place relative to the median, or its inverse, whichever is larger.
    beside_k: share of points beside the known surface. ridge: see `ridges`. NaN where there are too few points.
    """
    shown = places.offsets(over)
    some = shown.count[shown.count > 0]
    usual_count = float(np.median(some)) if len(some) else 1.0
    fields = {}
    for k, summed in zip(FIELD_SIZES, places.sums.values(), strict=True):
        n = summed @ shown.count
        mean = means(shown, summed, k)
        fields[f"field_{k}"] = np.abs(mean)
        if k in ROUGH_SIZES:
            fields[f"rough_{k}"] = roughness(shown, summed, mean)
        if k in EXTREME_SIZES:
            fields[f"lowest_{k}"] = -extreme(np.minimum, summed, shown.lowest)
            fields[f"highest_{k}"] = extreme(np.maximum, summed, shown.highest)
            density = n / np.maximum(np.asarray(summed.sum(axis=1)).ravel(), 1) / usual_count
            fields[f"density_{k}"] = np.maximum(density, 1 / np.maximum(density, FIELD.thinnest))
        if k == 16:
            aside = summed @ shown.beside
            fields["beside_16"] = aside / np.maximum(n + aside, 1)
    fields[RIDGE] = ridges(places, shown, mean)
    return {name: fields[name][own] for name in (*FIELDS, *SPREADS)}


def means(shown: Offsets, summed: csr_matrix, k: int) -> DoubleArray:
    """(p,) signed mean offsets over the k places that each row sums over; NaN where there are too few points."""
    n = summed @ shown.count
    enough = n >= max(1.0, FIELD.enough * k)
    return np.where(enough, (summed @ shown.total) / np.maximum(n, 1), np.nan)


def ridges(places: Places, shown: Offsets, wide: DoubleArray) -> DoubleArray:
    """(p,) the highest mean, along a path over the places, of the difference between local and wide mean offsets.

    wide: (p,) means over the largest neighbourhoods. In units of the scan's own noise, of either sign: a burr, a
    scratch or a crack's lip is one place wide, and no single place is conclusive.
    """
    told = (shown.count > 0) & ~np.isnan(wide)
    offsets = np.where(told, shown.total / np.maximum(shown.count, 1) - np.where(told, wide, 0.0), 0.0)
    noise = sigma(offsets[told]) if told.any() else 1.0
    heights = np.clip(offsets / max(noise, _TINY), -FIELD.highest_ridge, FIELD.highest_ridge).astype(np.float32)
    up, down = (places.seams.highest_means(np.maximum(one, 0)) for one in (heights, -heights))
    return np.where(np.isnan(wide), np.nan, np.maximum(up, down))


def roughness(shown: Offsets, summed: csr_matrix, mean: DoubleArray) -> DoubleArray:
    """(p,) scatter of the offsets about their means (p,)."""
    variance = (summed @ shown.squares) / np.maximum(summed @ shown.count, 1) - mean**2
    return np.asarray(np.sqrt(np.maximum(variance, 0)))


def extreme(of: np.ufunc, summed: csr_matrix, values: DoubleArray) -> DoubleArray:
    """(p,) minimum or maximum of values (p,) over the places that each row sums over."""
    return np.asarray(of.reduceat(values[summed.indices], summed.indptr[:-1]))
