"""PCD, the format of the Point Cloud Library (v0.5 to v0.7): ascii, binary and binary_compressed."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from sedir_core.io.guard import COPY_AGAIN, Source, parse_count
from sedir_core.io.lines import Lines, joined
from sedir_core.io.lzf import decompress
from sedir_core.io.mesh import Geometry
from sedir_core.types import DoubleArray

_SIGNATURE = re.compile(rb"\s*(#[^\n]*\n\s*)*(VERSION|FIELDS|COLUMNS):?\s", re.IGNORECASE)
_DATA = re.compile(rb"(?im)^\s*DATA:?\s+(ascii|binary)")
_TYPES = {
    b"F": {4: "<f4", 8: "<f8"},
    b"I": {n: f"<i{n}" for n in (1, 2, 4, 8)},
    b"U": {n: f"<u{n}" for n in (1, 2, 4, 8)},
}


@dataclass(frozen=True)
class _Field:
    name: bytes
    kind: str
    count: int

    @property
    def n_bytes(self) -> int:
        return np.dtype(self.kind).itemsize * self.count


@dataclass(frozen=True)
class _Header:
    fields: tuple[_Field, ...]
    n_points: int
    data: bytes
    body: int

    @property
    def row_bytes(self) -> int:
        return sum(field.n_bytes for field in self.fields)

    @property
    def xyz(self) -> tuple[int, int, int]:
        names = [field.name for field in self.fields]
        return names.index(b"x"), names.index(b"y"), names.index(b"z")


def is_pcd(head: bytes) -> bool:
    """Whether a file begins like PCD; in other than capitals the names may also stand over a table."""
    found = _SIGNATURE.match(head)
    return found is not None and (found[2].isupper() or _DATA.search(head) is not None)


def read_pcd(source: Source) -> Geometry:
    """All points, in order; organised clouds keep their NaN rows. Raises UnreadableScan."""
    header = _parse_header(source)
    if header.data == b"ascii":
        return Geometry(_read_ascii(source, header))
    if header.data == b"binary":
        return Geometry(_read_binary(source, header))
    return Geometry(_read_compressed(source, header))


def _parse_header(source: Source) -> _Header:
    head = source.head()
    entries: dict[bytes, list[bytes]] = {}
    body = 0
    for line in head.split(b"\n")[:-1]:
        body += len(line) + 1
        words = line.split()
        if not words or words[0].startswith(b"#"):
            continue
        key = words[0].upper().removesuffix(b":")
        key = b"FIELDS" if key == b"COLUMNS" else key
        if key in entries:
            raise source.fail(f"its header has two {key[:20]!r} lines")
        entries[key] = words[1:]
        if key == b"DATA":
            return _interpret(source, entries, body)
    raise source.fail("its header has no DATA line")


def _interpret(source: Source, entries: dict[bytes, list[bytes]], body: int) -> _Header:
    fields = _fields(source, entries)
    if not entries.keys() & {b"WIDTH", b"POINTS"}:
        raise source.fail("its header does not say how many points there are")
    width, height = (_single(source, entries, key, b"1") for key in (b"WIDTH", b"HEIGHT"))
    grid = parse_count(source, width, "WIDTH") * parse_count(source, height, "HEIGHT")
    n_points = parse_count(source, _single(source, entries, b"POINTS", b"%d" % grid), "POINTS")
    if b"WIDTH" in entries and n_points != grid and grid:  # some writers leave 0 x 0
        raise source.fail(f"its header contradicts itself: POINTS {n_points:,}, WIDTH x HEIGHT {grid:,}")
    if n_points == 0:
        raise source.fail("announces no points")
    data = _single(source, entries, b"DATA", b"").lower()
    if data not in (b"ascii", b"binary", b"binary_compressed"):
        raise source.fail(f"DATA is {data[:40]!r}: neither ascii, binary nor binary_compressed")
    return _Header(fields, n_points, data, body)


def _single(source: Source, entries: dict[bytes, list[bytes]], key: bytes, default: bytes) -> bytes:
    words = entries.get(key, [default])
    if len(words) != 1:
        raise source.fail(f"its {key.decode()} line has {len(words)} values instead of 1")
    return words[0]


def _fields(source: Source, entries: dict[bytes, list[bytes]]) -> tuple[_Field, ...]:
    names = [name.lower() for name in entries.get(b"FIELDS", [])]
    as_text = [word.lower() for word in entries.get(b"DATA", [])] == [b"ascii"]
    usual = {b"SIZE": [b"4"] * len(names), b"TYPE": [b"F"] * len(names)} if as_text else {}  # numbers say these
    sizes, types = (entries.get(key, usual.get(key, [])) for key in (b"SIZE", b"TYPE"))
    counts = entries.get(b"COUNT", [b"1"] * len(names))
    if not len(names) == len(sizes) == len(types) == len(counts):
        raise source.fail("its FIELDS, SIZE, TYPE and COUNT lines differ in length or are missing")
    fields = []
    for name, size, letter, count in zip(names, sizes, types, counts, strict=True):
        kind = _TYPES.get(letter.upper(), {}).get(parse_count(source, size, "SIZE"))
        if kind is None:
            raise source.fail(f"field {name[:40]!r} has unknown TYPE {letter[:9]!r} and SIZE {size[:9]!r}")
        fields.append(_Field(name, kind, parse_count(source, count, "COUNT")))
    for axis in (b"x", b"y", b"z"):
        if [field.count for field in fields if field.name == axis] != [1]:
            raise source.fail(f"needs exactly one field {axis.decode()!r}, with COUNT 1", "export x, y and z")
    return tuple(fields)


def _read_ascii(source: Source, header: _Header) -> DoubleArray:
    n_columns = sum(field.count for field in header.fields)
    source.check_rows(header.n_points, 2 * n_columns, source.size - header.body + 1, "points")
    starts = np.cumsum([0] + [field.count for field in header.fields])
    wanted = [int(starts[at]) for at in header.xyz]
    lines = Lines(source, header.body)
    table = joined((rows.columns(wanted, n_columns) for rows in lines.take(header.n_points, "points")), 3)
    if any(len(rows) for rows in lines.rest()):
        raise source.fail("holds more points than its header announces", COPY_AGAIN)
    return table


def _read_binary(source: Source, header: _Header) -> DoubleArray:
    size = header.n_points * header.row_bytes
    source.check_rows(header.n_points, header.row_bytes, source.size - header.body, "points")
    source.check_end(header.body + size, header.row_bytes, "points")
    starts = np.cumsum([0] + [field.n_bytes for field in header.fields])
    layout = np.dtype(
        {
            "names": ["x", "y", "z"],
            "formats": [header.fields[at].kind for at in header.xyz],
            "offsets": [int(starts[at]) for at in header.xyz],
            "itemsize": header.row_bytes,
        }
    )
    return source.columns_at(header.body, header.n_points, layout, "xyz")


def _read_compressed(source: Source, header: _Header) -> DoubleArray:
    """Two sizes, then the fields one after the other (structure of arrays), compressed."""
    packed_size, size = (int(n) for n in np.frombuffer(source.read_at(header.body, 8), "<u4"))
    if size != header.n_points * header.row_bytes:
        raise source.fail(f"unpacks to {size:,} bytes, its header announces {header.n_points:,} points", COPY_AGAIN)
    source.check_rows(header.n_points, 0, 0, "points")
    source.check_expansion(packed_size, max(size, 24 * header.n_points))
    packed = source.read_at(header.body + 8, packed_size)
    source.check_end(header.body + 8 + packed_size, header.row_bytes, "points")
    try:
        data = decompress(packed, size)
    except ValueError as damaged:
        raise source.fail(str(damaged), COPY_AGAIN) from damaged
    starts = header.n_points * np.cumsum([0] + [field.n_bytes for field in header.fields])
    axes = [np.frombuffer(data, header.fields[at].kind, header.n_points, int(starts[at])) for at in header.xyz]
    return np.stack(axes, axis=1, dtype=np.float64)
