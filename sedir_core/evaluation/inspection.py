"""Many scans, one verdict each: read, detect, export. One scan that fails never stops the others."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sedir_core.detectors.base import Detector
from sedir_core.errors import CannotWrite, TooFewPoints, UnknownCategory, UnreadableScan, UserError
from sedir_core.evaluation.picture import draw_inspection
from sedir_core.io.export import write_points_ply, write_scored_ply
from sedir_core.io.scans import read_scan
from sedir_core.types import Detection, Report, Scan, Stop, never_stop, no_report

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Inspected:
    """A scan and what the detector says of it. seconds: per stage, reading included, with "total"."""

    path: Path
    scan: Scan
    detection: Detection
    seconds: Mapping[str, float]

    def to_json(self) -> dict[str, Any]:
        """One entry of "results" in `inspect --json`."""
        found = self.detection
        return {
            "path": str(self.path),
            "n_points": len(self.scan),
            "category": found.category,
            "category_confidence": _finite(found.category_confidence),
            "score": _finite(found.object_score),
            "threshold": _finite(found.threshold),
            "point_threshold": _finite(found.point_threshold),
            "verdict": found.verdict,
            "uncertain": found.uncertain,
            "reason": found.reason,
            "defects": [
                {
                    "centroid": [float(x) for x in defect.centroid],
                    "extent": [float(x) for x in defect.extent],
                    "n_points": defect.n_points,
                    "peak": _finite(defect.peak),
                    "area": _finite(defect.area),
                }
                for defect in found.defects
            ],
            "seconds": dict(self.seconds),
        }


@dataclass(frozen=True)
class Refused:
    """A file that could not be inspected, and why."""

    path: Path
    error: UserError

    def to_json(self) -> dict[str, Any]:
        """One entry of "errors" in `inspect --json`."""
        return {"path": str(self.path), "kind": self.error.kind, "message": str(self.error)}


def inspect_scans(
    detector: Detector,
    paths: Sequence[Path],
    category: str = "auto",
    report: Report = no_report,
    stop: Stop = never_stop,
) -> Iterator[Inspected | Refused]:
    """Each file in turn; what cannot be read or holds too little is Refused.

    Raises UnknownCategory before the first scan if the model does not know `category`; Cancelled.
    """
    check_category(detector, category)
    for i, path in enumerate(paths):
        try:
            yield _inspect(detector, path, category, _part(report, i, len(paths), path.name), stop)
        except (UnreadableScan, TooFewPoints) as error:
            yield Refused(path, error)
    report(1.0, "done")


def check_category(detector: Detector, category: str) -> None:
    """Raises UnknownCategory if the model does not know it."""
    if category != "auto" and category not in detector.categories:
        raise UnknownCategory(category, "the model was not trained on it", "it knows " + ", ".join(detector.categories))


def export_inspection(inspected: Inspected, folder: Path, stem: str) -> tuple[Path, ...]:
    """Write `<stem>.ply`, `<stem>_reconstruction.ply` and `<stem>.png`. Returns their paths. Raises CannotWrite."""
    scored, rebuilt, picture = _targets(folder, stem)
    write_scored_ply(scored, inspected.scan, inspected.detection.point_scores)
    write_points_ply(rebuilt, inspected.detection.reconstruction)
    draw_inspection(picture, inspected.scan, inspected.detection)
    return scored, rebuilt, picture


class ExportNames:
    """A name for the exports of each path: the file's own stem, with a number where two would collide."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._taken: set[str] = set()
        self._stems: dict[Path, str] = {}

    def stem(self, path: Path) -> str:
        """The same for the same path, whenever it is asked."""
        if path not in self._stems:
            stem, number = path.stem, 1
            while self._taken & _file_names(self._folder, stem):
                number += 1
                stem = f"{path.stem}_{number}"
            self._taken |= _file_names(self._folder, stem)
            self._stems[path] = stem
        return self._stems[path]


def export_stems(paths: Sequence[Path], folder: Path) -> list[str]:
    """The names of all exports. Raises CannotWrite if one would replace one of the inspected files."""
    names = ExportNames(folder)
    stems = []
    inputs = {path.resolve() for path in paths}
    for path in paths:
        stems.append(names.stem(path))
        overwritten = [target for target in _targets(folder, stems[-1]) if target.resolve() in inputs]
        if overwritten:
            raise CannotWrite(overwritten[0], "is one of the inspected scans", "export to another folder")
    return stems


def _inspect(detector: Detector, path: Path, category: str, report: Report, stop: Stop) -> Inspected:
    began = time.perf_counter()
    report(0.0, "reading")
    scan = read_scan(path)
    read_s = time.perf_counter() - began
    detection = detector.detect(scan, category, report, stop)
    stages = {name: value for name, value in detection.seconds.items() if name != "total"}
    log.info("%s: %s, score %.4g of %.4g", path, detection.verdict, detection.object_score, detection.threshold)
    return Inspected(path, scan, detection, {"read": read_s, **stages, "total": read_s + detection.seconds["total"]})


def _targets(folder: Path, stem: str) -> tuple[Path, Path, Path]:
    return folder / f"{stem}.ply", folder / f"{stem}_reconstruction.ply", folder / f"{stem}.png"


def _file_names(folder: Path, stem: str) -> set[str]:
    return {target.name.casefold() for target in _targets(folder, stem)}  # Windows and macOS ignore case


def _part(report: Report, index: int, count: int, name: str) -> Report:
    return lambda fraction, stage: report((index + fraction) / count, f"{name}: {stage}")


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
