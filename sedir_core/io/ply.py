"""PLY, the Stanford polygon format: header, ascii body, and code shared with the binary body."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from sedir_core.io.guard import COPY_AGAIN, MAX_HEADER_BYTES, Source, parse_count
from sedir_core.io.lines import Lines, Rows, joined
from sedir_core.io.mesh import Geometry, fan, to_indices
from sedir_core.io.ply_binary import Element, Property, read_binary_element
from sedir_core.types import DoubleArray, IntArray

_KINDS = {
    name: kind
    for kind, names in {
        "i1": "char int8",
        "u1": "uchar uint8",
        "i2": "short int16",
        "u2": "ushort uint16",
        "i4": "int int32",
        "u4": "uint uint32",
        "f4": "float float32",
        "f8": "double float64",
    }.items()
    for name in names.split()
}
_FORMATS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}
_AXES = ("x", "y", "z")


@dataclass(frozen=True)
class _Header:
    elements: tuple[Element, ...]
    order: str
    """Byte order; empty for ascii."""
    body: int


def is_ply(head: bytes) -> bool:
    """Whether a file begins like PLY."""
    return re.match(rb"ply[ \t]*[\r\n]", head, re.IGNORECASE) is not None


def read_ply(source: Source) -> Geometry:
    """Vertices in order, and triangles if there are faces. Raises UnreadableScan."""
    header = _parse_header(source)
    points: DoubleArray | None = None
    polygons: tuple[IntArray, DoubleArray] | None = None
    for element, scalars, lists in _bodies(source, header):
        if element.name == "vertex":
            points = scalars
        elif element.name == "face" and len(lists) == 2:
            polygons = to_indices(source, lists[0], "the size of a face"), lists[1]
    if points is None:
        raise source.fail("has no vertices")
    if polygons is None or not len(polygons[0]):
        return Geometry(points)
    corners = to_indices(source, polygons[1], "a face's vertex")
    return Geometry(points, fan(source, polygons[0], corners, len(points)))


def _wanted(element: Element) -> tuple[list[int], int | None]:
    """Indices of the needed properties: x, y, z, and the list of a face's corners."""
    names = [prop.name.lower() for prop in element.properties]
    if element.name == "vertex":
        return [names.index(axis) for axis in _AXES], None
    corners = [at for at, name in enumerate(names) if name in ("vertex_indices", "vertex_index")]
    return [], corners[0] if element.name == "face" and corners else None


def _bodies(source: Source, header: _Header) -> Iterator[tuple[Element, DoubleArray, Sequence[DoubleArray]]]:
    """For each element: the needed scalars (rows, 3 or 0), and the needed list as (sizes, values) or ()."""
    offset = header.body
    lines = Lines(source, offset)
    for element in header.elements:
        if not element.count:
            continue
        scalars, corners = _wanted(element)
        if header.order:
            table, lists, offset = read_binary_element(source, element, header.order, offset, scalars, corners)
        else:
            table, lists = _read_ascii_element(source, element, lines, header.body, scalars, corners)
        yield element, table, lists
    if header.order:
        source.check_end(offset, header.elements[-1].min_bytes, header.elements[-1].name + " rows")
    elif any(len(rows) for rows in lines.rest()):
        raise source.fail("holds more rows than its header announces", COPY_AGAIN)


def _read_ascii_element(
    source: Source, element: Element, lines: Lines, body: int, scalars: Sequence[int], corners: int | None
) -> tuple[DoubleArray, Sequence[DoubleArray]]:
    width = len(element.properties)
    source.check_rows(element.count, 2 * width, source.size - body + 1, element.name + " rows")
    pieces = lines.take(element.count, element.name + " rows")
    if not any(prop.size_kind for prop in element.properties):
        return joined((rows.columns(scalars, width) for rows in pieces), len(scalars)), ()
    tables, sizes, values = zip(
        *(_ascii_lists(source, element, rows, scalars, corners) for rows in pieces), strict=True
    )
    return np.concatenate(tables), () if corners is None else (np.concatenate(sizes), np.concatenate(values))


def _ascii_lists(
    source: Source, element: Element, rows: Rows, scalars: Sequence[int], corners: int | None
) -> tuple[DoubleArray, DoubleArray, DoubleArray]:
    """Walk all rows in parallel, property by property; `at` is the index of each row's next number."""
    numbers, starts = rows.flat()
    at, end = starts[:-1].copy(), starts[1:]
    table = np.empty((len(rows), len(scalars)))
    sizes = values = np.empty(0)
    for place, prop in enumerate(element.properties):
        if (at >= end).any():
            raise source.fail(f"a {element.name} row is too short", COPY_AGAIN)
        first = numbers[at]
        at += 1
        if place in scalars:
            table[:, scalars.index(place)] = first
        if prop.size_kind:
            length = to_indices(source, first, f"the size of {prop.name!r}")
            if (length < 0).any() or (length > end - at).any():
                raise source.fail(f"a list {prop.name!r} is longer than its row", COPY_AGAIN)
            if place == corners:
                sizes, values = first, numbers[_ranges(at, length)]
            at += length
    # Undeclared colours after a face are common.
    if (at != end).any() and element.name != "face":
        raise source.fail(f"a {element.name} row has more values than properties", COPY_AGAIN)
    return table, sizes, values


def _ranges(starts: IntArray, lengths: IntArray) -> IntArray:
    """Concatenated ranges start, start + 1, ..."""
    before = np.cumsum(lengths) - lengths
    return np.asarray(np.arange(int(lengths.sum())) + np.repeat(starts - before, lengths))


def _parse_header(source: Source) -> _Header:
    head = source.head()
    # Binary data follows immediately, so the header's own line ending determines where it starts.
    end = re.search(rb"(?:\r\n|\n|\r)end_header[ \t]*(\r\n|\n|\r)", head)
    if end is None:
        raise source.fail(f"its header has no end_header line in the first {MAX_HEADER_BYTES:,} bytes")
    order: str | None = None
    names: list[str] = []
    counts: list[int] = []
    properties: list[list[Property]] = []
    for line in re.split(r"\r\n|\n|\r", head[: end.start()].decode("latin-1"))[1:]:
        words = line.split()
        match words[:1]:
            case [] | ["comment"] | ["obj_info"]:
                continue
            case ["format"] if len(words) == 3 and words[1] in _FORMATS and order is None:
                order = _FORMATS[words[1]]
            case ["element"] if len(words) == 3:
                names.append(words[1][:40])
                counts.append(parse_count(source, words[2].encode("latin-1"), "a number of elements"))
                properties.append([])
            case ["property"] if properties:
                properties[-1].append(_property(source, words[1:]))
            case _:
                raise source.fail(f"its header has a line that is not PLY: {line[:60]!r}")
    if order is None:
        raise source.fail("its header names no format")
    elements = [Element(*parts) for parts in zip(names, counts, map(tuple, properties), strict=True)]
    _check_elements(source, elements)
    return _Header(tuple(elements), order, end.end())


def _property(source: Source, words: Sequence[str]) -> Property:
    match words:
        case [kind, name] if kind in _KINDS:
            return Property(name[:40], _KINDS[kind])
        case ["list", size_kind, kind, name] if _KINDS.get(size_kind, "f")[0] != "f" and kind in _KINDS:
            return Property(name[:40], _KINDS[kind], _KINDS[size_kind])
    raise source.fail(f"its header has an unknown property: {' '.join(words)[:60]!r}")


def _check_elements(source: Source, elements: Sequence[Element]) -> None:
    names = [element.name for element in elements]
    if names.count("vertex") != 1 or names.count("face") > 1:
        raise source.fail("needs one element 'vertex' and at most one 'face'", "export the points as vertices")
    for element in elements:
        if element.count and not element.properties:
            raise source.fail(f"its element {element.name!r} has no properties")
        axes = [prop for prop in element.properties if prop.name.lower() in _AXES]
        scalar = not any(prop.size_kind for prop in axes)
        if element.name == "vertex" and not (scalar and sorted(prop.name.lower() for prop in axes) == list(_AXES)):
            raise source.fail("its vertices need the properties x, y and z, once each", "export x, y and z")
