"""Lists of coordinates as text (XYZ, TXT, CSV, PTS): separators, headers and counts are found out, not asked for.

Columns named x, y, z in a header are taken wherever they stand; otherwise the first three are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from sedir_core.io.guard import COPY_AGAIN, MAX_POINTS, THIN_OUT, Source, parse_count
from sedir_core.io.lines import Lines, without_comments
from sedir_core.io.mesh import Geometry
from sedir_core.types import BoolArray, DoubleArray

MAX_COLUMNS = 64
_MAX_HEADER_LINES = 20
_BOM = b"\xef\xbb\xbf"
_NUMBER = re.compile(rb"[-+]?((\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?|nan|inf|infinity)", re.IGNORECASE)
_HEADER_LINE = re.compile(rb"""[\s"',;]*[#/%a-zA-Z_\x80-\xff]""")  # a damaged first point must not pass for one
_DECIMAL_COMMA = re.compile(rb"[-+]?\d+,\d+([eE][-+]?\d+)?")
_AS_COLUMNS = "one point a line: x y z, separated by spaces, commas, semicolons or tabs"


@dataclass(frozen=True)
class _Layout:
    """How the rows are written. offset: of the first one. announced: rows the file says it has, if it does."""

    offset: int
    separator: bytes
    n_columns: int
    xyz: tuple[int, ...]
    announced: int | None


def read_text(source: Source) -> Geometry:
    """All points, in order; columns other than x, y, z are passed over. Raises UnreadableScan."""
    layout = _find_layout(source)
    return Geometry(_read_columns(source, layout, layout.xyz))


def read_labelled_text(source: Source) -> tuple[DoubleArray, BoolArray]:
    """Points (n, 3) and labels (n,) of ground truth in rows of x y z label; every label but 0 marks a defect.

    Raises UnreadableScan unless there are four columns, the last of whole numbers from 0 up.
    """
    layout = _find_layout(source)
    if layout.n_columns != 4:
        raise source.fail(f"has {layout.n_columns} columns, not x y z label", "choose a ground-truth file")
    table = _read_columns(source, layout, (0, 1, 2, 3))
    labels = table[:, 3]
    if not ((labels >= 0) & (labels == np.floor(labels)) & np.isfinite(labels)).all():
        raise source.fail("its fourth column holds other values than labels", "labels are 0 (good) or 1 (defect)")
    return np.ascontiguousarray(table[:, :3]), labels > 0


def _read_columns(source: Source, layout: _Layout, wanted: Sequence[int]) -> DoubleArray:
    lines = Lines(source, layout.offset, _preparation(layout.separator))
    tables, n_rows = [], 0
    for rows in lines.rest():
        tables.append(rows.columns(wanted, layout.n_columns))
        n_rows += len(rows)
        if n_rows > MAX_POINTS:
            raise source.fail(f"has more than {MAX_POINTS:,} points", THIN_OUT)
    if layout.announced not in (None, n_rows):
        raise source.fail(f"announces {layout.announced:,} points and holds {n_rows:,}", COPY_AGAIN)
    return np.concatenate(tables)


def _preparation(separator: bytes) -> Callable[[bytes], bytes]:
    """What turns a piece of text into numbers with points, separated by spaces; empty cells become NaN."""
    if separator == b",":
        table = bytes.maketrans(b",", b" ")
    elif separator:  # the comma is free to be the decimal sign
        table = bytes.maketrans(separator + b",", b" .")
    else:
        table = None
    if separator not in (b",", b";"):
        return lambda block: block.translate(table) if table else block
    empty = re.compile(rb"(?m)(?:^|(?<=%b))[ \t]*(?=%b)|(?<=%b)[ \t]*$" % (separator, separator, separator))
    signs = (separator + separator, separator + b"\n", b"\n" + separator, separator + b" " + separator)

    def prepare(block: bytes) -> bytes:
        if block.startswith(separator) or block.endswith(separator) or any(sign in block for sign in signs):
            block = empty.sub(b"nan", block)
        return block.translate(table)

    return prepare


def _find_layout(source: Source) -> _Layout:
    head = source.head()
    if b"\0" in head:
        raise source.fail("is not text, or is text in UTF-16", "save it as plain text (UTF-8), or export as PLY")
    names: list[bytes] = []
    announced: int | None = None
    for whole, offset in _lines_with_offsets(head):
        line = without_comments(whole)
        words = line.split()
        if len(words) == 1 and words[0].isdigit() and announced is None:
            announced = parse_count(source, words[0], "its first number")
            source.check_rows(announced, 6, source.size + 1, "points")
            continue
        separator = _separator(line)
        cells = _cells(line, separator)
        xyz = _named_axes(names, cells)
        if len(cells) > max(xyz) and all(_is_number(cells[at], separator) for at in xyz):
            if len(cells) > MAX_COLUMNS:
                raise source.fail(f"has {len(cells)} columns; the limit is {MAX_COLUMNS}", _AS_COLUMNS)
            return _Layout(offset, separator, len(cells), xyz, announced)
        if not _HEADER_LINE.match(whole):
            raise source.fail(f"its row {whole[:40]!r} is not a point, nor a header", _AS_COLUMNS)
        plain = whole.lstrip(b"#/% \t")
        names = _cells(plain, _separator(plain))
    raise source.fail("has no rows of at least three numbers", _AS_COLUMNS)


def _lines_with_offsets(head: bytes) -> Iterator[tuple[bytes, int]]:
    """The first non-blank lines, and where each begins."""
    at = len(_BOM) if head.startswith(_BOM) else 0
    found = 0
    for line in re.finditer(rb"[^\r\n]+", head[at:]):
        if line[0].strip():
            yield line[0], at + line.start()
            found += 1
        if found == _MAX_HEADER_LINES:
            return


def _separator(line: bytes) -> bytes:
    """The character between two cells, empty for white space with decimal points."""
    for character in (b";", b"\t"):
        if character in line:
            return character
    words = line.split()
    if b"," in line and len(words) >= 3 and all(_DECIMAL_COMMA.fullmatch(word) for word in words):
        return b" "
    return b"," if b"," in line else b""


def _cells(line: bytes, separator: bytes) -> list[bytes]:
    if separator in (b",", b";"):
        return [cell.strip() for cell in line.split(separator)]
    return line.split()


def _is_number(cell: bytes, separator: bytes) -> bool:
    if separator not in (b"", b","):
        cell = cell.replace(b",", b".")
    return not cell or _NUMBER.fullmatch(cell) is not None


def _named_axes(names: Sequence[bytes], cells: Sequence[bytes]) -> tuple[int, ...]:
    """Where a header of as many cells puts x, y and z (`X`, `"x"`, `x [mm]`, `Points:0`); else the first three."""
    if len(names) == len(cells):
        plain = [re.split(rb"[\s\[(]", name.strip(b"\"' ").lower())[0] for name in names]
        for axes in ((b"x", b"y", b"z"), (b"points:0", b"points:1", b"points:2")):
            if all(plain.count(axis) == 1 for axis in axes):
                return tuple(plain.index(axis) for axis in axes)
    return 0, 1, 2
