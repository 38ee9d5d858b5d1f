"""Values exchanged between layers: frozen, shape-checked, independent of files and devices."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from sedir_core.units import UNKNOWN, Unit

FloatArray = NDArray[np.float32]
DoubleArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]
Triangles = NDArray[np.integer]
"""(t, 3) indices of points; int32 halves the memory."""

Report = Callable[[float, str], None]
"""Progress callback: a fraction in 0..1 and the current activity."""
Stop = Callable[[], bool]
"""Polled between steps; True means the user asked to stop."""
Verdict = Literal["ok", "ng", "uncertain"]
"""A detector's verdict, by one rule for window, history, reports and exit status (`Detection.verdict`)."""
Decision = Literal["ok", "ng"]
"""Verdicts that an operator can set."""
VERDICT_WORDS: Mapping[Verdict, str] = {"ok": "OK", "ng": "NG", "uncertain": "Uncertain"}
"""Display names."""
NO_SCORE = "the score or its limit is not a finite number"


def no_report(fraction: float, stage: str) -> None:
    """Ignore progress."""


def never_stop() -> bool:
    """Never cancel."""
    return False


@dataclass(frozen=True)
class Scan:
    """One scanned part, as in its file.

    points: (n, 3) float64 in the file's own coordinates and order; non-finite rows are kept.
    labels: (n,) bool ground truth (True on the defect), or None if unknown.
    sampled: the points were drawn from a mesh's faces rather than measured.
    left_out: a clause on rows of the file without a measurement, which are kept as NaN. unit: as stated in the file.
    """

    points: DoubleArray
    name: str
    path: Path | None = None
    labels: BoolArray | None = None
    sampled: bool = False
    left_out: str = ""
    unit: Unit = UNKNOWN

    def __post_init__(self) -> None:
        if self.points.ndim != 2 or self.points.shape[1] != 3 or self.points.dtype != np.float64:
            raise ValueError(f"points must be (n, 3) float64, got {self.points.shape} {self.points.dtype}")
        if self.labels is not None and self.labels.shape != (len(self.points),):
            raise ValueError(f"labels must be ({len(self.points)},), got {self.labels.shape}")

    def __len__(self) -> int:
        return len(self.points)

    @property
    def finite(self) -> BoolArray:
        """(n,) bool: rows that can be evaluated."""
        return np.asarray(np.isfinite(self.points).all(axis=1))


DefectKind = Literal["bump", "dent", "missing material", "extra material", "gap or crack", "displaced region"]
"""Kind of a defect, by sign and shape of its deviation from the expected surface."""


@dataclass(frozen=True)
class Tolerance:
    """How far a surface may deviate: minus at most 0 (too little material), plus at least 0 (too much), in one unit."""

    minus: float
    plus: float

    def __post_init__(self) -> None:
        if not (np.isfinite(self.minus) and np.isfinite(self.plus) and self.minus <= 0 <= self.plus):
            raise ValueError(f"a tolerance runs from a number up to 0 to one from 0, got {self.minus}, {self.plus}")

    def holds(self, lowest: float, highest: float) -> bool:
        """Whether deviations from low to high are in tolerance."""
        return self.minus <= lowest and highest <= self.plus


@dataclass(frozen=True)
class ZonePlace:
    """A box, its inscribed ellipsoid, or a prism. centre, half sizes: (3,), along `axes`, (3, 3) of unit row vectors.

    outline: (k, 2) corners of the prism's base along the first two axes, as shares of their half sizes.
    """

    centre: DoubleArray
    half: DoubleArray
    axes: DoubleArray
    rounded: bool = False
    outline: DoubleArray | None = None

    def holds(self, places: DoubleArray) -> BoolArray:
        """(k,) which of these places (k, 3) are inside."""
        shares = (places - self.centre) @ self.axes.T / self.half
        if self.rounded:
            return np.asarray(np.linalg.norm(shares, axis=1) <= 1)
        inside = np.asarray(np.abs(shares).max(axis=1) <= 1)
        if self.outline is not None:
            inside[inside] = within_outline(shares[inside, :2], self.outline)
        return inside


def within_outline(places: DoubleArray, corners: DoubleArray) -> BoolArray:
    """(n,) which of these places (n, 2) are inside a polygon (k, 2), by the even-odd rule."""
    x, y = places.T
    inside = np.zeros(len(places), bool)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if y0 != y1:
            inside ^= ((y0 > y) != (y1 > y)) & (x < x0 + (y - y0) * (x1 - x0) / (y1 - y0))
    return inside


ZoneUse = Literal["tolerance", "only", "ignore"]
"""A region has its own tolerance, or is of interest (only such regions are evaluated), or is not evaluated."""
ZONE_USES: tuple[ZoneUse, ...] = get_args(ZoneUse)


@dataclass(frozen=True)
class Zone:
    """A region of a part with its use, and the scan's deviation there.

    place: in scan coordinates; None, with an empty name, for the rest of the part. tolerance: in the model's unit; None
    allows everything. lowest, highest: as in `Detection.deviation_range`, NaN if nothing was measured.
    """

    name: str
    tolerance: Tolerance | None
    place: ZonePlace | None
    lowest: float = math.nan
    highest: float = math.nan
    use: ZoneUse = "tolerance"

    def out(self, to_unit: float) -> bool:
        """Whether a deviation exceeds the tolerance; False if nothing was measured."""
        if self.tolerance is None or math.isnan(self.lowest) or math.isnan(self.highest):
            return False
        return not self.tolerance.holds(to_unit * self.lowest, to_unit * self.highest)


@dataclass(frozen=True)
class Defect:
    """A region where a part deviates from the expectation, in the scan's own unit.

    centroid, extent: (3,) float64; extent is the axis-aligned size. peak: the highest point score. area: of the
    affected surface, in square units. members: (k,) indices into the scan; for missing material, points at its rim.
    The following require a detector with an expected surface.
    depth, depth_mean: largest and mean signed deviation; + is too much material, - too little. size: (3,) along the
    defect's own `axes`, (3, 3) with a unit vector in each row: length, width, height along the surface normal. place:
    position on the part in words, may be empty.
    """

    centroid: DoubleArray
    extent: DoubleArray
    peak: float
    area: float
    members: IntArray
    kind: DefectKind | None = None
    depth: float = math.nan
    depth_mean: float = math.nan
    size: DoubleArray | None = None
    axes: DoubleArray | None = None
    place: str = ""

    @property
    def n_points(self) -> int:
        return len(self.members)


@dataclass(frozen=True)
class Detection:
    """A detector's result for one scan; scores are on the original points in their original order.

    point_scores: (n,) float32, NaN where not evaluated; above `point_threshold` a point belongs to a defect.
    object_score and threshold share an arbitrary unit; the verdict is NG if the score exceeds the threshold, or
    when a deviation exceeds the tolerance.
    category_confidence: 0..1. uncertain: the category could not be determined, or score or threshold is not finite;
    `reason` says why.
    reconstruction: (m, 3) float64, the surface the model considers normal, in scan coordinates.
    token: (d,) float32, the global token. seconds: per stage, with "total". from_one_side: evaluated against the
    single-view statistics. unit: the model's. to_unit: factor from scan coordinates to that unit; all coordinates and
    lengths here are in the scan's own coordinates.
    deviation: (n,) float32, signed distance to the expected surface along its normal: + is too much material, - too
    little; NaN where not evaluated. deviation_rigid: the same including smooth part-to-part variation. Both None for a
    detector without an expected surface.
    expected: (m, 3) float64, that surface: the template fitted to the scan, in scan coordinates.
    rests_on: share of the score by kind of evidence, "network" and "surface"; empty for a detector with one kind.
    regions: everything that deviates from the expected surface by more than noise, described independently of the
    limit, which decides which of them are defects.
    tolerance: in the model's unit, or None. deviation_range: lowest and highest deviation_rigid, each averaged over a
    small neighbourhood, so that no single point decides; missing material is included.
    zones: regions with their own tolerances, in order of precedence, and last the rest of the part with `tolerance`;
    empty if that applies everywhere.
    whole: score of each property of the part as a whole, such as its size, by name; in the unit of object_score.
    """

    point_scores: FloatArray
    object_score: float
    threshold: float
    point_threshold: float
    category: str
    category_confidence: float
    uncertain: bool
    reason: str
    reconstruction: DoubleArray
    token: FloatArray
    defects: tuple[Defect, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    from_one_side: bool = False
    unit: Unit = UNKNOWN
    to_unit: float = 1.0
    deviation: FloatArray | None = None
    deviation_rigid: FloatArray | None = None
    expected: DoubleArray | None = None
    rests_on: Mapping[str, float] = field(default_factory=dict)
    regions: tuple[Defect, ...] = ()
    tolerance: Tolerance | None = None
    deviation_range: tuple[float, float] = (math.nan, math.nan)
    zones: tuple[Zone, ...] = ()
    whole: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.point_scores.ndim != 1 or self.point_scores.dtype != np.float32:
            raise ValueError(f"point_scores must be (n,) float32, got {self.point_scores.shape}")
        for name in ("deviation", "deviation_rigid"):
            values = getattr(self, name)
            if values is not None and (values.shape != self.point_scores.shape or values.dtype != np.float32):
                raise ValueError(f"{name} must be ({len(self.point_scores)},) float32, got {values.shape}")
        for name in ("reconstruction", "expected"):
            surface = getattr(self, name)
            if surface is not None and (surface.ndim != 2 or surface.shape[1] != 3):
                raise ValueError(f"{name} must be (m, 3), got {surface.shape}")
        if not self.measured and not self.uncertain:
            object.__setattr__(self, "uncertain", True)
            object.__setattr__(self, "reason", "; ".join(filter(None, (NO_SCORE, self.reason))))

    @property
    def measured(self) -> bool:
        """Whether score and threshold are finite; otherwise a result can never be OK."""
        return math.isfinite(self.object_score) and math.isfinite(self.threshold)

    @property
    def verdict(self) -> Verdict:
        """NG above the threshold or out of tolerance, regardless of defects; otherwise OK, unless `uncertain`."""
        if self.object_score > self.threshold or self.out_of_tolerance:
            return "ng"
        return "uncertain" if self.uncertain else "ok"

    @property
    def out_of_tolerance(self) -> bool:
        """Whether a deviation exceeds its tolerance; False without a tolerance or a measurement."""
        if self.zones:
            return any(zone.out(self.to_unit) for zone in self.zones)
        if self.tolerance is None or any(map(math.isnan, self.deviation_range)):
            return False
        return not self.tolerance.holds(*(self.to_unit * end for end in self.deviation_range))

    @property
    def evaluated(self) -> BoolArray:
        """(n,) bool: points with a score."""
        return np.asarray(~np.isnan(self.point_scores))
