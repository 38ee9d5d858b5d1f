"""Jobs of the Inspect workspace: find, read, load, detect. Heavy libraries are imported here, lazily."""

from __future__ import annotations

import ctypes
import importlib.util
import logging
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from app.state.entries import Beside, ModelInfo
from app.state.session import Load
from app.state.shapes import Shape, Triple
from app.views.facing import front_of
from app.views.preparing import beside_scan, join, prepare, prepare_surface
from app.views.thumbnail import thumbnail
from sedir_core.detectors.base import Detector, detect_file
from sedir_core.errors import UnknownCategory, UnreadableScan, UserError
from sedir_core.evaluation.zone_file import PartTolerance
from sedir_core.evidence.limits import Calibrated
from sedir_core.history.place import HistoryPlace
from sedir_core.io.finding import Found, search_scans
from sedir_core.io.table_peek import TableHead, peek_table
from sedir_core.types import BoolArray, Detection, Report, Scan, Stop

if TYPE_CHECKING:
    from sedir_core.evaluation.zones import PartReference

log = logging.getLogger(__name__)

WRITTEN_ANEW = ("has changed since it was inspected", "inspect it again")


@dataclass(frozen=True)
class LoadRequest:
    """Which detector to load, and on which device."""

    run_dir: Path
    device: str


@dataclass(frozen=True)
class DetectRequest:
    """One scan and all settings."""

    scan: Scan
    shape: Shape
    model: LoadRequest
    category: str
    tolerances: Mapping[str, PartTolerance] = field(default_factory=dict)


@dataclass(frozen=True)
class TolerateRequest:
    """A result to re-evaluate under other tolerances; None means the model's own. scan: None to read it again."""

    path: Path
    scan: Scan | None
    plain: Detection
    part: PartTolerance | None
    limit: float
    model: LoadRequest


@dataclass(frozen=True)
class Tolerated:
    """The result under the calibrated limit, and under the current one."""

    raw: Detection
    detection: Detection


@dataclass(frozen=True)
class Opened:
    """A scan with its data set's labels, if any, and its prepared shape.

    surfaces: the requested surfaces of its result.
    """

    scan: Scan
    shape: Shape
    surfaces: Mapping[Beside, Shape] = field(default_factory=dict)


@dataclass(frozen=True)
class AgainRequest:
    """An inspected scan, to be prepared for drawing again."""

    path: Path
    raw: Detection


@dataclass(frozen=True)
class PastRequest:
    """A past inspection, to be prepared for drawing again. key: its key in the history."""

    key: str
    place: HistoryPlace


@dataclass(frozen=True)
class InspectedScan:
    """The result, its prepared surfaces, and the detector that produced it.

    plain, tolerated: as in `Entry`.
    """

    detection: Detection
    surfaces: Mapping[Beside, Shape]
    thumbnail: bytes
    model: ModelInfo
    front: Triple | None
    plain: Detection | None = None
    tolerated: PartTolerance | None = None


@dataclass(frozen=True)
class JudgeRequest:
    """A result to re-evaluate under another limit (a share of the calibrated one)."""

    scan: Scan
    raw: Detection
    limit: float


def find(paths: tuple[Path, ...], report: Report, stop: Stop) -> Found:
    """Find scans among files and folders, and the other files in them."""
    return search_scans(paths)


def peek(path: Path, report: Report, stop: Stop) -> TableHead:
    """Read the first rows of a table. Raises UnreadableScan."""
    return peek_table(path)


def read(path: Path, report: Report, stop: Stop) -> Opened:
    """Read one scan. Raises UnreadableScan, TooFewPoints."""
    from sedir_core.io.scans import read_scan

    report(0.0, f"reading {path.name}")
    scan = read_scan(path)
    if scan.labels is None and (labels := _labels_beside(path)) is not None:
        scan = replace(scan, labels=_transfer(labels, scan))
    return Opened(scan, prepare(scan.points))


def read_again(request: AgainRequest, report: Report, stop: Stop) -> Opened:
    """Read a scan again, with the surfaces of its result. Raises UnreadableScan also if the file's content changed."""
    opened = read(request.path, report, stop)
    if len(opened.scan) != len(request.raw.point_scores):
        raise UnreadableScan(request.path, *WRITTEN_ANEW)
    return replace(opened, surfaces=first_surface(request.raw, opened.shape))


def read_past(request: PastRequest, report: Report, stop: Stop) -> Opened:
    """A past inspection's points and surfaces, as stored in the history. Raises BadHistory, CannotWrite."""
    from sedir_core.history.finished import reopen

    history = request.place.open(create=False)
    try:
        _, kept, scan, _ = reopen(history, request.key)
    finally:
        history.close()
    shape = prepare(scan.points)
    return Opened(scan, shape, first_surface(kept.raw, shape))


def _labels_beside(path: Path) -> Scan | None:
    """Ground truth in the layout of the published data sets: `CATEGORY/test/x.pcd`, `CATEGORY/GT/x.txt` (or `gt`)."""
    from sedir_core.io.scans import read_labelled

    if path.parent.name.lower() != "test":
        return None
    for folder in ("GT", "gt"):
        beside = path.parent.parent / folder / f"{path.stem}.txt"
        if beside.is_file():
            try:
                return read_labelled(beside)
            except UserError as error:  # the scan can still be inspected
                log.warning("no ground truth: %s", error)
    return None


def _transfer(labelled: Scan, scan: Scan) -> BoolArray:
    """Labels for the scan's own points: in the published sets the rows of the two files differ."""
    from sedir_core.geometry.tree import PointTree

    assert labelled.labels is not None
    known, wanted = labelled.finite, scan.finite
    labels = np.zeros(len(scan), dtype=np.bool_)
    nearest = PointTree(labelled.points[known]).nearest(scan.points[wanted])[1]
    labels[wanted] = labelled.labels[known][nearest]
    return labels


def first_surface(detection: Detection, shape: Shape) -> dict[Beside, Shape]:
    """The surface initially shown beside the scan: the expected one, or else the reconstruction."""
    beside = Beside.RECONSTRUCTION if detection.expected is None else Beside.EXPECTED
    return {beside: prepare_beside(detection, shape, beside)}


def prepare_beside(detection: Detection, shape: Shape, beside: Beside) -> Shape:
    """Prepare one of the two surfaces of a result for drawing beside the scan."""
    expected = detection.expected if beside is Beside.EXPECTED else None
    surface = prepare_surface(detection.reconstruction if expected is None else expected, shape)
    if expected is None or detection.deviation is None or detection.from_one_side:
        return surface
    return beside_scan(surface, shape, detection.deviation)


@dataclass(frozen=True)
class JoinRequest:
    """A scan, its result, and which surface to show beside it."""

    shape: Shape
    surfaces: Mapping[Beside, Shape]
    raw: Detection | None
    beside: Beside


@dataclass(frozen=True)
class Joined:
    """The meshed shapes. of: what they were made from."""

    of: JoinRequest
    shape: Shape
    surfaces: Mapping[Beside, Shape]


def join_surfaces(request: JoinRequest, report: Report, stop: Stop) -> Joined:
    """Mesh the scan and the surface beside it, unless that has been done. Raises Cancelled."""
    shape = request.shape if request.shape.joined else join(request.shape, stop)
    surface = request.surfaces.get(request.beside)
    if surface is None and request.raw is not None and request.beside is not Beside.SCAN:
        surface = prepare_beside(request.raw, request.shape, request.beside)
    if surface is not None and not surface.joined:
        surface = join(surface, stop)
    return Joined(request, shape, {**request.surfaces} | ({} if surface is None else {request.beside: surface}))


def judge(request: JudgeRequest, report: Report, stop: Stop) -> Detection:
    """Find defects and reason under another limit."""
    from sedir_core.detectors.relimit import relimit

    return relimit(request.scan, request.raw, request.limit)


def import_views(request: None, report: Report, stop: Stop) -> None:
    """Load the graphics libraries in the background, so that building the 3D views is quick."""
    import pyvistaqt  # noqa: F401


class Inspector:
    """Loads a detector once and caches it; lives in the thread of one pool."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._loaded: tuple[LoadRequest, Detector, ModelInfo] | None = None
        self._laid: dict[str, PartReference] = {}  # by category, of the loaded detector

    def load(self, request: LoadRequest, report: Report, stop: Stop) -> ModelInfo:
        """Load a detector. Raises BadRun, DeviceUnavailable."""
        return self._ready(request, report)[1]

    def detect(self, request: DetectRequest, report: Report, stop: Stop) -> InspectedScan:
        """Score one scan. Raises what `load` and `Detector.detect` raise."""
        detector, info = self._ready(request.model, report)
        if info.needs_category and request.category == "auto":
            raise UnknownCategory(
                request.scan.name, "this model cannot identify the category", "choose the category in the toolbar"
            )
        plain = detect_file(detector, request.scan, request.category, report, stop)
        part = request.tolerances.get(plain.category)
        detection = (
            plain if part is None else self._laid_out(detector, part, plain.category, stop).judge(request.scan, plain)
        )
        report(1.0, "preparing the picture")
        small = thumbnail(request.shape, detection.point_scores, detection.point_threshold)
        surfaces = first_surface(detection, request.shape)
        return InspectedScan(detection, surfaces, small, info, front_of(request.shape, detection), plain, part)

    def tolerate(self, request: TolerateRequest, report: Report, stop: Stop) -> Tolerated:
        """Re-evaluate a result without scoring again. Also raises UnreadableScan if the file's content changed."""
        from sedir_core.detectors.relimit import relimit
        from sedir_core.evaluation.zones import PartReference
        from sedir_core.io.scans import read_scan

        scan = read_scan(request.path) if request.scan is None else request.scan
        plain = request.plain
        if len(scan) != len(plain.point_scores):
            raise UnreadableScan(request.path, *WRITTEN_ANEW)
        if (part := request.part) is not None:
            if request.path == part.reference and plain.expected is not None:  # already inspected
                laid = PartReference(part, plain.category, plain.expected, plain.to_unit)
            else:
                laid = self._laid_out(self._ready(request.model, report)[0], part, plain.category, stop)
            plain = laid.judge(scan, plain)
        return Tolerated(plain, relimit(scan, plain, request.limit))

    def _laid_out(self, detector: Detector, part: PartTolerance, category: str, stop: Stop) -> PartReference:
        from sedir_core.evaluation.zones import inspect_reference

        if not part.zones:  # no regions to place
            return inspect_reference(detector, part, category)
        laid = self._laid.get(category)
        if laid is None or laid.part.reference != part.reference:
            laid = inspect_reference(detector, part, category, stop=stop)
        self._laid[category] = laid = replace(laid, part=part)
        return laid

    def _ready(self, request: LoadRequest, report: Report) -> tuple[Detector, ModelInfo]:
        if self._loaded is None or self._loaded[0] != request:
            report(0.0, "loading the model")
            self._loaded = None  # two models at once may not fit on the device
            self._laid.clear()
            detector = self._load(request.run_dir, request.device)
            calibration = detector.calibration() if isinstance(detector, Calibrated) else None
            facts = (detector.method, detector.categories, detector.needs_category, calibration)
            self._loaded = (request, detector, ModelInfo(request.run_dir, *facts))
        return self._loaded[1:]


def load(run_dir: Path, device: str) -> Detector:
    """The core's `load_detector` without freezing the window. Raises BadRun, DeviceUnavailable."""
    _map_torch()
    from sedir_core.detectors.base import load_detector

    return load_detector(run_dir, device)


def _map_torch() -> None:
    """Map torch's largest library without holding the interpreter lock.

    `import torch` maps 300 MB while holding the lock, which freezes the window for a third of a second;
    a ctypes call to dlopen releases it, and the import then finds the library already mapped.
    """
    spec = importlib.util.find_spec("torch")
    if "torch" in sys.modules or not sys.platform.startswith("linux") or spec is None or spec.origin is None:
        return
    dlopen = ctypes.CDLL(None).dlopen
    dlopen.restype = ctypes.c_void_p
    for name in ("libc10.so", "libtorch_cpu.so"):
        dlopen(os.fsencode(Path(spec.origin).parent / "lib" / name), ctypes.c_int(os.RTLD_GLOBAL | os.RTLD_LAZY))
