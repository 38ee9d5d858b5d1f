"""A scan mapped onto its expected surface: its deviation at each place, and where it has no points.

All of this is our choice [O].
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from sedir_core.evidence.deviation import Deviation
from sedir_core.evidence.report_numbers import LAYOUT
from sedir_core.geometry.oriented import Oriented
from sedir_core.geometry.registration import Surface
from sedir_core.geometry.robust import sigma
from sedir_core.geometry.seams import SeamFinder
from sedir_core.geometry.tree import PointTree
from sedir_core.types import BoolArray, DoubleArray, IntArray

_TINY = 1e-300


@dataclass(frozen=True)
class Ground:
    """Places (p, 3) of an expected surface with normals (p, 3), and derived quantities.

    area: (p,) that each place represents. spacing: between places.
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
        reach = self.tree.nearest_k(self.places, LAYOUT.feet + 1)[0]
        return np.asarray(reach[:, -1] ** 2 * np.pi / (reach.shape[1] - 1))

    @cached_property
    def seams(self) -> SeamFinder:
        return SeamFinder(self.places, self.normals, self.spacing)

    @cached_property
    def oriented(self) -> Oriented:
        """The same places, to be searched for what faces alike."""
        return Oriented(self.places, self.normals, len(self.places))


@dataclass(frozen=True)
class Layout:
    """A scan (n, 3) as seen from the places of the ground.

    lengths: (p,) signed deviation; where material is missing, minus the distance to what is left. missing: (p,) bool.
    apart: (p,) distance to the scan along the surface. gaps: (p,) the same in local spacings of the scan. noise:
    standard deviation of the lengths. spacing: of the scan. feet: (n, 3) surface points below the scan's points; below:
    (n,) the place there.
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
        return self.ground.seams.highest_means(np.minimum(self.gaps, LAYOUT.widest_seam).astype(np.float32))


def ground_of(expected: Surface) -> Ground:
    """Evenly sampled places of a surface whose points are in random order."""
    step = max(1, len(expected.points) // LAYOUT.places)
    return Ground(expected.points[::step], expected.normals[::step])


def lay_out(scan: PointTree, deviation: Deviation, ground: Ground, settled: BoolArray | None = None) -> Layout:
    """settled: (p,) bool, places that the scan must show; all of them if None."""
    feet = scan.points - deviation.values[:, None] * deviation.normals
    tree = PointTree(feet)
    distances, around = tree.nearest_k(ground.places, LAYOUT.looked_at)
    facing = np.einsum("pki,pi->pk", deviation.normals[around], ground.normals) > LAYOUT.facing
    seen = facing.any(axis=1)
    # None of this side among the nearest: it is at least as far as the last of them.
    apart = np.where(seen, np.where(facing, distances, np.inf).min(axis=1), distances[:, -1])
    if settled is not None:
        apart = _surely_missing(apart, ground, settled)
    reach = tree.nearest_k(feet, LAYOUT.feet + 1)[0]
    widths = reach[:, -1] * np.sqrt(np.pi / max(reach.shape[1] - 1, 1))
    gaps = apart / np.maximum(np.median(widths[around[:, : LAYOUT.feet]], axis=1), _TINY)
    missing = gaps > LAYOUT.wide
    counted = facing & (np.cumsum(facing, axis=1) <= LAYOUT.feet)
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

    A region grows from a significant peak to where the deviation falls to the noise or to a tenth of the peak, and
    through all missing material, but not across edges sharper than a right angle: a wall's other face is another
    region. What is left of its fringe is no region of its own, however far above the noise.
    """
    strength = np.abs(layout.lengths)
    above = (strength > LAYOUT.noise * layout.noise) | layout.missing
    links = _links(layout, np.flatnonzero(above))
    free = above.copy()
    regions: list[IntArray] = []
    for peak in np.argsort(-strength, kind="stable"):
        if len(regions) == LAYOUT.regions or not strength[peak] > LAYOUT.seed * layout.noise:
            break
        if not free[peak]:
            continue
        level = max(LAYOUT.noise * layout.noise, LAYOUT.fading * float(strength[peak]))
        high = (strength > level) | layout.missing
        own = _connected(links, np.flatnonzero(free & high), peak)
        around = _connected(links, np.flatnonzero(free), peak)
        free[own] = False
        free[around[~high[around]]] = False
        if len(own) >= LAYOUT.smallest:
            regions.append(own)
    return regions


def _connected(links: csr_matrix, allowed: IntArray, place: int) -> IntArray:
    """Those of the allowed places (a,), in order, that are linked with this one among them."""
    piece = connected_components(links[allowed][:, allowed], directed=False)[1]
    return np.asarray(allowed[piece == piece[np.searchsorted(allowed, place)]])


def _links(layout: Layout, able: IntArray) -> csr_matrix:
    ground = layout.ground
    pairs = able[PointTree(ground.places[able]).pairs_within(LAYOUT.reach * ground.spacing)] if len(able) else _NO_PAIRS
    same = np.einsum("ei,ei->e", ground.normals[pairs[:, 0]], ground.normals[pairs[:, 1]]) > -LAYOUT.facing
    first, second = pairs[same].T
    return csr_matrix((np.ones(len(first), bool), (first, second)), shape=(len(ground.places),) * 2)


_NO_PAIRS = np.zeros((0, 2), np.int64)


def _surely_missing(apart: DoubleArray, ground: Ground, settled: BoolArray) -> DoubleArray:
    """No farther than the distance to places that the scan need not show: views fray there."""
    found = np.zeros_like(apart)
    if settled.all() or not settled.any():
        return apart if settled.all() else found
    found[settled] = np.minimum(apart[settled], PointTree(ground.places[~settled]).nearest(ground.places[settled])[0])
    return found


def _spread(values: DoubleArray) -> float:
    """Standard deviation estimated from the median, so that a defect does not count."""
    return sigma(values - np.median(values)) if len(values) else 0.0


def _places_below(feet: DoubleArray, normals: DoubleArray, ground: Ground) -> IntArray:
    near = ground.tree.nearest_k(feet, LAYOUT.below)[1]
    facing = np.einsum("nki,ni->nk", ground.normals[near], normals) > LAYOUT.facing
    return np.asarray(near[np.arange(len(feet)), facing.argmax(axis=1)])
