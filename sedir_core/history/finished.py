"""From a finished inspection to its record: the row and the stored result."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from sedir_core.errors import BadHistory
from sedir_core.history.records import DefectNote, Inspection
from sedir_core.history.store import History, station
from sedir_core.history.stored_result import StoredResult, content_hash, encode
from sedir_core.names import storable
from sedir_core.places import whole_path
from sedir_core.rundir import files as run_files
from sedir_core.types import Defect, Detection, Scan


@dataclass(frozen=True)
class Finished:
    """An inspection with a verdict. raw, shown: as in StoredResult. limit_share: that of `shown`."""

    key: str
    time: datetime
    path: Path
    scan: Scan
    raw: Detection
    shown: Detection
    limit_share: float
    run_dir: Path
    method: str
    operator: str
    lot: str
    seconds: float


def describe(one: Finished) -> tuple[Inspection, bytes]:
    """The row and the content of the stored result. Raises ValueError if the inspection is incomplete."""
    found = one.shown
    if len(found.point_scores) != len(one.scan):
        raise ValueError(f"not a complete inspection: {one.path}")
    row = Inspection(
        key=one.key,
        time=one.time,
        path=storable(whole_path(one.path)),
        content_hash=content_hash(one.scan.points),
        n_points=len(one.scan),
        category=storable(found.category),
        category_confidence=_number(found.category_confidence),
        lot=storable(one.lot),
        operator=storable(one.operator),
        station=station(),
        method=one.method,
        model=storable(one.run_dir.name),
        model_hash=model_hash(one.run_dir),
        score=float(found.object_score),
        threshold=_number(found.threshold),
        point_threshold=_number(found.point_threshold),
        limit_share=one.limit_share,
        verdict=found.verdict,
        uncertain=bool(found.uncertain),
        reason=storable(found.reason),
        seconds=float(one.seconds),
        n_defects=len(found.defects),
        defects=tuple(_note(defect) for defect in found.defects),
    )
    return row, encode(StoredResult(one.scan.points, one.raw, one.shown, one.scan.sampled))


def model_hash(run_dir: Path) -> str:
    """SHA-256 (hex) of a run's configuration and weights; empty if there are none."""
    try:
        stamps = tuple((run_dir / name).stat().st_mtime_ns for name in (run_files.CONFIG, run_files.WEIGHTS))
    except OSError:
        return ""
    return _model_hash(run_dir, stamps)


@lru_cache(maxsize=16)
def _model_hash(run_dir: Path, stamps: tuple[int, ...]) -> str:
    total = hashlib.sha256()
    for name in (run_files.CONFIG, run_files.WEIGHTS):
        with (run_dir / name).open("rb") as file:
            total.update(hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()


def state_of_scan(path: Path, inspection: Inspection) -> tuple[Scan | None, str]:
    """The scan if its file is unchanged since the inspection; otherwise a sentence on what happened to it."""
    from sedir_core.errors import UserError
    from sedir_core.io.scans import read_scan

    if not path.exists():
        return None, "The scan's file no longer exists."
    try:
        scan = read_scan(path)
    except UserError:
        return None, "The scan's file can no longer be read."
    if content_hash(scan.points) != inspection.content_hash:
        return None, "The scan's file has changed since."
    return scan, ""


def reopen(history: History, key: str) -> tuple[Inspection, StoredResult, Scan, str]:
    """A recorded inspection, its result, the scan as inspected, and a remark if the file has changed.

    Raises BadHistory if the result or the points are not available.
    """
    inspection = history.get(key)
    if inspection is None:
        raise BadHistory(key, "no such inspection", "see `sedir history list`")
    kept = history.kept(inspection)
    path = Path(inspection.path)
    scan, remark = state_of_scan(path, inspection)
    if scan is None:
        if kept.points is None:
            raise BadHistory(path, f"{remark[:1].lower()}{remark[1:-1]}, and it was too large to keep a copy")
        scan = Scan(kept.points, path.name, path, sampled=kept.sampled)
        remark += " These are the points as they were inspected."
    return inspection, kept, scan, remark


def _note(defect: Defect) -> DefectNote:
    x, y, z = (_number(value) for value in defect.centroid)
    dx, dy, dz = (_number(value) for value in defect.extent)
    return DefectNote((x, y, z), (dx, dy, dz), _number(defect.peak), _number(defect.area), defect.n_points)


def _number(value: float) -> float:
    """0 for non-finite numbers, in columns that must not be NULL; the verdict tells that there was no number."""
    return float(value) if math.isfinite(value) else 0.0
