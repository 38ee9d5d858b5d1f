"""NumPy arrays (NPY, NPZ). The header is parsed here, not evaluated, and objects (pickles) are never loaded."""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass

import numpy as np

from sedir_core.errors import UserError
from sedir_core.io.guard import COPY_AGAIN, Source
from sedir_core.io.mesh import Geometry
from sedir_core.io.zips import open_zip, read_member
from sedir_core.types import DoubleArray

NPY_MAGIC = b"\x93NUMPY"
_DESCR = re.compile(rb"""['"]descr['"]\s*:\s*['"]([<>|=]?)([a-zA-Z])(\d{1,3})['"]""")
_OBJECTS = re.compile(rb"""['"][<>|=]?O\d*['"]""")
_ORDER = re.compile(rb"""['"]fortran_order['"]\s*:\s*(True|False)""")
_SHAPE = re.compile(rb"""['"]shape['"]\s*:\s*\(([\d\s,]{0,200})\)""")
_KINDS = {b"f": (2, 4, 8), b"i": (1, 2, 4, 8), b"u": (1, 2, 4, 8)}
_NAMES = ("points", "xyz", "pos")
_AS_ARRAY = "save an array of numbers with one point a row: x, y, z"


@dataclass(frozen=True)
class _Header:
    dtype: np.dtype[np.generic]
    fortran: bool
    shape: tuple[int, ...]
    body: int

    @property
    def n_bytes(self) -> int:
        count = 1
        for side in self.shape:
            count *= side
        return count * self.dtype.itemsize

    @property
    def is_cloud(self) -> bool:
        return len(self.shape) == 2 and self.shape[1] >= 3


def read_npy(source: Source) -> Geometry:
    """The (n, 3 or more) array; columns beyond x, y, z are passed over. Raises UnreadableScan."""
    header = _parse(source, source.head(), source.size, "the file")
    return Geometry(_points(source, header, source.read_at(header.body, header.n_bytes)))


def read_npz(source: Source) -> Geometry:
    """The array named points, xyz or pos, or the only (n, 3 or more) one. Raises UnreadableScan."""
    with open_zip(source) as archive:
        headers, troubles = {}, []
        for member in archive.infolist():
            if not member.filename.endswith(".npy"):
                continue
            try:
                headers[member.filename] = _member_header(source, archive, member)
            except UserError as unusable:  # another member may hold the points
                troubles.append(unusable)
        clouds = {name.removesuffix(".npy"): header for name, header in headers.items() if header.is_cloud}
        named = [name for name in _NAMES if name in clouds] or list(clouds)
        if not named and troubles:
            raise troubles[0]
        if not named or (len(named) > 1 and named[0] not in _NAMES):
            hint = f"{_AS_ARRAY}; name it 'points'"
            raise source.fail(f"holds {len(clouds)} arrays that could be the points, none named for it", hint)
        header, member = clouds[named[0]], archive.getinfo(named[0] + ".npy")
        source.check_expansion(member.compress_size, 24 * header.shape[0])
        data = read_member(source, archive, member)[header.body :]
    return Geometry(_points(source, header, data))


def _member_header(source: Source, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> _Header:
    with archive.open(member) as stream:
        head = stream.read(1 << 16)
    return _parse(source, head, member.file_size, member.filename[:60])


def _parse(source: Source, head: bytes, size: int, what: str) -> _Header:
    """head: the first bytes of an array file of `size` bytes."""
    if not head.startswith(NPY_MAGIC) or len(head) < 12 or head[6] not in (1, 2, 3):
        raise source.fail(f"{what} is not a NumPy array")
    start = 10 if head[6] == 1 else 12
    body = start + int.from_bytes(head[8:start], "little")
    text = head[start:body]
    descr, order, shape = (pattern.search(text) for pattern in (_DESCR, _ORDER, _SHAPE))
    if _OBJECTS.search(text):
        raise source.fail(f"{what} holds Python objects (a pickle), which are never loaded", _AS_ARRAY)
    if not (len(text) == body - start and descr and order and shape):
        raise source.fail(f"the header of {what} is damaged or not of a plain array", _AS_ARRAY)
    if int(descr[3]) not in _KINDS.get(descr[2], ()):
        raise source.fail(f"{what} holds {(descr[2] + descr[3]).decode()} values, not real numbers", _AS_ARRAY)
    sides = [side.strip() for side in shape[1].split(b",") if side.strip()]
    if not all(side.isdigit() and len(side) <= 15 for side in sides):
        raise source.fail(f"the shape of {what} is damaged", COPY_AGAIN)
    dtype: np.dtype[np.generic] = np.dtype((descr[1] + descr[2] + descr[3]).decode())
    header = _Header(dtype, order[1] == b"True", tuple(map(int, sides)), body)
    if header.body + header.n_bytes != size:
        raise source.fail(f"{what} announces {header.n_bytes:,} bytes of numbers and holds {size - body:,}", COPY_AGAIN)
    return header


def _points(source: Source, header: _Header, data: bytes) -> DoubleArray:
    if not header.is_cloud:
        raise source.fail(f"holds an array of shape {header.shape}, not rows of x, y, z", _AS_ARRAY)
    source.check_rows(header.shape[0], 0, 0, "points")
    values = np.frombuffer(data, header.dtype)
    table = values.reshape(header.shape[::-1]).T if header.fortran else values.reshape(header.shape)
    return np.ascontiguousarray(table[:, :3], dtype=np.float64)
