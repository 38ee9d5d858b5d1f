"""Registers scans of parts that vary by nature, as foods and castings do: by more than what tells their sides.

A disc or a block fits a rigid surface about as well, or better, another way round, as its shape differs by ten times
the height of the features on it. So every turn that a nearly symmetric body allows is tried, each with a smooth field
of its own, and what the field leaves decides: details of the wrong place cannot be bent away. The rigid part of a field
is no variation and goes into the pose, which brings starts up to 15 degrees off to the same pose. [O]
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
from sedir_core.types import DoubleArray

# Points and steps of the fields, and poses kept of either side, in each of the rounds: hundreds of turns cost as much
# as a few fits.
ROUNDS = ((400, 4, 10), (800, 8, 3), (3_000, 12, 1))


@dataclass(frozen=True)
class Bent:
    """A pose, the share of the scan that the surface shows, too, and what a smooth field from there leaves of that.

    mean, median: distances as multiples of what is usual at each place, or in radii; see `overlap.remaining`.
    """

    pose: Pose
    shared: float
    mean: float
    median: float


def lay_bent(scan: Oriented, surface: Oriented, prior: SmoothPrior, rotation: DoubleArray) -> Bent:
    """Register a scan in any pose to a surface of the same scale. rotation: (3, 3), of one that fits rigidly."""
    poses = _starts(scan, surface, rotation)
    for count, steps, kept in ROUNDS:
        found = [bent(scan, surface, prior, start, count, steps) for start in poses]
        most = BENT.shared * max(one.shared for one in found)
        usual = _best([one for one in found if one.shared >= most], kept)
        other = _best([one for one in found if one.shared < most], kept)
        poses = [one.pose for one in (*usual, *other)]
    return other[0] if other and BENT.clearly * other[0].median < usual[0].median else usual[0]


def settle_bent(scan: Oriented, surface: Oriented, prior: SmoothPrior, pose: Pose) -> Pose:
    """The pose from nearby in which the field onto the surface has no rigid part."""
    for count, steps, _ in ROUNDS[1:]:
        pose = bent(scan, surface, prior, pose, count, steps).pose
    return pose


def _best(found: list[Bent], count: int) -> list[Bent]:
    return sorted(found, key=lambda one: one.mean)[:count]


def bent(scan: Oriented, surface: Oriented, prior: SmoothPrior, pose: Pose, count: int, steps: int) -> Bent:
    """The pose with the rigid part of the smooth field from there, of that many points and steps."""
    points, normals = pose.apply(scan.points[:count]), scan.normals[:count] @ pose.rotation.T
    field = prior.fit(points, surface.toward(normals), steps)
    moved = points + field(points)
    rigid = _rigid_part(points, moved)
    settled = Pose(rigid.rotation @ pose.rotation, rigid.apply(pose.translation[None])[0])
    left = remaining(moved, normals, surface)
    shared = len(left) / len(moved)
    return Bent(settled, shared, *((float(left.mean()), float(np.median(left))) if len(left) else (np.inf, np.inf)))


def _rigid_part(points: DoubleArray, moved: DoubleArray) -> Pose:
    """Of the way from points (n, 3) to where they moved (Kabsch 1976)."""
    before, after = points.mean(axis=0), moved.mean(axis=0)
    rotation = Rotation.align_vectors(moved - after, points - before)[0].as_matrix()
    return Pose(rotation, after - rotation @ before)


def _starts(scan: Oriented, surface: Oriented, rotation: DoubleArray) -> list[Pose]:
    """Every turn of that, and of the principal axes onto each other, that a body may look alike in."""
    axis = slippable_axis(surface.points, surface.normals)[0]
    across = np.linalg.svd(axis[None])[2][1]
    turns = [Rotation.from_rotvec(angle * axis) for angle in np.linspace(0, 2 * np.pi, BENT.turns, endpoint=False)]
    over = Rotation.from_rotvec(np.pi * across)
    rotations = [(turn * flip).as_matrix() @ rotation for flip in (Rotation.identity(), over) for turn in turns]
    rotations += [surface.axes @ turn @ scan.axes.T for turn in cube_rotations()]
    return matching_outlines(scan, surface, np.array(rotations))
