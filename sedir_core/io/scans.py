"""From a path to a Scan: which reader a file gets, which files a folder offers, and the checks all formats share."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from sedir_core.io.guard import Source, check_points, open_regular
from sedir_core.io.mesh import Geometry, sample_surface
from sedir_core.io.npy import NPY_MAGIC, read_npy, read_npz
from sedir_core.io.obj import read_obj
from sedir_core.io.off import is_off, read_off
from sedir_core.io.pcd import is_pcd, read_pcd
from sedir_core.io.ply import is_ply, read_ply
from sedir_core.io.stl import is_ascii_stl, read_stl
from sedir_core.io.text import read_labelled_text, read_text
from sedir_core.io.zips import is_zip
from sedir_core.types import Scan

log = logging.getLogger(__name__)

Reader = Callable[[Source], Geometry]

# Formats that say what they are in their first bytes; the name is not asked.
_BY_SIGNATURE: tuple[tuple[Callable[[bytes], bool], Reader], ...] = (
    (is_ply, read_ply),
    (is_pcd, read_pcd),
    (lambda head: head.startswith(NPY_MAGIC), read_npy),
    (is_zip, read_npz),
    (is_off, read_off),
    (is_ascii_stl, read_stl),
)
_BY_SUFFIX: dict[str, Reader] = {
    ".obj": read_obj,
    ".stl": read_stl,
    ".xyz": read_text,
    ".txt": read_text,
    ".csv": read_text,
    ".pts": read_text,
}
SCAN_SUFFIXES = frozenset({".pcd", ".ply", ".off", ".npy", ".npz", *_BY_SUFFIX})


def read_scan(path: Path, *, mesh_points: int = 100_000) -> Scan:
    """The points of a file in its own coordinates (float64) and order; meshes are sampled by area.

    mesh_points: how many to draw from a mesh. Reading the same file twice gives the same points.
    Raises UnreadableScan (missing, broken, lying, no scan) and TooFewPoints (fewer than 64 distinct finite ones).
    """
    with open_regular(path) as source:
        geometry = _reader(source)(source)
        points, sampled = geometry.points, geometry.triangles is not None
        if geometry.triangles is not None:
            points = sample_surface(source, points, geometry.triangles, mesh_points)
        check_points(path, points)
    log.info("read %d points from %s", len(points), path)
    return Scan(points, path.stem, path, sampled=sampled)


def read_labelled(path: Path) -> Scan:
    """Ground truth as the benchmarks keep it: text rows of x y z label, with spaces or commas; 0 is good.

    Raises UnreadableScan and TooFewPoints.
    """
    with open_regular(path) as source:
        points, labels = read_labelled_text(source)
        check_points(path, points)
    return Scan(points, path.stem, path, labels=labels)


def find_scans(paths: Iterable[Path]) -> list[Path]:
    """The scans among files and folders, sorted, each once.

    Files are kept whatever their suffix, also missing ones, so that reading them says what is wrong. Folders give
    all files below them with a suffix of SCAN_SUFFIXES, hidden ones left out; links are followed, never in circles.
    """
    found: set[Path] = set()
    for path in paths:
        if _is_folder(path):
            found.update(_below(path))
        else:
            found.add(path)
    return sorted(found)


def _below(folder: Path) -> Iterator[Path]:
    refused: list[Path] = []
    seen: set[tuple[int, int]] = set()  # where each folder really is: links may lead back to one
    walk = os.walk(folder, followlinks=True, onerror=lambda error: refused.append(Path(error.filename)))
    for parent, folders, files in walk:
        place = _place(Path(parent))
        if place is None or place in seen:
            folders.clear()
            continue
        seen.add(place)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in files:
            if not name.startswith(".") and Path(name).suffix.lower() in SCAN_SUFFIXES:
                yield Path(parent, name)
    yield from refused  # reading it will say that it cannot be listed


def _place(folder: Path) -> tuple[int, int] | None:
    """Device and inode; None for a folder that was removed meanwhile."""
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except OSError:  # missing or out of reach: kept as it is, so that reading it says why
        return False


def _reader(source: Source) -> Reader:
    head = source.head()
    for matches, reader in _BY_SIGNATURE:
        if matches(head):
            return reader
    suffix = source.path.suffix.lower()
    if suffix in _BY_SUFFIX:
        return _BY_SUFFIX[suffix]
    if suffix in SCAN_SUFFIXES:
        start = ascii(head[:12].decode("latin-1"))
        raise source.fail(f"is not in {suffix[1:].upper()} format: it begins with {start}", "check what wrote it")
    known = " ".join(sorted(SCAN_SUFFIXES))
    raise source.fail(f"is of no format known here ({suffix or 'no suffix'})", f"export it as one of {known}")
