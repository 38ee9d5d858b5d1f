"""Section planes through a part: plain geometry, free of Qt and graphics.

A point cloud has no surface to cut, so a section consists of the points in a slab around the plane.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.state.shapes import Shape
from sedir_core.types import BoolArray, DoubleArray, FloatArray, IntArray

AXES = ("x", "y", "z")
SLAB_SHARE = 0.012
"""Half the slab's thickness as a share of the part's radius, for dense scans."""
SLAB_SPACINGS = 1.2
"""Half the slab's thickness in point spacings, so that a coarse scan leaves no gaps in its outline."""


@dataclass(frozen=True, eq=False)
class CuttingPlane:
    """normal, along, across: (3,) unit vectors at right angles; along and across span the plane.

    offset: of the plane from the shape's origin, along the normal, in the scan's unit. name: of the normal.
    """

    normal: DoubleArray
    along: DoubleArray
    across: DoubleArray
    offset: float
    name: str

    def at(self, offset: float) -> CuttingPlane:
        """The same plane, moved."""
        return CuttingPlane(self.normal, self.along, self.across, offset, self.name)

    def distances(self, points: FloatArray) -> FloatArray:
        """(n,) signed distances of (n, 3) points around the shape's origin."""
        return np.asarray(points @ self.normal.astype(np.float32) - np.float32(self.offset))


@dataclass(frozen=True, eq=False)
class CrossSection:
    """The slab of the scan and of the reconstruction, in the plane's coordinates around its centre.

    outline: (k, 2) of the scan, rows: (k,) where they are in the scan. expected: (m, 2) of the reconstruction.
    """

    outline: FloatArray
    rows: IntArray
    expected: FloatArray


def across_axis(axis: int) -> CuttingPlane:
    """The plane perpendicular to x, y or z through the part's centre."""
    normal, along, across = np.eye(3)[list(((0, 1, 2), (1, 0, 2), (2, 0, 1))[axis])]
    return CuttingPlane(normal, along, across, 0.0, AXES[axis])


def facing(direction: DoubleArray, up: DoubleArray) -> CuttingPlane:
    """The plane perpendicular to `direction`, oriented as a camera looking along it sees it."""
    normal = -np.asarray(direction, np.float64) / np.linalg.norm(direction)
    along = np.cross(up, normal)
    along /= np.linalg.norm(along)
    return CuttingPlane(normal, along, np.cross(normal, along), 0.0, "the view")


def half_thickness(shape: Shape) -> float:
    """Half the slab's thickness, in the scan's unit."""
    return max(SLAB_SHARE * shape.radius, SLAB_SPACINGS * shape.spacing)


def reach(shape: Shape, plane: CuttingPlane) -> tuple[float, float]:
    """The range of offsets at which the plane crosses the part; far outliers are ignored."""
    far = shape.points[:20_000] @ plane.normal.astype(np.float32)
    low, high = np.percentile(far, [0.2, 99.8]) if len(far) else (-1.0, 1.0)
    return float(low), float(high)


def in_slab(shape: Shape, plane: CuttingPlane) -> BoolArray:
    """(n,) which points of a shape lie in the slab."""
    return np.abs(plane.distances(shape.points)) <= half_thickness(shape)


def cut(shape: Shape, surface: Shape | None, plane: CuttingPlane) -> CrossSection:
    """The section of a scan, and of its reconstruction if there is one."""
    inside = np.flatnonzero(in_slab(shape, plane))
    expected = np.empty((0, 2), np.float32) if surface is None else _flat(surface, in_slab(surface, plane), plane)
    return CrossSection(_flat(shape, inside, plane), shape.rows[inside], expected)


def corners(shape: Shape, plane: CuttingPlane) -> DoubleArray:
    """(4, 3) corners of the square that shows the plane, around the shape's origin."""
    middle = plane.offset * plane.normal
    ways = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    return np.array([middle + 1.02 * shape.radius * (a * plane.along + b * plane.across) for a, b in ways])


def highest(along: FloatArray, scores: FloatArray, n_bins: int) -> tuple[DoubleArray, DoubleArray]:
    """Centres of the non-empty bins and the highest score in each: a profile must not hide peaks.

    along, scores: (k,); NaN scores are ignored.
    """
    known = ~np.isnan(scores)
    along, scores = along[known], scores[known]
    if not len(along):
        return np.empty(0), np.empty(0)
    low, width = float(along.min()), max(float(np.ptp(along)), 1e-12)
    bins = np.minimum((along - low) / width * n_bins, n_bins - 1).astype(np.intp)
    peaks = np.full(n_bins, -np.inf)
    np.maximum.at(peaks, bins, scores)
    held = np.flatnonzero(np.isfinite(peaks))
    return low + (held + 0.5) * width / n_bins, peaks[held]


def _flat(shape: Shape, inside: BoolArray | IntArray, plane: CuttingPlane) -> FloatArray:
    points = shape.points[inside]
    return np.stack([points @ plane.along, points @ plane.across], axis=1).astype(np.float32)
