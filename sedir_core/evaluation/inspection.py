"""Batch inspection: read, detect, export. A failing scan never stops the others."""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sedir_core.detectors.base import Detector, detect_file
from sedir_core.errors import CannotWrite, DeviceUnavailable, TooFewPoints, UnknownCategory, UnreadableScan, UserError
from sedir_core.evidence.wording import defect_sentence
from sedir_core.io.columns import Columns
from sedir_core.io.export import exported_from, write_points_ply, write_scored_ply
from sedir_core.io.folder_lock import locked
from sedir_core.io.guard import THIN_OUT
from sedir_core.io.scans import read_scan
from sedir_core.names import printable, storable
from sedir_core.types import Detection, Report, Scan, Stop, Zone, never_stop, no_report
from sedir_core.units import unit_of_scan

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Inspected:
    """A scan and its detection. seconds: per stage, reading included, with "total"."""

    path: Path
    scan: Scan
    detection: Detection
    seconds: Mapping[str, float]

    def to_json(self) -> dict[str, Any]:
        """One entry of "results" in `inspect --json`. Sizes are in `unit`, positions in the file's own coordinates."""
        found = self.detection
        return {
            "path": storable(self.path),
            "n_points": len(self.scan),
            "unit": found.unit,
            "scan_unit": unit_of_scan(found.unit, found.to_unit),
            "category": found.category,
            "category_confidence": _finite(found.category_confidence),
            "score": _finite(found.object_score),
            "threshold": _finite(found.threshold),
            "point_threshold": _finite(found.point_threshold),
            "verdict": found.verdict,
            "uncertain": found.uncertain,
            "reason": found.reason,
            "rests_on": {kind: float(share) for kind, share in found.rests_on.items()},
            "deviation": [_finite(end * found.to_unit) for end in found.deviation_range],
            "tolerance": None if found.tolerance is None else [found.tolerance.minus, found.tolerance.plus],
            "out_of_tolerance": found.out_of_tolerance,
            "regions": [_region(zone, found) for zone in found.zones],
            "defects": [
                {
                    "centroid": [float(x) for x in defect.centroid],
                    "extent": [float(x) for x in defect.extent * found.to_unit],
                    "n_points": defect.n_points,
                    "peak": _finite(defect.peak),
                    "area": _finite(defect.area * found.to_unit**2),
                    "kind": defect.kind,
                    "depth": _finite(defect.depth * found.to_unit),
                    "depth_mean": _finite(defect.depth_mean * found.to_unit),
                    "size": None if defect.size is None else [float(x) for x in defect.size * found.to_unit],
                    "place": defect.place,
                    "sentence": defect_sentence(defect, found),
                }
                for defect in found.defects
            ],
            "seconds": dict(self.seconds),
        }


def _region(zone: Zone, found: Detection) -> dict[str, Any]:
    """Without a name: the rest of the part."""
    return {
        "name": zone.name,
        "use": zone.use,
        "tolerance": None if zone.tolerance is None else [zone.tolerance.minus, zone.tolerance.plus],
        "deviation": [_finite(end * found.to_unit) for end in (zone.lowest, zone.highest)],
        "out_of_tolerance": zone.out(found.to_unit),
    }


@dataclass(frozen=True)
class Refused:
    """A file that could not be inspected, with the reason."""

    path: Path
    error: UserError

    def to_json(self) -> dict[str, Any]:
        """One entry of "errors" in `inspect --json`."""
        return {"path": storable(self.path), "kind": self.error.kind, "message": str(self.error)}


def inspect_scans(
    detector: Detector,
    paths: Sequence[Path],
    category: str = "auto",
    report: Report = no_report,
    stop: Stop = never_stop,
    columns: Columns = (),
) -> Iterator[Inspected | Refused]:
    """Inspect files one by one; unreadable, too small or too large ones are returned as Refused.

    columns: see `read_scan`.

    Raises UnknownCategory before the first scan if the model does not know `category`, and Cancelled.
    """
    check_category(detector, category)
    for i, path in enumerate(paths):
        try:
            yield _inspect(detector, path, category, _part(report, i, len(paths), path.name), stop, columns)
        except (UnreadableScan, TooFewPoints) as error:
            yield Refused(path, error)
        except DeviceUnavailable as error:  # out of memory: the next scan may be smaller
            yield Refused(path, DeviceUnavailable(path, f"{error.where}: {error.what}", error.hint))
        except MemoryError:
            yield Refused(path, UnreadableScan(path, "needs more memory than this machine has free", THIN_OUT))
    report(1.0, "done")


def check_category(detector: Detector, category: str) -> None:
    """Raises UnknownCategory if the model does not know it."""
    if category != "auto" and category not in detector.categories:
        raise UnknownCategory(category, "the model was not trained on it", "it knows " + ", ".join(detector.categories))


class Exports:
    """Writes inspections into a folder, each under its file's stem, which is numbered if it is taken.

    Nothing that the folder holds is replaced, but exports of the same scan; of two programs that export into one folder
    at the same time, one takes a stem and the other the next.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._taken: set[str] = set()
        self._stems: dict[Path, str] = {}

    def plan(self, paths: Sequence[Path]) -> list[str]:
        """Stems that are free by now, in the order of the paths. Raises CannotWrite if scans lie in the folder."""
        inputs = {path.resolve() for path in paths}
        for path in paths:
            overwritten = [target for target in _targets(self._folder, path.stem) if target.resolve() in inputs]
            if overwritten:
                raise CannotWrite(overwritten[0], "is one of the inspected scans", "export to another folder")
        return [self._stem(path) for path in paths]

    def write(self, inspected: Inspected) -> tuple[Path, ...]:
        """Write `<stem>.ply`, `<stem>_reconstruction.ply`, `<stem>_expected.ply` and `<stem>.png`.

        The third is omitted for a detector without an expected surface. Returns the paths. Raises CannotWrite after
        all others are written, if one cannot be, or if there is not enough memory for it.
        """
        from sedir_core.drawing.picture import draw_inspection  # and matplotlib, which only exports need

        scan, found, source = inspected.scan, inspected.detection, inspected.path
        with locked(self._folder):
            scored, rebuilt, expected, picture = _targets(self._folder, self._stem(source))
            writes: dict[Path, Callable[[], None]] = {
                scored: lambda: write_scored_ply(scored, scan, found.point_scores, found.deviation, source),
                rebuilt: lambda: write_points_ply(rebuilt, found.reconstruction, source),
            }
            if (surface := found.expected) is not None:
                writes[expected] = lambda: write_points_ply(expected, surface, source)
            failed = _failures(writes)  # written within the lock, since they say to others that the stem is taken
        drawn: dict[Path, Callable[[], None]] = {picture: lambda: draw_inspection(picture, scan, found, source)}
        failed += _failures(drawn)
        if len(failed) > 1:
            others = ", ".join(Path(error.where).name for error in failed[1:])
            raise CannotWrite(failed[0].where, f"{failed[0].what}; likewise {others}", failed[0].hint)
        if failed:
            raise failed[0]
        return (*writes, *drawn)

    def _stem(self, path: Path) -> str:
        """The same as before, unless another program has taken it since."""
        stem = self._stems.get(path)
        if stem is None or self._holds_another(stem, path):
            stem, number = path.stem, 1
            while self._taken & _file_names(self._folder, stem) or self._holds_another(stem, path):
                number += 1
                stem = f"{path.stem}_{number}"
            self._taken |= _file_names(self._folder, stem)
            self._stems[path] = stem
        return stem

    def _holds_another(self, stem: str, path: Path) -> bool:
        targets = _targets(self._folder, stem)
        return any(os.path.lexists(target) and not exported_from(target, path) for target in targets)


def _failures(writes: Mapping[Path, Callable[[], None]]) -> list[CannotWrite]:
    failed = []
    for path, write in writes.items():
        try:
            write()
        except CannotWrite as error:
            failed.append(error)
        except MemoryError:
            failed.append(CannotWrite(path, "needs more memory than this machine has free", THIN_OUT))
    return failed


def _inspect(detector: Detector, path: Path, category: str, report: Report, stop: Stop, columns: Columns) -> Inspected:
    began = time.perf_counter()
    report(0.0, "reading")
    scan = read_scan(path, columns=columns)
    read_s = time.perf_counter() - began
    detection = detect_file(detector, scan, category, report, stop)
    stages = {name: value for name, value in detection.seconds.items() if name != "total"}
    log.info("%s: %s, score %.4g of %.4g", path, detection.verdict, detection.object_score, detection.threshold)
    return Inspected(path, scan, detection, {"read": read_s, **stages, "total": read_s + detection.seconds["total"]})


def _targets(folder: Path, stem: str) -> tuple[Path, Path, Path, Path]:
    rebuilt, expected = folder / f"{stem}_reconstruction.ply", folder / f"{stem}_expected.ply"
    return folder / f"{stem}.ply", rebuilt, expected, folder / f"{stem}.png"


def _file_names(folder: Path, stem: str) -> set[str]:
    return {target.name.casefold() for target in _targets(folder, stem)}  # case-insensitive on Windows and macOS


def _part(report: Report, index: int, count: int, name: str) -> Report:
    return lambda fraction, stage: report((index + fraction) / count, printable(f"{name}: {stage}"))


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
