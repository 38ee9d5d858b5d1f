"""Registers a scan in its category's frame: multiple starts, trimmed residuals, robust ICP.

Features are not rotation invariant, so everything else depends on this. The scheme is method.md section 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations, product

import numpy as np
from scipy.spatial.transform import Rotation

from sedir_core.geometry.numbers import REGISTRATION
from sedir_core.geometry.robust import SIGMA_PER_MEDIAN, TUKEY_WIDTH, tukey
from sedir_core.geometry.surface import normals_and_curvature
from sedir_core.geometry.tree import PointTree
from sedir_core.types import DoubleArray


@dataclass(frozen=True)
class Pose:
    """x -> rotation @ x + translation, for rows: points @ rotation.T + translation."""

    rotation: DoubleArray
    translation: DoubleArray

    def apply(self, points: DoubleArray) -> DoubleArray:
        """Points (n, 3) of the scan to the template's frame."""
        return np.asarray(points @ self.rotation.T + self.translation)

    def invert(self, points: DoubleArray) -> DoubleArray:
        """Points (n, 3) in the template's frame back to the scan's."""
        return np.asarray((points - self.translation) @ self.rotation)


class Surface:
    """A template for registration: points (n, 3), unit normals (n, 3), a search tree."""

    def __init__(self, points: DoubleArray, normals: DoubleArray | None = None) -> None:
        self.points = points
        self.normals = normals_and_curvature(points)[0] if normals is None else normals
        self.tree = PointTree(points)
        self.axes = principal_axes(points)
        self.round_axis = round_axis(points)
        step = max(1, len(points) // REGISTRATION.fine_points)
        self.probes, self.probe_normals = points[::step], self.normals[::step]

    @property
    def spacing(self) -> float:
        """Point spacing, see `typical_spacing`."""
        return self.tree.spacing

    def toward(self, points: DoubleArray) -> tuple[DoubleArray, DoubleArray]:
        """Of points (n, 3) the signed way (n,) to the tangent plane of the nearest one, and that one's normals."""
        nearest = self.tree.nearest(points)[1]
        normals = self.normals[nearest]
        return np.einsum("ij,ij->i", self.points[nearest] - points, normals), normals

    def coarse(self) -> Surface:
        """The surface subsampled, for the first steps of a registration."""
        step = max(1, len(self.points) // REGISTRATION.coarse_surface)
        return Surface(self.points[::step], self.normals[::step])


def principal_axes(points: DoubleArray) -> DoubleArray:
    """Right-handed principal axes of points (n, 3), at least one, as columns, largest spread first."""
    axes = np.linalg.eigh(np.cov(points.T, bias=True))[1][:, ::-1].copy()
    axes[:, 2] *= np.sign(np.linalg.det(axes))
    return axes


def slippable_axis(points: DoubleArray, normals: DoubleArray) -> tuple[DoubleArray, DoubleArray]:
    """The axis about which a surface (n, 3) is most slippable: direction (3,) and a point on it.

    A handle on a cup or a missing side rotates the principal axes, but not this one. Source: Gelfand and Guibas 2004
    (slippage analysis), for rotations only.
    """
    centre = points.mean(axis=0)
    near = points - centre
    size = max(float(np.sqrt((near**2).sum(axis=1).mean())), 1e-300)
    turns = np.cross(near / size, normals)
    # The best translation for each rotation is eliminated, so that the axis may pass anywhere.
    shifted = normals.T @ normals + 1e-9 * len(points) * np.eye(3)
    mixed = normals.T @ turns
    own = turns.T @ turns - mixed.T @ np.linalg.solve(shifted, mixed)
    axis = np.linalg.eigh(own)[1][:, 0]
    shift = -np.linalg.solve(shifted, mixed @ axis) * size
    return axis, centre + np.cross(axis, shift)


def round_axis(points: DoubleArray) -> DoubleArray | None:
    """The (3,) axis of a body with equal spread perpendicular to it, as of rotational parts, or None."""
    values, vectors = np.linalg.eigh(np.cov(points.T))
    spreads = np.sqrt(np.maximum(values, 0))
    if spreads[1] > REGISTRATION.alike * spreads[2]:
        return np.asarray(vectors[:, 0])
    return np.asarray(vectors[:, 2]) if spreads[0] > REGISTRATION.alike * spreads[1] else None


def cube_rotations() -> DoubleArray:
    """(24, 3, 3) rotations between right-handed axes."""
    found = [
        np.eye(3)[list(order)] * np.array(signs)[:, None]
        for order in permutations(range(3))
        for signs in product((1, -1), repeat=3)
    ]
    return np.array([r for r in found if np.linalg.det(r) > 0])


def align(points: DoubleArray, surface: Surface, generator: np.random.Generator | None = None) -> tuple[Pose, float]:
    """Register a scan to a template of the same scale; returns pose and residual.

    points: (n, 3), in any pose. generator: shuffles them; None where their order is random already. The residual is the
    trimmed mean distance in both directions, in the template's unit: about the noise if the part fits, much larger
    otherwise.
    """
    shuffled = (points if generator is None else points[generator.permutation(len(points))])[: REGISTRATION.fine_points]
    few, some, coarse = shuffled[: REGISTRATION.coarse_points], shuffled[: REGISTRATION.middle_points], surface.coarse()
    poses = _best(few, coarse, _starts(points, surface), REGISTRATION.tried)
    poses = refine(few, coarse, poses, REGISTRATION.coarse_steps, point_to_plane=False)
    poses = _best(few, coarse, refine(few, coarse, poses, REGISTRATION.coarse_steps), REGISTRATION.kept)
    poses = refine(some, surface, poses, REGISTRATION.fine_steps)
    chosen = _least_mismatch(shuffled, surface, poses)
    if surface.round_axis is not None:
        chosen = _least_mismatch(shuffled, surface, [chosen, *spun(some, surface, chosen, surface.round_axis)])
    fine = refine(shuffled, surface, [chosen], REGISTRATION.fine_steps, robust=True)[0]
    return fine, _two_way_residual(shuffled, surface, fine)


def settle(points: DoubleArray, surface: Surface, pose: Pose) -> tuple[Pose, float]:
    """Refine an approximate pose; returns pose and residual, see `align`."""
    some = points[: REGISTRATION.fine_points]
    near = refine(some, surface, [pose], REGISTRATION.fine_steps)
    fine = refine(some, surface, near, REGISTRATION.fine_steps, robust=True)[0]
    return fine, _two_way_residual(some, surface, fine)


def _starts(points: DoubleArray, surface: Surface) -> list[Pose]:
    centre, target = points.mean(axis=0), surface.points.mean(axis=0)
    own = principal_axes(points)
    # Under a fixed camera parts lie as the reference did, nearly: seen from one side, axes alone may mislead.
    rotations = [np.eye(3), *(surface.axes @ turn @ own.T for turn in axis_turns(points))]
    return [Pose(r, target - r @ centre) for r in rotations]


def axis_turns(points: DoubleArray) -> DoubleArray:
    """Axis pairings; with similar spreads the axes are arbitrary, so rotations in between are added."""
    cube = cube_rotations()
    eighth = np.array([[np.sqrt(0.5), -np.sqrt(0.5), 0], [np.sqrt(0.5), np.sqrt(0.5), 0], [0, 0, 1]])
    cycle = np.eye(3)[[2, 0, 1]]
    between = [np.linalg.matrix_power(cycle, i) @ eighth @ np.linalg.matrix_power(cycle, i).T for i in range(3)]
    return np.concatenate([cube, *(cube @ turn for turn in between)])


def _best(points: DoubleArray, surface: Surface, poses: list[Pose], count: int) -> list[Pose]:
    # Capped rather than trimmed: only a tenth of the points may distinguish a cup's open end from its bottom.
    cap = REGISTRATION.coarse_cap
    moved = np.concatenate([pose.apply(points) for pose in poses])
    distances = np.minimum(surface.tree.nearest(moved, within=cap)[0], cap)
    residuals = distances.reshape(len(poses), -1).mean(axis=1)
    return [poses[i] for i in np.argsort(residuals, kind="stable")[:count]]


def trimmed_mean(distances: DoubleArray) -> float:
    """Mean of distances (n,) without the largest: missing or added pieces must not affect the pose."""
    kept = np.sort(distances)[: max(1, int(REGISTRATION.trimmed * len(distances)))]
    return float(kept.mean())


def spun(points: DoubleArray, surface: Surface, pose: Pose, axis: DoubleArray) -> list[Pose]:
    """Search rotations about a rotational part's axis: teeth or bolt holes trap ICP in the nearest local minimum."""
    centre = surface.points.mean(axis=0)
    turns = rotation_from_vector(np.linspace(0, 2 * np.pi, REGISTRATION.spins, endpoint=False)[:, None] * axis)
    spun = [Pose(turn @ pose.rotation, turn @ (pose.translation - centre) + centre) for turn in turns]
    few = points[: REGISTRATION.spin_points]
    moved = np.concatenate([one.apply(few) for one in spun])
    nearest = surface.tree.nearest(moved)[1]
    along = np.einsum("ij,ij->i", surface.points[nearest] - moved, surface.normals[nearest])
    misses = np.minimum(np.abs(along), REGISTRATION.cap).reshape(len(spun), -1).mean(axis=1)
    best = [spun[i] for i in np.argsort(misses, kind="stable")[: REGISTRATION.kept]]
    return refine(points, surface, best, REGISTRATION.coarse_steps)


def _least_mismatch(points: DoubleArray, surface: Surface, poses: list[Pose]) -> Pose:
    return poses[int(np.argmin([_mismatch(points, surface, pose) for pose in poses]))]


def _mismatch(points: DoubleArray, surface: Surface, pose: Pose) -> float:
    """Cost that distinguishes near-symmetric poses: mean distance along the normal, in both directions, capped.

    A small notch may be the only difference, so nothing is trimmed; a defect adds the same to every pose.
    """
    moved = pose.apply(points)
    distances, nearest = surface.tree.nearest(moved)
    there = np.einsum("ij,ij->i", surface.points[nearest] - moved, surface.normals[nearest])
    gaps, beside = PointTree(moved).nearest(surface.probes)
    back = np.einsum("ij,ij->i", surface.probes - moved[beside], surface.probe_normals)
    return (_capped(there, distances) + _capped(back, gaps)) / 2


def _capped(along: DoubleArray, distances: DoubleArray) -> float:
    """Where no point is near, the surface has ended, and the full distance counts."""
    beyond = distances > REGISTRATION.ended * np.median(distances)
    return float(np.minimum(np.where(beyond, distances, np.abs(along)), REGISTRATION.cap).mean())


def _two_way_residual(points: DoubleArray, surface: Surface, pose: Pose) -> float:
    there = surface.tree.nearest(pose.apply(points))[0]
    back = PointTree(points).nearest(pose.invert(surface.probes))[0]
    return (trimmed_mean(there) + trimmed_mean(back)) / 2


def refine(
    points: DoubleArray,
    surface: Surface,
    poses: list[Pose],
    steps: int,
    point_to_plane: bool = True,
    robust: bool = False,
) -> list[Pose]:
    """Trimmed ICP on all poses at once; `robust` adds Tukey weights."""
    rotations = np.array([pose.rotation for pose in poses])
    translations = np.array([pose.translation for pose in poses])
    for _ in range(steps):
        moved = np.einsum("sij,mj->smi", rotations, points) + translations[:, None]
        distances, nearest = surface.tree.nearest(moved.reshape(-1, 3))
        distances = distances.reshape(len(poses), -1)
        nearest = nearest.reshape(len(poses), -1)
        offsets = surface.points[nearest] - moved
        normals = surface.normals[nearest]
        weights = (distances <= np.quantile(distances, REGISTRATION.trimmed, axis=1, keepdims=True)).astype(float)
        if point_to_plane:
            along = np.einsum("smi,smi->sm", offsets, normals)
            if robust:
                weights = _tukey(along)
            turn, shift = plane_step(moved, normals, along, weights)
        else:
            turn, shift = point_step(moved, offsets, weights)
        rotations = turn @ rotations
        translations = np.einsum("sij,sj->si", turn, translations) + shift
    return [Pose(r, t) for r, t in zip(rotations, translations, strict=True)]


def _tukey(residuals: DoubleArray) -> DoubleArray:
    scale = SIGMA_PER_MEDIAN * np.median(np.abs(residuals), axis=1, keepdims=True) + 1e-12
    return tukey(residuals, TUKEY_WIDTH * scale)


def plane_step(
    moved: DoubleArray, normals: DoubleArray, along: DoubleArray, weights: DoubleArray
) -> tuple[DoubleArray, DoubleArray]:
    """One slightly damped Gauss-Newton step of the point-to-plane distance (Chen and Medioni 1991)."""
    rows = np.concatenate([np.cross(moved, normals), normals], axis=2)
    weighted = rows * weights[..., None]
    hessian = np.einsum("smi,smj->sij", weighted, rows)
    damping = 1e-4 * np.trace(hessian, axis1=1, axis2=2)[:, None, None] / 6 + 1e-12
    step = np.linalg.solve(hessian + damping * np.eye(6), np.einsum("smi,sm->si", weighted, along)[..., None])[..., 0]
    return rotation_from_vector(step[:, :3]), step[:, 3:]


def point_step(moved: DoubleArray, offsets: DoubleArray, weights: DoubleArray) -> tuple[DoubleArray, DoubleArray]:
    """The best rigid motion of weighted point pairs (Kabsch 1976)."""
    share = weights / weights.sum(axis=1, keepdims=True)
    centre = np.einsum("sm,smi->si", share, moved)
    target = np.einsum("sm,smi->si", share, moved + offsets)
    cross = np.einsum(
        "sm,smi,smj->sij", share, moved + offsets - target[:, None], moved - centre[:, None], optimize=True
    )
    left, _, right = np.linalg.svd(cross)
    left[:, :, 2] *= np.sign(np.linalg.det(left @ right))[:, None]
    turn = left @ right
    return turn, target - np.einsum("sij,sj->si", turn, centre)


def rotation_from_vector(vectors: DoubleArray) -> DoubleArray:
    """(s, 3) rotation vectors, radians, to (s, 3, 3) matrices."""
    return np.asarray(Rotation.from_rotvec(vectors).as_matrix())


def random_rotation(generator: np.random.Generator) -> DoubleArray:
    """(3, 3), uniform over all rotations (a normalised Gaussian quaternion, Shoemake 1992)."""
    w, x, y, z = generator.standard_normal(4)
    return np.asarray(Rotation.from_quat([x, y, z, w]).as_matrix())
