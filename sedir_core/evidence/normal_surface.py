"""A category's normal surface, merged from its training parts, and how a scan departs from it.

This is the geometric half of calibrated scoring [O]: tokens say whether a neighbourhood looks right for its
place, the surface says whether the material is where it belongs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from sedir_core.errors import Cancelled
from sedir_core.evidence.around import Around
from sedir_core.evidence.coverage import ABSENT, ABSENT_UNIT, Coverage
from sedir_core.evidence.fields import FARTHEST, FIELDS, SPREADS, offset_fields
from sedir_core.evidence.probes import GAPS, Probes
from sedir_core.evidence.whole_part import SIZE, SIZE_UNIT, size_difference
from sedir_core.geometry.elastic import Elastic, SmoothPrior
from sedir_core.geometry.orientation import turned_as
from sedir_core.geometry.overlap import (
    STILL,
    Fit,
    Oriented,
    alternatives,
    better,
    judge,
    lies_as,
    shown_by_both,
)
from sedir_core.geometry.registration import Pose, Surface, align
from sedir_core.geometry.sampling import farthest_points
from sedir_core.geometry.surface import smooth_onto_plane
from sedir_core.geometry.tree import PointTree
from sedir_core.types import BoolArray, DoubleArray, IntArray, Stop, never_stop

N_CONTROLS = 64
N_REFERENCES = 3  # parts that are tried as the one onto which the others are brought
# Disagreement of a part with the others (`geometry.overlap.Fit`), in times of the median, and so much more: beyond the
# one a better pose is looked for, beyond the other the part is left out. In its true pose a rocker arm lying otherwise
# disagrees by 0.05, the others by 0.006.
DOUBTFUL, DOUBTED_AT_LEAST = 1.3, 0.01
CONTRADICTING, CONTRADICTS_AT_LEAST = 4.0, 0.06
N_ELASTIC_POINTS = 3_000
# Radii that parts may differ by while it is found out how much they do, and the room that others get, in times of what
# is found: a field falls short of the difference, since it is held back and sees one direction of it.
FREE, ROOM = 0.05, 1.5
N_AMPLITUDE_POINTS = 1_000
AS_CHEAP = 1.5  # times the lowest cost, up to which the pose that contradicts least is the better one
N_SURFACE_POINTS = 40_000
N_PROBES = 20_000
MERGED_PARTS = 8  # more of them make the surface no smoother, only larger
OFFSET_SIZES = (8, 32, 128)
CHANNELS = (*(f"offset_{k}" for k in OFFSET_SIZES), *GAPS, "stray_8", "drift", *FIELDS, *SPREADS, SIZE, ABSENT)
TOLERANCE = 0.005  # radii: the usual smooth difference between parts, where no two scans tell
LEAST_KNOWN = 0.3  # of the points: with fewer over the surface the scan is of another part, and all of them say so
LONELY = 6.0  # spacings of a scan to the eighth neighbour of a point, beyond which it shows no surface


@dataclass(frozen=True)
class Departure:
    """How an aligned scan departs from a normal surface, per point, in units of the part's radius.

    points: (n, 3) as given. places: (n, 3), the points after the smooth part-to-part difference was taken out; around:
    which of them are next to which.
    channels: name -> (n,). offset_k: length of the mean residual along the normal over the k nearest points,
    so noise averages out and a dent does not. bare_k: mean distance from surface to scan around the point, in spacings
    of the scan, large where material is missing. seam: the same along the line on which it stays largest, no more
    than about one: large along a crack. stray_8: mean distance to the surface's nearest point. drift: how far the
    smooth difference itself moved the point. FIELDS, SPREADS: see `fields.offset_fields`. size, absent: the same
    everywhere, 1 where the scan is as large as the surface, and lacks nothing of it; like the fields of whole scans
    only. size_difference: see `whole_part.size_difference`. absent: see `coverage.largest_absent`. other_face: (m,)
    which of all points of the scan may be of a wall's other face than the known one; none for scans from one side.
    own: (n,) which place of the surface each point is next to, likewise.
    """

    points: DoubleArray
    places: DoubleArray
    channels: dict[str, DoubleArray]
    around: Around
    size_difference: float = 0.0
    absent: float = 0.0
    other_face: BoolArray = field(default_factory=lambda: np.empty(0, bool))
    own: IntArray = field(default_factory=lambda: np.empty(0, int))


@dataclass(frozen=True)
class AlignedPart:
    """A training part in the category's frame, and the smooth difference from the reference part to it."""

    points: DoubleArray
    toward_reference: Elastic

    @cached_property
    def oriented(self) -> Oriented:
        """Some of its points, with their outer sides."""
        return Oriented(self.points)


@dataclass(frozen=True)
class NormalSurface:
    """The merged surface of a category, and how good parts differ from it smoothly.

    coverage: which of the training scans show its points; None where nobody kept it, as if all did. Where scans do not
    always show the whole part, as on a turntable, a gap does not condemn one.
    """

    surface: Surface
    prior: SmoothPrior
    coverage: Coverage | None = None

    @property
    def complete(self) -> bool:
        """Whether good scans show all of the part, so that gaps are evidence of a defect."""
        return self.coverage is None or self.coverage.complete

    def depart(
        self,
        points: DoubleArray,
        generator: np.random.Generator,
        direction: DoubleArray | None = None,
        every: DoubleArray | None = None,
        scan: Oriented | None = None,
    ) -> Departure:
        """points: (n, 3) in the category's frame, rigidly aligned, n at least 128.

        direction: (3,) from which a scan of one side was seen; then only what it must have seen can be missing.
        every: (m, 3) all points of the scan, of which `points` are some; by default these. scan: the same with its
        outer sides, where they were found before.
        """
        everything = points if every is None else every
        shown = Oriented(everything) if scan is None else scan
        smooth = self.prior.fit(self.telling(points, generator), self.surface.toward)
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
        distances_around, around = tree.nearest_k(places, max(OFFSET_SIZES))
        in_company = distances_around[:, 7] < LONELY * tree.spacing
        known &= in_company
        channels = {f"offset_{k}": _mean_length(residuals, around[:, :k]) for k in OFFSET_SIZES}
        channels |= self.probes.gaps(tree, direction)
        # Where good scans show all of the part, nothing belongs beside it.
        told = known | (in_company & self.complete)
        channels["stray_8"] = np.where(told, distances, 0.0)[around[:, :8]].mean(axis=1)
        channels["stray_8"][~told] = np.nan
        channels["drift"] = _length(moves)
        for k in OFFSET_SIZES:
            channels[f"offset_{k}"][~known] = np.nan
        if direction is not None:
            return Departure(points, places, channels, Around.among(around))
        every_over = over if every is None else surface.over(moved)
        other_face = surface.other_face(moved, every_over, whole, lambda some: shown.facing(everything[some]))
        channels |= offset_fields(surface, every_over.of(~other_face), over.place)
        larger, absent = size_difference(points, surface), self.probes.largest_absent(whole)
        channels[SIZE] = np.full(len(points), 1 + abs(larger) / SIZE_UNIT)
        channels[ABSENT] = np.full(len(points), 1 + absent / ABSENT_UNIT)
        return Departure(points, places, channels, Around.among(around), larger, absent, other_face, over.place)

    def judge(self, scan: Oriented, pose: Pose) -> Fit:
        """How well a scan fits in that pose; of parts that vary by nature, once their smooth difference is out."""
        if not self.prior.supple:
            return judge(scan, self.oriented, pose)
        laid = scan.moved(pose)
        smooth = smooth_way(self.prior, laid, self._confirmed, self.surface)
        return replace(judge(laid.displaced(smooth), self._confirmed, STILL), pose=pose)

    def better(self, scan: Oriented, before: Fit) -> Fit:
        """A better pose than that, or it.

        Parts that vary by nature fit rigidly about as well another way round; once bent to shape, they contradict.
        """
        if not self.prior.supple:
            return better(scan, self.oriented, before.pose)
        others = alternatives(scan, self._confirmed, before.pose)
        fits = [before, *(self.judge(scan, pose) for pose in others)]
        most = AS_CHEAP * min(fit.cost for fit in fits)
        return min((fit for fit in fits if fit.cost <= most), key=lambda fit: fit.conflict)

    @cached_property
    def _confirmed(self) -> Oriented:
        """What more than one of the scans shows: how the rest varies, nobody knows."""
        if self.coverage is None:
            return self.oriented
        some = self.coverage.confirmed
        return Oriented(self.surface.points[some], self.surface.normals[some])

    def telling(self, points: DoubleArray, generator: np.random.Generator) -> DoubleArray:
        """Some of points (n, 3), in random order, that say how the part differs as a whole: over the surface."""
        over = self.probes.places.over(points)
        known = over.on & (np.abs(over.along) < max(FARTHEST, self.prior.reach))
        return _some(points[known] if known.mean() >= LEAST_KNOWN else points, generator)

    def moves(self, points: DoubleArray, fitted: DoubleArray, generator: np.random.Generator) -> DoubleArray:
        """The way of points (n, 3) into the mean shape, as some of them, (m, 3), say it."""
        return self.prior.fit(_some(fitted, generator), self.surface.toward)(points)

    @cached_property
    def oriented(self) -> Oriented:
        """Some of its points, to lay scans by what both show."""
        return Oriented(self.surface.points, self.surface.normals)

    @cached_property
    def probes(self) -> Probes:
        """The places where the scan is looked for."""
        step = max(1, len(self.surface.points) // N_PROBES)
        coverage = None if self.coverage is None else self.coverage.thinned(step)
        return Probes(self.surface.points[::step], self.surface.normals[::step], coverage)


def align_parts(
    clouds: Sequence[DoubleArray], generator: np.random.Generator, stop: Stop = never_stop
) -> tuple[list[AlignedPart], list[int]]:
    """Bring the parts onto one of them; also which of the clouds contradict the others and are left out.

    The first part is the reference, unless it is itself what contradicts. A scan that shows another side than the
    others is laid by what both show (`geometry.overlap`); laid wrong, it would make every defect look usual.

    clouds: each (n, 3), centred and scaled by the first part's frame. Raises Cancelled.
    """
    oriented = [Oriented(cloud) for cloud in clouds] if len(clouds) > 1 else []
    best: tuple[list[Pose], list[int]] | None = None
    for reference in range(min(len(clouds), N_REFERENCES)):
        poses, left_out = _onto(reference, clouds, oriented, generator, stop)
        if best is None or len(left_out) < len(best[1]):
            best, chosen = (poses, left_out), reference
        if 2 * len(left_out) < len(clouds):
            break
    assert best is not None
    poses, left_out = best
    moved = [pose.apply(cloud) for pose, cloud in zip(poses, clouds, strict=True)]
    surface = Surface(moved[chosen])
    controls = moved[chosen][farthest_points(moved[chosen].astype(np.float32), N_CONTROLS)]
    others = [i for i in range(len(clouds)) if i != chosen and i not in left_out]

    def fields(prior: SmoothPrior) -> list[Elastic]:
        return [smooth_way(prior, oriented[i].moved(poses[i]), oriented[chosen], surface) for i in others]

    prior = _learned_prior(SmoothPrior(controls), moved[chosen], fields)
    if prior.supple:
        known = NormalSurface(surface, prior)
        for i in others:
            if stop():
                raise Cancelled
            poses[i] = known.better(oriented[i], known.judge(oriented[i], poses[i])).pose
            moved[i] = poses[i].apply(clouds[i])
    pairs = zip([chosen, *others], [prior.none, *fields(prior)], strict=True)
    return [AlignedPart(moved[i], toward_reference) for i, toward_reference in pairs], left_out


def _learned_prior(
    stiff: SmoothPrior, reference: DoubleArray, fields: Callable[[SmoothPrior], list[Elastic]]
) -> SmoothPrior:
    """How parts differ from the reference (n, 3) where nothing holds them back, if that is more than a stiff prior
    expects: foods and castings differ by ten times as much as machined parts."""
    probes = reference[:: max(1, len(reference) // N_AMPLITUDE_POINTS)]
    ways = [float(np.sqrt((field(probes) ** 2).mean())) for field in fields(stiff.with_amplitude(FREE))]
    usual = float(np.median(ways)) if ways else 0.0
    return stiff if usual <= stiff.amplitude else stiff.with_amplitude(ROOM * usual)


def _onto(
    reference: int,
    clouds: Sequence[DoubleArray],
    oriented: Sequence[Oriented],
    generator: np.random.Generator,
    stop: Stop,
) -> tuple[list[Pose], list[int]]:
    """The poses of all clouds on that one, and which of them contradict the others."""
    surface, still = Surface(clouds[reference]), Pose(np.eye(3), np.zeros(3))
    poses = []
    for i, cloud in enumerate(clouds):
        if stop():
            raise Cancelled
        poses.append(still if i == reference else align(cloud, surface, generator)[0])
    if len(clouds) < 2:
        return poses, []
    conflicts = _conflicts(oriented, poses)
    usual = float(np.median(conflicts)) if len(clouds) > 2 else 0.0
    doubtful = {i for i in range(len(clouds)) if conflicts[i] > DOUBTFUL * usual + DOUBTED_AT_LEAST}
    doubtful = (doubtful | _lying_otherwise(oriented, poses, reference)) - {reference}
    settled = [i for i in range(len(clouds)) if i not in doubtful]
    for i in sorted(doubtful, key=lambda i: conflicts[i]):
        if stop():
            raise Cancelled
        poses[i] = better(oriented[i], _union(oriented, poses, settled), poses[i]).pose
        settled.append(i)
    if len(clouds) < 3:  # of two, nobody knows which is wrong
        return poses, []
    conflicts = _conflicts(oriented, poses)
    limit = CONTRADICTING * float(np.median(conflicts)) + CONTRADICTS_AT_LEAST
    return poses, [i for i in range(len(clouds)) if i != reference and conflicts[i] > limit]


def _conflicts(oriented: Sequence[Oriented], poses: Sequence[Pose]) -> DoubleArray:
    """How much each of the aligned clouds contradicts the others where both go on."""
    every = range(len(oriented))
    others = [[k for k in every if k != i] for i in every]
    return np.array([judge(oriented[i], _union(oriented, poses, others[i]), poses[i]).conflict for i in every])


def _lying_otherwise(oriented: Sequence[Oriented], poses: Sequence[Pose], reference: int) -> set[int]:
    """The parts that lay on another side than the reference: two of them can be laid wrong alike, unnoticed."""
    down = oriented[reference].down
    if down is None:
        return set()
    own = poses[reference].rotation @ down
    sides = {i: poses[i].rotation @ one.down for i, one in enumerate(oriented) if one.down is not None}
    return {i for i, side in sides.items() if not lies_as(side, own[None])}


def _union(oriented: Sequence[Oriented], poses: Sequence[Pose], some: Sequence[int]) -> Oriented:
    """What some of the clouds show together."""
    points = np.concatenate([poses[i].apply(oriented[i].points) for i in some])
    normals = np.concatenate([oriented[i].normals @ poses[i].rotation.T for i in some])
    return Oriented(points, normals)


def smooth_way(prior: SmoothPrior, scan: Oriented, surface: Oriented, planes: Surface) -> Elastic:
    """From an aligned scan onto a surface, whose planes are given, too: what it does not show is drawn nowhere.

    Parts that vary by nature go so far that only what faces alike surely belongs together.
    """
    if prior.supple:
        return prior.fit(scan.points[:N_ELASTIC_POINTS], surface.toward(scan.normals[:N_ELASTIC_POINTS]))
    return prior.fit(shown_by_both(scan, surface, STILL)[:N_ELASTIC_POINTS], planes.toward)


def mean_shape(parts: Sequence[AlignedPart]) -> Callable[[AlignedPart, DoubleArray], DoubleArray]:
    """What brings points (n, 3) of one of the parts into the mean shape of these parts."""
    mean = Elastic(parts[0].toward_reference.prior, np.mean([part.toward_reference.weights for part in parts], axis=0))

    def shaped(part: AlignedPart, points: DoubleArray) -> DoubleArray:
        points = points + part.toward_reference(points)
        return np.asarray(points - mean(points))

    return shaped


def merge_parts(parts: Sequence[AlignedPart]) -> NormalSurface:
    """The surface of the parts in their mean shape, noise averaged out."""
    shaped = mean_shape(parts)
    parts = parts[:MERGED_PARTS]
    moved = [shaped(part, part.points) for part in parts]
    merged = np.concatenate(moved)
    # Only what is kept is smoothed: the neighbourhoods of a million merged points would take gigabytes.
    keep = np.random.default_rng(0).permutation(len(merged))[:N_SURFACE_POINTS]
    points, normals = smooth_onto_plane(merged, keep, 8 * min(len(moved), 4))
    sure = np.concatenate([shaped(part, part.oriented.points) for part in parts])
    normals = turned_as(points, normals, sure, np.concatenate([part.oriented.normals for part in parts]))
    return NormalSurface(Surface(points, normals), parts[0].toward_reference.prior, Coverage.of(points, moved))


def tolerance_amplitude(parts: Sequence[AlignedPart]) -> float:
    """RMS of the smooth differences between the parts, in units of the part's radius; assumed for a single one."""
    if len(parts) < 2:
        return TOLERANCE
    probes = parts[0].points[:: max(1, len(parts[0].points) // N_AMPLITUDE_POINTS)]
    fields = np.array([part.toward_reference(probes) for part in parts])
    spread = fields - fields.mean(axis=0)
    return float(np.sqrt((spread**2).sum() / (len(parts) - 1) / spread[0].size))


def _some(points: DoubleArray, generator: np.random.Generator) -> DoubleArray:
    return points[generator.permutation(len(points))[:N_ELASTIC_POINTS]]


def _mean_length(vectors: DoubleArray, around: IntArray) -> DoubleArray:
    """(n,) of the means of vectors (n, 3) over the k points around each, (n, k)."""
    return _length(np.einsum("nki->ni", np.take(vectors, around, axis=0)) / around.shape[1])


def _length(vectors: DoubleArray) -> DoubleArray:
    return np.asarray(np.linalg.norm(vectors, axis=1))
