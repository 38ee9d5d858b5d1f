"""A scan laid out on the surface that is expected of it: how far off it is at each place, and where it has nothing.

All of this is our choice [O].
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from sedir_core.evidence.deviation import Deviation
from sedir_core.geometry.registration import Surface
from sedir_core.geometry.seams import SeamFinder
from sedir_core.geometry.tree import PointTree
from sedir_core.types import BoolArray, DoubleArray, IntArray

MOST_PLACES = 20_000
N_FEET, N_LOOKED = 8, 16  # points of the scan that say how far off it is at a place; out of so many, on its side
N_BELOW = 4
FACING = 0.3  # cosine: on the same side of a thin wall
WIDE = 2.2  # spacings of the scan: hardly any random gap is wider
WIDEST_SEAM = 1.5  # spacings; a wider gap is no better evidence of a long one
REACH = 2.5  # spacings of the places: what lies this near to a region belongs to it
NOISE, SEED = 3.0, 5.0  # standard deviations: a region ends at the first and begins at the second
FADING = 0.1  # of the peak: below, a dent runs out
SMALLEST = 8  # places
MOST_REGIONS = 32
_TINY = 1e-300


@dataclass(frozen=True)
class Ground:
    """Places (p, 3) of an expected surface with normals (p, 3), and what follows from them alone.

    area: (p,) of the surface that each place stands for. spacing: between them.
    """

    places: DoubleArray
    normals: DoubleArray

    @cached_property
    def tree(self) -> PointTree:
        return PointTree(self.places)

    @cached_property
    def spacing(self) -> float:
        return max(self.tree.spacing, _TINY)

    @cached_property
    def area(self) -> DoubleArray:
        reach = self.tree.nearest_k(self.places, N_FEET + 1)[0]
        return np.asarray(reach[:, -1] ** 2 * np.pi / (reach.shape[1] - 1))

    @cached_property
    def seams(self) -> SeamFinder:
        return SeamFinder(self.places, self.normals, self.spacing)


@dataclass(frozen=True)
class Layout:
    """A scan (n, 3) as seen from the places of the ground.

    lengths: (p,) signed deviation; where material is missing, minus the distance to what is left. missing: (p,) bool.
    apart: (p,) distance to the scan along the surface. gaps: (p,) the same in spacings of the scan there. noise: of the
    lengths, standard deviation. spacing: of the scan. feet: (n, 3) where the scan's points belong; below: (n,) the
    place there.
    """

    ground: Ground
    lengths: DoubleArray
    missing: BoolArray
    apart: DoubleArray
    gaps: DoubleArray
    noise: float
    spacing: float
    feet: DoubleArray
    below: IntArray

    @cached_property
    def seams(self) -> DoubleArray:
        """(p,) mean gap along the line on which it stays largest: large along a crack."""
        return self.ground.seams.highest_means(np.minimum(self.gaps, WIDEST_SEAM).astype(np.float32))


def ground_of(expected: Surface) -> Ground:
    """Evenly drawn places of a surface whose points are in random order."""
    step = max(1, len(expected.points) // MOST_PLACES)
    return Ground(expected.points[::step], expected.normals[::step])


def lay_out(scan: PointTree, deviation: Deviation, ground: Ground, settled: BoolArray | None = None) -> Layout:
    """settled: (p,) bool, which places the scan must show; all of them if None."""
    feet = scan.points - deviation.values[:, None] * deviation.normals
    tree = PointTree(feet)
    distances, around = tree.nearest_k(ground.places, N_LOOKED)
    facing = np.einsum("pki,pi->pk", deviation.normals[around], ground.normals) > FACING
    seen = facing.any(axis=1)
    # None of this side among the nearest: it is at least as far as the last of them.
    apart = np.where(seen, np.where(facing, distances, np.inf).min(axis=1), distances[:, -1])
    if settled is not None:
        apart = _surely_missing(apart, ground, settled)
    reach = tree.nearest_k(feet, N_FEET + 1)[0]
    widths = reach[:, -1] * np.sqrt(np.pi / max(reach.shape[1] - 1, 1))
    gaps = apart / np.maximum(np.median(widths[around[:, :N_FEET]], axis=1), _TINY)
    missing = gaps > WIDE
    counted = facing & (np.cumsum(facing, axis=1) <= N_FEET)
    heights = (deviation.values[around] * counted).sum(axis=1) / np.maximum(counted.sum(axis=1), 1)
    known = seen & ~missing
    lengths = np.where(missing, -apart, np.where(known, heights, 0.0))
    return Layout(
        ground,
        lengths,
        missing,
        apart,
        gaps,
        _spread(heights[known]),
        scan.spacing,
        feet,
        _places_below(feet, deviation.normals, ground),
    )


def grow(layout: Layout) -> list[IntArray]:
    """Regions of places, each (r,) indices, from the highest peak down; they do not overlap.

    A region grows from a peak that stands out to where the deviation falls into the noise or to a tenth of it, and
    through all that is missing. Not across edges that are sharper than a right angle: a wall's other face is another
    region.
    """
    strength = np.abs(layout.lengths)
    links = _links(layout, np.flatnonzero((strength > NOISE * layout.noise) | layout.missing))
    free = np.ones(len(strength), bool)
    regions: list[IntArray] = []
    for peak in np.argsort(-strength, kind="stable"):
        if len(regions) == MOST_REGIONS or not strength[peak] > SEED * layout.noise:
            break
        if not free[peak]:
            continue
        level = max(NOISE * layout.noise, FADING * float(strength[peak]))
        allowed = np.flatnonzero(free & ((strength > level) | layout.missing))
        piece = connected_components(links[allowed][:, allowed], directed=False)[1]
        own = allowed[piece == piece[np.searchsorted(allowed, peak)]]
        free[own] = False
        if len(own) >= SMALLEST:
            regions.append(own)
    return regions


def _links(layout: Layout, able: IntArray) -> csr_matrix:
    ground = layout.ground
    pairs = able[PointTree(ground.places[able]).pairs_within(REACH * ground.spacing)] if len(able) else _NO_PAIRS
    same = np.einsum("ei,ei->e", ground.normals[pairs[:, 0]], ground.normals[pairs[:, 1]]) > -FACING
    first, second = pairs[same].T
    return csr_matrix((np.ones(len(first), bool), (first, second)), shape=(len(ground.places),) * 2)


_NO_PAIRS = np.zeros((0, 2), np.int64)


def _surely_missing(apart: DoubleArray, ground: Ground, settled: BoolArray) -> DoubleArray:
    """No farther than the way to a place of which nobody knows whether the scan must show it: views fray there."""
    found = np.zeros_like(apart)
    if settled.all() or not settled.any():
        return apart if settled.all() else found
    found[settled] = np.minimum(apart[settled], PointTree(ground.places[~settled]).nearest(ground.places[settled])[0])
    return found


def _spread(values: DoubleArray) -> float:
    """Standard deviation as the median tells it: a defect does not count."""
    return 1.4826 * float(np.median(np.abs(values - np.median(values)))) if len(values) else 0.0


def _places_below(feet: DoubleArray, normals: DoubleArray, ground: Ground) -> IntArray:
    near = ground.tree.nearest_k(feet, N_BELOW)[1]
    facing = np.einsum("nki,ni->nk", ground.normals[near], normals) > FACING
    return np.asarray(near[np.arange(len(feet)), facing.argmax(axis=1)])
