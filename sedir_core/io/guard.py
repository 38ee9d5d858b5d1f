"""Validation of untrusted files: type, size, counts, coordinates.

Readers never allocate by a number found in a file without checking here that the file can contain that much.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from sedir_core.errors import TooFewPoints, UnreadableScan, UserError
from sedir_core.types import DoubleArray

MAX_FILE_BYTES = 2 << 30
MAX_HEADER_BYTES = 64 << 10
READ_BYTES = 8 << 20
MAX_POINTS = 50_000_000
MAX_SMALL_BYTES = 32 << 20
MAX_EXPANSION = 50
MIN_POINTS = 64
MAX_COORDINATE = 1e12

EXPORT_AGAIN = "export it again, for instance as PLY"
COPY_AGAIN = "the file is cut short or its header is wrong: copy or export it again"
THIN_OUT = "thin it out first, for instance by voxel down-sampling"


@dataclass(frozen=True)
class Source:
    """An open, regular, non-empty file of known size; `error` is the class of errors raised about it.

    start: offset of its content, which readers see as byte 0. columns: the user's choice of a table's columns.
    """

    path: Path
    file: BinaryIO
    size: int
    error: type[UserError] = UnreadableScan
    start: int = 0
    columns: tuple[str, ...] = ()

    def fail(self, what: str, hint: str = EXPORT_AGAIN) -> UserError:
        """The error to raise about this file."""
        return self.error(self.path, what, hint)

    def read_at(self, offset: int, n_bytes: int) -> bytes:
        """Exactly `n_bytes` from `offset` on, or an error."""
        if offset + n_bytes > self.size:
            raise self.fail(f"ends at byte {self.size:,}, {offset + n_bytes:,} are announced", COPY_AGAIN)
        self.file.seek(self.start + offset)
        data = self.file.read(n_bytes)
        if len(data) != n_bytes:
            raise self.fail("became shorter while it was read", "wait until it is written, then open it again")
        return data

    def columns_at(self, offset: int, n_rows: int, layout: np.dtype[np.void], names: Sequence[str]) -> DoubleArray:
        """(n_rows, len(names)) fields of rows of that layout, a few megabytes at a time."""
        table = np.empty((n_rows, len(names)))
        at_once = max(1, READ_BYTES // max(layout.itemsize, 1))
        for start in range(0, n_rows, at_once):
            n = min(at_once, n_rows - start)
            rows = np.frombuffer(self.read_at(offset + start * layout.itemsize, n * layout.itemsize), layout)
            for column, name in enumerate(names):
                table[start : start + n, column] = rows[name]
        return table

    def head(self) -> bytes:
        """The first bytes: the largest possible header."""
        return self.read_at(0, min(self.size, MAX_HEADER_BYTES))

    def check_rows(self, n_rows: int, row_bytes: int, available: int, what: str) -> None:
        """Reject an announced count for which `available` bytes at `row_bytes` each are not enough."""
        if n_rows > MAX_POINTS:
            raise self.fail(f"announces {n_rows:,} {what}; the limit is {MAX_POINTS:,}", THIN_OUT)
        if n_rows * row_bytes > available:
            need = n_rows * row_bytes
            raise self.fail(f"announces {n_rows:,} {what} ({need:,} bytes) but holds {available:,} bytes", COPY_AGAIN)

    def check_expansion(self, packed_bytes: int, n_bytes: int) -> None:
        """Reject implausibly compressed data (zip bombs)."""
        if n_bytes > MAX_SMALL_BYTES and n_bytes > MAX_EXPANSION * packed_bytes:
            raise self.fail(f"unpacks from {packed_bytes:,} to {n_bytes:,} bytes: not a real scan", "save uncompressed")

    def check_end(self, offset: int, row_bytes: int, what: str) -> None:
        """Reject data after the announced end: part of a scan must not pass for the whole. Padding is allowed."""
        rest = self.size - offset
        if rest >= row_bytes and self.read_at(offset, min(rest, 1 << 16)).strip(b"\0 \r\n\t"):
            raise self.fail(f"holds more {what} than its header announces", COPY_AGAIN)


@contextmanager
def open_regular(
    path: Path, error: type[UserError] = UnreadableScan, max_bytes: int = MAX_FILE_BYTES
) -> Iterator[Source]:
    """The file, checked before and after opening; system errors inside the block are also raised as `error`.

    Raises `error` for anything but a readable, non-empty, regular file of at most `max_bytes`.
    """
    if "\0" in str(path):  # from a session or a history: the system raises ValueError
        raise error(path, "no file can have this name", "check the path")
    try:
        _require_regular(path, path.stat(), error, max_bytes)  # opening a device can have side effects, so check first
        with os.fdopen(open_without_waiting(path), "rb") as file:
            status = os.fstat(file.fileno())  # the path may have been replaced in between
            _require_regular(path, status, error, max_bytes)
            with np.errstate(invalid="ignore"):  # a signalling NaN is just another missing point
                yield Source(path, file, status.st_size, error)
            now = os.fstat(file.fileno())
            if (now.st_size, now.st_mtime_ns) != (status.st_size, status.st_mtime_ns):
                raise error(path, "changed while it was read", "wait until it is written, then open it again")
    except FileNotFoundError as missing:
        raise error(path, "no such file", "check the path") from missing
    except OSError as refused:
        reason = refused.strerror or str(refused)
        raise error(path, f"cannot be read: {reason}", "check the permissions and the drive") from refused
    except MemoryError as full:
        raise error(path, "needs more memory than this machine has free", THIN_OUT) from full


def parse_count(source: Source, text: bytes, what: str) -> int:
    """A count from a header. Raises the source's error unless it is a plain number of at most 15 digits."""
    if not text.isdigit() or len(text) > 15:
        raise source.fail(f"{what} is {text[:40]!r}, not a count")
    return int(text)


def check_points(path: Path | str, points: DoubleArray) -> None:
    """The coordinate check for every format; non-finite rows are allowed beside enough finite ones.

    points: (n, 3). Raises TooFewPoints below 64 distinct finite points, UnreadableScan beyond +-1e12.
    """
    measured = np.isfinite(points).all(axis=1)
    finite = points if measured.all() else points[measured]
    if not _has_distinct(finite, MIN_POINTS):
        what = f"has fewer than {MIN_POINTS} distinct points with finite coordinates ({len(points):,} rows)"
        raise TooFewPoints(path, what, "scan the part again, or export all of its points")
    largest = max(float(finite.max()), -float(finite.min()))
    if largest > MAX_COORDINATE:
        hint = "remove the outliers, or check the unit and the file's precision"
        raise UnreadableScan(path, f"has a coordinate of {largest:.3g}; the limit is {MAX_COORDINATE:.0e}", hint)


def open_without_waiting(path: Path) -> int:
    """A descriptor to read from; a FIFO that has taken the file's name would block until a writer comes.

    Raises OSError.
    """
    return os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))


def _require_regular(path: Path, status: os.stat_result, error: type[UserError], max_bytes: int) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise error(path, "is a folder, not a file", "choose a file in it, or check the folder's permissions")
    if not stat.S_ISREG(status.st_mode):
        raise error(path, "is a pipe or a device, not a file", "save the data to a file first")
    if status.st_size == 0:
        raise error(path, "is empty", "export or copy it again")
    if status.st_size > max_bytes:
        raise error(path, f"has {status.st_size:,} bytes; the limit is {max_bytes:,}", THIN_OUT)


def _has_distinct(points: DoubleArray, wanted: int) -> bool:
    """Whether (n, 3) finite points include `wanted` distinct ones; the first few thousand nearly always do."""
    for some in (points[:4096], points):
        rest, found = some, 0
        while len(rest) and found < wanted:
            rest, found = rest[(rest != rest[0]).any(axis=1)], found + 1
        if found == wanted:
            return True
    return False
