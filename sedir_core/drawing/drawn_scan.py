"""A scan as the surface that its pictures show, meshed once for all of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sedir_core.drawing.joining import LEAST_JOINED, DrawnSurface, evened, part_of, sparse_spacing, surface_of
from sedir_core.drawing.missing import missing_places
from sedir_core.drawing.painting import thinned
from sedir_core.geometry.sampling import selected
from sedir_core.types import BoolArray, Detection, DoubleArray, FloatArray, IntArray, Scan

MOST_POINTS = 40_000
"""Points of a surface; more are indistinguishable at a picture's size."""
MOST_NEAR, MOST_EXPECTED = 12_000, 24_000  # the same of a close-up, which is smaller, and of a model's smooth surface


@dataclass(frozen=True, eq=False)
class Patch:
    """A surface around `middle` (3,), and which points of the scan its points are: rows (n,)."""

    surface: DrawnSurface
    rows: IntArray
    middle: DoubleArray

    def near(self, place: DoubleArray, radius: float) -> Patch:
        """What lies within that distance of a place (3,), around the place."""
        away = self.surface.points + (self.middle - place).astype(np.float32)
        kept = np.linalg.norm(away, axis=1) < radius
        found = part_of(self.surface, kept)
        return Patch(_moved(found, away[kept]), self.rows[kept], place)


class DrawnScan:
    """Meshed when first asked for. known: the scan as the window has meshed it already, if it has."""

    def __init__(self, scan: Scan, detection: Detection, known: Patch | None = None) -> None:
        self.scan, self._detection, self._known = scan, detection, known
        self._shown = np.flatnonzero(_about_the_part(scan, detection))

    @cached_property
    def whole(self) -> Patch:
        """The part, without what lies far from it."""
        if self._known is not None:
            kept = np.isin(self._known.rows, self._shown)
            return Patch(part_of(self._known.surface, kept), self._known.rows[kept], self._known.middle)
        return self._patch(thinned(self.scan.points, MOST_POINTS, self._shown))

    def near(self, place: DoubleArray, radius: float) -> Patch:
        """The surroundings of a place (3,): the same surface, or a finer one where the scan has more points."""
        if self._known is not None or len(self._shown) <= MOST_POINTS:
            return self.whole.near(place, radius)
        away = np.linalg.norm(self.scan.points[self._shown] - place, axis=1)
        return self._patch(thinned(self.scan.points, MOST_NEAR, self._shown[away < radius]), place)

    @cached_property
    def missing(self) -> Patch:
        """The expected surface where the scan lacks material; its rows say nothing."""
        return sheet_of(missing_places(self.scan, self._detection), self.whole.middle)

    def _patch(self, rows: IntArray, middle: DoubleArray | None = None) -> Patch:
        rows = np.random.default_rng(0).permutation(rows)
        points = self.scan.points[rows]
        middle = points.mean(axis=0) if middle is None else middle  # georeferenced coordinates would lose precision
        return Patch(surface_of(points - middle), rows, middle)


def sheet_of(points: DoubleArray, middle: DoubleArray) -> Patch:
    """A surface of a model, whose points (n, 3) may lie in overlapping patches."""
    rows = np.random.default_rng(0).permutation(thinned(points, MOST_EXPECTED))
    local = (points[rows] - middle).astype(np.float32)
    if len(local) >= LEAST_JOINED:
        even, first = evened(local, sparse_spacing(local))
        return Patch(surface_of(even.astype(np.float64)), rows[first], middle)
    return Patch(surface_of(local.astype(np.float64)), rows, middle)


def _moved(surface: DrawnSurface, points: FloatArray) -> DrawnSurface:
    return DrawnSurface(points, surface.normals, surface.triangles, surface.alone, surface.spacing)


def _about_the_part(scan: Scan, detection: Detection) -> BoolArray:
    """(n,) points in the bounding box of the scored ones: outliers would shrink the part to a dot."""
    judged = scan.finite & detection.evaluated
    if not judged.any():
        return scan.finite
    points = selected(scan.points, judged)
    low, high = points.min(axis=0), points.max(axis=0)
    with np.errstate(invalid="ignore"):
        return np.asarray(scan.finite & ((scan.points >= low) & (scan.points <= high)).all(axis=1))
