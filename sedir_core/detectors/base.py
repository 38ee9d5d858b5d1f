"""What every detector offers, and how a run directory becomes one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from sedir_core.errors import BadRun
from sedir_core.types import Detection, FloatArray, Report, Scan, Stop, never_stop, no_report


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


def load_detector(run_dir: Path, device: str = "auto") -> Detector:
    """The detector saved in a run directory, on `device`. Raises BadRun, DeviceUnavailable."""
    from sedir_core.detectors.mc3dad import Mc3dadDetector  # torch loads here, not with the window
    from sedir_core.detectors.memory_bank import MemoryBankDetector
    from sedir_core.detectors.run_files import read_method
    from sedir_core.detectors.sedir import SedirDetector
    from sedir_core.detectors.template import TemplateDetector

    loaders: Mapping[str, Callable[[Path, str], Detector]] = {
        "sedir": SedirDetector.load,
        "mc3d-ad": Mc3dadDetector.load,
        "mc3d-ad-spatial": Mc3dadDetector.load,
        "btf-raw": MemoryBankDetector.load,
        "btf-fpfh": MemoryBankDetector.load,
        "patchcore-fpfh": MemoryBankDetector.load,
        "patchcore-pointmae": MemoryBankDetector.load,
        "m3dm": MemoryBankDetector.load,
        "reg3d-ad": MemoryBankDetector.load,
        "template": TemplateDetector.load,
    }
    method = read_method(run_dir)
    if method not in loaders:
        raise BadRun(run_dir, f"holds a detector unknown to this version: {method}", "update SeDiR Inspect")
    return loaders[method](run_dir, device)
