"""Judge a scan under another limit, without scoring it again."""

from __future__ import annotations

from dataclasses import replace

from sedir_core.detectors.base import Detector
from sedir_core.errors import BadConfig, BadRun
from sedir_core.evidence.limits import Calibrated, Calibration
from sedir_core.evidence.tolerance import defects_of, reason_anew
from sedir_core.types import Detection, FloatArray, Report, Scan, Stop, never_stop, no_report


def relimit(scan: Scan, raw: Detection, share: float) -> Detection:
    """The verdict, the defects and the reason under that share of both limits of `raw`; the scores stay."""
    if share == 1.0:
        return raw
    moved = replace(raw, threshold=raw.threshold * share, point_threshold=raw.point_threshold * share)
    moved = replace(moved, defects=defects_of(scan, moved))
    return replace(moved, reason=reason_anew(raw, moved))


class AtRate:
    """A detector whose limits hold for another rate of false alarms; see `detectors.base.Detector`."""

    def __init__(self, detector: Detector, rate: float) -> None:
        """Raises BadConfig if the rate is out of range, BadRun if the run does not keep what its limits rest on."""
        if not 0 < rate < 1:
            raise BadConfig("--false-alarm-rate", "must be between 0 and 1", "0.01 is one good scan in a hundred")
        calibration = detector.calibration() if isinstance(detector, Calibrated) else Calibration(rate, {}, {})
        missing = [name for name in detector.categories if not calibration.n_scans(name)]
        if missing:
            what = "does not keep the scores of held-out good scans, so no other rate of false alarms can be chosen"
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
        """By how much its limits are moved: times the calibrated ones."""
        return self._calibration.share(detection.category, self._rate, detection.from_one_side)

    def embed(self, scan: Scan, category: str = "auto") -> FloatArray:
        """The (d,) global token of a scan."""
        return self._detector.embed(scan, category)
