"""Imports a user's scans into a dataset of the `folder` layout, atomically.

Files are copied or linked into a staging folder beside the target, which is renamed at the end.
"""

from __future__ import annotations

import os
import shutil
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from sedir_core.datasets.naming import verdict
from sedir_core.datasets.samples import folders, scans_within
from sedir_core.errors import BadDataset, Cancelled, CannotWrite, UserError
from sedir_core.io.atomic import megabytes
from sedir_core.io.export import write_points_ply
from sedir_core.io.finding import offered
from sedir_core.io.folder_notes import FolderNotes, notes_for, write_notes
from sedir_core.io.scans import read_scan, scan_name
from sedir_core.types import DoubleArray, Report, Stop, never_stop, no_report
from sedir_core.units import UNKNOWN, Unit, in_mm

Kind = Literal["normal", "ok", "ng"]
SUBFOLDER: Mapping[Kind, str] = {"normal": "", "ok": "ok", "ng": "ng"}
RESERVED = frozenset({"ok", "ng", "train", "test", "gt"})
FORBIDDEN = frozenset('<>:"/\\|?*')
PICTURE_POINTS = 2_000
_ABANDONED_S = 3600.0
_STAGING = ".import-"


@dataclass(frozen=True)
class Part:
    """A category to import. unit: of its scans; converted to millimetres unless unknown."""

    name: str
    unit: Unit
    files: Mapping[Kind, tuple[Path, ...]]


@dataclass(frozen=True)
class ImportRequest:
    """target: the dataset's folder; an existing one is extended. link: link to the original files.

    Converted scans are always rewritten.
    """

    target: Path
    parts: tuple[Part, ...]
    link: bool = False


@dataclass(frozen=True)
class FilePreview:
    """A file before it is imported. size: (3,) extents in its own unit. error: why it cannot be imported."""

    path: Path
    n_points: int
    size: DoubleArray
    picture: DoubleArray
    error: UserError | None = None


def look_at(path: Path) -> FilePreview:
    """Read a scan; problems are part of the result."""
    nothing = np.zeros((0, 3))
    try:
        scan = read_scan(path)
    except UserError as error:
        return FilePreview(path, 0, np.zeros(3), nothing, error)
    points = scan.points[scan.finite]
    if not len(points):
        return FilePreview(path, 0, np.zeros(3), nothing, BadDataset(path, "has no finite point", "export it again"))
    picture = points[:: max(1, len(points) // PICTURE_POINTS)][:PICTURE_POINTS].copy()
    return FilePreview(path, len(points), np.ptp(points, axis=0), picture)


def scans_below(path: Path) -> list[Path]:
    """A scan, or those directly in a folder, sorted."""
    if not path.is_dir():
        return [path]
    return offered(one for one in path.iterdir() if one.is_file() and not one.name.startswith("."))[0]


def parts_in(folder: Path) -> list[tuple[str, dict[Kind, tuple[Path, ...]]]]:
    """Interpret a dropped folder: one category, or one per subfolder. Returns names and files."""
    own = _files_of(folder)
    if own["normal"] or any(own.values()):
        return [(folder.resolve().name, own)]
    inside = [(name, _files_of(child)) for name, child in folders(folder).items()]
    return [(name, files) for name, files in inside if any(files.values())]


def name_trouble(name: str) -> str:
    """What is wrong with a category's name, or ""."""
    if not name.strip():
        return "give it a name"
    if name.strip() != name or name.startswith(".") or FORBIDDEN & set(name) or any(ord(c) < 32 for c in name):
        return "a name cannot begin with a dot or a space, or hold " + " ".join(sorted(FORBIDDEN))
    return f"“{name}” has a meaning of its own in data sets" if name.lower() in RESERVED else ""


def import_parts(request: ImportRequest, report: Report = no_report, stop: Stop = never_stop) -> Path:
    """Create or extend the dataset; returns its folder. On failure or cancellation nothing is left behind.

    Raises BadDataset (name invalid or taken, no scans), UnreadableScan, CannotWrite, Cancelled.
    """
    _refuse(request)
    _require_space(request)
    target = request.target
    with _staging(target) as staging:
        jobs = list(_jobs(request, staging))
        for done, (source, goal, unit) in enumerate(jobs):
            if stop():
                raise Cancelled
            report(done / len(jobs), f"importing {source.name}")
            _bring(source, goal, unit, request.link)
        if stop():
            raise Cancelled
        if not target.exists() and all(part.unit != UNKNOWN for part in request.parts):
            write_notes(staging, FolderNotes(unit="mm"))
        _put_in_place(staging, target, [part.name for part in request.parts])
    return target


def _files_of(folder: Path) -> dict[Kind, tuple[Path, ...]]:
    inside = folders(folder)
    found: dict[Kind, tuple[Path, ...]] = {"normal": tuple(scans_within(folder)), "ok": (), "ng": ()}
    for name, child in inside.items():
        said = verdict(name)
        if said is not None:
            kind: Kind = "ok" if said == "good" else "ng"
            found[kind] += tuple(scans_within(child))
    if not found["normal"] and "train" in inside:
        found["normal"] = tuple(scans_within(inside["train"]))
    return found


def _refuse(request: ImportRequest) -> None:
    names = [part.name for part in request.parts]
    if not names:
        raise BadDataset(request.target, "nothing to import", "add a kind of part")
    for part in request.parts:
        if trouble := name_trouble(part.name):
            raise BadDataset(part.name or "category", trouble)
        if names.count(part.name) > 1:
            raise BadDataset(part.name, "two kinds of part have this name", "give one of them another")
        if not part.files.get("normal"):
            raise BadDataset(part.name, "has no good scans to learn from", "add some")
        if (request.target / part.name).exists():
            raise BadDataset(request.target / part.name, "already exists", "give it another name")
    if request.target.exists() and not request.target.is_dir():
        raise BadDataset(request.target, "is a file, not a folder", "choose another place")


def _require_space(request: ImportRequest) -> None:
    if request.link:
        return
    needed = sum(path.stat().st_size for part in request.parts for files in part.files.values() for path in files)
    place = next(folder for folder in (request.target, *request.target.parents) if folder.exists())
    free = shutil.disk_usage(place).free
    if needed > free:
        hint = f"needs {megabytes(needed)}, {megabytes(free)} are free: make room, or link instead of copying"
        raise CannotWrite(request.target, "not enough space", hint)


def _jobs(request: ImportRequest, staging: Path) -> Iterator[tuple[Path, Path, Unit]]:
    """Source, target and unit of every file; equal names from several folders are numbered."""
    for part in request.parts:
        for kind, files in part.files.items():
            taken: set[str] = set()
            for source in files:
                stem = scan_name(source)
                suffix = ".ply" if _is_rewritten(source, part.unit) else source.name[len(stem) :]
                name, number = stem + suffix, 2
                while name.lower() in taken:
                    name, number = f"{stem}-{number}{suffix}", number + 1
                taken.add(name.lower())
                yield source, staging / part.name / SUBFOLDER[kind] / name, part.unit


def _bring(source: Path, goal: Path, unit: Unit, link: bool) -> None:
    scan = read_scan(source)  # a training stops at the first unreadable scan
    try:
        goal.parent.mkdir(parents=True, exist_ok=True)
        if _is_rewritten(source, unit):
            write_points_ply(goal, in_mm(unit) * scan.points[scan.finite])
        elif link:
            goal.symlink_to(source.resolve())
        else:
            shutil.copyfile(source, goal)
            with goal.open("rb") as file:
                os.fsync(file.fileno())
    except OSError as error:
        hint = "copy instead of linking" if link else "check the free space and the permissions"
        raise CannotWrite(goal.name, error.strerror or str(error), hint) from error


def _is_rewritten(source: Path, unit: Unit) -> bool:
    """Whether a scan is rewritten as PLY: it is converted, or can only be read with its folder notes."""
    return in_mm(unit) != 1.0 or bool(notes_for(source).columns)


@contextmanager
def _staging(target: Path) -> Iterator[Path]:
    """A hidden temporary folder beside the target; old ones left by a crash are removed."""
    staging = target.parent / f"{_STAGING}{uuid.uuid4().hex[:8]}"
    try:
        staging.mkdir(parents=True)
        for old in target.parent.glob(f"{_STAGING}*"):
            if time.time() - old.stat().st_mtime > _ABANDONED_S:
                shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise CannotWrite(target.parent, error.strerror or str(error), "choose another place") from error
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _put_in_place(staging: Path, target: Path, names: Sequence[str]) -> None:
    """One rename for a new dataset; one per category into an existing one, rolled back if one fails."""
    moved: list[Path] = []
    try:
        if not target.exists():
            staging.rename(target)
            return
        for name in names:
            (staging / name).rename(target / name)
            moved.append(target / name)
    except OSError as error:
        for done in moved:
            with suppress(OSError):
                done.rename(staging / done.name)
        raise CannotWrite(target, error.strerror or str(error), "choose another place or name") from error
