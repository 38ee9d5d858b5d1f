"""Registers two partially overlapping scans, as of different resting sides, with shadows or occlusions.

A pose is evaluated on the *overlap*: where both scans continue, they must agree within noise, with normals facing the
same way. Normals point outward, so that the inside of even a thin wall is never matched with its outside. Where one
scan ends, there is no evidence, unless its resting side is known: then surface that its scanner would have seen, but
that is missing, contradicts the pose. [O]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.spatial.transform import Rotation

from sedir_core.geometry.elastic import Toward
from sedir_core.geometry.orientation import outward_sides
from sedir_core.geometry.registration import (
    Pose,
    axis_turns,
    plane_step,
    point_step,
    principal_axes,
    slippable_axis,
    trimmed_mean,
)
from sedir_core.geometry.resting import Sight, resting_side
from sedir_core.geometry.sampling import repeatable_order
from sedir_core.geometry.surface import normals_and_curvature_of
from sedir_core.geometry.tree import PointTree
from sedir_core.geometry.visibility import sphere_directions
from sedir_core.types import BoolArray, DoubleArray, IntArray

N_POINTS, N_COARSE = 6_000, 1_000  # that stand for a cloud; in the first steps
N_ORIENTED = 20_000  # that say which side is out
N_FEW, N_MIDDLE, N_SOME, N_JUDGED = 160, 400, 1_000, 4_000
FACING = 0.12  # radii that a normal turned by one radian counts as, when the nearest point is looked for
SAME_SIDE = 0.3  # cosine between normals above which two points may show the same face
AT_RIM = 3.0  # spacings beside the end of a cloud, beyond which it shows nothing
N_RIM, RIM_SHIFT = 32, 0.27  # neighbours; where a cloud ends, their mean lies that many reaches aside (half disc: 0.42)
CAP = 0.03  # radii: a disagreement counts no more than this
WITHIN, LOUDEST = 3.0, 0.003  # times the median distance, but no more radii than that: noise is no disagreement
BEYOND = 0.15  # of the cap: what a point counts that lies where the other cloud ends
# The same where it is known how the other part lay: what its scanner would have seen, and what it could not see, in
# times of what the others disagree.
SEEN_THROUGH, UNSEEN = 0.5, 1.5
SIGHT_PIXEL = 2.5  # spacings
ALIKE_SIDES = 0.866  # cosine between two sides that parts lay on: 30 degrees
N_SEEDS = 240  # rotations tried, all around, where principal axes lead nowhere
N_OUTLINE = 42  # directions in which outlines are compared
WIDE, NARROW, LAST = 40, 16, 5  # poses kept after each step of the search
N_TURNS = 36  # about each axis: turns of a cloud that may look alike
N_ALIKE, COARSE_REACH = 40, 0.04  # of them, that are refined, and the reach by which they are chosen
N_USUAL, LEAST_USUAL, MOST_USUAL = 16, 0.5, 10.0  # neighbours; times the overall mean at least; at which it ends
N_ROUNDS = 3  # of turning what was found
WIDEST, NARROWEST = 0.15, 0.04  # radii within which a pair counts, in the first and in the last step
CLEARLY = 0.95  # times the cost of the pose at hand
APART_RADIANS, APART_SHIFT = 0.25, 0.1  # poses nearer than this are one: refined, they end alike
STILL = Pose(np.eye(3), np.zeros(3))


class Oriented:
    """A random subset of a cloud's points (n, 3), in radii of the part, with outward normals (n, 3).

    usual: (n,) how far good parts are from it there, in radii, where that is known; see `usual_ways`.
    """

    def __init__(
        self,
        points: DoubleArray,
        normals: DoubleArray | None = None,
        count: int = N_POINTS,
        usual: DoubleArray | None = None,
    ) -> None:
        """normals: outward; estimated by default. usual: of the points that are kept."""
        if normals is None:
            seen = points[repeatable_order(points, N_ORIENTED)]  # thin walls occlude only if points are dense
            cloud = PointTree(seen)
            normals = normals_and_curvature_of(cloud)[0]
            self._seen, self._sure = seen, outward_sides(cloud, normals)[:, None] * normals
            self.points = seen[:count]
            self.normals = np.where((self._sure * normals).sum(axis=1, keepdims=True) < 0, -normals, normals)[:count]
        else:
            order = np.random.default_rng(0).permutation(len(points))[:count]
            self.points, self.normals = points[order], normals[order]
            self._seen, self._sure = self.points, self.normals
        self.usual = usual

    @cached_property
    def _tree(self) -> PointTree:
        return PointTree(np.concatenate([self.points, FACING * self.normals], axis=1))

    @cached_property
    def _seen_tree(self) -> PointTree:
        return PointTree(self._seen)

    @cached_property
    def _ends(self) -> tuple[float, BoolArray]:
        return rim_of(self.points, self.normals)

    @property
    def spacing(self) -> float:
        """Between its points."""
        return self._ends[0]

    @property
    def rim(self) -> BoolArray:
        """(n,) which points are near the boundary of the seen surface."""
        return self._ends[1]

    def facing(self, points: DoubleArray) -> DoubleArray:
        """(m, 3) outward normals at points (m, 3) of the same cloud, where reliable."""
        return np.asarray(self._sure[self._seen_tree.nearest(points)[1]])

    def moved(self, pose: Pose) -> Oriented:
        """The transformed cloud."""
        return self._carried(pose.apply, pose.rotation)

    def displaced(self, field: Callable[[DoubleArray], DoubleArray]) -> Oriented:
        """The cloud with its points moved by a smooth field, which hardly turns them."""
        return self.brought(lambda points: points + field(points))

    def brought(self, carry: Callable[[DoubleArray], DoubleArray]) -> Oriented:
        """The same, from where the points lie to where they belong."""
        return self._carried(carry, np.eye(3))

    def _carried(self, carry: Callable[[DoubleArray], DoubleArray], rotation: DoubleArray) -> Oriented:
        found = object.__new__(Oriented)
        found.points, found.normals = carry(self.points), self.normals @ rotation.T
        found._seen, found._sure = carry(self._seen), self._sure @ rotation.T
        found.usual = self.usual
        return found

    def usual_ways(self, scans: Sequence[Oriented]) -> DoubleArray:
        """(n,) how far good scans, at least one, that are laid and bent onto it are from it, in radii.

        Rims, slants and blended edges are seldom seen alike; in times of that, every place says as much as another.
        """
        ways = [_ways(self.points, self.normals, scan) for scan in scans]
        known = np.array([np.where(beyond, np.nan, np.minimum(np.abs(along), CAP)) for along, _, _, beyond in ways])
        told = ~np.isnan(known).all(axis=0)
        overall = float(np.nanmean(known)) if told.any() else CAP
        mean = np.full(len(self.points), overall)
        mean[told] = np.nanmean(known[:, told], axis=0)
        around = PointTree(self.points).nearest_k(self.points, N_USUAL)[1]
        return np.asarray(np.maximum(mean[around].mean(axis=1), LEAST_USUAL * overall))

    def toward(self, normals: DoubleArray) -> Toward:
        """The way of points with these outward normals (n, 3) onto what faces as they do, wherever they have moved."""

        def way(points: DoubleArray) -> tuple[DoubleArray, DoubleArray]:
            along, _, faces, beyond = _ways(points, normals, self)
            return np.where(beyond, np.nan, along), faces

        return way

    def nearest(self, points: DoubleArray, normals: DoubleArray) -> IntArray:
        """Index (m,) of the nearest point facing the same way."""
        return self._tree.nearest(np.concatenate([points, FACING * normals], axis=1))[1]

    @cached_property
    def coarse(self) -> Oriented:
        """A coarse subset, for the first steps of a search."""
        return Oriented(self.points, self.normals, N_COARSE)

    @cached_property
    def down(self) -> DoubleArray | None:
        """(3,) out of the side that the cloud leaves open, as the part lay on it, or None."""
        return resting_side(self.points, self.normals)

    @cached_property
    def _sight(self) -> Sight | None:
        return None if self.down is None else Sight(self.points, self.down, SIGHT_PIXEL * self.spacing)

    def lacks(self, points: DoubleArray, normals: DoubleArray, unseen: float) -> DoubleArray:
        """(m,) what points (m, 3) with outward normals (m, 3) count that the cloud does not show, from 0 to 1.

        unseen: what one counts that could not be seen.
        """
        if self._sight is None or not len(points):
            return np.full(len(points), BEYOND)
        return np.where(self._sight.shows(points, normals), SEEN_THROUGH, min(unseen, BEYOND))

    @cached_property
    def axes(self) -> DoubleArray:
        """(3, 3) principal axes as columns."""
        return principal_axes(self.points)


@dataclass(frozen=True)
class Fit:
    """Quality of a pose. cost: mean disagreement in both directions, 0 to 1. conflict: the same within the overlap.

    residual: trimmed mean distance, in radii, of what is seen on both. shared: share of the scan's points that are.
    """

    pose: Pose
    cost: float
    conflict: float
    residual: float
    shared: float


def judge(scan: Oriented, surface: Oriented, pose: Pose, count: int = N_JUDGED) -> Fit:
    """Evaluate a pose on that many points of each cloud."""
    points, normals = pose.apply(scan.points[:count]), scan.normals[:count] @ pose.rotation.T
    there, beyond, along = _disagreement(points, normals, surface)
    back_points, back_normals = pose.invert(surface.points[:count]), surface.normals[:count] @ pose.rotation
    back, unseen, _ = _disagreement(back_points, back_normals, scan)
    inside = ~beyond
    conflict = float(there[inside].mean()) if inside.any() else 1.0
    there[beyond] = surface.lacks(points[beyond], normals[beyond], UNSEEN * conflict)
    back[unseen] = scan.lacks(back_points[unseen], back_normals[unseen], UNSEEN * conflict)
    residual = trimmed_mean(along[inside]) if inside.any() else np.inf
    return Fit(pose, float(there.mean() + back.mean()) / 2, conflict, residual, float(inside.mean()))


def remaining(points: DoubleArray, normals: DoubleArray, surface: Oriented) -> DoubleArray:
    """How far points with outward normals, (n, 3) each, are from what of a surface faces as they do, where it goes on.

    (m,) in times of what is usual at each place, or in radii where that is not known; capped.
    """
    along, _, _, beyond = _ways(points, normals, surface)
    far = np.minimum(np.abs(along[~beyond]), CAP)
    if surface.usual is None:
        return far
    usual = surface.usual[surface.nearest(points[~beyond], normals[~beyond])]
    return np.asarray(np.minimum(far / usual, MOST_USUAL))


def shown_by_both(scan: Oriented, surface: Oriented, pose: Pose) -> DoubleArray:
    """The (m, 3) points of a scan, in that pose, that the surface shows, too: near ones that face the same way."""
    points = pose.apply(scan.points)
    beyond, along = _disagreement(points, scan.normals @ pose.rotation.T, surface)[1:]
    return np.asarray(points[~beyond & (along < CAP)])


def lies_as(down: DoubleArray, others: DoubleArray) -> int:
    """On how many of the sides that others (k, 3) lay on a part lies, too. down: (3,) out of its own."""
    return int((others @ down > ALIKE_SIDES).sum())


def better(scan: Oriented, surface: Oriented, pose: Pose) -> Fit:
    """The same for what is oriented already."""
    before, found = judge(scan, surface, pose), lay(scan, surface)
    return found if found.cost < CLEARLY * before.cost else before


def lay(scan: Oriented, surface: Oriented) -> Fit:
    """Register a scan in any pose to a surface of the same scale."""
    turns = np.array([surface.axes @ turn @ scan.axes.T for turn in axis_turns(scan.points)])
    anyhow = Rotation.random(N_SEEDS, random_state=0).as_matrix()
    starts = _starts(scan, surface, np.concatenate([turns, anyhow]))
    poses = _likeliest(scan, surface.coarse, starts, WIDE, 0.15)
    poses = icp(scan, surface.coarse, poses, N_FEW, steps=8, point_to_plane=False)
    poses = _likeliest(scan, surface.coarse, poses, NARROW, 0.06)
    poses = icp(scan, surface.coarse, poses, N_FEW, steps=6)
    found = _settled(scan, surface, poses)
    for _ in range(N_ROUNDS):
        turned = _turned(scan, surface, found)
        if turned is found:
            break
        found = turned
    return found


def icp(
    scan: Oriented,
    surface: Oriented,
    poses: Sequence[Pose],
    count: int,
    steps: int,
    point_to_plane: bool = True,
    robust: bool = False,
) -> list[Pose]:
    """ICP on all poses at once, between points facing the same way.

    Distant pairs are down-weighted gradually (graduated non-convexity, Geman-McClure); `robust`: Tukey weights instead.
    """
    points, normals = scan.points[:count], scan.normals[:count]
    rotations = np.array([pose.rotation for pose in poses])
    translations = np.array([pose.translation for pose in poses])
    for step in range(steps):
        moved = np.einsum("sij,mj->smi", rotations, points) + translations[:, None]
        facing = np.einsum("sij,mj->smi", rotations, normals)
        nearest = surface.nearest(moved.reshape(-1, 3), facing.reshape(-1, 3)).reshape(moved.shape[:2])
        offsets, faces = surface.points[nearest] - moved, surface.normals[nearest]
        along = np.einsum("smi,smi->sm", offsets, faces)
        if robust:
            aside = (offsets**2).sum(axis=-1) - along**2
            weights = _tukey(along, (aside < (5 * surface.spacing) ** 2) & ((facing * faces).sum(axis=-1) > 0.5))
        else:
            reach = WIDEST * (NARROWEST / WIDEST) ** (step / max(steps - 1, 1))
            weights = _kernel(np.linalg.norm(offsets, axis=-1), reach)
        turn, shift = (
            plane_step(moved, faces, along, weights) if point_to_plane else point_step(moved, offsets, weights)
        )
        rotations = turn @ rotations
        translations = np.einsum("sij,sj->si", turn, translations) + shift
    return [Pose(r, t) for r, t in zip(rotations, translations, strict=True)]


def _starts(scan: Oriented, surface: Oriented, rotations: DoubleArray) -> list[Pose]:
    """Every rotation with two translations: matching centres, and matching outlines.

    Scans from different sides have different centres but nearly the same outline (extent in each direction).
    """
    centre, target = scan.points.mean(axis=0), surface.points.mean(axis=0)
    poses = [Pose(rotation, target - rotation @ centre) for rotation in rotations]
    return poses + matching_outlines(scan, surface, rotations)


def matching_outlines(scan: Oriented, surface: Oriented, rotations: DoubleArray) -> list[Pose]:
    """Each of the rotations (r, 3, 3) with the translation by which extents in all directions agree best."""
    looks = sphere_directions(N_OUTLINE)
    few = scan.points[:N_COARSE]
    own = np.einsum("rji,dj->rdi", rotations, looks) @ few.T  # (rotations, directions, points)
    short = (surface.points[:N_COARSE] @ looks.T).max(axis=0) - own.max(axis=2)
    shifts = short @ looks @ np.linalg.inv(looks.T @ looks)
    return [Pose(rotation, shift) for rotation, shift in zip(rotations, shifts, strict=True)]


def _settled(scan: Oriented, surface: Oriented, poses: Sequence[Pose]) -> Fit:
    """The best pose: the best few on a subset are refined and compared on more points."""
    kept = _distinct(scan, surface, poses)
    refined = icp(scan, surface, kept, N_SOME, steps=10, robust=True)
    rough = sorted((judge(scan, surface, pose, N_SOME) for pose in refined), key=lambda fit: fit.cost)[:2]
    fine = icp(scan, surface, [fit.pose for fit in rough], N_POINTS, steps=4, robust=True)
    return min((judge(scan, surface, pose) for pose in fine), key=lambda fit: fit.cost)


def _distinct(scan: Oriented, surface: Oriented, poses: Sequence[Pose]) -> list[Pose]:
    """The best poses that differ from each other."""
    kept: list[Pose] = []
    for fit in sorted((judge(scan, surface, pose, N_SOME) for pose in poses), key=lambda fit: fit.cost):
        if all(_apart(fit.pose, other) for other in kept):
            kept.append(fit.pose)
        if len(kept) == LAST:
            break
    return kept


def _turned(scan: Oriented, surface: Oriented, found: Fit) -> Fit:
    """The pose or a near-symmetric rotation of it: a small boss on a round body may be the only difference."""
    turned = []
    for axis, centre in _axes_of_turns(surface):
        for angle in np.linspace(0, 2 * np.pi, N_TURNS, endpoint=False)[1:]:
            turn = Rotation.from_rotvec(angle * axis).as_matrix()
            turned.append(Pose(turn @ found.pose.rotation, turn @ (found.pose.translation - centre) + centre))
    likeliest = _likeliest(scan, surface.coarse, turned, N_ALIKE, COARSE_REACH)
    other = _settled(scan, surface, icp(scan, surface, likeliest, N_MIDDLE, steps=5))
    return other if other.cost < found.cost else found


def _axes_of_turns(surface: Oriented) -> list[tuple[DoubleArray, DoubleArray]]:
    """Directions (3,) and positions (3,) of candidate symmetry axes."""
    along = surface.points @ surface.axes
    # The outline is independent of the side seen, and the points' mean of what sticks out.
    centres = (surface.axes @ ((along.max(axis=0) + along.min(axis=0)) / 2), surface.points.mean(axis=0))
    axes = [(surface.axes[:, i], centre) for centre in centres for i in range(3)]
    return [*axes, slippable_axis(surface.points, surface.normals)]


def _apart(a: Pose, b: Pose) -> bool:
    cosine = (np.trace(a.rotation @ b.rotation.T) - 1) / 2
    turned = float(np.arccos(np.clip(cosine, -1, 1))) > APART_RADIANS
    return turned or float(np.linalg.norm(a.translation - b.translation)) > APART_SHIFT


def _likeliest(scan: Oriented, surface: Oriented, poses: Sequence[Pose], count: int, reach: float) -> list[Pose]:
    """The poses at which most points lie within about that reach: what the other does not show must not count."""
    points, normals = scan.points[:N_FEW], scan.normals[:N_FEW]
    moved = np.concatenate([pose.apply(points) for pose in poses])
    facing = np.concatenate([normals @ pose.rotation.T for pose in poses])
    distances = np.linalg.norm(surface.points[surface.nearest(moved, facing)] - moved, axis=1)
    order = np.argsort(-_kernel(distances, reach).reshape(len(poses), -1).mean(axis=1), kind="stable")
    return [poses[i] for i in order[:count]]


def _disagreement(
    points: DoubleArray, normals: DoubleArray, other: Oriented
) -> tuple[DoubleArray, BoolArray, DoubleArray]:
    """(m,) each: how far points are from the other cloud, in caps, 0 to 1; whether they lie where it ends; distance."""
    along, aside, _, beyond = _ways(points, normals, other)
    along = np.abs(along)
    along = np.where(aside > 4 * other.spacing, np.hypot(along, aside), along)
    noise = min(float(np.median(along[~beyond])), LOUDEST) if not beyond.all() else 0.0
    found = np.clip((along - WITHIN * noise) / CAP, 0, 1)
    found[beyond] = BEYOND
    return found, beyond, along


def _ways(
    points: DoubleArray, normals: DoubleArray, other: Oriented
) -> tuple[DoubleArray, DoubleArray, DoubleArray, BoolArray]:
    """From points (m, 3) to what of the other cloud faces as they do: the signed way (m,) along its normals, how far
    aside (m,), these normals (m, 3), and which points lie where it ends."""
    nearest = other.nearest(points, normals)
    offsets, faces = other.points[nearest] - points, other.normals[nearest]
    along = np.einsum("ij,ij->i", offsets, faces)
    aside = np.sqrt(np.maximum((offsets**2).sum(axis=1) - along**2, 0))
    # No face with that orientation is near: the other scan did not see it.
    beyond = ((normals * faces).sum(axis=1) <= SAME_SIDE) | (other.rim[nearest] & (aside > AT_RIM * other.spacing))
    return along, aside, faces, beyond


def rim_of(points: DoubleArray, normals: DoubleArray) -> tuple[float, BoolArray]:
    """The spacing of a cloud, and a mask (n,) of boundary points, whose neighbours are all on one side."""
    distances, around = PointTree(points).nearest_k(points, N_RIM + 1)
    same = np.einsum("nki,ni->nk", normals[around], normals) > -SAME_SIDE
    shift = ((points[around] - points[:, None]) * same[..., None]).sum(axis=1) / same.sum(axis=1, keepdims=True)
    shift -= np.einsum("ij,ij->i", shift, normals)[:, None] * normals
    reach = np.where(same, distances, 0).max(axis=1)
    ends = np.linalg.norm(shift, axis=1) > RIM_SHIFT * reach
    spacing = float(np.median(distances[:, min(1, distances.shape[1] - 1)]))
    if not ends.any():
        return spacing, ends
    return spacing, np.asarray(PointTree(points[ends]).nearest(points)[0] < 1.5 * np.median(reach))


def _kernel(distances: DoubleArray, reach: float) -> DoubleArray:
    return np.asarray(1 / (1 + (distances / reach) ** 2) ** 2)


def _tukey(along: DoubleArray, paired: BoolArray) -> DoubleArray:
    """Weights (s, m) of residuals (s, m), 0 for unpaired points."""
    absolute = np.where(paired, np.abs(along), np.nan)
    absolute[~paired.any(axis=1)] = 0.0
    scale = 1.4826 * np.nanmedian(absolute, axis=1, keepdims=True) + 1e-9
    return np.asarray(np.where(paired, np.clip(1 - (along / (4.685 * scale)) ** 2, 0, None) ** 2, 0.0))
