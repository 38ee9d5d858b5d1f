"""What the peers have in common: they are told the category, lay the scan onto it, and score points."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sedir_core.config import Config
from sedir_core.detectors.findings import find_defects, verdict_reason
from sedir_core.detectors.frames import Placement
from sedir_core.detectors.identify import UNKNOWN_RESIDUAL
from sedir_core.detectors.limits import Calibration, kept
from sedir_core.detectors.peer_features import Cloud
from sedir_core.detectors.reference import Reference
from sedir_core.detectors.stages import Stopwatch, working_points
from sedir_core.errors import UnknownCategory
from sedir_core.geometry.tree import PointTree
from sedir_core.runtime import generator
from sedir_core.types import Detection, DoubleArray, FloatArray, Report, Scan, Stop, never_stop, no_report

FARTHEST_RADII = 16.0  # flying pixels farther out are moved here


@dataclass(frozen=True)
class Examined:
    """scores: (n,) of the cloud's points. token: (d,), empty where the method has none. remark: for the operator."""

    scores: DoubleArray
    object_score: float
    token: FloatArray
    remark: str = ""


class ToldDetector(ABC):
    """A detector with a memory per category; see `detectors.base.Detector`."""

    needs_category = True

    def __init__(self, config: Config, known: Mapping[str, Reference]) -> None:
        self.config, self.known = config, dict(known)
        self.categories = tuple(known)
        self.method: str = config.method

    @abstractmethod
    def examine(self, category: str, cloud: Cloud) -> Examined:
        """Score a cloud against what is remembered of a category."""

    def detect(
        self, scan: Scan, category: str = "auto", report: Report = no_report, stop: Stop = never_stop
    ) -> Detection:
        """Score one scan; see `Detector.detect`. Raises UnknownCategory for "auto", too."""
        watch = Stopwatch(report, stop)
        mine = self._told(category)
        with watch.stage("align", 0.05):
            points = scan.points[working_points(scan, self.config.grouping)]
            placement, misfit = mine.place(points, generator(0, "align"))
        with watch.stage("compare", 0.4):
            found = self.examine(category, cloud_of(points, placement))
        with watch.stage("report", 0.9):
            valid = np.flatnonzero(scan.finite)
            everywhere = np.full(len(scan), np.nan, dtype=np.float32)
            everywhere[valid] = found.scores[PointTree(points).nearest(scan.points[valid])[1]]
            condemned = found.object_score > mine.threshold
            defects = find_defects(scan, everywhere, mine.point_threshold, condemned)
        uncertain = not misfit < UNKNOWN_RESIDUAL
        reason = verdict_reason(found.object_score, mine.threshold, defects)
        if uncertain:
            reason = f"does not fit {category}: {misfit:.1f} times the usual distance"
        detection = Detection(
            point_scores=everywhere,
            object_score=found.object_score,
            threshold=mine.threshold,
            point_threshold=mine.point_threshold,
            category=category,
            category_confidence=1.0,
            uncertain=uncertain,
            reason="; ".join(filter(None, (reason, found.remark, "the category was told"))),
            reconstruction=placement.leave(mine.surface.points),
            token=found.token,
            defects=defects,
            seconds=watch.seconds | {"total": sum(watch.seconds.values())},
        )
        report(1.0, "done")
        return detection

    def embed(self, scan: Scan, category: str = "auto") -> FloatArray:
        """The (d,) mean of the features, empty where the method has no tokens."""
        return self.detect(scan, category).token

    def calibration(self) -> Calibration:
        """See `detectors.limits.Calibrated`."""
        scores = kept({name: reference.held_out for name, reference in self.known.items()})
        return Calibration(self.config.scoring.false_alarm_rate, scores, {})

    def _told(self, category: str) -> Reference:
        if category not in self.known:
            names = ", ".join(self.known)
            what = "has to be told the category" if category == "auto" else "was not trained on it"
            raise UnknownCategory(category, f"{self.method} {what}", f"choose one of {names} (--category NAME)")
        return self.known[category]


def cloud_of(points: DoubleArray, placement: Placement) -> Cloud:
    """A scan's points (n, 3) in file coordinates, with and without its placement."""
    raw = (points - points.mean(axis=0)) * placement.unit / placement.frame.radius
    both = (np.clip(cloud, -FARTHEST_RADII, FARTHEST_RADII) for cloud in (raw, placement.enter(points)))
    return Cloud(*both)
