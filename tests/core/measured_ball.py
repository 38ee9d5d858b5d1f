"""The roundness detector with a ruler: it expects a unit ball, so every length is known beforehand."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from roundness import RoundnessDetector, ball

from sedir_core.evidence.deviation import neighbourhood_means
from sedir_core.evidence.tolerance import under_tolerance
from sedir_core.geometry.tree import PointTree
from sedir_core.tolerances import parse_tolerance
from sedir_core.types import Detection, Report, Scan, Stop, never_stop, no_report
from sedir_core.units import Unit

MIDDLE = ball().mean(axis=0).round()
LENIENT = 50.0  # its limit: nothing but a tolerance condemns a part


@dataclass(frozen=True)
class MeasuringDetector(RoundnessDetector):
    """Deviation of a point: its radius less 1. Works in metres, and says it in `unit`."""

    limit: float = LENIENT
    tolerance: str = ""
    unit: Unit = "mm"
    to_unit: float = 1000.0

    def detect(
        self, scan: Scan, category: str = "auto", report: Report = no_report, stop: Stop = never_stop
    ) -> Detection:
        plain = super().detect(scan, category, report, stop)
        deviation = np.linalg.norm(scan.points - MIDDLE, axis=1) - 1.0
        means = neighbourhood_means(deviation, PointTree(scan.points))
        found = replace(
            plain,
            threshold=self.limit,
            point_threshold=self.limit,
            defects=(),
            reason=f"nothing above the limit ({100 * plain.object_score / self.limit:.0f} % of the limit)",
            deviation=deviation.astype(np.float32),
            deviation_rigid=deviation.astype(np.float32),
            expected=plain.reconstruction,
            deviation_range=(float(means.min()), float(means.max())),
            unit=self.unit,
            to_unit=self.to_unit,
        )
        return under_tolerance(scan, found, parse_tolerance(self.tolerance))
