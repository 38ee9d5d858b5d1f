"""The values that travel between layers: frozen, shape-checked, free of files and devices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
DoubleArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]

Report = Callable[[float, str], None]
"""Progress: a fraction in 0..1 and what is being done."""
Stop = Callable[[], bool]
"""Asked between steps; True means the user wants out."""
Verdict = Literal["ok", "ng"]


def no_report(fraction: float, stage: str) -> None:
    """Progress nobody watches."""


def never_stop() -> bool:
    """A job nobody cancels."""
    return False


@dataclass(frozen=True)
class Scan:
    """One scanned part, as its file holds it.

    points: (n, 3) float64 in the file's own coordinates and order; non-finite rows are kept.
    labels: (n,) bool ground truth (True on the defect), or None where no source says.
    sampled: the points were drawn from a mesh's faces rather than measured.
    """

    points: DoubleArray
    name: str
    path: Path | None = None
    labels: BoolArray | None = None
    sampled: bool = False

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


@dataclass(frozen=True)
class Defect:
    """A connected cluster of points above the point threshold, in the scan's own units.

    centroid, extent: (3,) float64; extent is the axis-aligned size. peak: the highest point score.
    area: estimated surface, square units. members: (n_points,) indices into the scan.
    """

    centroid: DoubleArray
    extent: DoubleArray
    peak: float
    area: float
    members: IntArray

    @property
    def n_points(self) -> int:
        return len(self.members)


@dataclass(frozen=True)
class Detection:
    """What a detector says of one scan; scores are on the original points in their original order.

    point_scores: (n,) float32, NaN where not evaluated; above `point_threshold` a point belongs to a defect.
    object_score and threshold share a unit of their own; the verdict is NG when the score exceeds the threshold.
    category_confidence: 0..1. uncertain: the category could not be established, `reason` says why.
    reconstruction: (m, 3) float64, the surface the model believes is normal, in the scan's coordinates.
    token: (d,) float32, the global token. seconds: per stage, with "total". from_one_side: held against the standard
    of such scans.
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

    def __post_init__(self) -> None:
        if self.point_scores.ndim != 1 or self.point_scores.dtype != np.float32:
            raise ValueError(f"point_scores must be (n,) float32, got {self.point_scores.shape}")
        if self.reconstruction.ndim != 2 or self.reconstruction.shape[1] != 3:
            raise ValueError(f"reconstruction must be (m, 3), got {self.reconstruction.shape}")

    @property
    def verdict(self) -> Verdict:
        """NG above the threshold, whatever the defects say."""
        return "ng" if self.object_score > self.threshold else "ok"

    @property
    def evaluated(self) -> BoolArray:
        """(n,) bool: points that carry a score."""
        return np.asarray(~np.isnan(self.point_scores))
