"""Re-evaluates a scan under another limit, without scoring it again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sedir_core.detectors import base
from sedir_core.detectors.base import Detector
from sedir_core.errors import BadConfig, BadRun
from sedir_core.evidence.limits import Calibrated, Calibration
from sedir_core.evidence.tolerance import defects_of, reason_anew
from sedir_core.types import Detection, FloatArray, Report, Scan, Stop, never_stop, no_report


def relimit(scan: Scan, raw: Detection, share: float) -> Detection:
    """Verdict, defects and reason with both limits of `raw` scaled by that share; the scores are unchanged."""
    if share == 1.0:
        return raw
    moved = replace(raw, threshold=raw.threshold * share, point_threshold=raw.point_threshold * share)
    moved = replace(moved, defects=defects_of(scan, moved))
    return replace(moved, reason=reason_anew(raw, moved))


def load_relimited(
    run_dir: Path, device: str, evidence: str | None, rule: str | None, tolerance: str | None, rate: float | None
) -> Detector:
    """`load_judging`, with the limits of another false-alarm rate if one is given. Raises what both raise."""
    detector = base.load_judging(run_dir, device, evidence, rule, tolerance)
    return detector if rate is None else AtRate(detector, rate)


class AtRate:
    """A detector with limits for another false-alarm rate; see `detectors.base.Detector`."""

    def __init__(self, detector: Detector, rate: float) -> None:
        """Raises BadConfig if the rate is out of range, BadRun if the run lacks the calibration scores."""
        if not 0 < rate < 1:
            raise BadConfig("--false-alarm-rate", "must be between 0 and 1", "0.01 is one good scan in a hundred")
        calibration = detector.calibration() if isinstance(detector, Calibrated) else Calibration(rate, {}, {})
        missing = [name for name in detector.categories if not calibration.n_scans(name)]
        if missing:
            what = "lacks the scores of held-out good scans, so no other false-alarm rate can be chosen"
            raise BadRun(detector.method, what, "train it again with this version")
        self._detector, self._rate, self._calibration = detector, rate, calibration
        self.method, self.needs_category, self.categories = (
            detector.method,
            detector.needs_category,
            detector.categories,
        )

    def detect(
        self, scan: Scan, category: str = "auto", report: Report = no_report, stop: Stop = never_stop
    ) -> Detection:
        """Score one scan; see `Detector.detect`."""
        raw = self._detector.detect(scan, category, report, stop)
        return relimit(scan, raw, self.share_of(raw))

    def share_of(self, detection: Detection) -> float:
        """Its limits relative to the calibrated ones."""
        return self._calibration.share(detection.category, self._rate, detection.from_one_side)

    def embed(self, scan: Scan, category: str = "auto") -> FloatArray:
        """The (d,) global token of a scan."""
        return self._detector.embed(scan, category)
