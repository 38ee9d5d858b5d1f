"""The detector interface, and loading a detector from a run directory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Protocol, runtime_checkable

from sedir_core.errors import BadConfig
from sedir_core.types import Detection, FloatArray, Report, Scan, Stop, never_stop, no_report
from sedir_core.units import UNKNOWN, read_as


class Detector(Protocol):
    """A fitted anomaly detector; `load_detector` returns one.

    needs_category: it does not support category "auto", which every comparison table marks.
    """

    method: str
    needs_category: bool
    categories: tuple[str, ...]

    def detect(
        self, scan: Scan, category: str = "auto", report: Report = no_report, stop: Stop = never_stop
    ) -> Detection:
        """Score one scan. Deterministic; giving the category that `auto` identifies does not change the result.

        Raises UnknownCategory, TooFewPoints, UnreadableScan (coordinates out of range), DeviceUnavailable (out of
        memory), Cancelled.
        """
        ...

    def embed(self, scan: Scan, category: str = "auto") -> FloatArray:
        """The (d,) global token of a scan."""
        ...


def detect_file(
    detector: Detector, scan: Scan, category: str = "auto", report: Report = no_report, stop: Stop = never_stop
) -> Detection:
    """`Detector.detect`, with notes in the reason about the file: a different unit, rows without a measurement."""
    found = detector.detect(scan, category, report, stop)
    if found.unit == UNKNOWN and found.to_unit == 1.0:  # sizes are then in the scan's own unit
        found = replace(found, unit=scan.unit)
    remarks = (read_as(found.unit, found.to_unit), scan.left_out)
    return replace(found, reason="; ".join(filter(None, (found.reason, *remarks))))


@runtime_checkable
class JudgesInSeveralWays(Protocol):
    """A detector that evaluates several kinds of evidence and rules in one pass."""

    def detect_each(
        self, scan: Scan, category: str = "auto", report: Report = no_report, stop: Stop = never_stop
    ) -> tuple[Detection, dict[str, Detection]]:
        """The detection, and the others by name (`evidence.judging.Judging.name`). Raises as `Detector.detect`."""
        ...


def load_detector(run_dir: Path, device: str = "auto") -> Detector:
    """The detector saved in a run directory, on `device`. Raises BadRun, DeviceUnavailable."""
    from sedir_core.detectors.registry import load  # imported late: circular

    return load(run_dir, device)


def load_judging(
    run_dir: Path, device: str, evidence: str | None, rule: str | None, tolerance: str | None = None
) -> Detector:
    """The same with other evidence, rule or tolerance, if given; an empty tolerance allows any deviation.

    Raises BadRun, DeviceUnavailable, and BadConfig if the method does not support the choice.
    """
    if evidence is None and rule is None and tolerance is None:
        return load_detector(run_dir, device)
    from sedir_core.detectors.sedir import SedirDetector
    from sedir_core.rundir.files import read_method

    method = read_method(run_dir)
    if method != SedirDetector.method:
        what = f"a {method} model has one kind of evidence and one rule, and no expected surface to measure from"
        raise BadConfig("--evidence, --rule, --tolerance", what, "leave them out, or choose a SeDiR model")
    return SedirDetector.load(run_dir, device, evidence, rule, tolerance)
