"""Registers two partially overlapping scans, as of different resting sides, with shadows or occlusions.

A pose is evaluated on the *overlap*: where both scans continue, they must agree within noise, with normals facing the
same way. Where one scan ends, there is no evidence, unless its resting side is known: then surface that its scanner
would have seen, but that is missing, contradicts the pose. [O]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from sedir_core.geometry.numbers import ORIENTED, OVERLAP
from sedir_core.geometry.oriented import Oriented, ways_to
from sedir_core.geometry.registration import Pose, axis_turns, plane_step, point_step, slippable_axis, trimmed_mean
from sedir_core.geometry.robust import SIGMA_PER_MEDIAN, TUKEY_WIDTH, tukey
from sedir_core.geometry.visibility import sphere_directions
from sedir_core.types import BoolArray, DoubleArray

STILL = Pose(np.eye(3), np.zeros(3))


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


def judge(scan: Oriented, surface: Oriented, pose: Pose, count: int = OVERLAP.judged) -> Fit:
    """Evaluate a pose on that many points of each cloud."""
    points, normals = pose.apply(scan.points[:count]), scan.normals[:count] @ pose.rotation.T
    there, beyond, along = _disagreement(points, normals, surface)
    back_points, back_normals = pose.invert(surface.points[:count]), surface.normals[:count] @ pose.rotation
    back, unseen, _ = _disagreement(back_points, back_normals, scan)
    inside = ~beyond
    conflict = float(there[inside].mean()) if inside.any() else 1.0
    there[beyond] = surface.lacks(points[beyond], normals[beyond], OVERLAP.unseen * conflict)
    back[unseen] = scan.lacks(back_points[unseen], back_normals[unseen], OVERLAP.unseen * conflict)
    residual = trimmed_mean(along[inside]) if inside.any() else np.inf
    return Fit(pose, float(there.mean() + back.mean()) / 2, conflict, residual, float(inside.mean()))


def remaining(points: DoubleArray, normals: DoubleArray, surface: Oriented) -> DoubleArray:
    """Distances of points with outward normals, (n, 3) each, to the surface that faces alike, where it continues.

    (n,) multiples of the usual distance at each place, or radii if unknown; capped. NaN where the surface ends.
    """
    along, _, _, beyond = ways_to(points, normals, surface)
    far = np.minimum(np.abs(along), ORIENTED.cap)
    if surface.usual is not None:
        far = np.minimum(far / surface.usual[surface.nearest(points, normals)], OVERLAP.most_usual)
    return np.where(beyond, np.nan, far)


def shown_by_both(scan: Oriented, surface: Oriented, pose: Pose) -> DoubleArray:
    """The (m, 3) points of a scan, in that pose, that the surface also shows: near ones that face the same way."""
    points = pose.apply(scan.points)
    beyond, along = _disagreement(points, scan.normals @ pose.rotation.T, surface)[1:]
    return np.asarray(points[~beyond & (along < ORIENTED.cap)])


def lies_as(down: DoubleArray, others: DoubleArray) -> int:
    """Number of the others' resting sides (k, 3) that a part also rests on. down: (3,) out of its own."""
    return int((others @ down > OVERLAP.alike_sides).sum())


def better(scan: Oriented, surface: Oriented, pose: Pose) -> Fit:
    """A better pose than the given one, or that one."""
    before, found = judge(scan, surface, pose), lay(scan, surface)
    return found if found.cost < OVERLAP.clearly * before.cost else before


def lay(scan: Oriented, surface: Oriented, promising: Callable[[Fit], bool] = lambda fit: True) -> Fit:
    """Register a scan in any pose to a surface of the same scale.

    promising: whether a first pose is worth the search among those that look alike, which takes most of the time.
    """
    turns = np.array([surface.axes @ turn @ scan.axes.T for turn in axis_turns(scan.points)])
    anyhow = Rotation.random(OVERLAP.seeds, random_state=0).as_matrix()
    starts = _starts(scan, surface, np.concatenate([turns, anyhow]))
    poses = _likeliest(scan, surface.coarse, starts, OVERLAP.wide, 0.15)
    poses = icp(scan, surface.coarse, poses, OVERLAP.few, steps=8, point_to_plane=False)
    poses = _likeliest(scan, surface.coarse, poses, OVERLAP.narrow, 0.06)
    poses = icp(scan, surface.coarse, poses, OVERLAP.few, steps=6)
    found = _settled(scan, surface, poses)
    for _ in range(OVERLAP.rounds if promising(found) else 0):
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
            reach = OVERLAP.widest * (OVERLAP.narrowest / OVERLAP.widest) ** (step / max(steps - 1, 1))
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
    looks = sphere_directions(OVERLAP.outline)
    few = scan.points[: ORIENTED.coarse_points]
    # One rotation at a time: all at once are a hundred megabytes, which take a hundred times as long to get as to use.
    own = np.array([(looks @ rotation @ few.T).max(axis=1) for rotation in rotations])
    short = (surface.points[: ORIENTED.coarse_points] @ looks.T).max(axis=0) - own
    shifts = short @ looks @ np.linalg.inv(looks.T @ looks)
    return [Pose(rotation, shift) for rotation, shift in zip(rotations, shifts, strict=True)]


def _settled(scan: Oriented, surface: Oriented, poses: Sequence[Pose]) -> Fit:
    """The best pose: the best few on a subset are refined and compared on more points."""
    kept = _distinct(scan, surface, poses)
    refined = icp(scan, surface, kept, OVERLAP.some, steps=10, robust=True)
    rough = sorted((judge(scan, surface, pose, OVERLAP.some) for pose in refined), key=lambda fit: fit.cost)[:2]
    fine = icp(scan, surface, [fit.pose for fit in rough], ORIENTED.points, steps=4, robust=True)
    return min((judge(scan, surface, pose) for pose in fine), key=lambda fit: fit.cost)


def _distinct(scan: Oriented, surface: Oriented, poses: Sequence[Pose]) -> list[Pose]:
    """The best poses that differ from each other."""
    kept: list[Pose] = []
    for fit in sorted((judge(scan, surface, pose, OVERLAP.some) for pose in poses), key=lambda fit: fit.cost):
        if all(_apart(fit.pose, other) for other in kept):
            kept.append(fit.pose)
        if len(kept) == OVERLAP.last:
            break
    return kept


def _turned(scan: Oriented, surface: Oriented, found: Fit) -> Fit:
    """The pose or a near-symmetric rotation of it: a small boss on a round body may be the only difference."""
    turned = []
    for axis, centre in _axes_of_turns(surface):
        for angle in np.linspace(0, 2 * np.pi, OVERLAP.turns, endpoint=False)[1:]:
            turn = Rotation.from_rotvec(angle * axis).as_matrix()
            turned.append(Pose(turn @ found.pose.rotation, turn @ (found.pose.translation - centre) + centre))
    likeliest = _likeliest(scan, surface.coarse, turned, OVERLAP.alike, OVERLAP.alike_reach)
    other = _settled(scan, surface, icp(scan, surface, likeliest, OVERLAP.middle, steps=5))
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
    turned = float(np.arccos(np.clip(cosine, -1, 1))) > OVERLAP.apart_radians
    return turned or float(np.linalg.norm(a.translation - b.translation)) > OVERLAP.apart_shift


def _likeliest(scan: Oriented, surface: Oriented, poses: Sequence[Pose], count: int, reach: float) -> list[Pose]:
    """The poses at which most points lie within about that reach: what the other cloud does not show must not count."""
    points, normals = scan.points[: OVERLAP.few], scan.normals[: OVERLAP.few]
    moved = np.concatenate([pose.apply(points) for pose in poses])
    facing = np.concatenate([normals @ pose.rotation.T for pose in poses])
    distances = np.linalg.norm(surface.points[surface.nearest(moved, facing)] - moved, axis=1)
    order = np.argsort(-_kernel(distances, reach).reshape(len(poses), -1).mean(axis=1), kind="stable")
    return [poses[i] for i in order[:count]]


def _disagreement(
    points: DoubleArray, normals: DoubleArray, other: Oriented
) -> tuple[DoubleArray, BoolArray, DoubleArray]:
    """(m,) each: how far points are from the other cloud, in caps, 0 to 1; whether they lie where it ends; distance."""
    along, aside, _, beyond = ways_to(points, normals, other)
    along = np.abs(along)
    along = np.where(aside > 4 * other.spacing, np.hypot(along, aside), along)
    noise = min(float(np.median(along[~beyond])), OVERLAP.loudest) if not beyond.all() else 0.0
    found = np.clip((along - OVERLAP.within * noise) / ORIENTED.cap, 0, 1)
    found[beyond] = ORIENTED.beyond
    return found, beyond, along


def _kernel(distances: DoubleArray, reach: float) -> DoubleArray:
    return np.asarray(1 / (1 + (distances / reach) ** 2) ** 2)


def _tukey(along: DoubleArray, paired: BoolArray) -> DoubleArray:
    """Weights (s, m) of residuals (s, m), 0 for unpaired points."""
    absolute = np.where(paired, np.abs(along), np.nan)
    absolute[~paired.any(axis=1)] = 0.0
    scale = SIGMA_PER_MEDIAN * np.nanmedian(absolute, axis=1, keepdims=True) + 1e-9
    return np.asarray(np.where(paired, tukey(along, TUKEY_WIDTH * scale), 0.0))
