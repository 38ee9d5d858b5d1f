"""Base of detectors that need the category: align the scan to that category and score its points."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sedir_core.config import Config
from sedir_core.detectors.peer_features import Cloud
from sedir_core.detectors.reference import Reference, cached_placement
from sedir_core.errors import UnknownCategory
from sedir_core.evidence.defects import find_defects, limit_that_shows, verdict_reason
from sedir_core.evidence.limits import Calibration, kept
from sedir_core.evidence.numbers import IDENTIFICATION, RESOLUTION
from sedir_core.evidence.stages import Stopwatch, working_points
from sedir_core.geometry.frames import Placement
from sedir_core.geometry.tree import PointTree
from sedir_core.types import Detection, DoubleArray, FloatArray, Report, Scan, Stop, never_stop, no_report

NO_TOKEN = np.zeros(0, dtype=np.float32)


@dataclass(frozen=True)
class CloudScores:
    """scores: (n,) of the cloud's points. token: (d,), empty if the method has none. remark: for the operator.

    rebuilt: (m, 3) the method's reconstruction, in the frame; None means the reference surface.
    """

    scores: DoubleArray
    object_score: float
    token: FloatArray
    remark: str = ""
    rebuilt: DoubleArray | None = None


@dataclass(frozen=True)
class AlignedScan:
    """A scan aligned to its category. points: (n, 3) working points, in file coordinates.

    misfit: residual of the alignment relative to that of the training scans. seconds: spent on the alignment.
    """

    points: DoubleArray
    placement: Placement
    misfit: float
    seconds: float


class CategoryGiven:
    """Base of the detectors that cannot identify the category; see `detectors.base.Detector`."""

    needs_category = True

    def __init__(self, config: Config, known: Mapping[str, Reference]) -> None:
        self.config, self.known = config, dict(known)
        self.categories = tuple(known)
        self.method: str = config.method

    def calibration(self) -> Calibration:
        """See `evidence.limits.Calibrated`."""
        scores = kept({name: reference.held_out for name, reference in self.known.items()})
        return Calibration(self.config.scoring.false_alarm_rate, scores, {})

    def align(self, scan: Scan, category: str) -> AlignedScan:
        """Align a scan to a category. Raises UnknownCategory, TooFewPoints, UnreadableScan."""
        mine = self.reference(category)
        points = scan.points[working_points(scan, self.config.grouping)]
        placement, residual, seconds = cached_placement(mine, points)
        return AlignedScan(points, placement, residual / mine.residual, seconds)

    def reference(self, category: str) -> Reference:
        """The stored reference of a category. Raises UnknownCategory, also for "auto"."""
        if category not in self.known:
            names = ", ".join(self.known)
            what = "needs the category to be given" if category == "auto" else "was not trained on it"
            raise UnknownCategory(category, f"{self.method} {what}", f"choose one of {names} (--category NAME)")
        return self.known[category]

    def conclude_on(
        self,
        scan: Scan,
        category: str,
        laid: AlignedScan,
        scores: FloatArray,
        score: float,
        reconstruction: DoubleArray,
        token: FloatArray,
        seconds: Mapping[str, float],
        remark: str = "",
    ) -> Detection:
        """The detection from point scores (n,), NaN where not evaluated, and the object score."""
        mine = self.reference(category)
        condemned = score > mine.threshold
        defects = find_defects(scan, scores, mine.point_threshold, condemned)
        uncertain = not laid.misfit < IDENTIFICATION.unknown_residual
        reason = verdict_reason(score, mine.threshold, defects)
        if uncertain:
            reason = f"does not fit {category}: {laid.misfit:.1f} times the usual distance"
        taken = {**seconds, "align": laid.seconds}
        return Detection(
            point_scores=scores,
            object_score=score,
            threshold=mine.threshold,
            point_threshold=limit_that_shows(scan, scores, mine.point_threshold, condemned),
            category=category,
            category_confidence=1.0,
            uncertain=uncertain,
            reason="; ".join(filter(None, (reason, remark, "category given"))),
            reconstruction=reconstruction,
            token=token,
            defects=defects,
            seconds=taken | {"total": sum(taken.values())},
            unit=self.config.data.unit,
            to_unit=laid.placement.to_unit,
        )


class CategoryGivenDetector(CategoryGiven, ABC):
    """A detector with a memory per category."""

    @abstractmethod
    def score_cloud(self, category: str, cloud: Cloud) -> CloudScores:
        """Score a cloud by the memory of a category."""

    def detect(
        self, scan: Scan, category: str = "auto", report: Report = no_report, stop: Stop = never_stop
    ) -> Detection:
        """Score one scan; see `Detector.detect`. Raises UnknownCategory also for "auto"."""
        watch = Stopwatch(report, stop)
        with watch.stage("align", 0.05):
            laid = self.align(scan, category)
        with watch.stage("compare", 0.4):
            found = self.score_cloud(category, cloud_of(laid.points, laid.placement))
        with watch.stage("report", 0.9):
            valid = np.flatnonzero(scan.finite)
            everywhere = np.full(len(scan), np.nan, dtype=np.float32)
            everywhere[valid] = found.scores[PointTree(laid.points).nearest(scan.points[valid])[1]]
            normal = self.known[category].surface.points if found.rebuilt is None else found.rebuilt
            surface = laid.placement.leave(normal)
        detection = self.conclude_on(
            scan,
            category,
            laid,
            everywhere,
            found.object_score,
            surface,
            found.token,
            watch.seconds,
            found.remark,
        )
        report(1.0, "done")
        return detection

    def embed(self, scan: Scan, category: str = "auto") -> FloatArray:
        """The (d,) mean of the features, empty if the method has no tokens."""
        return self.detect(scan, category).token


def cloud_of(points: DoubleArray, placement: Placement) -> Cloud:
    """A scan's points (n, 3) in file coordinates, with and without its placement."""
    raw = (points - points.mean(axis=0)) * placement.unit / placement.frame.radius
    both = (np.clip(cloud, -RESOLUTION.farthest, RESOLUTION.farthest) for cloud in (raw, placement.enter(points)))
    return Cloud(*both)
