"""STL, binary and ascii: three corners per face, nothing else."""

from __future__ import annotations

import re

import numpy as np

from sedir_core.io.guard import COPY_AGAIN, Source
from sedir_core.io.lines import Lines, Rows, by_first_word
from sedir_core.io.mesh import Geometry

_HEADER_BYTES, _FACE_BYTES = 84, 50
_ASCII = re.compile(rb"\s*solid\b[^\0]*?\bfacet\s+normal\b", re.IGNORECASE)
_END = re.compile(rb"\bend[ \t]+(solid|facet|loop)\b", re.IGNORECASE)


def is_ascii_stl(head: bytes) -> bool:
    """Whether a file begins like ascii STL; binary ones may also begin with `solid`."""
    return _ASCII.match(head) is not None


def is_binary_stl(head: bytes, size: int) -> bool:
    """Whether the file size matches the number of faces announced in the first bytes."""
    n_faces = int.from_bytes(head[80:_HEADER_BYTES], "little")
    return n_faces > 0 and size == _HEADER_BYTES + n_faces * _FACE_BYTES


def read_stl(source: Source) -> Geometry:
    """The faces as a mesh. Raises UnreadableScan."""
    n_faces = int.from_bytes(source.head()[80:_HEADER_BYTES], "little")
    if is_binary_stl(source.head(), source.size):
        return _read_binary(source, n_faces)
    if is_ascii_stl(source.head()):
        return _read_ascii(source)
    if source.size < _HEADER_BYTES or b"\0" not in source.head():
        raise source.fail("is not an STL file")
    source.check_rows(n_faces, _FACE_BYTES, source.size - _HEADER_BYTES, "faces")
    source.check_end(_HEADER_BYTES + n_faces * _FACE_BYTES, _FACE_BYTES, "faces")
    return _read_binary(source, n_faces)


def _read_binary(source: Source, n_faces: int) -> Geometry:
    layout = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
    faces = np.frombuffer(source.read_at(_HEADER_BYTES, n_faces * _FACE_BYTES), layout)
    if not n_faces:
        raise source.fail("has no faces")
    points = faces["corners"].astype(np.float64).reshape(-1, 3)
    return Geometry(points, np.arange(len(points)).reshape(-1, 3))


def _joined(block: bytes) -> bytes:
    """Accept `end solid`, which some programs write for `endsolid`."""
    return _END.sub(rb"end\1", block)


def _read_ascii(source: Source) -> Geometry:
    pieces, n_points, n_ends, ended = [], 0, 0, False
    for block in Lines(source, 0, _joined).blocks():
        (vertex_text, _), (_, is_end), (_, is_last) = by_first_word(block, [b"vertex", b"endfacet", b"endsolid"])
        pieces.append(Rows.of(source, vertex_text, n_points).columns([0, 1, 2], 3))
        n_points, n_ends = n_points + len(pieces[-1]), n_ends + int(is_end.sum())
        ended = bool(is_last[-1]) if len(is_last) else ended
    if n_points != 3 * n_ends:
        raise source.fail(f"has {n_points:,} corners in {n_ends:,} complete faces", COPY_AGAIN)
    if not ended:
        raise source.fail("has no endsolid line at its end, so faces may be missing", COPY_AGAIN)
    points = np.concatenate(pieces)
    return Geometry(points, np.arange(n_points).reshape(-1, 3))
