"""The binary body of a PLY file: fixed-size rows at once, rows with lists by their most common layout."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sedir_core.io.guard import COPY_AGAIN, Source
from sedir_core.types import DoubleArray, IntArray

_LETTERS = {"i1": "b", "u1": "B", "i2": "h", "u2": "H", "i4": "i", "u4": "I"}
Lists = Sequence[DoubleArray]


@dataclass(frozen=True)
class Property:
    """One property; `size_kind` is the type of a list's length, empty for a scalar. Kinds are NumPy's."""

    name: str
    kind: str
    size_kind: str = ""

    @property
    def min_bytes(self) -> int:
        return np.dtype(self.size_kind or self.kind).itemsize


@dataclass(frozen=True)
class Element:
    """One element of the header: `count` rows of these properties."""

    name: str
    count: int
    properties: tuple[Property, ...]

    @property
    def min_bytes(self) -> int:
        return sum(prop.min_bytes for prop in self.properties)


def read_binary_element(
    source: Source, element: Element, order: str, offset: int, scalars: Sequence[int], corners: int | None
) -> tuple[DoubleArray, Lists, int]:
    """The needed scalars (rows, k), the needed list as (sizes, values) or (), and the offset of the next element.

    order: "<" or ">". scalars: indices of scalar properties. corners: index of a list. Raises UnreadableScan.
    """
    source.check_rows(element.count, element.min_bytes, source.size - offset, element.name + " rows")
    if not any(prop.size_kind for prop in element.properties):
        layout = _layout(element, order, [0] * len(element.properties))
        wanted = [f"scalar{at}" for at in scalars]
        table = source.columns_at(offset, element.count, layout, wanted) if scalars else np.empty((0, 0))
        return table, (), offset + element.count * element.min_bytes
    data = source.read_at(offset, source.size - offset)
    sizes = _first_sizes(source, element, order, data)
    layout = _layout(element, order, sizes)
    if element.count * layout.itemsize <= len(data):
        rows = np.frombuffer(data, layout, element.count)
        if all((rows[f"size{at}"] == n).all() for at, n in enumerate(sizes) if element.properties[at].size_kind):
            lists = () if corners is None else (rows[f"size{corners}"].astype(float), _flat(rows[f"list{corners}"]))
            return _table(rows, scalars), lists, offset + rows.nbytes
    starts, end = _walk(source, element, order, data)
    return *_gather(element, order, data, starts, scalars, corners), offset + end


def _layout(element: Element, order: str, sizes: Sequence[int]) -> np.dtype[np.void]:
    """The dtype of a row whose lists have these sizes."""
    fields: list[tuple[str, str] | tuple[str, str, tuple[int]]] = []
    for at, (prop, size) in enumerate(zip(element.properties, sizes, strict=True)):
        if prop.size_kind:
            fields += [(f"size{at}", order + prop.size_kind), (f"list{at}", order + prop.kind, (size,))]
        else:
            fields.append((f"scalar{at}", order + prop.kind))
    return np.dtype(fields)


def _table(rows: NDArray[np.void], scalars: Sequence[int]) -> DoubleArray:
    table = np.empty((len(rows), len(scalars)))
    for column, at in enumerate(scalars):
        table[:, column] = rows[f"scalar{at}"]
    return table


def _flat(lists: NDArray[np.generic]) -> DoubleArray:
    return lists.astype(np.float64).ravel()


def _first_sizes(source: Source, element: Element, order: str, data: bytes) -> list[int]:
    """The list sizes of the first row (0 for scalars), which in most files are those of every row."""
    one = Element(element.name, 1, element.properties)
    starts, end = _walk(source, one, order, data)
    ends = np.append(starts[0, 1:], end)
    return [
        (int(after - start) - prop.min_bytes) // np.dtype(prop.kind).itemsize if prop.size_kind else 0
        for prop, start, after in zip(element.properties, starts[0], ends, strict=True)
    ]


def _walk(source: Source, element: Element, order: str, data: bytes) -> tuple[IntArray, int]:
    """(rows, properties) offsets of every value, found row by row, and the end offset."""
    steps = [
        (struct.Struct(order + _LETTERS[prop.size_kind]) if prop.size_kind else None, np.dtype(prop.kind).itemsize)
        for prop in element.properties
    ]
    starts = array("q")
    at = 0
    try:
        for _ in range(element.count):
            for size, item_bytes in steps:
                starts.append(at)
                if size is None:
                    at += item_bytes
                    continue
                (n_items,) = size.unpack_from(data, at)
                if n_items < 0:
                    raise source.fail(f"a list of a {element.name} row has a negative size", COPY_AGAIN)
                at += size.size + n_items * item_bytes
            if at > len(data):
                break
    except struct.error:
        at = len(data) + 1
    if at > len(data):
        raise source.fail(f"ends in the middle of its {element.name} rows", COPY_AGAIN)
    return np.frombuffer(starts, np.int64).reshape(element.count, -1), at


def _gather(
    element: Element, order: str, data: bytes, starts: IntArray, scalars: Sequence[int], corners: int | None
) -> tuple[DoubleArray, Lists]:
    codes = np.frombuffer(data, np.uint8)

    def values_at(positions: IntArray, kind: str) -> DoubleArray:
        width = np.dtype(kind).itemsize
        picked = codes[positions[:, None] + np.arange(width)]
        return np.frombuffer(picked.tobytes(), order + kind).astype(np.float64)

    table = np.empty((element.count, len(scalars)))
    for column, place in enumerate(scalars):
        table[:, column] = values_at(starts[:, place], element.properties[place].kind)
    if corners is None:
        return table, ()
    prop = element.properties[corners]
    sizes = values_at(starts[:, corners], prop.size_kind)
    n_items, item_bytes = sizes.astype(np.int64), np.dtype(prop.kind).itemsize
    within = np.arange(int(n_items.sum())) - np.repeat(np.cumsum(n_items) - n_items, n_items)
    positions = np.repeat(starts[:, corners] + prop.min_bytes, n_items) + within * item_bytes
    return table, (sizes, values_at(positions, prop.kind))
