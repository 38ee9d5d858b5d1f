"""Visibility of a cloud from a distant camera: depth buffer, hidden point removal, and outward normals."""

from __future__ import annotations

import numpy as np
from scipy.interpolate import LinearNDInterpolator
from scipy.spatial import ConvexHull, cKDTree

from sedir_core.geometry.scan_numbers import VISIBILITY
from sedir_core.types import BoolArray, DoubleArray

MOST_PIXELS = 2_000  # a side


def sphere_directions(count: int) -> DoubleArray:
    """(count, 3) unit vectors, evenly over the sphere (a Fibonacci lattice)."""
    steps = np.arange(count)
    height = 1 - (2 * steps + 1) / count
    angle = steps * np.pi * (3 - np.sqrt(5))
    across = np.sqrt(1 - height**2)
    return np.stack([across * np.cos(angle), across * np.sin(angle), height], axis=1)


def neighbour_distance(points: DoubleArray) -> float:
    """Mean distance to the nearest neighbour, over at most 1,000 of the points (n, 3)."""
    some = points[:: max(1, len(points) // 1000)]
    return float(np.asarray(cKDTree(points).query(some, k=2)[0])[:, 1].mean())


def visible_from(
    points: DoubleArray, direction: DoubleArray, normals: DoubleArray | None = None, nearest: float | None = None
) -> BoolArray:
    """(n,) bool: which points (n, 3) a distant camera in that (3,) direction sees, by a depth buffer.

    A pixel holds some six points of a surface seen head-on, so that hardly anything shows through it; surfaces
    steeper than about 70 degrees fade out, as they do for a scanner. normals: (n, 3) of any sign; with them the back
    of a thin wall is told from its front. nearest: `neighbour_distance`, if it is known.
    """
    across = points @ np.linalg.svd(direction[None])[2][1:].T
    across -= across.min(axis=0)
    # Coincident points, or outliers, must not lead to a picture of millions of pixels.
    finest = max(float(across.max()) / MOST_PIXELS, 1e-300)
    pixel = max(VISIBILITY.pixel * (neighbour_distance(points) if nearest is None else nearest), finest)
    column = np.floor(across / pixel).astype(np.int64)
    cell = column[:, 0] * (int(column[:, 1].max()) + 1) + column[:, 1]
    depth = points @ direction
    front = np.full(int(cell.max()) + 1, -np.inf)
    np.maximum.at(front, cell, depth)
    if normals is None:
        return np.asarray(depth > front[cell] - VISIBILITY.steepest * pixel)
    facing = np.abs(normals @ direction)
    slope = np.minimum(np.sqrt(1 - np.minimum(facing, 1) ** 2) / np.maximum(facing, 1e-9), VISIBILITY.steepest)
    return np.asarray(depth > front[cell] - pixel * (VISIBILITY.behind + slope))


def seen_from(
    points: DoubleArray, direction: DoubleArray, normals: DoubleArray, nearest: float | None = None
) -> BoolArray:
    """(n,) bool: which points (n, 3) facing a distant camera in that (3,) direction are visible to it.

    normals: (n, 3), outward. nearest: see `visible_from`.
    """
    return np.asarray((normals @ direction > VISIBILITY.grazing) & visible_from(points, direction, normals, nearest))


def plainly_seen(points: DoubleArray, direction: DoubleArray, hollow: float = VISIBILITY.hollow) -> BoolArray:
    """(n,) bool: which points (n, 3) are plainly visible to a distant camera in that (3,) direction.

    Stricter in hollows than a depth buffer, as scanners are that need two lines of sight or fear a second reflection.
    Source: Katz et al. 2007 (hidden point removal), with a tolerance: on a flat face noise hides points, too, so what
    lies no deeper below the hull of the flipped points than `hollow`, in extents, is seen.
    """
    extent = _extent(points)
    rays = VISIBILITY.camera * direction - (points - points.mean(axis=0)) / extent
    distances = np.linalg.norm(rays, axis=1, keepdims=True)
    flipped = rays * (2 * VISIBILITY.flip * VISIBILITY.camera / distances - 1)
    few = np.arange(0, len(points), max(1, len(points) // VISIBILITY.hull_points))
    corners = ConvexHull(np.concatenate([flipped[few], np.zeros((1, 3))])).vertices
    outer = few[corners[corners < len(few)]]
    picture = (rays / distances) @ np.linalg.svd(direction[None])[2][1:].T
    hull = LinearNDInterpolator(picture[outer], distances[outer, 0], fill_value=np.inf)(picture)
    return np.asarray(distances[:, 0] < hull + hollow)


def scanned_from(points: DoubleArray, direction: DoubleArray, normals: DoubleArray) -> BoolArray:
    """(n,) bool: which points (n, 3) face a distant camera in that (3,) direction and are plainly visible to it.

    normals: (n, 3), outward.
    """
    return np.asarray((normals @ direction > VISIBILITY.grazing) & plainly_seen(points, direction))


def roughness(points: DoubleArray, normals: DoubleArray) -> float:
    """How far points (n, 3) scatter along their normals (n, 3), in extents: the median step to the next point."""
    step = points[np.asarray(cKDTree(points).query(points, k=2)[1])[:, 1]] - points
    return float(np.median(np.abs(np.einsum("ij,ij->i", step, normals)))) / _extent(points)


def _extent(points: DoubleArray) -> float:
    return max(float(np.linalg.norm(np.ptp(points, axis=0))), 1e-300)


def agreed(seen: BoolArray, points: DoubleArray, normals: DoubleArray) -> BoolArray:
    """(n,) bool: majority vote of neighbours on the same side, for points (n, 3) with normals (n, 3).

    seen: (n,) bool, with isolated errors.
    """
    around = cKDTree(points).query(points, k=min(VISIBILITY.voters, len(points)))[1].reshape(len(points), -1)
    votes = np.einsum("nki,ni->nk", normals[around], normals) > 0
    return np.asarray((votes & seen[around]).sum(axis=1) > votes.sum(axis=1) / 2)


def outward(points: DoubleArray, normals: DoubleArray, directions: DoubleArray) -> DoubleArray:
    """The (n, 3) normals turned towards the directions (d, 3) from which their points (n, 3) are visible."""
    nearest = neighbour_distance(points)
    votes = np.zeros(len(points))
    for direction in directions:
        cosine = normals @ direction
        votes += np.where(visible_from(points, direction, normals, nearest), cosine, 0.0)
    return np.where(votes[:, None] < 0, -normals, normals)
