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

from sedir_core.geometry.neighbours import typical_spacing
from sedir_core.geometry.overlap import rim_of
from sedir_core.geometry.surface import local_frames
from sedir_core.geometry.tree import PointTree
from sedir_core.types import BoolArray, DoubleArray, IntArray

FIELD_SIZES = (1, 4, 16, 64)
FIELDS = tuple(f"field_{k}" for k in FIELD_SIZES)
FACING = 0.3  # cosine between the normals of two places on the same side
ASIDE, ASIDE_AT_RIM = 3.0, 1.0  # spacings of places beyond which a point lies beside the known surface
FARTHEST = 0.04  # radii: a flying pixel counts no more
LAYER = 1.0  # spacings of places from the known surface to another face, at least
PARALLEL = 0.7  # cosine between the normals of a wall's two faces, of either sign
LAYER_POINTS = 12  # that say a face's normal
SURELY = 0.5  # of those who say which side is out, how many more must say that a displaced face is the known one
ENOUGH = 0.25  # of a neighbourhood's places: with fewer points nothing is said
_TINY = 1e-300


Facing = Callable[[IntArray], DoubleArray]
"""Outward normals (k, 3) at some of the points that are asked about, as long as they are sure (`Oriented.facing`)."""


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
        return max(typical_spacing(self.points), _TINY)

    @cached_property
    def rim(self) -> BoolArray:
        """(p,) which of the places lie near an end of what is known."""
        return rim_of(self.points, self.normals)[1]

    def over(self, points: DoubleArray) -> tuple[IntArray, DoubleArray, BoolArray]:
        """The place (n,) that each of the points (n, 3) is over, its signed offset, and whether it is over one at all.

        What lies beside the known surface is not judged: nobody knows what belongs there.
        """
        found = self.tree.nearest(points)[1]
        away = points - self.points[found]
        along = np.einsum("ij,ij->i", away, self.normals[found])
        aside = np.sqrt(np.maximum((away**2).sum(axis=1) - along**2, 0))
        on = aside < np.where(self.rim[found], ASIDE_AT_RIM, ASIDE) * self.spacing
        return found, along, on if self.confirmed is None else on & self.confirmed[found]

    @cached_property
    def sums(self) -> dict[str, csr_matrix]:
        """By channel a (p, p) matrix that sums over the nearest places on the same side."""
        around = self.tree.nearest_k(self.points, 2 * max(FIELD_SIZES))[1]
        same = np.einsum("pki,pi->pk", self.normals[around], self.normals) > FACING
        rank = same.cumsum(axis=1)
        matrices = {}
        for name, k in zip(FIELDS, FIELD_SIZES, strict=True):
            rows, columns = np.nonzero(same & (rank <= k))
            ones = np.ones(len(rows), np.float32)
            matrices[name] = csr_matrix((ones, (rows, around[rows, columns])), shape=(len(self.points),) * 2)
        return matrices

    def other_face(self, points: DoubleArray, every: DoubleArray, facing: Facing) -> BoolArray:
        """(n,) which of a scan's points may be of a wall's other face than the known one.

        every: (m, 3) all points of the scan. Of the other face too few training scans saw anything. A dent or a bump
        faces the way that the surface does; walls of pits and flanks of burrs stand across it.
        """
        found, along, on = self.over(points)
        other: BoolArray = on & (np.abs(along) > LAYER * self.spacing)
        some = np.flatnonzero(other)
        if len(some):
            around = PointTree(every).nearest_k(points[some], LAYER_POINTS)[1]
            normals = local_frames(every, around)[1][:, :, 0]
            cosine = np.einsum("ij,ij->i", normals, self.normals[found[some]])
            same_way = cosine * np.einsum("ij,ij->i", normals, facing(some))
            other[some] = (np.abs(cosine) > PARALLEL) & (same_way < SURELY)
        return other

    def offsets(self, points: DoubleArray) -> tuple[DoubleArray, DoubleArray]:
        """How many of the points (n, 3) lie over each place, (p,), and the sum of their signed offsets, (p,)."""
        found, along, on = self.over(points)
        count = np.bincount(found[on], minlength=len(self.points)).astype(float)
        total = np.bincount(found[on], np.clip(along[on], -FARTHEST, FARTHEST), minlength=len(self.points))
        return count, np.asarray(total, float)


def offset_fields(places: Places, points: DoubleArray, own: IntArray) -> dict[str, DoubleArray]:
    """field_k: length of the mean offset of all points (n, 3) around the k places next to place own[i], (m,).

    NaN where too few points say it.
    """
    count, total = places.offsets(points)
    fields = {}
    for (name, summed), k in zip(places.sums.items(), FIELD_SIZES, strict=True):
        n = summed @ count
        mean = np.abs(summed @ total) / np.maximum(n, 1)
        fields[name] = np.where(n >= max(1.0, ENOUGH * k), mean, np.nan)[own]
    return fields
