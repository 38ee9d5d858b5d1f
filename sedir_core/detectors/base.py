"""What every detector offers, and how a run directory becomes one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Protocol, runtime_checkable

from sedir_core.errors import BadConfig
from sedir_core.types import Detection, FloatArray, Report, Scan, Stop, never_stop, no_report
from sedir_core.units import UNKNOWN, read_as


class Detector(Protocol):
    """A fitted anomaly detector; `load_detector` returns one.

    needs_category: it cannot work with category "auto", and every comparison table says so.
    """

    method: str
    needs_category: bool
    categories: tuple[str, ...]

    def detect(
        self, scan: Scan, category: str = "auto", report: Report = no_report, stop: Stop = never_stop
    ) -> Detection:
        """Score one scan. The same scan gives the same answer, also where the category that `auto` finds is told.

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
    """`Detector.detect`, and in the reason also what its file needed: another unit, rows that are no measurements."""
    found = detector.detect(scan, category, report, stop)
    if found.unit == UNKNOWN and found.to_unit == 1.0:  # then the scan's own says in what sizes are told
        found = replace(found, unit=scan.unit)
    remarks = (read_as(found.unit, found.to_unit), scan.left_out)
    return replace(found, reason="; ".join(filter(None, (found.reason, *remarks))))


@runtime_checkable
class JudgesInSeveralWays(Protocol):
    """A detector that can say in one pass what each kind of evidence and each rule makes of a scan."""

    def detect_each(
        self, scan: Scan, category: str = "auto", report: Report = no_report, stop: Stop = never_stop
    ) -> tuple[Detection, dict[str, Detection]]:
        """The detection, and the others by name (`evidence.judging.Judging.name`). Raises as `Detector.detect`."""
        ...


def load_detector(run_dir: Path, device: str = "auto") -> Detector:
    """The detector saved in a run directory, on `device`. Raises BadRun, DeviceUnavailable."""
    from sedir_core.detectors.registry import load  # which names this module's protocol

    return load(run_dir, device)


def load_judging(
    run_dir: Path, device: str, evidence: str | None, rule: str | None, tolerance: str | None = None
) -> Detector:
    """The same, judging by that evidence, rule and tolerance where they are given; an empty tolerance allows all.

    Raises BadRun, DeviceUnavailable, and BadConfig where the method knows one way of judging only.
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
