"""A category's normal surface, merged from its training parts, and how a scan departs from it.

This is the geometric half of calibrated scoring [O]: tokens tell whether a neighbourhood looks right for its place, the
surface tells whether the material is where it belongs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from sedir_core.evidence.aligned_parts import AlignedPart, mean_shape, smooth_way
from sedir_core.evidence.around import WIDEST, Around
from sedir_core.evidence.coverage import ABSENT, ABSENT_UNIT, Coverage
from sedir_core.evidence.fields import FIELDS, SPREADS, offset_fields
from sedir_core.evidence.numbers import COVERAGE, FIELD, IDENTIFICATION, NORMAL_SURFACE
from sedir_core.evidence.probes import GAPS, Probes
from sedir_core.evidence.training_numbers import ALIGNMENT
from sedir_core.evidence.whole_part import SIZE, SIZE_UNIT, size_difference
from sedir_core.geometry.bent import lay_bent, settle_bent
from sedir_core.geometry.elastic import SmoothPrior
from sedir_core.geometry.numbers import BENT, ORIENTED
from sedir_core.geometry.orientation import turned_as
from sedir_core.geometry.oriented import Oriented
from sedir_core.geometry.overlap import STILL, Fit, better, judge, lay
from sedir_core.geometry.registration import Pose, Surface, settle
from sedir_core.geometry.surface import smooth_onto_plane
from sedir_core.geometry.tree import PointTree
from sedir_core.types import BoolArray, DoubleArray, IntArray

OFFSET_SIZES = (8, 32, WIDEST)
CHANNELS = (*(f"offset_{k}" for k in OFFSET_SIZES), *GAPS, "outlier_8", "drift", *FIELDS, *SPREADS, SIZE, ABSENT)


@dataclass(frozen=True)
class Company:
    """nearest: (n, WIDEST) int32, each point's neighbours. kept: (n,) flags of points that lie on a surface."""

    nearest: NDArray[np.int32]
    kept: BoolArray

    @staticmethod
    def of(tree: PointTree) -> Company:
        """Among the points of the tree, (n, 3)."""
        distances, nearest = tree.nearest_k(tree.points, WIDEST)
        return Company(nearest.astype(np.int32), distances[:, 7] < NORMAL_SURFACE.lonely * tree.spacing)


@dataclass(frozen=True)
class Departure:
    """How an aligned scan departs from a normal surface, per point, in units of the part's radius.

    points: (n, 3) as given. places: (n, 3), the points after the smooth part-to-part difference was removed. around:
    their neighbours.
    channels: name -> (n,). offset_k: length of the mean residual along the normal over the k nearest points, so that
    noise averages out and a dent does not. gap_k: mean distance from the surface to the scan around the point, in
    spacings of the scan; large where material is missing. seam: the same along the line on which it stays largest,
    capped at about one; large along a crack. outlier_8: mean distance to the nearest point of the surface. drift: how
    far the smooth difference moved the point. FIELDS, SPREADS: see `fields.offset_fields`. size, absent: constant
    over the scan, 1 if it is as large as the surface and lacks nothing of it; for whole scans only, like the fields.
    size_difference: see `whole_part.size_difference`. absent: see `coverage.largest_absent`. other_face: (m,) flags of
    all points of the scan that may lie on the opposite, unknown face of a wall; empty for single-view scans. own: (n,)
    index of the surface place next to each point; likewise. company: which points are next to which.
    """

    points: DoubleArray
    places: DoubleArray
    channels: dict[str, DoubleArray]
    around: Around
    company: Company
    size_difference: float = 0.0
    absent: float = 0.0
    other_face: BoolArray = field(default_factory=lambda: np.empty(0, bool))
    own: IntArray = field(default_factory=lambda: np.empty(0, int))


@dataclass(frozen=True)
class NormalSurface:
    """The merged surface of a category, and the smooth variation of good parts about it.

    coverage: which places the training scans show; None in runs that did not store it, as if all scans showed all.
    Where scans do not always show the whole part, as on a turntable, gaps are no evidence of a defect. usual: (c,)
    usual distances of good parts at `confirmed`, for parts that vary by nature; None for others, which are aligned
    rigidly.
    """

    surface: Surface
    prior: SmoothPrior
    coverage: Coverage | None = None
    usual: DoubleArray | None = None

    @property
    def complete(self) -> bool:
        """Whether good scans show the whole part, so that gaps are evidence of a defect."""
        return self.coverage is None or self.coverage.complete

    def depart(
        self,
        points: DoubleArray,
        direction: DoubleArray | None = None,
        every: DoubleArray | None = None,
        scan: Oriented | None = None,
        sound: BoolArray | None = None,
        company: Company | None = None,
    ) -> Departure:
        """points: (n, 3) in the category's frame, rigidly aligned, in random order, n at least 128.

        direction: (3,) from which a scan of one side was seen; then only what it must have seen can be missing.
        every: (m, 3) all points of the scan, of which `points` are some; by default these. scan: the same with its
        outward normals, if computed before. sound: (n,) mask of points that the smooth difference is fitted to; by
        default all. company: of the points, from a comparison before; another smooth difference hardly changes it.
        """
        everything = points if every is None else every
        shown = Oriented(everything[: ORIENTED.oriented_points]) if scan is None else scan
        smooth = self.prior.comparing.fit(self.telling(_some(points, sound)), self.surface.toward)
        moves = smooth(points)
        places = points + moves
        tree = PointTree(places)
        moved = places if every is None else every + smooth(every)
        whole = tree if every is None else PointTree(moved)
        surface = self.probes.places
        over = surface.over(places)
        known = over.on & ~surface.other_face(places, over, whole, lambda some: shown.facing(points[some]))
        distances, nearest = self.surface.tree.nearest(places)
        normals = self.surface.normals[nearest]
        along = np.einsum("ij,ij->i", self.surface.points[nearest] - places, normals)
        residuals = np.where(known, along, 0.0)[:, None] * normals
        company = company or Company.of(tree)
        around = company.nearest
        known &= company.kept
        channels = {f"offset_{k}": lengths for k, lengths in _mean_lengths(residuals, around)}
        channels |= self.probes.gaps(tree, direction)
        # Where good scans show all of the part, nothing belongs beside it.
        told = known | (company.kept & self.complete)
        channels["outlier_8"] = np.where(told, distances, 0.0)[around[:, :8]].mean(axis=1)
        channels["outlier_8"][~told] = np.nan
        channels["drift"] = _length(moves)
        for k in OFFSET_SIZES:
            channels[f"offset_{k}"][~known] = np.nan
        if direction is not None:
            return Departure(points, places, channels, Around.among(around), company)
        every_over = over if every is None else surface.over(moved)
        other_face = surface.other_face(moved, every_over, whole, lambda some: shown.facing(everything[some]))
        channels |= offset_fields(surface, every_over.of(~other_face), over.place)
        larger, absent = size_difference(points, surface), self.probes.largest_absent(whole)
        channels[SIZE] = np.full(len(points), 1 + abs(larger) / SIZE_UNIT)
        channels[ABSENT] = np.full(len(points), 1 + absent / ABSENT_UNIT)
        shape = larger, absent, other_face, over.place
        return Departure(points, places, channels, Around.among(around), company, *shape)

    def judge(self, scan: Oriented, pose: Pose) -> Fit:
        """Evaluate a pose of a scan; for parts that vary by nature, after their smooth difference is removed."""
        if not self.prior.supple:
            return judge(scan, self.oriented, pose)
        laid = scan.moved(pose)
        smooth = smooth_way(self.prior, laid, self.confirmed, self.surface)
        return replace(judge(laid.displaced(smooth), self.confirmed, STILL), pose=pose)

    def settled(self, scan: Oriented, points: DoubleArray, nearby: Pose) -> tuple[Pose, float]:
        """The pose refined from a nearby one, and the residual of some points (n, 3) after rigid alignment."""
        pose, residual = settle(points, self.surface, nearby)
        if self.prior.supple:
            pose = settle_bent(scan, self.confirmed, self.prior, nearby)
        return pose, residual

    def better(self, scan: Oriented, before: Pose) -> Fit:
        """A better pose, or the given one. Rigidly, parts that vary by nature fit about as well the other way round."""
        if not self.prior.supple:
            return better(scan, self.oriented, before)
        return self.judge(scan, lay_bent(scan, self.confirmed, self.prior, before.rotation).pose)

    def as_fragment(self, scan: Oriented, usual: float) -> Fit:
        """The pose of a scan that may show a piece of the part. usual: residual of what good scans and it both show."""
        if self.prior.supple:
            return self.judge(scan, lay_bent(scan, self.confirmed, self.prior, np.eye(3)).pose)

        def promising(fit: Fit) -> bool:
            near = fit.residual < IDENTIFICATION.hopeless_fragment * usual
            return near and fit.shared > IDENTIFICATION.hopeless_shared

        return lay(scan, self.oriented, promising)

    def shown_by(self, scan: Oriented) -> float:
        """The share of the surface, 0..1, that an aligned scan covers."""
        places, tree = self.probes.places, PointTree(scan.points)
        return float((tree.nearest(places.points)[0] < COVERAGE.shown * max(tree.spacing, places.spacing)).mean())

    @cached_property
    def confirmed(self) -> Oriented:
        """The surface that more than one training scan shows; how the rest varies is unknown."""
        some = np.ones(len(self.surface.points), bool) if self.coverage is None else self.coverage.confirmed
        return Oriented(self.surface.points[some], self.surface.normals[some], usual=self.usual)

    def telling(self, points: DoubleArray) -> DoubleArray:
        """The points (n, 3), in random order, that the smooth difference is fitted to: those over the surface."""
        over = self.probes.places.over(points)
        known = over.on & (np.abs(over.along) < max(FIELD.farthest, self.prior.reach))
        return (points[known] if known.mean() >= NORMAL_SURFACE.least_known else points)[: ALIGNMENT.elastic_points]

    def moves(self, points: DoubleArray, fitted: DoubleArray) -> DoubleArray:
        """Displacements of points (n, 3) into the mean shape, fitted to a subset of them, (m, 3) in random order."""
        return self.prior.comparing.fit(fitted[: ALIGNMENT.elastic_points], self.surface.toward)(points)

    @cached_property
    def oriented(self) -> Oriented:
        """A subset of its points, for aligning scans by what both show."""
        return Oriented(self.surface.points, self.surface.normals)

    @cached_property
    def probes(self) -> Probes:
        """The places at which the scan is searched for gaps."""
        step = max(1, len(self.surface.points) // NORMAL_SURFACE.probes)
        coverage = None if self.coverage is None else self.coverage.thinned(step)
        return Probes(self.surface.points[::step], self.surface.normals[::step], coverage)


def merge_parts(parts: Sequence[AlignedPart]) -> NormalSurface:
    """The surface of the parts in their mean shape, with noise averaged out."""
    shaped = mean_shape(parts)
    parts = parts[: NORMAL_SURFACE.parts]
    moved = [shaped(part, part.points) for part in parts]
    merged = np.concatenate(moved)
    # Only what is kept is smoothed: the neighbourhoods of a million merged points would take gigabytes.
    keep = np.random.default_rng(0).permutation(len(merged))[: NORMAL_SURFACE.points]
    facing = np.concatenate([part.facing for part in parts])
    points, normals = smooth_onto_plane(merged, keep, 8 * min(len(moved), 4), facing)
    sure = np.concatenate([shaped(part, part.oriented.points) for part in parts])
    normals = turned_as(points, normals, sure, np.concatenate([part.oriented.normals for part in parts]))
    found = NormalSurface(Surface(points, normals), parts[0].toward_reference.prior, Coverage.of(points, moved))
    if not found.prior.supple:
        return found
    return replace(found, usual=found.confirmed.usual_ways([p.oriented.brought(partial(shaped, p)) for p in parts]))


def _some(points: DoubleArray, which: BoolArray | None) -> DoubleArray:
    return points if which is None else points[which]


def _mean_lengths(vectors: DoubleArray, around: NDArray[np.int32]) -> Iterator[tuple[int, DoubleArray]]:
    """For each of OFFSET_SIZES the lengths (n,) of the means of vectors (n, 3) over that many points around each."""
    total, done = np.zeros_like(vectors), 0
    for k in OFFSET_SIZES:
        for column in around[:, done:k].T:
            total += np.take(vectors, column, axis=0)
        done = min(k, around.shape[1])
        yield k, _length(total / done)


def _length(vectors: DoubleArray) -> DoubleArray:
    return np.asarray(np.linalg.norm(vectors, axis=1))


def relaid_parts(parts: list[AlignedPart], normal: NormalSurface) -> list[AlignedPart]:
    """The parts, those that show another side than the rest realigned with the merged surface; the same list if none.

    For parts that vary by nature, an upper side is told from a lower one by distances relative to the usual ones at
    each place, which are unknown while the parts are still being aligned with each other. normal: their merged surface.
    """
    if not normal.prior.supple:
        return parts
    prior = parts[0].toward_reference.prior
    mean = np.mean([part.toward_reference.weights for part in parts], axis=0)
    found = [parts[0]]
    for part in parts[1:]:
        laid = lay_bent(part.oriented, normal.confirmed, prior, np.eye(3))
        if laid.shared < BENT.shared * normal.judge(part.oriented, STILL).shared:
            toward_mean = smooth_way(prior, part.oriented.moved(laid.pose), normal.confirmed, normal.surface)
            part = AlignedPart(laid.pose.apply(part.points), replace(toward_mean, weights=toward_mean.weights + mean))
        found.append(part)
    return parts if all(one is before for one, before in zip(found, parts, strict=True)) else found
