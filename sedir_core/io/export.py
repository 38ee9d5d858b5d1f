"""Exports: scored scans and points as PLY, pictures as PNG, tables as CSV, results as JSON, all written atomically."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from sedir_core.io.atomic import atomic_file, write_bytes, write_text
from sedir_core.names import printable
from sedir_core.types import DoubleArray, FloatArray, Scan

Cell = str | int | float | bool | None

_POINT = [("x", "<f8"), ("y", "<f8"), ("z", "<f8")]
_ROWS_AT_ONCE = 1 << 18  # points per chunk: the whole file in memory twice would exceed the scan
_SOURCE, _HEADER_BYTES = "exported from scan ", 200
_PNG_HEADER_BYTES = 33  # signature and the chunk with the size
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def write_scored_ply(
    path: Path, scan: Scan, point_scores: FloatArray, deviation: FloatArray | None = None, source: Path | None = None
) -> None:
    """Write all points of the scan in order, each with its score as `scalar_anomaly`.

    point_scores: (n,) float32, NaN where not evaluated. deviation: (n,) likewise, signed and in the scan's unit, as
    `scalar_deviation`. CloudCompare shows properties with this prefix by itself. source: what `exported_from` tells by.
    Raises CannotWrite.
    """
    columns = {"scalar_anomaly": point_scores} | ({} if deviation is None else {"scalar_deviation": deviation})
    for name, values in columns.items():
        if values.shape != (len(scan),):
            raise ValueError(f"point_scores and deviation must be ({len(scan)},), got {values.shape} for {name}")
    _write_ply(path, scan.points, columns, source)


def exported_from(path: Path, source: Path) -> bool:
    """Whether a file says that it was exported from that scan."""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return (_SOURCE + _mark(source)).encode() in file.read(_HEADER_BYTES)
    except OSError:
        return False


def write_picture(path: Path, png: bytes, source: Path | None = None) -> None:
    """Write a PNG. source: see `exported_from`. Raises CannotWrite."""
    if source is not None:
        text = b"tEXt" + b"Comment\0" + (_SOURCE + _mark(source)).encode("latin-1")
        chunk = (len(text) - 4).to_bytes(4) + text + zlib.crc32(text).to_bytes(4)
        png = png[:_PNG_HEADER_BYTES] + chunk + png[_PNG_HEADER_BYTES:]
    write_bytes(path, png)


def _mark(source: Path) -> str:
    """Of where a scan lies, without telling it to whoever gets the export."""
    return hashlib.blake2b(os.fsencode(source.absolute()), digest_size=8).hexdigest()


def write_points_ply(path: Path, points: DoubleArray, source: Path | None = None) -> None:
    """Write (n, 3) points as doubles, in order. source: see `exported_from`. Raises CannotWrite."""
    if points.ndim != 2 or points.shape[1] != 3:
        raise ValueError(f"points must be (n, 3), got {points.shape}")
    _write_ply(path, points, {}, source)


def write_csv(path: Path, rows: Iterable[Sequence[Cell]]) -> None:
    """Write a table whose first row are the column names, formatted by `csv_text`. Raises CannotWrite."""
    write_text(path, csv_text(rows))


def csv_text(rows: Iterable[Sequence[Cell]]) -> str:
    """A table as CSV.

    Text that a spreadsheet would run as a formula is prefixed with an apostrophe, and line breaks are removed; numbers
    stay numbers.
    """
    text = io.StringIO(newline="")
    csv.writer(text).writerows([[_harmless(cell) for cell in row] for row in rows])
    return text.getvalue()


def write_json(path: Path, value: object) -> None:
    """Write strict, indented JSON: NaN and infinity raise ValueError. Raises CannotWrite."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def _write_ply(path: Path, points: DoubleArray, columns: Mapping[str, FloatArray], source: Path | None) -> None:
    comment = "" if source is None else f"comment {_SOURCE}{_mark(source)}\n"
    properties = "".join(f"property double {axis}\n" for axis in "xyz")
    properties += "".join(f"property float {name}\n" for name in columns)
    header = f"ply\nformat binary_little_endian 1.0\n{comment}element vertex {len(points)}\n{properties}end_header\n"
    layout = np.dtype([*_POINT, *((name, "<f4") for name in columns)])
    with atomic_file(path) as file:
        file.write(header.encode())
        for start in range(0, len(points), _ROWS_AT_ONCE):
            part = slice(start, start + _ROWS_AT_ONCE)
            rows = np.empty(len(points[part]), layout)
            for axis, values in zip("xyz", points[part].T, strict=True):
                rows[axis] = values
            for name, scores in columns.items():
                rows[name] = scores[part]
            file.write(rows.tobytes())


def _harmless(cell: Cell) -> Cell:
    if not isinstance(cell, str):
        return cell
    return printable("'" + cell if cell.startswith(_FORMULA_STARTS) else cell)
