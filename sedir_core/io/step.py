"""STEP (ISO 10303-21), CAD geometry: the nominal shape, triangulated. Read by OCCT, in a child process."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sedir_core.io.child import Loaded, Refusal, read_in_child
from sedir_core.io.guard import EXPORT_AGAIN, Source
from sedir_core.io.mesh import Geometry
from sedir_core.types import DoubleArray, IntArray

INSTALL = "pip install 'sedir-inspect[cad]'"
_DEVIATION = 0.0005  # largest deviation of the triangles from the true surface, as a share of the diagonal
_ANGLE = 0.2  # largest angle between neighbouring triangles, in radians
_MOST_TRIANGLES = 5_000_000


def is_step(head: bytes) -> bool:
    """Whether a file begins like STEP."""
    return head.lstrip()[:13].upper() == b"ISO-10303-21;"


def read_step(source: Source) -> Geometry:
    """All faces of all bodies, in millimetres. Raises UnreadableScan."""
    return read_in_child(source, load_step)


def load_step(path: Path) -> Loaded:
    """In the child; see `child.Loader`."""
    try:
        from OCP.IFSelect import IFSelect_RetDone
        from OCP.STEPControl import STEPControl_Reader
    except ImportError as missing:
        raise Refusal("needs Open CASCADE to be read", INSTALL) from missing
    reader = STEPControl_Reader()
    if reader.ReadFile(str(path)) != IFSelect_RetDone:
        raise Refusal("is a damaged STEP file", EXPORT_AGAIN)
    reader.TransferRoots()  # into millimetres, whatever its unit
    shape = reader.OneShape()
    if shape is None or shape.IsNull():
        raise Refusal("holds no shape", EXPORT_AGAIN)
    points, triangles = _triangles(shape)
    return Loaded(points, triangles, "mm")


def _triangles(shape: object) -> tuple[DoubleArray, IntArray]:
    from OCP.Bnd import Bnd_Box
    from OCP.BRep import BRep_Tool
    from OCP.BRepBndLib import BRepBndLib
    from OCP.BRepMesh import BRepMesh_IncrementalMesh
    from OCP.TopAbs import TopAbs_FACE, TopAbs_REVERSED
    from OCP.TopExp import TopExp_Explorer
    from OCP.TopLoc import TopLoc_Location
    from OCP.TopoDS import TopoDS

    bounds = Bnd_Box()
    BRepBndLib.Add_s(shape, bounds)
    if bounds.IsVoid():
        raise Refusal("holds no surface", EXPORT_AGAIN)
    BRepMesh_IncrementalMesh(shape, _DEVIATION * bounds.SquareExtent() ** 0.5, False, _ANGLE, False)
    points: list[DoubleArray] = []
    triangles: list[IntArray] = []
    n_points = n_triangles = 0
    faces = TopExp_Explorer(shape, TopAbs_FACE)
    while faces.More():
        face = TopoDS.Face(faces.Current())
        faces.Next()
        place = TopLoc_Location()
        mesh = BRep_Tool.Triangulation_s(face, place)
        if mesh is None:
            continue
        move = place.Transformation()
        nodes = [mesh.Node(at).Transformed(move) for at in range(1, mesh.NbNodes() + 1)]
        corners = [mesh.Triangle(at).Get() for at in range(1, mesh.NbTriangles() + 1)]
        own = np.array(corners, np.int64).reshape(-1, 3) - 1 + n_points
        points.append(np.array([(node.X(), node.Y(), node.Z()) for node in nodes]).reshape(-1, 3))
        triangles.append(own[:, ::-1] if face.Orientation() == TopAbs_REVERSED else own)
        n_points, n_triangles = n_points + len(nodes), n_triangles + len(own)
        if n_triangles > _MOST_TRIANGLES:
            raise Refusal(f"has more than {_MOST_TRIANGLES:,} triangles", "export a simpler model")
    if not n_triangles:
        raise Refusal("holds no surface", EXPORT_AGAIN)
    return np.concatenate(points), np.concatenate(triangles)
