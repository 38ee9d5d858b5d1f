"""Parses the header of a NumPy array without evaluating it; objects (pickles) are never loaded."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import prod

import numpy as np

from sedir_core.io.guard import COPY_AGAIN, Source

NPY_MAGIC = b"\x93NUMPY"
_TYPE = rb"""['"]([<>|=]?)([a-zA-Z])(\d{1,6})['"]"""
_DESCR = re.compile(rb"""['"]descr['"]\s*:\s*""" + _TYPE)
_RECORDS = re.compile(rb"""['"]descr['"]\s*:\s*\[((?:[^\[\]'"]|'[^']{0,80}'|"[^"]{0,80}"){0,8000})\]""")
_FIELD = re.compile(rb"""\(\s*['"]([^'"]{0,80})['"]\s*,\s*%b\s*(?:,\s*\(([\d\s,]{0,80})\)\s*)?\)""" % _TYPE)
_OBJECTS = re.compile(rb"""['"][<>|=]?O\d*['"]""")
_ORDER = re.compile(rb"""['"]fortran_order['"]\s*:\s*(True|False)""")
_SHAPE = re.compile(rb"""['"]shape['"]\s*:\s*\(([\d\s,]{0,200})\)""")
_KINDS = {b"f": (2, 4, 8), b"i": (1, 2, 4, 8), b"u": (1, 2, 4, 8)}
_MOST_BYTES = 1 << 16  # most fields of a record
AS_ARRAY = "save an array of numbers with one point a row: x, y, z"


@dataclass(frozen=True)
class ArrayHeader:
    """dtype: real numbers, or records. body: offset of the data."""

    dtype: np.dtype[np.generic]
    fortran: bool
    shape: tuple[int, ...]
    body: int

    @property
    def n_bytes(self) -> int:
        return prod(self.shape) * self.dtype.itemsize

    @property
    def n_rows(self) -> int:
        """Largest number of points in such an array."""
        if self.dtype.names is not None:
            return prod(self.shape)
        return prod(self.shape) // max(min(self.shape[-1], self.shape[0]), 1) if self.shape else 0


def array_of(header: ArrayHeader, data: bytes) -> np.ndarray:
    """The values, read-only, in the header's shape."""
    values = np.frombuffer(data, header.dtype)
    return values.reshape(header.shape[::-1]).T if header.fortran else values.reshape(header.shape)


def parse_header(source: Source, head: bytes, size: int, what: str) -> ArrayHeader:
    """Parse a header. head: the first bytes of an array file of `size` bytes. Raises the source's error."""
    if not head.startswith(NPY_MAGIC) or len(head) < 12 or head[6] not in (1, 2, 3):
        raise source.fail(f"{what} is not a NumPy array")
    start = 10 if head[6] == 1 else 12
    body = start + int.from_bytes(head[8:start], "little")
    text = head[start:body]
    order, shape = _ORDER.search(text), _SHAPE.search(_RECORDS.sub(b"", text))
    if _OBJECTS.search(text):
        raise source.fail(f"{what} holds Python objects (a pickle), which are never loaded", AS_ARRAY)
    if not (len(text) == body - start and order and shape):
        raise source.fail(f"the header of {what} is damaged or not of a plain array", AS_ARRAY)
    dtype = _dtype(source, text, what)
    sides = [side.strip() for side in shape[1].split(b",") if side.strip()]
    if not all(side.isdigit() and len(side) <= 15 for side in sides):
        raise source.fail(f"the shape of {what} is damaged", COPY_AGAIN)
    header = ArrayHeader(dtype, order[1] == b"True", tuple(map(int, sides)), body)
    if header.body + header.n_bytes != size:
        raise source.fail(f"{what} announces {header.n_bytes:,} bytes of numbers and holds {size - body:,}", COPY_AGAIN)
    return header


def _dtype(source: Source, text: bytes, what: str) -> np.dtype[np.generic]:
    plain, records = _DESCR.search(text), _RECORDS.search(text)
    if plain is not None:
        if int(plain[3]) not in _KINDS.get(plain[2], ()):
            kind = (plain[2] + plain[3]).decode()
            raise source.fail(f"{what} holds {kind} values, not real numbers", AS_ARRAY)
        return np.dtype((plain[1] + plain[2] + plain[3]).decode())
    fields = list(_FIELD.finditer(records[1])) if records is not None else []
    rest = _FIELD.sub(b"", records[1]).strip(b" ,") if records is not None else b"?"
    if rest or not fields:
        raise source.fail(f"the header of {what} is damaged or not of a plain array", AS_ARRAY)
    names: list[str] = []
    formats: list[object] = []
    offsets: list[int] = []
    end = 0
    for field in fields:
        sides = [side.strip() for side in (field[5] or b"").split(b",") if side.strip()]
        numeric = int(field[4]) in _KINDS.get(field[3], ())
        if not all(side.isdigit() and len(side) <= 4 for side in sides) or len(sides) > 3:
            raise source.fail(f"the header of {what} is damaged", COPY_AGAIN)
        kind = (field[2] + field[3] + field[4]).decode() if numeric else f"V{_width(field[3], int(field[4]))}"
        shape = tuple(map(int, sides))
        names.append(_text(field[1]) or f"unnamed {len(names)}")
        formats.append((kind, shape) if shape else kind)
        offsets.append(end)
        end += np.dtype(kind).itemsize * prod(shape)
        if end > _MOST_BYTES:
            raise source.fail(f"{what} has records of more than {_MOST_BYTES:,} bytes", AS_ARRAY)
    if not end:
        raise source.fail(f"the header of {what} is damaged", COPY_AGAIN)
    if len(set(names)) < len(names):
        raise source.fail(f"{what} has two fields of one name", AS_ARRAY)
    layout = {"names": names, "formats": formats, "offsets": offsets, "itemsize": end}
    try:
        return np.dtype(layout)  # type: ignore[call-overload,no-any-return]  # the stubs know no computed layouts
    except (TypeError, ValueError) as damaged:
        raise source.fail(f"the header of {what} is damaged", COPY_AGAIN) from damaged


def _text(name: bytes) -> str:
    """NumPy writes names in UTF-8 where they need it, and in Latin-1 before."""
    try:
        return name.decode()
    except UnicodeDecodeError:
        return name.decode("latin-1")


def _width(kind: bytes, number: int) -> int:
    """Bytes of a non-numeric field: `U4` is four characters of four bytes, `S4` and `V4` four bytes."""
    return 4 * number if kind == b"U" else number
