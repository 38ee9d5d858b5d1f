"""A file's surface rather than its points: what samples are synthesised from."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sedir_core.io.guard import open_regular
from sedir_core.io.obj import read_obj
from sedir_core.io.off import read_off
from sedir_core.io.ply import read_ply
from sedir_core.io.stl import read_stl
from sedir_core.types import DoubleArray, IntArray

_READERS = {".obj": read_obj, ".off": read_off, ".ply": read_ply, ".stl": read_stl}
MESH_SUFFIXES = frozenset(_READERS)


def read_mesh(path: Path) -> tuple[DoubleArray, IntArray]:
    """Vertices (v, 3) float64 and triangles (f, 3) int64 of an OBJ, OFF, PLY or STL file.

    Raises UnreadableScan for any other suffix, a broken file, a cloud without faces or a non-finite vertex in a face.
    Vertices that no face uses may be anything.
    """
    with open_regular(path) as source:
        if path.suffix.lower() not in _READERS:
            raise source.fail("is not a mesh format", "export it as one of " + " ".join(sorted(MESH_SUFFIXES)))
        geometry = _READERS[path.suffix.lower()](source)
        if geometry.triangles is None or not len(geometry.triangles):
            raise source.fail("has points but no faces", "export the surface as a triangle mesh")
        corners = geometry.points[geometry.triangles]
        if not np.isfinite(corners).all():
            raise source.fail("has a face with a corner that is not finite", "repair the mesh, or export it again")
    return geometry.points, geometry.triangles
