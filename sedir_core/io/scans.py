"""From a path to a Scan: its wrapping taken off, its format found, and the checks that all formats share."""

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
    """The points of a file in its own coordinates (float64) and order; meshes are sampled by area.

    mesh_points: how many to draw from a mesh. columns: x, y, z of a table; by default as its folder notes, or by name.
    Rows that hold a mark for "no measurement" become NaN. Reading the same file twice gives the same points.
    Raises UnreadableScan (missing, broken, lying, no scan), also as UnknownColumns and NoCoordinates, and TooFewPoints
    (fewer than 64 distinct finite ones).
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
    """Ground truth as the benchmarks keep it: text rows of x y z label, with spaces or commas; 0 is good.

    Raises UnreadableScan and TooFewPoints.
    """
    with open_regular(path) as packed, unwrapped(packed) as source:
        points, labels = read_labelled_text(source)
        check_points(path, points)
    return Scan(points, path.stem, path, labels=labels)


def read_listed(path: Path) -> DoubleArray | None:
    """Ground truth that lists the defective points (n, 3) alone; None for other kinds. Raises UnreadableScan."""
    with open_regular(path) as packed, unwrapped(packed) as source:
        return read_listed_text(source)


def scan_name(path: Path) -> str:
    """A scan's name: that of its file without suffixes."""
    return Path(path.name[: -len(GZ)]).stem if path.name.lower().endswith(GZ) else path.stem


def _reader(source: Source) -> Reader:
    head, suffix = source.head(), scan_suffix(source.path.name)
    found = by_content(head, source.size)
    if found is not None:
        return found.read
    usual = by_suffix(suffix)
    if usual is not None and (usual.text or (usual.mesh and suffix in (".stl", ".obj"))):
        return usual.read  # it says what is wrong
    start = ascii(head[:12].decode("latin-1"))
    if usual is not None:
        raise source.fail(f"is not in {usual.name} format: it begins with {start}", "check what wrote it")
    what = f"is of no format known here ({suffix or 'no suffix'}): it begins with {start}"
    raise source.fail(what, f"export it as one of {NAMES}")
