"""OFF, the Object File Format, with the usual prefixes for colours, normals and texture (COFF, NOFF, STOFF).

Some programs leave the keyword out; read as a table of points, the counts would be a point.
"""

from __future__ import annotations

import re

import numpy as np

from sedir_core.io.guard import COPY_AGAIN, Source
from sedir_core.io.lines import Lines, joined
from sedir_core.io.mesh import Geometry, fan, to_indices
from sedir_core.types import DoubleArray, IntArray

_SIGNATURE = re.compile(rb"(?:\s|#[^\n]*\n)*((?:ST)?C?N?(4?n?)OFF)\b([ \t]*BINARY)?", re.IGNORECASE)

_COUNTS = re.compile(rb"(?:\s|#[^\n]*\n)*(\d{1,9})[ \t]+(\d{1,9})(?:[ \t]+\d{1,9})?[ \t]*[\r\n]")
_TIMES = 2  # how far the number of lines may be from what the beginning of a large file suggests


def is_off(head: bytes) -> bool:
    """Whether a file begins like OFF."""
    return _SIGNATURE.match(head) is not None


def lacks_keyword(head: bytes, size: int) -> bool:
    """Whether a file of that size begins with the counts of vertices and faces, and holds about as many lines."""
    counts = _COUNTS.match(head)
    if counts is None:
        return False
    lines = [line for line in head[counts.end() :].splitlines() if line.strip() and not line.lstrip().startswith(b"#")]
    announced = int(counts[1]) + int(counts[2])
    if not lines or len(lines[0].split()) < 3 or announced == 0:
        return False
    if len(head) >= size:
        return len(lines) == announced
    there = len(lines) * size / len(head)
    return announced / _TIMES < there < announced * _TIMES


def read_off(source: Source) -> Geometry:
    """Vertices in order, and triangles if there are faces; values after x, y, z are ignored.

    Raises UnreadableScan.
    """
    header = _SIGNATURE.match(source.head())
    if header is None and not lacks_keyword(source.head(), source.size):
        raise source.fail("does not begin with OFF")
    if header is not None and (header[2] or header[3]):
        raise source.fail("is a binary or a four- or n-dimensional OFF file", "export it as ascii OFF, or as PLY")
    lines = Lines(source, 0 if header is None else header.end())
    n_points, n_faces = _counts(source, lines)
    source.check_rows(n_points, 6, source.size, "vertices")
    source.check_rows(n_faces, 4, source.size, "faces")
    points = joined((rows.leading(3) for rows in lines.take(n_points, "vertices")), 3)
    faces = [_polygons(source, *rows.flat()) for rows in lines.take(n_faces, "faces")]
    if any(len(rows) for rows in lines.rest()):
        raise source.fail("holds more rows than its header announces", COPY_AGAIN)
    if not faces:
        return Geometry(points)
    sizes, corners = (np.concatenate(parts) for parts in zip(*faces, strict=True))
    return Geometry(points, fan(source, sizes, corners, n_points))


def _counts(source: Source, lines: Lines) -> tuple[int, int]:
    counts = next(lines.take(1, "header lines")).flat()[0]
    if not 2 <= len(counts) <= 3:
        raise source.fail("its header does not give the numbers of vertices and faces")
    n_points, n_faces = (int(n) for n in to_indices(source, counts[:2], "a count"))
    if n_points < 1 or n_faces < 0:
        raise source.fail(f"announces {n_points:,} vertices and {n_faces:,} faces")
    return n_points, n_faces


def _polygons(source: Source, values: DoubleArray, starts: IntArray) -> tuple[IntArray, IntArray]:
    """Sizes and corners from rows of a size, that many indices, and perhaps a colour."""
    sizes = to_indices(source, values[starts[:-1]], "the size of a face")
    if (sizes < 0).any() or (sizes > np.diff(starts) - 1).any():
        raise source.fail("a face has fewer vertices than it announces", COPY_AGAIN)
    within = np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return sizes, to_indices(source, values[np.repeat(starts[:-1] + 1, sizes) + within], "a face's vertex")
