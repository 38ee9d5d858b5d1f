"""Signed offsets of all the points of a scan, averaged on places of the normal surface.

Unlike a mean over a scan's own neighbours, such a mean uses every point, however many there are, keeps to one side of a
wall, and is of the same size on every scan: noise falls with the points that were scanned, a dent does not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_matrix

from sedir_core.evidence.numbers import FIELD
from sedir_core.geometry.oriented import rim_of
from sedir_core.geometry.seams import SeamFinder
from sedir_core.geometry.surface import local_frames
from sedir_core.geometry.tree import PointTree
from sedir_core.types import BoolArray, DoubleArray, IntArray

FIELD_SIZES = (1, 4, 16, 64)
FIELDS = tuple(f"field_{k}" for k in FIELD_SIZES)
ROUGH_SIZES, EXTREME_SIZES = (4, 16, 64), (4, 16)
RIDGE = "ridge"
# How offsets scatter about their mean, how far the lowest and the highest go, how unlike its usual the density is,
# which share of the points lies beside the known surface, and how high a narrow ridge or groove goes on: a crack hardly
# moves a mean.
SPREADS = (
    *(f"rough_{k}" for k in ROUGH_SIZES),
    *(f"{end}_{k}" for k in EXTREME_SIZES for end in ("lowest", "highest", "density")),
    "beside_16",
    RIDGE,
)
_TINY = 1e-300


Facing = Callable[[IntArray], DoubleArray]
"""Outward normals (k, 3) at some of the points that are asked about, as long as they are sure (`Oriented.facing`)."""


@dataclass(frozen=True)
class Over:
    """Of points (n, 3) over places: which place (n,) each is over, its signed offset (n,), and whether (n,) it is over
    one at all."""

    place: IntArray
    along: DoubleArray
    on: BoolArray

    def of(self, some: BoolArray) -> Over:
        """Of some (n,) of the points."""
        return Over(self.place[some], self.along[some], self.on[some])

    def told(self, along: DoubleArray) -> Over:
        """The same with offsets (n,) that somebody else says."""
        return Over(self.place, along, self.on)


@dataclass(frozen=True)
class Places:
    """Places (p, 3) on a surface and their normals (p, 3). confirmed: (p,) which are surely of it; None for all."""

    points: DoubleArray
    normals: DoubleArray
    confirmed: BoolArray | None = None

    @cached_property
    def tree(self) -> PointTree:
        """Of the places."""
        return PointTree(self.points)

    @cached_property
    def spacing(self) -> float:
        """Side of the square that a place stands for."""
        return max(self.tree.spacing, _TINY)

    @cached_property
    def rim(self) -> BoolArray:
        """(p,) which of the places lie near an end of what is known."""
        return rim_of(self.points, self.normals)[1]

    def over(self, points: DoubleArray) -> Over:
        """What points (n, 3) are over.

        What lies beside the known surface is not judged: nobody knows what belongs there.
        """
        found = self.tree.nearest(points)[1]
        away = points - self.points[found]
        along = np.einsum("ij,ij->i", away, self.normals[found])
        aside = np.sqrt(np.maximum((away**2).sum(axis=1) - along**2, 0))
        on = aside < np.where(self.rim[found], FIELD.aside_at_rim, FIELD.aside) * self.spacing
        return Over(found, along, on if self.confirmed is None else on & self.confirmed[found])

    @cached_property
    def seams(self) -> SeamFinder:
        """Follows what is narrow along the surface."""
        return SeamFinder(self.points, self.normals, self.spacing)

    @cached_property
    def sums(self) -> dict[str, csr_matrix]:
        """By channel a (p, p) matrix that sums over the nearest places on the same side."""
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
        """(n,) which of a scan's points (n, 3) may be of a wall's other face than the known one.

        over: what they are over. scan: all points of it. Of the other face too few training scans saw anything. A dent
        or a bump faces the way that the surface does; walls of pits and flanks of burrs stand across it.
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
        """What of the points that are over the places lies over each of them."""
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
    """Per place (p,): how many points lie over it, the sum of their signed offsets and of these squared, the lowest and
    the highest (0 where there is none beyond), and how many points lie beside the surface there."""

    count: DoubleArray
    total: DoubleArray
    squares: DoubleArray
    lowest: DoubleArray
    highest: DoubleArray
    beside: DoubleArray


def offset_fields(places: Places, over: Over, own: IntArray) -> dict[str, DoubleArray]:
    """FIELDS and SPREADS of all points over the places, around the k places next to place own[i], (m,).

    field_k: length of the mean offset. rough_k: scatter about it. lowest_k, highest_k: the farthest offset inward and
    outward, positive. density_k: points per place relative to the median, or its inverse, whichever is larger.
    beside_k: share of the points that lie beside the known surface. ridge: see `ridges`. NaN where too few points say
    it.
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
    """(p,) signed mean offsets over the k places that each row sums over; NaN where too few points say it."""
    n = summed @ shown.count
    enough = n >= max(1.0, FIELD.enough * k)
    return np.where(enough, (summed @ shown.total) / np.maximum(n, 1), np.nan)


def ridges(places: Places, shown: Offsets, wide: DoubleArray) -> DoubleArray:
    """(p,) the highest mean along a path over the places of how far the mean offset of each lies beside the wide one.

    wide: (p,) means over the largest neighbourhoods. Relative to the scan's own noise, of either sign: a burr, a
    scratch, a crack's lip are one place wide, and no single place of them says so.
    """
    told = (shown.count > 0) & ~np.isnan(wide)
    offsets = np.where(told, shown.total / np.maximum(shown.count, 1) - np.where(told, wide, 0.0), 0.0)
    noise = 1.4826 * float(np.median(np.abs(offsets[told]))) if told.any() else 1.0
    heights = np.clip(offsets / max(noise, _TINY), -FIELD.highest_ridge, FIELD.highest_ridge).astype(np.float32)
    up, down = (places.seams.highest_means(np.maximum(one, 0)) for one in (heights, -heights))
    return np.where(np.isnan(wide), np.nan, np.maximum(up, down))


def roughness(shown: Offsets, summed: csr_matrix, mean: DoubleArray) -> DoubleArray:
    """(p,) how offsets scatter about their means (p,)."""
    variance = (summed @ shown.squares) / np.maximum(summed @ shown.count, 1) - mean**2
    return np.asarray(np.sqrt(np.maximum(variance, 0)))


def extreme(of: np.ufunc, summed: csr_matrix, values: DoubleArray) -> DoubleArray:
    """(p,) the lowest or highest of values (p,) among the places that each row sums over."""
    return np.asarray(of.reduceat(values[summed.indices], summed.indptr[:-1]))
