"""Planes and cylinders fitted locally, for measuring angles, distances and diameters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares

from sedir_core.geometry.surface import normals_and_curvature
from sedir_core.types import BoolArray, DoubleArray

N_FIRST = 24  # points for the local surface orientation
N_ROUNDS = 8  # iterations of fitting and collecting inliers
OUTLIER = 3.0  # inlier distance, as a multiple of the scatter
MOST_FITTED = 4000  # most points used for a fit
N_SIDE = 12  # neighbours for normal estimation
FLATTEST = 40.0  # largest radius of a cylinder, in patch radii; beyond it the surface counts as flat
SCATTERED = 0.1  # largest scatter of a cylinder, as a share of its radius
LEAST = 12  # fewest points of a fit
_TINY = 1e-12


@dataclass(frozen=True, eq=False)
class FittedPlane:
    """centre, normal: (3,), a point of it and a unit vector. scatter: root mean square distance of the points."""

    centre: DoubleArray
    normal: DoubleArray
    scatter: float
    n_points: int

    def distances(self, points: DoubleArray) -> DoubleArray:
        """(n,) signed, of points (n, 3)."""
        return np.asarray((points - self.centre) @ self.normal)


@dataclass(frozen=True, eq=False)
class Cylinder:
    """centre, axis: (3,), a point of its axis and a unit vector. scatter: as of a `FittedPlane`, from its surface."""

    centre: DoubleArray
    axis: DoubleArray
    radius: float
    scatter: float
    n_points: int

    def distances(self, points: DoubleArray) -> DoubleArray:
        """(n,) signed, of points (n, 3); + is outside."""
        off = points - self.centre
        return np.asarray(np.linalg.norm(off - np.outer(off @ self.axis, self.axis), axis=1) - self.radius)


def plane_around(points: DoubleArray, place: DoubleArray, reach: float) -> FittedPlane | None:
    """Fit a plane at a place (3,) to the points (n, 3) within `reach`.

    None if there are too few, or they are not planar.
    """
    patch = _patch(points, place, reach)
    if len(patch) < LEAST:
        return None
    nearest = np.argsort(np.linalg.norm(patch - place, axis=1))[:N_FIRST]
    found = _plane(patch[nearest])
    for _ in range(N_ROUNDS):
        on = np.abs(found.distances(patch)) <= OUTLIER * found.scatter + _TINY
        if on.sum() < LEAST:
            return None
        found = _plane(patch[on])
    return found


def cylinder_around(points: DoubleArray, place: DoubleArray, reach: float) -> Cylinder | None:
    """Fit a cylinder at a place (3,) to points (n, 3): the whole circumference, `reach` along the axis.

    None if the surface is flat, there are too few points, or they are not on a cylinder.
    """
    patch = _patch(points, place, reach)
    if len(patch) < LEAST:
        return None
    found = _cylinder(patch, _axis_of(patch), place)
    for _ in range(N_ROUNDS):
        if found is None or found.radius > FLATTEST * reach:
            return None
        on = _on(points, found, place, reach)
        if on.sum() < LEAST:
            return None
        found = _cylinder(_few(points[on]), found.axis, found.centre)
    return None if found is None or found.scatter > SCATTERED * found.radius else found


def angle_deg(first: FittedPlane, second: FittedPlane) -> float:
    """Angle between two planes, 0..90."""
    cosine = abs(float(first.normal @ second.normal))
    sine = float(np.linalg.norm(np.cross(first.normal, second.normal)))
    return float(np.degrees(np.arctan2(sine, cosine)))


def distance_between(first: FittedPlane, second: FittedPlane) -> float:
    """Distance of two nearly parallel planes: the mean of each one's distance from the other's centre."""
    both = first.distances(second.centre[None])[0], second.distances(first.centre[None])[0]
    return float(np.abs(both).mean())


def _patch(points: DoubleArray, place: DoubleArray, reach: float) -> DoubleArray:
    return _few(points[np.linalg.norm(points - place, axis=1) <= reach])


def _few(points: DoubleArray) -> DoubleArray:
    return points[:: max(1, -(-len(points) // MOST_FITTED))]


def _plane(points: DoubleArray) -> FittedPlane:
    centre = points.mean(axis=0)
    normal = np.linalg.svd(points - centre, full_matrices=False)[2][2]
    scatter = float(np.sqrt(np.mean(((points - centre) @ normal) ** 2)))
    return FittedPlane(centre, normal, scatter, len(points))


def _axis_of(patch: DoubleArray) -> DoubleArray:
    """The direction perpendicular to all normals of a cylinder."""
    normals = normals_and_curvature(patch, min(N_SIDE, len(patch) - 1))[0]
    return np.asarray(np.linalg.eigh(normals.T @ normals)[1][:, 0])


def _on(points: DoubleArray, found: Cylinder, place: DoubleArray, reach: float) -> BoolArray:
    along = np.abs((points - place) @ found.axis) <= reach
    return np.asarray(along & (np.abs(found.distances(points)) <= OUTLIER * found.scatter + _TINY))


def _cylinder(points: DoubleArray, axis: DoubleArray, near: DoubleArray) -> Cylinder | None:
    """Robust least squares from an approximate axis (3,)."""
    across = np.linalg.svd(axis[None])[2][1:]  # (2, 3), perpendicular to the axis
    middle = points.mean(axis=0)
    flat = (points - middle) @ across.T
    system = np.column_stack([2 * flat, np.ones(len(flat))])
    (x, y, rest), *_ = np.linalg.lstsq(system, (flat**2).sum(axis=1), rcond=None)  # algebraic circle fit
    squared = rest + x**2 + y**2
    if squared <= 0:
        return None
    scale = float(np.linalg.norm(points - middle, axis=1).max())

    def placed(values: DoubleArray) -> Cylinder:
        tilted = axis + values[0] * across[0] + values[1] * across[1]
        centre = middle + scale * (values[2] * across[0] + values[3] * across[1])
        return Cylinder(centre, tilted / np.linalg.norm(tilted), scale * float(values[4]), 0.0, len(points))

    start = np.array([0.0, 0.0, x / scale, y / scale, np.sqrt(squared) / scale])
    spread = max(float(np.std(placed(start).distances(points))) / scale, 1e-9)

    def residuals(values: DoubleArray) -> DoubleArray:
        return placed(values).distances(points) / scale

    solved = least_squares(residuals, start, loss="soft_l1", f_scale=spread, max_nfev=60)
    found = placed(solved.x)
    scatter = float(np.sqrt(np.mean(found.distances(points) ** 2)))
    centre = found.centre + ((near - found.centre) @ found.axis) * found.axis
    return Cylinder(centre, found.axis, abs(found.radius), scatter, len(points)) if np.isfinite(scatter) else None
