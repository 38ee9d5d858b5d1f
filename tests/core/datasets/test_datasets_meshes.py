"""Meshes on disk: faces come with their vertices, or the file is refused."""

from pathlib import Path

import numpy as np
import pytest

from sedir_core.errors import UnreadableScan
from sedir_core.io.meshes import read_mesh

CORNERS = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)]
FACES = [(0, 2, 1), (0, 1, 3), (0, 3, 2), (1, 2, 3)]


def obj() -> str:
    rows = [f"v {x} {y} {z}" for x, y, z in CORNERS] + [f"f {a + 1} {b + 1} {c + 1}" for a, b, c in FACES]
    return "\n".join(rows) + "\n"


def off() -> str:
    rows = [f"{x} {y} {z}" for x, y, z in CORNERS] + [f"3 {a} {b} {c}" for a, b, c in FACES]
    return "OFF\n4 4 0\n" + "\n".join(rows) + "\n"


def ply() -> str:
    header = "ply\nformat ascii 1.0\nelement vertex 4\nproperty float x\nproperty float y\nproperty float z\n"
    header += "element face 4\nproperty list uchar int vertex_indices\nend_header\n"
    rows = [f"{x} {y} {z}" for x, y, z in CORNERS] + [f"3 {a} {b} {c}" for a, b, c in FACES]
    return header + "\n".join(rows) + "\n"


def stl() -> str:
    facets = []
    for face in FACES:
        corners = "\n".join("vertex {} {} {}".format(*CORNERS[i]) for i in face)
        facets.append(f"facet normal 0 0 0\nouter loop\n{corners}\nendloop\nendfacet")
    return "solid t\n" + "\n".join(facets) + "\nendsolid t\n"


@pytest.mark.parametrize(("suffix", "text"), [("obj", obj()), ("off", off()), ("ply", ply()), ("stl", stl())])
def test_every_format_gives_the_same_triangles(tmp_path: Path, suffix: str, text: str) -> None:
    path = tmp_path / f"mesh.{suffix}"
    path.write_text(text)
    vertices, faces = read_mesh(path)
    np.testing.assert_array_equal(vertices[faces], np.array(CORNERS, dtype=np.float64)[np.array(FACES)])


def test_a_face_at_infinity_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mesh.off"
    path.write_text(off().replace("1 0 0", "inf 0 0", 1))
    with pytest.raises(UnreadableScan):
        read_mesh(path)


def test_the_content_decides_what_a_mesh_is(tmp_path: Path) -> None:
    path = tmp_path / "mesh.stl"
    path.write_text(obj())
    assert len(read_mesh(path)[1]) == len(FACES)


def test_another_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mesh.obj"
    path.write_text("VERSION 0.7\nFIELDS x y z\n")
    with pytest.raises(UnreadableScan, match=r"not a mesh format.*\.obj"):
        read_mesh(path)
