"""Reads a file as a mesh rather than points, for synthesising samples."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sedir_core.io.formats import MESH_SUFFIXES, by_content, by_suffix, scan_suffix
from sedir_core.io.guard import open_regular
from sedir_core.io.unwrap import unwrapped
from sedir_core.types import DoubleArray, IntArray

__all__ = ["MESH_SUFFIXES", "read_mesh"]


def read_mesh(path: Path) -> tuple[DoubleArray, IntArray]:
    """Vertices (v, 3) float64 and triangles (f, 3) int64 of a mesh.

    Raises UnreadableScan for any other format, a broken file, a cloud without faces or a non-finite vertex in a face.
    Unused vertices are not checked.
    """
    with open_regular(path) as packed, unwrapped(packed) as source:
        found = by_content(source.head(), source.size) or by_suffix(scan_suffix(path.name))
        if found is None or not found.mesh:
            raise source.fail("is not a mesh format", "export it as one of " + " ".join(sorted(MESH_SUFFIXES)))
        geometry = found.read(source)
        if geometry.triangles is None or not len(geometry.triangles):
            raise source.fail("has points but no faces", "export the surface as a triangle mesh")
        corners = geometry.points[geometry.triangles]
        if not np.isfinite(corners).all():
            raise source.fail("has a face with a corner that is not finite", "repair the mesh, or export it again")
    return geometry.points, geometry.triangles
