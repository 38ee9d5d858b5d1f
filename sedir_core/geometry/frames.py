"""A category's frame, in which its scans are aligned, in radii of its first training part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isclose

import numpy as np

from sedir_core.geometry.numbers import FRAMES
from sedir_core.geometry.own_axes import OwnAxes
from sedir_core.geometry.registration import Pose, Surface, align
from sedir_core.types import DoubleArray

# Possible unit factors: powers of ten (nanometres to metres and beyond), and inches. Inches for centimetres are
# excluded, since a part two and a half times the size is more likely a different part.
_INCHES = (25.4, 0.0254, 25_400.0)  # in mm, m, micrometres
UNIT_FACTORS = (*(10.0**power for power in range(-9, 10) if power), *_INCHES, *(1 / factor for factor in _INCHES))


N_DESCRIPTOR = 3 + FRAMES.bins


@dataclass(frozen=True)
class Frame:
    """centre: (3,) in the scan's unit; radius: the longest distance from it to a point of the reference part."""

    centre: DoubleArray
    radius: float

    def enter(self, points: DoubleArray) -> DoubleArray:
        """Scan coordinates (n, 3) to radii around the reference part's centre."""
        return np.asarray((points - self.centre) / self.radius)


@dataclass(frozen=True)
class Placement:
    """The transformation of one scan into a frame and back. unit: factor applied to its coordinates first."""

    frame: Frame
    origin: DoubleArray
    unit: float
    pose: Pose

    @property
    def to_unit(self) -> float:
        """Factor from the scan's lengths to the category's unit; 1 if no unit matches its size."""
        return next((factor for factor in UNIT_FACTORS if isclose(factor, self.unit, rel_tol=1e-9)), 1.0)

    def enter(self, points: DoubleArray) -> DoubleArray:
        """File coordinates (n, 3) to radii in the category's frame."""
        return self.pose.apply((points - self.origin) * self.unit / self.frame.radius)

    def leave(self, points: DoubleArray) -> DoubleArray:
        """The inverse of `enter`."""
        return np.asarray(self.pose.invert(points) * self.frame.radius / self.unit + self.origin)

    def from_file(self, own: OwnAxes) -> Placement:
        """The same for file coordinates, if this one is for points along the scan's own axes."""
        pose = Pose(self.pose.rotation @ own.axes.T, self.pose.translation)
        return replace(self, origin=own.centre + own.axes @ self.origin, pose=pose)


def frame_of(points: DoubleArray) -> Frame:
    """The frame of a reference part (n, 3)."""
    centre = points.mean(axis=0)
    return Frame(centre, float(np.linalg.norm(points - centre, axis=1).max()))


def unit_factor(size: float, expected: float) -> float:
    """The unit factor for a scan's coordinates; 1 if its size matches the category's.

    If no unit matches, the size is kept: it is a different part, and must not be made to look like this one.
    """

    def misfit(factor: float) -> float:
        return abs(float(np.log(size * factor / expected)))

    if misfit(1.0) < np.log(FRAMES.same_unit):
        return 1.0
    nearest = min(UNIT_FACTORS, key=misfit)
    return nearest if misfit(nearest) < np.log(FRAMES.same_unit) else 1.0


def scaled(points: DoubleArray, frame: Frame, size: float) -> tuple[DoubleArray, float, DoubleArray]:
    """The scan's origin, the factor to the category's unit, and its points in radii, without outliers.

    points: (n, 3) in file coordinates. size: gyration radius of the category's reference part.
    """
    origin = np.median(points, axis=0)
    near = without_strays(points)
    found = max(gyration(near), 1e-100)
    unit = unit_factor(found, size)
    ratio = found * unit / size
    unit *= np.clip(ratio, 1 / FRAMES.farthest, FRAMES.farthest) / ratio
    return origin, float(unit), (near - origin) * unit / frame.radius


def place_on(
    surface: Surface, frame: Frame, size: float, points: DoubleArray, generator: np.random.Generator | None = None
) -> tuple[Placement, float]:
    """Align a scan (n, 3), in file coordinates, to a surface in a frame; also the residual, in radii.

    generator: see `align`.
    """
    origin, unit, near = scaled(points, frame, size)
    pose, residual = align(near, surface, generator)
    return Placement(frame, origin, unit, pose), residual


def without_strays(points: DoubleArray) -> DoubleArray:
    """The points (m, 3) without outliers: flying pixels must not affect centre or size."""
    distances = np.linalg.norm(points - np.median(points, axis=0), axis=1)
    limit = FRAMES.strays * float(np.median(distances))
    return points[distances <= limit] if limit > 0 else points


def gyration(points: DoubleArray) -> float:
    """RMS distance of points (n, 3) from their mean: a size that is robust to noise and damage."""
    return float(np.sqrt(((points - points.mean(axis=0)) ** 2).sum(axis=1).mean()))


def shape_descriptor(points: DoubleArray, generator: np.random.Generator) -> DoubleArray:
    """(3 + 48,): principal spreads and the distribution of pair distances, both relative to the gyration radius.

    Invariant to pose and unit. Source: Osada et al. 2002 (shape distributions, D2).
    """
    size = gyration(points)
    spreads = np.sqrt(np.linalg.eigvalsh(np.cov(points.T)))[::-1] / size
    first, second = generator.integers(len(points), size=(2, FRAMES.pairs))
    distances = np.linalg.norm(points[first] - points[second], axis=1) / size
    cumulative = np.cumsum(np.histogram(distances, bins=FRAMES.bins, range=(0, FRAMES.widest))[0]) / FRAMES.pairs
    return np.concatenate([spreads, cumulative])


def shortlist(descriptor: DoubleArray, known: Mapping[str, DoubleArray], count: int) -> Sequence[str]:
    """The categories whose descriptors are nearest, best first."""
    distance = {name: float(np.abs(descriptor - other).sum()) for name, other in known.items()}
    return sorted(distance, key=lambda name: (distance[name], name))[:count]
