"""From a path to a Scan: unwrapping, format detection, and the checks shared by all formats."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

from sedir_core.io.columns import Columns
from sedir_core.io.folder_notes import notes_for
from sedir_core.io.formats import GZ, NAMES, Reader, by_content, by_suffix, scan_suffix
from sedir_core.io.guard import Source, check_points, open_regular
from sedir_core.io.mesh import sample_surface
from sedir_core.io.text import read_labelled_text, read_listed_text
from sedir_core.io.unmeasured import mark_unmeasured
from sedir_core.io.unwrap import unwrapped
from sedir_core.types import DoubleArray, Scan

log = logging.getLogger(__name__)


def read_scan(path: Path, *, mesh_points: int = 100_000, columns: Columns = ()) -> Scan:
    """Read a file's points in its own coordinates (float64) and order; meshes are sampled by area.

    mesh_points: number of samples of a mesh. columns: x, y, z of a table; by default from the folder notes, or by name.
    Rows with a marker for "no measurement" become NaN. Reading a file twice gives the same points.
    Raises UnreadableScan (missing, broken, inconsistent, not a scan), also as UnknownColumns and NoCoordinates, and
    TooFewPoints (fewer than 64 distinct finite ones).
    """
    with open_regular(path) as packed, unwrapped(packed) as content:
        source = replace(content, columns=columns or notes_for(path).columns)
        geometry = _reader(source)(source)
        points, left_out = geometry.points, ""
        if geometry.triangles is None:
            points, left_out = mark_unmeasured(points)
        else:
            points = sample_surface(source, points, geometry.triangles, mesh_points)
        check_points(path, points)
    log.info("read %d points from %s", len(points), path)
    sampled = geometry.triangles is not None
    return Scan(points, scan_name(path), path, sampled=sampled, left_out=left_out, unit=geometry.unit)


def read_labelled(path: Path) -> Scan:
    """Ground truth in the benchmarks' format: text rows of x y z label, separated by spaces or commas; 0 is good.

    Raises UnreadableScan and TooFewPoints.
    """
    with open_regular(path) as packed, unwrapped(packed) as source:
        points, labels = read_labelled_text(source)
        check_points(path, points)
    return Scan(points, path.stem, path, labels=labels)


def read_listed(path: Path) -> DoubleArray | None:
    """Ground truth that lists only the defective points (n, 3); None for other kinds. Raises UnreadableScan."""
    with open_regular(path) as packed, unwrapped(packed) as source:
        return read_listed_text(source)


def scan_name(path: Path) -> str:
    """A scan's name: the file name without suffixes."""
    return Path(path.name[: -len(GZ)]).stem if path.name.lower().endswith(GZ) else path.stem


def _reader(source: Source) -> Reader:
    head, suffix = source.head(), scan_suffix(source.path.name)
    found = by_content(head, source.size)
    if found is not None:
        return found.read
    usual = by_suffix(suffix)
    if usual is not None and (usual.text or (usual.mesh and suffix in (".stl", ".obj"))):
        return usual.read  # its error says what is wrong
    start = ascii(head[:12].decode("latin-1"))
    if usual is not None:
        raise source.fail(f"is not in {usual.name} format: it begins with {start}", "check what wrote it")
    what = f"has an unknown format ({suffix or 'no suffix'}): it begins with {start}"
    raise source.fail(what, f"export it as one of {NAMES}")
