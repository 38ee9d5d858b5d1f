"""Aligns training parts with each other, and learns how they differ smoothly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from sedir_core.errors import Cancelled
from sedir_core.evidence.training_numbers import ALIGNMENT
from sedir_core.geometry.bent import Bent, lay_bent
from sedir_core.geometry.elastic import Elastic, SmoothPrior
from sedir_core.geometry.numbers import ELASTIC
from sedir_core.geometry.oriented import Oriented
from sedir_core.geometry.overlap import STILL, better, judge, lies_as, remaining, shown_by_both
from sedir_core.geometry.registration import Pose, Surface, align
from sedir_core.geometry.sampling import farthest_points, repeatable_order
from sedir_core.types import DoubleArray, Stop, never_stop

# Correlation lengths, in radii, of parts that vary by nature. The longer, the fewer dents a field follows; so scans are
# compared with the longest that leaves hardly more of good parts than the shortest does: the scanner's noise, but no
# waves, which a new part may have elsewhere.
LENGTHS = (ELASTIC.supple_length, *ALIGNMENT.lengths)


@dataclass(frozen=True)
class AlignedPart:
    """A training part in the category's frame, and the smooth difference from the reference part to it."""

    points: DoubleArray
    toward_reference: Elastic

    @cached_property
    def oriented(self) -> Oriented:
        """A subset of its points, with outward normals."""
        return Oriented(self.points)

    @cached_property
    def facing(self) -> DoubleArray:
        """(n, 3) outward normals of all its points; their length is their certainty."""
        return self.oriented.facing(self.points)


def align_parts(
    clouds: Sequence[DoubleArray], generator: np.random.Generator, stop: Stop = never_stop
) -> tuple[list[AlignedPart], list[int]]:
    """Align the parts with one of them; also the indices of clouds that contradict the others and are left out.

    The first part is the reference, unless it contradicts the others itself. A scan that shows another side than the
    others is aligned by what both show (`geometry.overlap`); aligned wrongly, it would make every defect look normal.

    clouds: each (n, 3), centred and scaled by the first part's frame. Raises Cancelled.
    """
    if stop():
        raise Cancelled
    if len(clouds) == 1:  # it is its own mean shape
        return [AlignedPart(STILL.apply(clouds[0]), SmoothPrior(_controls(clouds[0])).none)], []
    oriented = [Oriented(cloud) for cloud in clouds]
    best: tuple[list[Pose], list[int]] | None = None
    for reference in range(min(len(clouds), ALIGNMENT.references)):
        poses, left_out = _onto(reference, clouds, oriented, generator, stop)
        if best is None or len(left_out) < len(best[1]):
            best, chosen = (poses, left_out), reference
        if 2 * len(left_out) < len(clouds):
            break
    assert best is not None
    poses, left_out = best
    others = [i for i in range(len(clouds)) if i != chosen and i not in left_out]
    laid = {i: oriented[i].moved(poses[i]) for i in others}
    surface = Surface(clouds[chosen])
    prior = _learned_prior(clouds[chosen], surface, list(laid.values()), oriented[chosen], clouds)
    if prior.supple:
        return _bend_parts(clouds, oriented, chosen, poses, stop)
    fields = [prior.none, *(smooth_way(prior, laid[i], oriented[chosen], surface) for i in others)]
    moved = [poses[i].apply(clouds[i]) for i in (chosen, *others)]
    return [AlignedPart(points, field) for points, field in zip(moved, fields, strict=True)], left_out


def _learned_prior(
    cloud: DoubleArray,
    surface: Surface,
    parts: Sequence[Oriented],
    onto: Oriented,
    clouds: Sequence[DoubleArray] = (),
) -> SmoothPrior:
    """Learn the amplitude and correlation length of differences from a reference (n, 3), fitted freely.

    A stiff prior if the parts differ by no more than it expects; foods and castings differ by ten times as much as
    machined parts. parts: aligned with `onto`, in the reference's frame. clouds: the scans in any pose, where it is not
    known yet that they differ by more than their sampling explains.
    """
    stiff = SmoothPrior(_controls(cloud))
    probes = cloud[:: max(1, len(cloud) // ALIGNMENT.amplitude_points)]
    fields = [smooth_way(stiff.with_amplitude(ALIGNMENT.free), part, onto, surface) for part in parts]
    usual = float(np.median([np.sqrt((field(probes) ** 2).mean()) for field in fields])) if fields else 0.0
    if usual <= stiff.amplitude or usual <= np.hypot(stiff.amplitude, ALIGNMENT.beyond_sampling * _of_sampling(clouds)):
        return stiff
    held = {n: replace(stiff, amplitude=usual, supple_length=n) for n in LENGTHS}
    left = {n: _left(prior, parts, onto, surface) for n, prior in held.items()}
    longest = max(n for n in LENGTHS if left[n] <= ALIGNMENT.leaves_most * left[ELASTIC.supple_length])
    return replace(stiff, amplitude=ALIGNMENT.room * usual, held=held[longest])


def _of_sampling(clouds: Sequence[DoubleArray]) -> float:
    """By how much, in radii, the halves of a scan seem to differ: of few points, as much as foods do.

    A half has half the points, so that whole scans seem to differ by less. clouds: each (n, 3); 0 for none, infinite if
    no half has points enough for a field.
    """
    seeming = []
    for cloud in [cloud for cloud in clouds if len(cloud) // 2 >= ALIGNMENT.controls][: ALIGNMENT.halved]:
        order = repeatable_order(cloud, len(cloud))
        one, other = cloud[order[::2]], cloud[order[1::2]]
        free = SmoothPrior(_controls(one)).with_amplitude(ALIGNMENT.free)
        for half, rest in ((one, other), (other, one)):
            field = smooth_way(free, Oriented(half), Oriented(rest), Surface(rest))
            seeming.append(np.sqrt((field(half[: ALIGNMENT.amplitude_points]) ** 2).mean()))
    if not seeming:
        return np.inf if len(clouds) else 0.0
    return float(np.median(seeming))


def _left(prior: SmoothPrior, parts: Sequence[Oriented], onto: Oriented, surface: Surface) -> float:
    """The typical distance, in radii, between parts and `onto` after a field with that prior is removed."""
    fields = [part.displaced(smooth_way(prior, part, onto, surface)) for part in parts]
    return float(np.median([np.nanmean(remaining(bent.points, bent.normals, onto)) for bent in fields]))


def _bend_parts(
    clouds: Sequence[DoubleArray], oriented: Sequence[Oriented], chosen: int, poses: Sequence[Pose], stop: Stop
) -> tuple[list[AlignedPart], list[int]]:
    """`align_parts` for parts that vary by nature, whose poses no rigid fit can find (`geometry.bent`).

    First with the part that shows most of what the others show, then each with what all others show together.
    poses: rigid ones, in the frame of the chosen part.
    """
    reference, found = _sharing_most(clouds, oriented, chosen, poses, stop)
    surface, first = Surface(clouds[reference]), oriented[reference]
    limit = ALIGNMENT.bent_doubtful * float(np.median([one.mean for one in found.values()]))
    laid = {i: oriented[i].moved(one.pose) for i, one in found.items() if one.mean <= limit}
    prior = _learned_prior(clouds[reference], surface, list(laid.values()), first)
    bent = {i: part.displaced(smooth_way(prior, part, first, surface)) for i, part in laid.items()}
    for i, one in found.items():
        if stop():
            raise Cancelled
        others = [first, *(part for k, part in bent.items() if k != i)]
        found[i] = lay_bent(oriented[i], _together(others), prior, one.pose.rotation)
    limit = ALIGNMENT.bent_contradicting * float(np.median([one.mean for one in found.values()]))
    kept = [i for i, one in found.items() if one.mean <= limit]
    laid = {i: oriented[i].moved(found[i].pose) for i in kept}
    together = _together([first, *bent.values()])
    prior = _learned_prior(clouds[reference], surface, list(laid.values()), together)
    parts = [AlignedPart(clouds[reference], prior.none)]
    for i, part in laid.items():
        parts.append(AlignedPart(found[i].pose.apply(clouds[i]), smooth_way(prior, part, together, surface)))
    return parts, [i for i in found if i not in kept]


def _sharing_most(
    clouds: Sequence[DoubleArray], oriented: Sequence[Oriented], chosen: int, poses: Sequence[Pose], stop: Stop
) -> tuple[int, dict[int, Bent]]:
    """The part that shares most with the others, tried from the chosen one on, and the others aligned with it."""
    tried = (chosen, *(i for i in range(len(clouds)) if i != chosen))[: ALIGNMENT.references]
    most = -1.0
    for candidate in tried:
        if most < ALIGNMENT.shares_most:
            fits = _bent_onto(candidate, clouds, oriented, poses, stop)
            shared = float(np.median([one.shared for one in fits.values()]))
            if shared > most:
                reference, found, most = candidate, fits, shared
    return reference, found


def _bent_onto(
    reference: int, clouds: Sequence[DoubleArray], oriented: Sequence[Oriented], poses: Sequence[Pose], stop: Stop
) -> dict[int, Bent]:
    """All other parts aligned with that one, however much they differ. poses: rigid ones, in a common frame."""
    free, found = SmoothPrior(_controls(clouds[reference])).with_amplitude(ALIGNMENT.free), {}
    for i in range(len(clouds)):
        if stop():
            raise Cancelled
        if i != reference:
            turn = poses[reference].rotation.T @ poses[i].rotation
            found[i] = lay_bent(oriented[i], oriented[reference], free, turn)
    return found


def _controls(cloud: DoubleArray) -> DoubleArray:
    return cloud[farthest_points(cloud.astype(np.float32), ALIGNMENT.controls)]


def _onto(
    reference: int,
    clouds: Sequence[DoubleArray],
    oriented: Sequence[Oriented],
    generator: np.random.Generator,
    stop: Stop,
) -> tuple[list[Pose], list[int]]:
    """The poses of all clouds relative to that one, and the indices of those that contradict the others."""
    surface, still = Surface(clouds[reference]), Pose(np.eye(3), np.zeros(3))
    poses = []
    for i, cloud in enumerate(clouds):
        if stop():
            raise Cancelled
        poses.append(still if i == reference else align(cloud, surface, generator)[0])
    conflicts = _conflicts(oriented, poses)
    usual = float(np.median(conflicts)) if len(clouds) > 2 else 0.0
    doubtful = {i for i in range(len(clouds)) if conflicts[i] > ALIGNMENT.doubtful * usual + ALIGNMENT.doubted_at_least}
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
    limit = ALIGNMENT.contradicting * float(np.median(conflicts)) + ALIGNMENT.contradicts_at_least
    return poses, [i for i in range(len(clouds)) if i != reference and conflicts[i] > limit]


def _conflicts(oriented: Sequence[Oriented], poses: Sequence[Pose]) -> DoubleArray:
    """How much each of the aligned clouds contradicts the others where both continue."""
    every = range(len(oriented))
    others = [[k for k in every if k != i] for i in every]
    return np.array([judge(oriented[i], _union(oriented, poses, others[i]), poses[i]).conflict for i in every])


def _lying_otherwise(oriented: Sequence[Oriented], poses: Sequence[Pose], reference: int) -> set[int]:
    """Parts that lay on another side than the reference: two of them may be aligned wrongly alike, unnoticed."""
    down = oriented[reference].down
    if down is None:
        return set()
    own = poses[reference].rotation @ down
    sides = {i: poses[i].rotation @ one.down for i, one in enumerate(oriented) if one.down is not None}
    return {i for i, side in sides.items() if not lies_as(side, own[None])}


def _union(oriented: Sequence[Oriented], poses: Sequence[Pose], some: Sequence[int]) -> Oriented:
    """The union of some of the clouds."""
    return _together([oriented[i].moved(poses[i]) for i in some])


def _together(clouds: Sequence[Oriented]) -> Oriented:
    points = np.concatenate([cloud.points for cloud in clouds])
    return Oriented(points, np.concatenate([cloud.normals for cloud in clouds]))


def smooth_way(prior: SmoothPrior, scan: Oriented, surface: Oriented, planes: Surface) -> Elastic:
    """The field from an aligned scan onto a surface, whose tangent planes are `planes`; only what both show is fitted.

    Parts that vary by nature move so far that only points facing the same way certainly correspond.
    """
    if prior.supple:
        return prior.fit(
            scan.points[: ALIGNMENT.elastic_points], surface.toward(scan.normals[: ALIGNMENT.elastic_points])
        )
    return prior.fit(shown_by_both(scan, surface, STILL)[: ALIGNMENT.elastic_points], planes.toward)


def mean_shape(parts: Sequence[AlignedPart]) -> Callable[[AlignedPart, DoubleArray], DoubleArray]:
    """The map of points (n, 3) of one of the parts into the mean shape of the parts."""
    mean = Elastic(parts[0].toward_reference.prior, np.mean([part.toward_reference.weights for part in parts], axis=0))

    def shaped(part: AlignedPart, points: DoubleArray) -> DoubleArray:
        points = points + part.toward_reference(points)
        return np.asarray(points - mean(points))

    return shaped


def tolerance_amplitude(parts: Sequence[AlignedPart]) -> float:
    """RMS of the smooth differences between the parts, in radii; assumed for a single part."""
    if len(parts) < 2:
        return ALIGNMENT.tolerance
    probes = parts[0].points[:: max(1, len(parts[0].points) // ALIGNMENT.amplitude_points)]
    fields = np.array([part.toward_reference(probes) for part in parts])
    spread = fields - fields.mean(axis=0)
    return float(np.sqrt((spread**2).sum() / (len(parts) - 1) / spread[0].size))
