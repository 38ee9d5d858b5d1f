"""GLB (binary glTF) and 3MF: the transformed parts of a scene. Read by trimesh, in a child process."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np

from sedir_core.io.child import Loaded, Refusal, read_in_child
from sedir_core.io.guard import COPY_AGAIN, EXPORT_AGAIN, MAX_POINTS, THIN_OUT, Source
from sedir_core.io.mesh import Geometry
from sedir_core.io.zips import open_zip
from sedir_core.units import UNKNOWN, Unit

_MODEL = b"3D/3dmodel.model"
_UNITS: dict[str, Unit] = {
    "micron": "um", "millimeter": "mm", "millimeters": "mm", "centimeter": "cm", "centimeters": "cm", "meter": "m",
    "meters": "m", "inch": "inch", "inches": "inch",
}  # fmt: skip


def is_glb(head: bytes) -> bool:
    """Whether a file begins like binary glTF."""
    return head.startswith(b"glTF")


def read_glb(source: Source) -> Geometry:
    """The surfaces of the scene, or its points; textures and referenced files are never opened.

    Raises UnreadableScan.
    """
    version, length = struct.unpack("<II", source.read_at(4, 8))
    if version != 2 or length > source.size:
        raise source.fail(f"is glTF version {version}, or shorter than it announces", COPY_AGAIN)
    return read_in_child(source, load_glb)


def is_3mf(head: bytes) -> bool:
    """Whether a zip archive begins like 3MF: with its content types, or its model."""
    listed = b"[Content_Types].xml" in head[:200] and b"3dmodel" in head
    return head.startswith(b"PK\3\4") and (_MODEL in head or listed)


def read_3mf(source: Source) -> Geometry:
    """The surfaces of all build items. Raises UnreadableScan."""
    with open_zip(source) as archive:  # check sizes before a library unpacks anything
        if not any(member.filename.lower().endswith(".model") for member in archive.infolist()):
            raise source.fail("holds no model", EXPORT_AGAIN)
    return read_in_child(source, load_3mf)


def load_glb(path: Path) -> Loaded:
    """In the child; see `child.Loader`."""
    return _load(path, "glb", "m")


def load_3mf(path: Path) -> Loaded:
    """In the child; see `child.Loader`."""
    _refuse_declarations(path)
    return _load(path, "3mf", UNKNOWN)


class _NoOtherFiles:
    """Instead of what the library makes for itself, which opens files that the scene names; None does not stop it."""

    def __getitem__(self, name: str) -> bytes:
        return self.get(name)

    def get(self, name: str) -> bytes:
        raise Refusal(
            f"keeps its points in another file, {str(name)[:60]!r}", "export it as one file, GLB with its data"
        )

    def namespaced(self, namespace: str) -> _NoOtherFiles:
        return self

    def keys(self) -> tuple[str, ...]:
        return ()


def _load(path: Path, kind: str, unit: Unit) -> Loaded:
    import trimesh

    nowhere: Any = _NoOtherFiles()
    with path.open("rb") as file:
        try:
            scene: Any = trimesh.load_scene(file, file_type=kind, skip_materials=True, resolver=nowhere)
        except KeyError as lacking:  # an empty model has no world
            raise Refusal("holds neither surfaces nor points", EXPORT_AGAIN) from lacking
    corners: list[np.ndarray] = []
    faces: list[np.ndarray] = []
    loose: list[np.ndarray] = []
    count = 0
    for part in scene.dump():
        points = np.asarray(part.vertices, np.float64)
        if len(points) + count > MAX_POINTS:
            raise Refusal(f"holds more than {MAX_POINTS:,} points", THIN_OUT)
        if len(getattr(part, "faces", ())):
            corners.append(points)
            faces.append(np.asarray(part.faces, np.int64) + count)
            count += len(points)
        else:
            loose.append(points)
    said = _UNITS.get(str(scene.units or "").lower(), unit)
    if faces:
        return Loaded(np.concatenate(corners), np.concatenate(faces), said)
    if not loose:
        raise Refusal("holds neither surfaces nor points", EXPORT_AGAIN)
    return Loaded(np.concatenate(loose), unit=said)


def _refuse_declarations(path: Path) -> None:
    """Reject XML entity declarations, which can expand to gigabytes and which 3MF does not need."""
    import zipfile

    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.lower().endswith((".model", ".rels", ".xml")) and b"<!" in archive.read(name).replace(b"<!--", b""):
                raise Refusal("declares entities in its XML, as no scan does", EXPORT_AGAIN)
