"""Wavefront OBJ: vertices (v) and faces (f) only; materials and every other file it names are never opened."""

from __future__ import annotations

import re

import numpy as np

from sedir_core.io.guard import Source
from sedir_core.io.lines import Lines, Rows
from sedir_core.io.mesh import Geometry, fan, to_indices
from sedir_core.types import DoubleArray, IntArray

_VERTEX = re.compile(rb"(?m)^[ \t]*v[ \t]+(.*)$")
_FACE = re.compile(rb"(?m)^[ \t]*f[ \t]+(.*)$")
_TEXTURE_AND_NORMAL = re.compile(rb"/[^\s]*")


def read_obj(source: Source) -> Geometry:
    """Vertices in order, and triangles if there are faces. Raises UnreadableScan.

    A negative index counts back from the latest vertex before its face.
    """
    points: list[DoubleArray] = []
    sizes: list[IntArray] = []
    corners: list[IntArray] = []
    n_points = n_faces = 0
    for block in Lines(source, 0, _joined).blocks():
        vertices, seen = _vertices(source, block, n_points)
        faces = _rows(source, _TEXTURE_AND_NORMAL.sub(b" ", b"\n".join(_FACE.findall(block))), n_faces)
        if len(faces):
            values = to_indices(source, faces.flat()[0], "a face's vertex")
            if (values == 0).any():
                raise source.fail("a face uses vertex 0, but OBJ counts from 1")
            before = np.repeat(seen, faces.lengths)
            corners.append(np.where(values < 0, before + values, values - 1))
            sizes.append(faces.lengths)
        points.append(vertices)
        n_points, n_faces = n_points + len(vertices), n_faces + len(faces)
    if not n_points:
        raise source.fail("has no vertices (lines that begin with v)")
    cloud = np.concatenate(points)
    if not n_faces:
        return Geometry(cloud)
    return Geometry(cloud, fan(source, np.concatenate(sizes), np.concatenate(corners), n_points))


def _vertices(source: Source, block: bytes, n_before: int) -> tuple[DoubleArray, IntArray]:
    """(rows, 3) coordinates, and for each face of the block how many vertices come before it."""
    found = list(_VERTEX.finditer(block))
    rows = _rows(source, b"\n".join(match[1] for match in found), n_before)
    places = np.array([match.start() for match in found], dtype=np.int64)
    faces = np.array([match.start() for match in _FACE.finditer(block)], dtype=np.int64)
    points = rows.leading(3) if len(rows) else np.empty((0, 3))
    return points, n_before + np.searchsorted(places, faces)


def _rows(source: Source, text: bytes, first: int) -> Rows:
    lengths = [len(line.split()) for line in text.split(b"\n")] if text else []
    return Rows(source, text, np.array(lengths, dtype=np.int64), first)


def _joined(block: bytes) -> bytes:
    return block.replace(b"\\\n", b" ") if b"\\" in block else block
