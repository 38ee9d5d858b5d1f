"""Registers scans of naturally varying parts, such as foods and castings, whose variation exceeds their features.

A disc or a block may fit a rigid surface as well or better the wrong way round, since its shape varies by ten times the
height of its features. Therefore every rotation of a nearly symmetric body is tried, each with its own smooth field,
and the field's residual decides: features in the wrong place cannot be bent away. The rigid part of a field is not
variation and is added to the pose, so that starts up to 15 degrees off reach the same pose. [O]
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from sedir_core.geometry.elastic import SmoothPrior
from sedir_core.geometry.numbers import BENT
from sedir_core.geometry.oriented import Oriented
from sedir_core.geometry.overlap import matching_outlines, remaining
from sedir_core.geometry.registration import Pose, cube_rotations, slippable_axis
from sedir_core.geometry.tree import PointTree
from sedir_core.types import BoolArray, DoubleArray


@dataclass(frozen=True)
class Bent:
    """A pose, the share of the scan that the surface also shows, and the residual of a smooth field there.

    mean, median: distances as multiples of the usual ones at each place, or in radii; see `overlap.remaining`.
    """

    pose: Pose
    shared: float
    mean: float
    median: float


def lay_bent(scan: Oriented, surface: Oriented, prior: SmoothPrior, rotation: DoubleArray) -> Bent:
    """Register a scan in any pose to a surface of the same scale. rotation: (3, 3), of a rigid fit."""
    poses = _starts(scan, surface, rotation)
    for count, steps, kept in BENT.rounds:
        found = [bent(scan, surface, prior, start, count, steps) for start in poses]
        most = BENT.shared * max(one.shared for one in found)
        usual = _best([one for one in found if one.shared >= most], kept)
        other = _best([one for one in found if one.shared < most], kept)
        poses = [one.pose for one in (*usual, *other)]
    likeliest = (*usual[:1], *other[:1])
    best, *others = [settled(scan, surface, prior, one.pose) for one in likeliest]
    return others[0] if others and BENT.clearly * others[0].median < best.median else best


def settled(scan: Oriented, surface: Oriented, prior: SmoothPrior, pose: Pose) -> Bent:
    """That pose with the rigid part of the field that the last round of the search fits."""
    count, steps, _ = BENT.rounds[-1]
    return bent(scan, surface, prior, pose, count, steps, robust=True)


def settle_bent(scan: Oriented, surface: Oriented, prior: SmoothPrior, pose: Pose) -> Pose:
    """The pose, starting nearby, in which the field onto the surface has no rigid part."""
    for count, steps, _ in BENT.rounds[1:]:
        pose = bent(scan, surface, prior, pose, count, steps).pose
    return pose


def _best(found: list[Bent], count: int) -> list[Bent]:
    return sorted(found, key=lambda one: one.mean)[:count]


def bent(
    scan: Oriented, surface: Oriented, prior: SmoothPrior, pose: Pose, count: int, steps: int, robust: bool = False
) -> Bent:
    """The pose combined with the rigid part of a smooth field of that many points and steps.

    robust: the field is fitted again without what stands out, since a lump or dent bends everything around it.
    """
    points, normals = pose.apply(scan.points[:count]), scan.normals[:count] @ pose.rotation.T
    field = prior.fit(points, surface.toward(normals), steps)
    moved = points + field(points)
    quiet = np.ones(len(points), bool)
    if robust:
        quiet = _quiet(points, remaining(moved, normals, surface))
        field = prior.fit(points[quiet], surface.toward(normals[quiet]), steps)
        moved = points + field(points)
    rigid = _rigid_part(points[quiet], moved[quiet])
    settled = Pose(rigid.rotation @ pose.rotation, rigid.apply(pose.translation[None])[0])
    left = remaining(moved, normals, surface)
    left = left[~np.isnan(left)]
    shared = len(left) / len(moved)
    return Bent(settled, shared, *((float(left.mean()), float(np.median(left))) if len(left) else (np.inf, np.inf)))


def _quiet(points: DoubleArray, far: DoubleArray) -> BoolArray:
    """Mask (n,) of the points (n, 3) whose neighbourhood is about as near the surface as most are.

    far: (n,) distances, NaN where unknown. All points if the mask would keep too few.
    """
    known = np.flatnonzero(~np.isnan(far))
    quiet = np.ones(len(points), bool)
    if len(known) > BENT.around:
        around = PointTree(points[known]).nearest_k(points[known], BENT.around)[1]
        means = far[known][around].mean(axis=1)
        quiet[known] = means <= BENT.loud * np.median(means)
    return quiet if quiet.mean() > BENT.least_quiet else np.ones(len(points), bool)


def _rigid_part(points: DoubleArray, moved: DoubleArray) -> Pose:
    """Rigid motion that best maps points (n, 3) to their displaced positions (Kabsch 1976)."""
    before, after = points.mean(axis=0), moved.mean(axis=0)
    rotation = Rotation.align_vectors(moved - after, points - before)[0].as_matrix()
    return Pose(rotation, after - rotation @ before)


def _starts(scan: Oriented, surface: Oriented, rotation: DoubleArray) -> list[Pose]:
    """Rotations of that pose, and pairings of principal axes, in which a body may look alike."""
    axis = slippable_axis(surface.points, surface.normals)[0]
    across = np.linalg.svd(axis[None])[2][1]
    turns = [Rotation.from_rotvec(angle * axis) for angle in np.linspace(0, 2 * np.pi, BENT.turns, endpoint=False)]
    over = Rotation.from_rotvec(np.pi * across)
    rotations = [(turn * flip).as_matrix() @ rotation for flip in (Rotation.identity(), over) for turn in turns]
    rotations += [surface.axes @ turn @ scan.axes.T for turn in cube_rotations()]
    return matching_outlines(scan, surface, np.array(rotations))
