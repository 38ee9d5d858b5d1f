"""PTX, Leica's text format of organised scans: one or several, each with its pose in a common frame."""

from __future__ import annotations

import re

import numpy as np

from sedir_core.io.guard import MAX_POINTS, THIN_OUT, Source
from sedir_core.io.lines import Lines, joined
from sedir_core.io.mesh import Geometry, to_indices
from sedir_core.types import DoubleArray

_NUMBER = rb"[-+]?(?:\d+[.,]?\d*|[.,]\d+)(?:[eE][-+]?\d+)?"


def _row(n_columns: int) -> bytes:
    return rb"[ \t]*%b(?:[ \t]+%b){%d}[ \t]*\r?\n" % (_NUMBER, _NUMBER, n_columns - 1)


_SIGNATURE = re.compile(rb"\s*\d+[ \t]*\r?\n[ \t]*\d+[ \t]*\r?\n" + _row(3) * 4 + _row(4) * 4)


def is_ptx(head: bytes) -> bool:
    """Whether text begins with columns, rows, the scanner's position and axes, and a 4 x 4 matrix."""
    return _SIGNATURE.match(head) is not None


def read_ptx(source: Source) -> Geometry:
    """The points of all scans, transformed by their matrices; pixels without a measurement (0 0 0) are NaN.

    Raises UnreadableScan.
    """
    lines = Lines(source, 0)
    scans: list[DoubleArray] = []
    n_points = 0
    while (size := _size(source, lines)) is not None:
        n_points += size
        if n_points > MAX_POINTS:
            raise source.fail(f"announces more than {MAX_POINTS:,} points", THIN_OUT)
        source.check_rows(size, 8, source.size, "points")
        scans.append(_read_scan(source, lines, size))
    return Geometry(np.concatenate(scans))


def _size(source: Source, lines: Lines) -> int | None:
    """Number of points (columns times rows) of the next scan; None at the end."""
    first = lines.one()
    if first is None:
        return None
    second = lines.one()
    if second is None or len(first) != 1 or len(second) != 1:
        raise source.fail("a scan in it does not begin with its numbers of columns and rows")
    columns, rows = to_indices(source, np.concatenate([first, second]), "a number of columns or rows")
    if columns < 1 or rows < 1:
        raise source.fail(f"announces {columns:,} x {rows:,} points")
    return int(columns) * int(rows)


def _read_scan(source: Source, lines: Lines, size: int) -> DoubleArray:
    place = np.concatenate([rows.columns((0, 1, 2), 3) for rows in lines.take(4, "lines of the scanner's pose")])
    matrix = np.concatenate([rows.columns((0, 1, 2, 3), 4) for rows in lines.take(4, "lines of its matrix")])
    if not np.isfinite(place).all() or not np.isfinite(matrix).all():
        raise source.fail("the pose of a scan in it is not finite")
    local = joined((rows.leading(3) for rows in lines.take(size, "points")), 3)
    local[(local == 0).all(axis=1)] = np.nan
    return np.asarray(local @ matrix[:3, :3] + matrix[3, :3])
