"""The jobs behind the Inspect workspace: find, read, load, detect. Everything heavy is imported here, and late."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from app.session import Load, ModelInfo, under_limit
from sedir_core.detectors.base import Detector
from sedir_core.errors import UnknownCategory
from sedir_core.types import Detection, Report, Scan, Stop


@dataclass(frozen=True)
class LoadRequest:
    """Which detector, and where it computes."""

    run_dir: Path
    device: str


@dataclass(frozen=True)
class DetectRequest:
    """One scan, all settings said."""

    scan: Scan
    model: LoadRequest
    category: str


@dataclass(frozen=True)
class Inspected:
    """The answer, and the detector that gave it."""

    detection: Detection
    model: ModelInfo


@dataclass(frozen=True)
class JudgeRequest:
    """A result to look at again under another limit (a share of the calibrated one)."""

    scan: Scan
    raw: Detection
    limit: float


def find(paths: tuple[Path, ...], report: Report, stop: Stop) -> list[Path]:
    """Scans among files and folders. Raises UnreadableScan."""
    from sedir_core.io.scans import find_scans

    return list(find_scans(paths))


def read(path: Path, report: Report, stop: Stop) -> Scan:
    """One scan. Raises UnreadableScan, TooFewPoints."""
    from sedir_core.io.scans import read_scan

    report(0.0, f"reading {path.name}")
    return read_scan(path)


def judge(request: JudgeRequest, report: Report, stop: Stop) -> Detection:
    """Find the defects and the reason anew under another limit."""
    from sedir_core.detectors.findings import find_defects, verdict_reason

    raw = request.raw
    if request.limit == 1.0:
        return raw
    moved = under_limit(raw, request.limit, raw)
    defects = find_defects(request.scan, moved.point_scores, moved.point_threshold, moved.verdict == "ng")
    reason = raw.reason if raw.uncertain else verdict_reason(moved.object_score, moved.threshold, defects)
    return replace(moved, defects=defects, reason=reason)


def import_views(request: None, report: Report, stop: Stop) -> None:
    """Load the graphics libraries in the background, so that building the 3D views is quick."""
    import pyvistaqt  # noqa: F401


class Inspector:
    """Loads a detector once and keeps it; lives in the thread of one pool."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._loaded: tuple[LoadRequest, Detector] | None = None

    def load(self, request: LoadRequest, report: Report, stop: Stop) -> ModelInfo:
        """Get a detector ready. Raises BadRun, DeviceUnavailable."""
        detector = self._detector(request, report)
        return ModelInfo(request.run_dir, detector.method, detector.categories, detector.needs_category)

    def detect(self, request: DetectRequest, report: Report, stop: Stop) -> Inspected:
        """Score one scan. Raises what `load` and `Detector.detect` raise."""
        info = self.load(request.model, report, stop)
        if info.needs_category and request.category == "auto":
            raise UnknownCategory(
                request.scan.name, "this model cannot tell parts apart by itself", "choose the category in the toolbar"
            )
        detector = self._detector(request.model, report)
        return Inspected(detector.detect(request.scan, request.category, report, stop), info)

    def _detector(self, request: LoadRequest, report: Report) -> Detector:
        if self._loaded is None or self._loaded[0] != request:
            report(0.0, "loading the model")
            self._loaded = None  # two models at once may not fit the device
            self._loaded = (request, self._load(request.run_dir, request.device))
        return self._loaded[1]


def load(run_dir: Path, device: str) -> Detector:
    """The core's `load_detector`, without a pause in the window. Raises BadRun, DeviceUnavailable."""
    _map_torch()
    from sedir_core.detectors.base import load_detector

    return load_detector(run_dir, device)


def _map_torch() -> None:
    """Map torch's largest library without holding the interpreter lock.

    `import torch` maps 300 MB while it holds the lock, which freezes the window for a third of a second;
    a foreign call to dlopen releases it, and the import then finds the library mapped.
    """
    spec = importlib.util.find_spec("torch")
    if "torch" in sys.modules or not sys.platform.startswith("linux") or spec is None or spec.origin is None:
        return
    dlopen = ctypes.CDLL(None).dlopen
    dlopen.restype = ctypes.c_void_p
    for name in ("libc10.so", "libtorch_cpu.so"):
        dlopen(os.fsencode(Path(spec.origin).parent / "lib" / name), ctypes.c_int(os.RTLD_GLOBAL | os.RTLD_LAZY))
