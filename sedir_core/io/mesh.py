"""From faces to points: samples the surface of a mesh evenly."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from sedir_core.io.guard import Source
from sedir_core.types import DoubleArray, IntArray
from sedir_core.units import UNKNOWN, Unit


@dataclass(frozen=True)
class Geometry:
    """A reader's result. points: (n, 3) float64. triangles: (m, 3) indices, or None for a point cloud.

    unit: of the coordinates, if the file states it.
    """

    points: DoubleArray
    triangles: IntArray | None = None
    unit: Unit = UNKNOWN


def to_indices(source: Source, values: DoubleArray, what: str) -> IntArray:
    """Convert parsed numbers to integers. Raises the source's error for fractions, NaN and huge values."""
    exact = (np.abs(values) < 2**53) & (values == np.floor(values))
    if not exact.all():
        raise source.fail(f"{what} {values[~exact][0]:g} is not a whole number")
    return values.astype(np.int64)


def fan(source: Source, sizes: IntArray, corners: IntArray, n_points: int) -> IntArray:
    """Triangulate polygons as fans around their first corner; those with fewer than three corners yield none.

    sizes: (p,) corners of each polygon. corners: (sizes.sum(),) indices. Returns (m, 3).
    Raises the source's error for an index outside 0..n_points-1.
    """
    wrong = corners[(corners < 0) | (corners >= n_points)]
    if len(wrong):
        raise source.fail(f"a face uses vertex {int(wrong[0])}, but there are {n_points:,} vertices (counted from 0)")
    n_triangles = np.maximum(sizes - 2, 0)
    first = np.repeat(np.cumsum(sizes) - sizes, n_triangles)
    step = np.arange(len(first)) - np.repeat(np.cumsum(n_triangles) - n_triangles, n_triangles)
    return np.stack([corners[first], corners[first + step + 1], corners[first + step + 2]], axis=1)


def sample_surface(source: Source, points: DoubleArray, triangles: IntArray, n_samples: int) -> DoubleArray:
    """(n_samples, 3) points, uniform by area; deterministic for a mesh.

    Triangles with a non-finite corner are skipped. Raises the source's error if no area is left.
    """
    a, b, c = (points[triangles[:, corner]] for corner in range(3))
    with np.errstate(over="ignore", invalid="ignore"):  # huge coordinates are rejected below, by their area
        area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
    area[~np.isfinite(area)] = 0
    total = area.sum()
    if not 0 < total < np.inf:
        raise source.fail("its faces have no area", "export the surface again, or its points")
    # runtime.generator would load torch, and listing and reading scans must not wait for that.
    draw = np.random.default_rng([zlib.crc32(points.tobytes()), zlib.crc32(triangles.tobytes())])
    # Stratified sampling covers the surface more evenly than independent draws.
    at = (np.arange(n_samples) + draw.random(n_samples)) / n_samples * total
    heights = np.cumsum(area)
    face = np.minimum(np.searchsorted(heights, at, side="right"), np.flatnonzero(area)[-1])
    u, v = draw.random((2, n_samples, 1))
    outside = u + v > 1
    u, v = np.where(outside, 1 - u, u), np.where(outside, 1 - v, v)
    return np.asarray(a[face] + u * (b[face] - a[face]) + v * (c[face] - a[face]))
