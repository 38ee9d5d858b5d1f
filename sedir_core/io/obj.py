"""Wavefront OBJ: vertices (v) and faces (f) only; referenced files such as materials are never opened."""

from __future__ import annotations

import re

import numpy as np

from sedir_core.io.guard import COPY_AGAIN, Source
from sedir_core.io.lines import Lines, Rows, by_first_word
from sedir_core.io.mesh import Geometry, fan, to_indices
from sedir_core.types import DoubleArray, IntArray

_VERTEX = re.compile(rb"(?:^|[\r\n])[ \t]*v(?:[ \t]+[-+]?[\d.][\d.,eE+-]*){3}")
_TEXTURE_AND_NORMAL = re.compile(rb"/\S*")


def is_obj(head: bytes) -> bool:
    """Whether a file's first bytes contain an OBJ vertex."""
    return _VERTEX.search(head) is not None


def read_obj(source: Source) -> Geometry:
    """Vertices in order, and triangles if there are faces. Raises UnreadableScan.

    A negative index counts back from the last vertex before the face.
    """
    points: list[DoubleArray] = []
    sizes: list[IntArray] = []
    corners: list[IntArray] = []
    n_points = n_faces = 0
    for block in Lines(source, 0, _joined).blocks():
        (vertex_text, is_vertex), (face_text, is_face) = by_first_word(block, [b"v", b"f"])
        vertices = Rows.of(source, vertex_text, n_points)
        faces = Rows.of(source, _TEXTURE_AND_NORMAL.sub(b" ", face_text), n_faces)
        if len(vertices) != is_vertex.sum() or len(faces) != is_face.sum():
            raise source.fail("has a v or f line without numbers", COPY_AGAIN)
        if len(faces):
            n_before = n_points + np.cumsum(is_vertex)[is_face]
            corners.append(_corners(source, faces, n_before))
            sizes.append(faces.lengths)
        if len(vertices):
            points.append(vertices.leading(3))
        n_points, n_faces = n_points + len(vertices), n_faces + len(faces)
    if not n_points:
        raise source.fail("has no vertices (lines that begin with v)")
    cloud = np.concatenate(points)
    if not n_faces:
        return Geometry(cloud)
    return Geometry(cloud, fan(source, np.concatenate(sizes), np.concatenate(corners), n_points))


def _corners(source: Source, faces: Rows, n_before: IntArray) -> IntArray:
    """Zero-based vertex indices of all faces in sequence. n_before: (faces,) number of vertices before each."""
    values = to_indices(source, faces.flat()[0], "a face's vertex")
    if (values == 0).any():
        raise source.fail("a face uses vertex 0, but OBJ counts from 1")
    return np.where(values < 0, np.repeat(n_before, faces.lengths) + values, values - 1)


def _joined(block: bytes) -> bytes:
    return block.replace(b"\\\n", b" ") if b"\\" in block else block
