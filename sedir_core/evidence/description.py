"""What is wrong with a part, in an operator's terms: kind, depth, area and size of each defect.

Every region that departs from the expected surface by more than its noise is described, whatever the limit: no limit
affects the size of a defect, and one missing piece is one defect. All of this is our choice [O]; the numbers were tuned
on shapes and defects of our own making (benchmarks/defect_kinds.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np

from sedir_core.evidence.dents import depths_below
from sedir_core.evidence.deviation import Deviation, Sides
from sedir_core.evidence.laid_back import LaidBack
from sedir_core.evidence.layout import Layout
from sedir_core.evidence.lines import Course, emptiest_line
from sedir_core.evidence.report_numbers import DESCRIPTION, DEVIATION
from sedir_core.geometry.registration import principal_axes
from sedir_core.geometry.surface import local_frames
from sedir_core.geometry.tree import PointTree
from sedir_core.types import BoolArray, DefectKind, DoubleArray, IntArray

_TINY = 1e-300


@dataclass(frozen=True)
class Region:
    """A connected departure from the expected surface, in the layout's frame and unit.

    places: (r,) indices into the layout. members: (k,) indices of scan points in it, or at the rim of missing material.
    Everything else as in `types.Defect`.
    """

    places: IntArray
    members: IntArray
    kind: DefectKind
    depth: float
    depth_mean: float
    area: float
    centroid: DoubleArray
    size: DoubleArray
    axes: DoubleArray


def describe(
    scan: PointTree, deviation: Deviation, layout: Layout, regions: Sequence[IntArray], sides: Sides
) -> list[Region]:
    """regions: places of the layout, as `layout.grow` finds them. sides: returns `scan_sides` of some of the points."""
    pieces = _joined([_Piece(scan, deviation, layout, own, sides) for own in regions])
    return [piece.described() for piece in pieces]


@dataclass(frozen=True)
class _Piece:
    """A region, with the quantities that its description is based on."""

    scan: PointTree
    deviation: Deviation
    layout: Layout
    own: IntArray
    sides: Sides

    def with_(self, other: _Piece) -> _Piece:
        return _Piece(self.scan, self.deviation, self.layout, np.concatenate([self.own, other.own]), self.sides)

    def described(self) -> Region:
        kind = self._kind()
        gone = kind in ("missing material", "gap or crack")
        depth = -float(self.layout.apart[self.own].max()) if gone else self._depth(kind)
        counted = self.areas * (self.missing if gone and self.missing.any() else ~self.missing)
        mean = float((counted * self.lengths).sum() / max(float(counted.sum()), _TINY))
        centroid = (self.areas[:, None] * self.places).sum(axis=0) / self.area
        axes = self._axes()
        size = np.ptp(np.concatenate([self.places, self.points[self.on_it]]) @ axes.T, axis=0)
        return Region(self.own, self._members(), kind, depth, mean, self.area, centroid, size, axes)

    @property
    def points(self) -> DoubleArray:
        return self.scan.points

    @property
    def values(self) -> DoubleArray:
        return self.deviation.values

    @cached_property
    def places(self) -> DoubleArray:
        return self.layout.ground.places[self.own]

    @cached_property
    def normals(self) -> DoubleArray:
        return self.layout.ground.normals[self.own]

    @cached_property
    def areas(self) -> DoubleArray:
        return self.layout.ground.area[self.own]

    @cached_property
    def area(self) -> float:
        return float(self.areas.sum())

    @cached_property
    def lengths(self) -> DoubleArray:
        return self.layout.lengths[self.own]

    @cached_property
    def missing(self) -> BoolArray:
        return self.layout.missing[self.own]

    @cached_property
    def share_missing(self) -> float:
        return float((self.areas * self.missing).sum()) / self.area

    @cached_property
    def on_it(self) -> IntArray:
        """(k,) indices of the scan's points on the region."""
        inside = np.zeros(len(self.layout.lengths), bool)
        inside[self.own] = True
        return np.flatnonzero(inside[self.layout.below])

    @cached_property
    def volumes(self) -> tuple[float, float]:
        """Volumes of excess and of missing material, where the scan has points."""
        there = np.where(self.missing, 0.0, self.lengths) * self.areas
        return float(np.maximum(there, 0).sum()), float(np.maximum(-there, 0).sum())

    @cached_property
    def sign(self) -> float:
        return 1.0 if self.volumes[0] > self.volumes[1] else -1.0

    @cached_property
    def peak(self) -> float:
        """The largest deviation where the scan has points."""
        return float(np.abs(np.where(self.missing, 0.0, self.lengths)).max())

    @cached_property
    def long(self) -> float:
        return float(np.ptp(self.places @ principal_axes(self.places).T[0]))

    @property
    def _narrow(self) -> bool:
        return self.long**2 > DESCRIPTION.narrow * self.area

    @cached_property
    def share(self) -> float:
        """Share of the whole surface."""
        return self.area / float(self.layout.ground.area.sum())

    @cached_property
    def rigidity(self) -> float:
        """The share of the squared deviation that one rigid motion of the region explains."""
        there = ~self.missing
        if there.sum() < 8:
            return 0.0
        arms = self.places[there] - self.places[there].mean(axis=0)
        normals, lengths = self.normals[there], self.lengths[there]
        moves = np.concatenate([normals, np.cross(arms, normals)], axis=1)
        left = lengths - moves @ np.linalg.lstsq(moves, lengths, rcond=None)[0]
        return 1.0 - float((left**2).sum()) / max(float((lengths**2).sum()), _TINY)

    def _kind(self) -> DefectKind:
        share = self.share_missing
        if share > DESCRIPTION.mostly:
            return "gap or crack" if self._narrow else "missing material"
        if self._has_moved():
            return "displaced region"
        if share > DESCRIPTION.mainly:
            return "gap or crack" if self._narrow else "missing material"
        if self.sign > 0 and self._is_lip():
            return "gap or crack"
        if self.sign < 0:
            return "dent"
        return "extra material" if self._stands_on_it() else "bump"

    def _has_moved(self) -> bool:
        if self.peak < DESCRIPTION.low * self.layout.spacing:
            even = min(self.volumes) > DESCRIPTION.even * max(self.volumes)
            return even and self.share > DESCRIPTION.least_body and self.rigidity > DESCRIPTION.as_one
        both = min(self.volumes) > DESCRIPTION.both * max(self.volumes)
        if self.share > DESCRIPTION.large:
            enough = (
                DESCRIPTION.largely_as_one if both or self.share_missing > DESCRIPTION.partly else DESCRIPTION.as_one
            )
        elif both:
            enough = DESCRIPTION.largely_as_one
        elif self.share > DESCRIPTION.end:
            return self._laid_back.share > DESCRIPTION.surely_as_one
        else:
            return False
        return self.rigidity > enough or self._laid_back.share > enough

    @cached_property
    def _laid_back(self) -> LaidBack:
        some = self.on_it[:: max(1, len(self.on_it) // DESCRIPTION.moving)]
        sides, ground = self.sides(some), self.layout.ground
        outward = np.where(sides.any(axis=1, keepdims=True), sides, self.deviation.normals[some])
        return LaidBack(self.scan, some, outward, ground.oriented, ground.spacing)

    def _is_lip(self) -> bool:
        """A crack may be narrower than the point spacing; its lip stands up, and points are too few on it or beside."""
        if self.peak > DESCRIPTION.highest_lip * self.layout.spacing or self.long**2 < DESCRIPTION.long * self.area:
            return False
        return len(self.on_it) < DESCRIPTION.sparse * self._room(self.own) or self._emptiest_line() > DESCRIPTION.empty

    def _emptiest_line(self) -> float:
        """By how many standard errors the points are too few on the emptiest of the lines that go along the region."""
        ground, layout = self.layout.ground, self.layout
        along, across, up = self._axes()
        near = np.isfinite(PointTree(self.places).nearest(ground.places, within=DESCRIPTION.about * ground.spacing)[0])
        near &= ground.normals @ up > 0
        course = Course(self.places @ along, self.places @ across, np.abs(self.lengths), 2 * ground.spacing)
        feet = layout.feet[near[layout.below]]
        room = course.beside(ground.places[near] @ along, ground.places[near] @ across)
        there = course.beside(feet @ along, feet @ across)
        return emptiest_line(room, there, self._room(np.zeros(1, np.int64)), layout.spacing)

    def _room(self, places: IntArray) -> float:
        """Expected number of scan points on that many places."""
        return len(places) * len(self.layout.below) / len(self.layout.lengths)

    def _stands_on_it(self) -> bool:
        if self.peak < DESCRIPTION.low * self.layout.spacing:
            return False
        high = self.on_it[np.abs(self.values[self.on_it]) > DESCRIPTION.high * self.peak]
        room = self._room(np.flatnonzero(np.abs(self.lengths) > DESCRIPTION.high * self.peak))
        return len(high) > DESCRIPTION.piled * room or self._steep(high) > DESCRIPTION.steep_share

    def _steep(self, some: IntArray) -> float:
        """Share of the scan's points (m,) whose normals lie across those of the surface below."""
        if len(some) == 0:
            return 0.0
        normals = local_frames(self.points, self.scan.nearest_k(self.points[some], DEVIATION.side)[1])[1][:, :, 0]
        return float((np.abs(np.einsum("ij,ij->i", normals, self.deviation.normals[some])) < DESCRIPTION.steep).mean())

    def _depth(self, kind: DefectKind) -> float:
        if len(self.on_it) == 0:
            return 0.0
        if kind == "displaced region":
            return self._displacement()
        return self.sign * self._farthest(self.sign * self.values if kind != "dent" else self._pressed_in())

    def _pressed_in(self) -> DoubleArray:
        """(n,) how far the scan's points lie below the surface; on a dent over an edge, the way that the damage took.

        There the nearest surface is the face beside it, which is nearer than the one that was pressed in. Points that
        are nearest to such a face are measured along the mean normal of the dent, from the surface that faces that way.
        """
        depths = -self.values
        deepest = self._farthest(depths)
        weights = np.minimum(np.abs(np.where(self.missing, 0.0, self.lengths)), deepest) ** 2
        way = (weights[:, None] * self.normals).sum(axis=0)
        way /= max(float(np.linalg.norm(way)), _TINY)
        some = self.on_it[depths[self.on_it] > DESCRIPTION.pressed * deepest]
        some = some[self.deviation.normals[some] @ way < DESCRIPTION.beside_face]
        if self._narrow or len(some) == 0:
            return depths
        along = depths_below(self.points[some], self.layout.ground, way, DESCRIPTION.deeper * deepest)
        depths[some] = np.maximum(depths[some], along)
        return depths

    def _farthest(self, values: DoubleArray) -> float:
        """The highest of the values (n,) of the scan's points on the region, as far as others nearby support them."""
        around = self.scan.nearest_k(self.points[self.on_it], DESCRIPTION.support)[1]
        supported = np.sort(values[around], axis=1)[:, -2]
        # The ground of a scratch is a line with few points on it; on a wide floor others would stand for it.
        supported = supported * (DESCRIPTION.steeper if self._narrow else 1.0)
        return _top_mean(np.minimum(values[self.on_it], supported), DESCRIPTION.most)

    def _displacement(self) -> float:
        """Its farthest deviation; outward if it has moved farther outward than inward where it belongs."""
        along = self._laid_back.moves()
        farthest = self._farthest(np.abs(self.values))
        return farthest if _top_mean(along) > _top_mean(-along) else -farthest

    def _axes(self) -> DoubleArray:
        """Its axes: along it, across it, and along the surface's normal, if there is one."""
        normal = (self.areas[:, None] * self.normals).sum(axis=0) / self.area
        length = float(np.linalg.norm(normal))
        if length < 0.5:
            return principal_axes(self.places).T
        normal /= length
        flat = self.places - self.places.mean(axis=0)
        long = principal_axes(flat - np.outer(flat @ normal, normal)).T[0]
        return np.stack([long, np.cross(normal, long), normal])

    def _members(self) -> IntArray:
        gone = self.places[self.missing]
        if len(gone) == 0:
            return self.on_it
        near = PointTree(gone).nearest(self.layout.feet, within=DESCRIPTION.rim * self.layout.spacing)[0]
        return np.union1d(self.on_it, np.flatnonzero(np.isfinite(near)))


def _joined(pieces: list[_Piece]) -> list[_Piece]:
    """Merge the faces of one displaced body, and what one fracture has taken."""
    for a, b in combinations(range(len(pieces)), 2):
        if _one_body(pieces[a], pieces[b]) or _one_break(pieces[a], pieces[b]):
            rest = [piece for i, piece in enumerate(pieces) if i not in (a, b)]
            return _joined([pieces[a].with_(pieces[b]), *rest])
    return pieces


def _one_body(one: _Piece, other: _Piece) -> bool:
    volumes = sum(one.volumes), sum(other.volumes)
    if min(volumes) < DESCRIPTION.comparable * max(volumes):
        return False
    both = one.with_(other)
    if min(both.volumes) < DESCRIPTION.both * max(both.volumes):
        return False
    if PointTree(one.places).nearest(other.places)[0].min() > 0.5 * max(one.long, other.long):
        return False
    plain = both.share > DESCRIPTION.large or both.peak > DESCRIPTION.low * both.layout.spacing
    return both.rigidity > (DESCRIPTION.largely_as_one if plain else DESCRIPTION.as_one)


def _one_break(one: _Piece, other: _Piece) -> bool:
    """Whether two missing pieces belong to one fracture: the tips of two teeth have nothing between them."""
    if min(one.share_missing, other.share_missing) < 0.5:
        return False
    gap = PointTree(one.places[one.missing]).nearest(other.places[other.missing])[0].min()
    return bool(gap < DESCRIPTION.next_to * max(one.long, other.long))


def _top_mean(values: DoubleArray, most: int | None = None) -> float:
    count = min(len(values), most or len(values), max(DESCRIPTION.least, round(DESCRIPTION.deepest * len(values))))
    return float(np.sort(values)[-count:].mean())
