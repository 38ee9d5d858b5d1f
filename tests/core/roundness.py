"""A detector small enough to be read, and real: it finds where a ball is not round."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sedir_core.errors import Cancelled
from sedir_core.types import Defect, Detection, FloatArray, Report, Scan, Stop, never_stop, no_report

TOLERANCE = 0.02  # of the radius


@dataclass(frozen=True)
class RoundnessDetector:
    """Score of a point: its distance from the mean sphere, in tolerances. Balls and globes differ in name only."""

    method: str = "roundness"
    needs_category: bool = False
    categories: tuple[str, ...] = ("ball", "globe")

    def detect(
        self, scan: Scan, category: str = "auto", report: Report = no_report, stop: Stop = never_stop
    ) -> Detection:
        report(0.5, "measuring")
        if stop():
            raise Cancelled
        finite = scan.points[scan.finite]
        middle = sphere_centre(finite)
        radii = np.linalg.norm(scan.points - middle, axis=1)
        radius = np.median(radii[scan.finite])
        scores = (np.abs(radii / radius - 1.0) / TOLERANCE).astype(np.float32)
        bad = np.flatnonzero(scores > 1.0)
        where = scan.points[bad]
        defects = (
            (Defect(where.mean(axis=0), np.ptp(where, axis=0), float(scores[bad].max()), 0.0, bad),) if len(bad) else ()
        )
        return Detection(
            point_scores=scores,
            object_score=float(np.nanmax(scores)),
            threshold=1.0,
            point_threshold=1.0,
            category="ball" if category == "auto" else category,
            category_confidence=1.0,
            uncertain=False,
            reason="",
            reconstruction=middle + (finite - middle) / np.linalg.norm(finite - middle, axis=1, keepdims=True) * radius,
            token=np.array([radius], np.float32),
            defects=defects,
            seconds={"measure": 0.001, "total": 0.001},
        )

    def embed(self, scan: Scan, category: str = "auto") -> FloatArray:
        return self.detect(scan, category).token


def sphere_centre(points: np.ndarray) -> np.ndarray:
    """Least squares: |p|² = 2 p·c + constant, taken about the mean."""
    local = points - points.mean(axis=0)
    unknowns = np.c_[2.0 * local, np.ones(len(local))]
    return points.mean(axis=0) + np.linalg.lstsq(unknowns, (local**2).sum(axis=1), rcond=None)[0][:3]


def ball(dent: float = 0.0, n_points: int = 3000, seed: int = 0) -> np.ndarray:
    """A unit ball at a georeferenced place, pressed in at the top by `dent` radii."""
    directions = np.random.default_rng(seed).standard_normal((n_points, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    pressed = 1.0 - dent * (directions[:, 2:] > 0.9)
    return directions * pressed + np.array([5_000_000.0, 400_000.0, 30.0])
