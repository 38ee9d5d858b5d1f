"""Registers a single-view scan to a complete surface: view direction and pose.

Principal axes of a part and of one view of it differ, so rendered views of the surface, from distant cameras all
around, serve as templates. A pose is evaluated only by how well the scan covers what it should have seen. All of this
is our choice [O].
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sedir_core.geometry.numbers import REGISTRATION
from sedir_core.geometry.registration import (
    Pose,
    Surface,
    principal_axes,
    refine,
    rotation_from_vector,
    spun,
    trimmed_mean,
)
from sedir_core.geometry.scan_numbers import VIEWS
from sedir_core.geometry.tree import PointTree
from sedir_core.geometry.visibility import (
    agreed,
    neighbour_distance,
    plainly_seen,
    roughness,
    scanned_from,
    seen_from,
    sphere_directions,
    visible_from,
)
from sedir_core.types import BoolArray, DoubleArray

N_DESCRIPTOR = 3 + VIEWS.bins


@dataclass(frozen=True)
class Views:
    """Visible parts of a surface from directions (d, 3).

    probes: (p, 3) points of the surface. seen: (d, p) bool.
    descriptors: (d, w), see `view_descriptor`.
    """

    directions: DoubleArray
    probes: DoubleArray
    seen: BoolArray
    descriptors: DoubleArray

    def unlikeness(self, descriptor: DoubleArray) -> float:
        """Descriptor distance of the most similar view to a scan (w,)."""
        return float(np.abs(self.descriptors - descriptor).sum(axis=1).min())


@dataclass(frozen=True)
class ViewFit:
    """A scan's pose on the surface, the direction (3,) it was seen from in the surface's frame, what is left.

    share: of the surface that is seen from there. residual: trimmed mean distance from scan to surface and from what
    it should show to the scan, halved sum.
    """

    pose: Pose
    direction: DoubleArray
    share: float
    residual: float


def views_of(surface: Surface) -> Views:
    """The views of a surface whose normals point outward."""
    step = max(1, len(surface.points) // VIEWS.buffered)
    points, normals = surface.points[::step], surface.normals[::step]
    directions = sphere_directions(VIEWS.directions)
    step = max(1, len(points) // VIEWS.probes)
    seen = np.array([scanned_from(points, one, normals)[::step] for one in directions])
    shown = seen.mean(axis=1) > VIEWS.least_shown
    directions, seen, probes = directions[shown], seen[shown], points[::step]
    descriptors = np.array([view_descriptor(probes[mask], np.random.default_rng(0)) for mask in seen])
    return Views(directions, probes, seen, descriptors)


def settled_from(points: DoubleArray, normals: DoubleArray, direction: DoubleArray) -> BoolArray:
    """(n,) bool: which points (n, 3), outward normals (n, 3), are reliably visible from about that (3,) direction.

    Excludes the outline of the view and hollows, since the direction is an estimate, and scanners differ there.
    """
    nearest = neighbour_distance(points)
    shallow = max(VIEWS.shallow, VIEWS.rough * roughness(points, normals))
    settled = (normals @ direction > VIEWS.settled) & plainly_seen(points, direction, shallow)
    for one in (direction, *_around(direction, np.radians(VIEWS.tilt_degrees))):
        settled &= seen_from(points, one, normals, nearest)
    return agreed(settled, points, normals)


def refine_direction(points: DoubleArray, surface: Surface, direction: DoubleArray) -> DoubleArray:
    """Refine the view direction (3,) of a registered scan from an initial guess.

    points: (n, 3), at full density: the outline of the covered area determines the direction.
    """
    outline = _Outline(points, surface)
    best = outline.overlap(direction)
    for degrees in VIEWS.angles_degrees:
        for _ in range(VIEWS.steps):
            near = _around(direction, np.radians(degrees))
            overlaps = [outline.overlap(one) for one in near]
            if max(overlaps) <= best:
                break
            best, direction = max(overlaps), near[int(np.argmax(overlaps))]
    return direction


class _Outline:
    """Compares the surface covered by a registered scan with what is visible from a direction."""

    def __init__(self, points: DoubleArray, surface: Surface) -> None:
        step = max(1, len(surface.points) // VIEWS.refined)
        self.probes, self.normals = surface.points[::step], surface.normals[::step]
        self.nearest = neighbour_distance(self.probes)
        self.around = PointTree(self.probes).nearest_k(self.probes, VIEWS.around)[1]
        self.alike = np.einsum("pki,pi->pk", self.normals[self.around], self.normals) > VIEWS.alike_side
        covered = PointTree(points).nearest(self.probes)[0] < reach_of(points)
        self.density = self._blurred(covered)

    def overlap(self, direction: DoubleArray) -> float:
        """Jaccard index of covered and expected area, 0 to 1, for the best-fitting scanner model."""
        cosine = self.normals @ direction
        into_hollows = visible_from(self.probes, direction, self.normals, self.nearest)
        found = 0.0
        for seen in (plainly_seen(self.probes, direction), into_hollows):
            for fully in VIEWS.fully:
                expected = self._blurred(np.where(seen, np.clip(cosine / fully, 0, 1), 0))
                both = np.minimum(expected, self.density).sum()
                found = max(found, float(both / max(np.maximum(expected, self.density).sum(), 1e-12)))
        return found

    def _blurred(self, values: DoubleArray | BoolArray) -> DoubleArray:
        """(p,) means over the neighbours on the same side of values (p,)."""
        return np.asarray((values[self.around] * self.alike).sum(axis=1) / self.alike.sum(axis=1))


def reach_of(points: DoubleArray) -> float:
    """Largest distance from a scan (n, 3) of a covered place; a spacing is twice the mean distance to the nearest."""
    return VIEWS.covered * 2 * neighbour_distance(points)


def _around(direction: DoubleArray, angle: float) -> DoubleArray:
    """(6, 3) directions around one (3,), at that angle."""
    across = np.linalg.svd(direction[None])[2][1:]
    turns = np.arange(6) * np.pi / 3
    aside = np.stack([np.cos(turns), np.sin(turns)], axis=1) @ across
    return np.asarray(np.cos(angle) * direction + np.sin(angle) * aside)


def may_be_view(points: DoubleArray) -> bool:
    """Whether one camera could have seen nearly all of a scan (n, 3), in random order; also true for complete parts
    that are thin."""
    return one_camera_sees(points[: VIEWS.sided_points])


def one_camera_sees(points: DoubleArray, normals: DoubleArray | None = None, share: float = VIEWS.one_sided) -> bool:
    """Whether one distant camera sees that share of points (n, 3).

    normals: (n, 3) of any sign; with them the two faces of a thin wall are told apart.
    """
    nearest = neighbour_distance(points)
    if nearest == 0:  # coincident points have no depth
        return False
    looks = sphere_directions(VIEWS.sides)
    return any(visible_from(points, look, normals, nearest).mean() >= share for look in looks)


def view_descriptor(points: DoubleArray, random: np.random.Generator) -> DoubleArray:
    """(3 + bins,): principal spreads and the distribution of pair distances, in radii of the part.

    Invariant to pose. Source: Osada et al. 2002 (shape distributions, D2), without their scale normalisation.
    """
    spreads = np.sqrt(np.maximum(np.linalg.eigvalsh(np.cov(points.T)), 0))[::-1]
    first, second = random.integers(len(points), size=(2, VIEWS.pairs))
    distances = np.linalg.norm(points[first] - points[second], axis=1)
    cumulative = np.cumsum(np.histogram(distances, bins=VIEWS.bins, range=(0, VIEWS.widest))[0]) / VIEWS.pairs
    return np.concatenate([2 * spreads, cumulative])


def align_view(points: DoubleArray, surface: Surface, views: Views, generator: np.random.Generator) -> ViewFit:
    """Register a single-view scan, (n, 3) in radii, in any pose and in random order, to the surface.

    The direction is accurate to the spacing of the views; see `refine_direction`.
    """
    shuffled = points[: REGISTRATION.fine_points]
    few, some, coarse = shuffled[: REGISTRATION.coarse_points], shuffled[: REGISTRATION.middle_points], surface.coarse()
    poses = _best_starts(few, coarse, _starts(shuffled, views, generator))
    poses = refine(few, coarse, poses, REGISTRATION.coarse_steps, point_to_plane=False)
    poses = refine(few, coarse, poses, REGISTRATION.coarse_steps)
    judge = _Judge(points, some, surface, views)
    poses = sorted(poses, key=judge.mismatch)[: VIEWS.kept]
    poses = refine(some, surface, poses, REGISTRATION.fine_steps)
    chosen = min(poses, key=judge.mismatch)
    if surface.round_axis is not None:
        chosen = min([chosen, *spun(some, surface, chosen, surface.round_axis)], key=judge.mismatch)
    fine = refine(shuffled, surface, [chosen], REGISTRATION.fine_steps, robust=True)[0]
    return _Judge(points, shuffled, surface, views).fit(fine)


def _starts(points: DoubleArray, views: Views, generator: np.random.Generator) -> list[Pose]:
    """The scan's principal axes onto those of the most similar views, in every orientation."""
    descriptor = view_descriptor(points, generator)
    like = np.argsort(np.abs(views.descriptors - descriptor).sum(axis=1), kind="stable")[: VIEWS.similar]
    centre, own, turns = points.mean(axis=0), principal_axes(points), _turns(points)
    starts = []
    for i in like:
        seen = views.probes[views.seen[i]]
        target, axes = seen.mean(axis=0), principal_axes(seen)
        rotations = [axes @ turn @ own.T for turn in turns]
        starts += [Pose(r, target - r @ centre) for r in rotations]
    return starts


def _turns(points: DoubleArray) -> list[DoubleArray]:
    """The four ordered pairings of right-handed axes; plus rotations in between for similar spreads."""
    flips = [np.diag(signs) for signs in ([1.0, 1, 1], [1.0, -1, -1], [-1.0, 1, -1], [-1.0, -1, 1])]
    spreads = np.sqrt(np.maximum(np.linalg.eigvalsh(np.cov(points.T)), 0))[::-1]
    found = list(flips)
    for axis, (longer, shorter) in ((2, (0, 1)), (0, (1, 2))):
        if spreads[shorter] > REGISTRATION.alike * spreads[longer]:
            eighths = rotation_from_vector(np.arange(1, 4)[:, None] * np.pi / 4 * np.eye(3)[axis])
            found += [flip @ turn for turn in eighths for flip in flips]
    return found


def _best_starts(points: DoubleArray, surface: Surface, poses: list[Pose]) -> list[Pose]:
    moved = np.concatenate([pose.apply(points) for pose in poses])
    distances = surface.tree.nearest(moved)[0].reshape(len(poses), -1)
    order = np.argsort(np.minimum(distances, REGISTRATION.coarse_cap).mean(axis=1), kind="stable")
    return [poses[i] for i in order[: VIEWS.tried]]


class _Judge:
    """Evaluates how well a posed scan covers what it should have seen. some: subset of its points."""

    def __init__(self, points: DoubleArray, some: DoubleArray, surface: Surface, views: Views) -> None:
        self.some, self.surface, self.views = some, surface, views
        self.tree = PointTree(points)
        self.reach = reach_of(points)

    def mismatch(self, pose: Pose) -> float:
        there, back, covered = self._distances(pose, max(REGISTRATION.cap, VIEWS.off, self.reach))
        overlaps = self._overlaps(covered)
        seen = self.views.seen[overlaps.argmax()]
        apart = (
            np.minimum(there, REGISTRATION.cap).mean()
            + np.minimum(back[seen], REGISTRATION.cap).mean()
            + REGISTRATION.cap * (1 - overlaps.max())
        )
        return float(apart + VIEWS.astray * (there > VIEWS.off).mean())

    def fit(self, pose: Pose) -> ViewFit:
        there, back, covered = self._distances(pose)
        overlaps = self._overlaps(covered)
        seen = self.views.seen[overlaps.argmax()]
        residual = (trimmed_mean(there) + trimmed_mean(back[seen])) / 2
        middle = self.views.directions[overlaps > overlaps.max() - VIEWS.alike_overlap].sum(axis=0)
        return ViewFit(pose, middle / np.linalg.norm(middle), float(seen.mean()), residual)

    def _distances(self, pose: Pose, within: float = np.inf) -> tuple[DoubleArray, DoubleArray, BoolArray]:
        there = self.surface.tree.nearest(pose.apply(self.some), within)[0]
        back = self.tree.nearest(pose.invert(self.views.probes), within)[0]
        return there, back, back < self.reach

    def _overlaps(self, covered: BoolArray) -> DoubleArray:
        """(d,) Jaccard index of the probes visible in each view and the covered ones."""
        both = self.views.seen @ covered.astype(np.float64)
        return np.asarray(both / np.maximum(self.views.seen.sum(axis=1) + covered.sum() - both, 1))
