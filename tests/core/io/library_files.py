"""Files of the formats that other people's libraries read, whole and hostile, written by these libraries."""

from __future__ import annotations

import re
import struct
import zipfile
from pathlib import Path

import laspy
import numpy as np
import pye57
import tifffile
import trimesh

POINTS = np.round(np.random.default_rng(11).uniform(1, [80, 50, 6], size=(300, 3)), 3)
SIDE = 30.0


def e57(path: Path, *clouds: np.ndarray, places: tuple[tuple[float, float, float], ...] = ()) -> Path:
    file = pye57.E57(str(path), mode="w")
    for at, cloud in enumerate(clouds):
        place = np.array(places[at] if places else (0.0, 0.0, 0.0))
        local = cloud - place
        data = {f"cartesian{axis}": np.ascontiguousarray(local[:, i]) for i, axis in enumerate("XYZ")}
        file.write_scan_raw(data, rotation=np.array([1.0, 0, 0, 0]), translation=place)
    file.close()
    return path


def las(path: Path, points: np.ndarray = POINTS) -> Path:
    header = laspy.LasHeader(point_format=3, version="1.2")
    header.scales = np.full(3, 0.001)
    header.offsets = points.min(axis=0)
    cloud = laspy.LasData(header)
    cloud.x, cloud.y, cloud.z = points.T
    cloud.write(path)
    return path


def box() -> trimesh.Trimesh:
    return trimesh.creation.box(extents=(SIDE, SIDE, SIDE))


def scene(path: Path) -> Path:
    """Two boxes, one of them moved by 100."""
    both = trimesh.Scene()
    both.add_geometry(box(), node_name="here")
    both.add_geometry(box(), node_name="there", transform=trimesh.transformations.translation_matrix([100, 0, 0]))
    path.write_bytes(both.export(file_type=path.suffix[1:]))
    return path


def cloud_glb(path: Path) -> Path:
    path.write_bytes(trimesh.Scene(trimesh.PointCloud(POINTS)).export(file_type="glb"))
    return path


def tiff(path: Path, image: np.ndarray, **options: object) -> Path:
    tifffile.imwrite(path, image, **{"photometric": "minisblack", **options})  # type: ignore[arg-type]
    return path


def model_3mf(path: Path, model: bytes, declare: str = "") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("3D/3dmodel.model", b'<?xml version="1.0"?>' + declare.encode() + model)
    return path


def step(path: Path, unit: str = "MM") -> Path:
    """A block of 30 x 20 x 10 millimetres at (1, 2, 3) with a bore of 6 through it."""
    from OCP.BRepAlgoAPI import BRepAlgoAPI_Cut
    from OCP.BRepPrimAPI import BRepPrimAPI_MakeBox, BRepPrimAPI_MakeCylinder
    from OCP.gp import gp_Ax2, gp_Dir, gp_Pnt
    from OCP.Interface import Interface_Static
    from OCP.STEPControl import STEPControl_AsIs, STEPControl_Writer

    block = BRepPrimAPI_MakeBox(gp_Pnt(1, 2, 3), 30.0, 20.0, 10.0).Shape()
    bore = BRepPrimAPI_MakeCylinder(gp_Ax2(gp_Pnt(16, 12, 0), gp_Dir(0, 0, 1)), 3.0, 40.0).Shape()
    writer = STEPControl_Writer()
    Interface_Static.SetCVal_s("write.step.unit", unit)
    writer.Transfer(BRepAlgoAPI_Cut(block, bore).Shape(), STEPControl_AsIs)
    writer.Write(str(path))
    Interface_Static.SetCVal_s("write.step.unit", "MM")
    return path


LAUGHS = "<!DOCTYPE lolz [" + '<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in zip("abcdefgh", "bcdefghi", strict=True)
) + "]>"  # fmt: skip


def hostile(folder: Path) -> dict[str, tuple[Path, str]]:
    """name -> file, and a part of the reason it is refused for. Each looks like its format at first."""
    whole_e57 = e57(folder / "whole.e57", POINTS).read_bytes()
    whole_las = bytearray(las(folder / "whole.las").read_bytes())
    whole_laz = bytearray(las(folder / "whole.laz").read_bytes())
    whole_glb = scene(folder / "whole.glb").read_bytes()
    whole_tiff = tiff(folder / "whole.tiff", POINTS.reshape(20, 15, 3).astype(np.float32)).read_bytes()
    whole_step = step(folder / "whole.step").read_bytes()
    many, huge = whole_las[:], whole_laz[:]
    many[107:111] = struct.pack("<I", 4_000_000_000)
    huge[107:111] = struct.pack("<I", 40_000_000)
    said = whole_glb[20 : 20 + int.from_bytes(whole_glb[12:16], "little")]
    said = re.sub(rb'("buffers": *\[\{)', rb'\1"uri":"/etc/passwd",', said)
    outside = b"glTF" + struct.pack("<III4s", 2, 20 + len(said), len(said), b"JSON") + said
    wide = bytearray(whole_tiff)
    at = wide.index(struct.pack("<HHI", 256, 4, 1))  # the width, as a number of four bytes
    wide[at + 8 : at + 12] = struct.pack("<I", 0x7FFFFFFF)
    files = {
        "cut.e57": (whole_e57[: len(whole_e57) // 2], "cannot be read"),
        "junk.e57": (b"ASTM-E57" + np.random.default_rng(0).bytes(5000), "cannot be read"),
        "magic.e57": (b"ASTM-E57", "cannot be read"),
        "flipped.e57": (whole_e57.replace(b"</e57Root>", b"</e57Rood>"), "cannot be read"),
        "cut.las": (bytes(whole_las[:-500]), "announces"),
        "many.las": (bytes(many), "announces"),
        "cut.laz": (bytes(whole_laz[: len(whole_laz) * 2 // 3]), "cannot be read"),
        "huge.laz": (bytes(huge), "announces"),
        "header.las": (bytes(whole_las[:100]), "cannot be read"),
        "junk.las": (b"LASF" + np.random.default_rng(1).bytes(5000), ""),
        "cut.glb": (whole_glb[:-100], "shorter than it announces"),
        "junk.glb": (b"glTF" + struct.pack("<II", 2, 400) + np.random.default_rng(2).bytes(388), "cannot be read"),
        "version.glb": (b"glTF" + struct.pack("<II", 1, 12), "version 1"),
        "outside.glb": (outside, "in another file"),
        "cut.step": (whole_step[: len(whole_step) // 2], ""),
        "junk.step": (b"ISO-10303-21;" + np.random.default_rng(4).bytes(3000), ""),
        "empty.step": (whole_step[: whole_step.index(b"DATA;") + 5] + b"\nENDSEC;\nEND-ISO-10303-21;\n", "no shape"),
        "cut.tiff": (whole_tiff[: len(whole_tiff) // 2], ""),
        "magic.tiff": (b"II*\0", "cannot be read"),
        "junk.tiff": (b"II*\0\x08\0\0\0" + np.random.default_rng(3).bytes(3000), ""),
        "wide.tiff": (bytes(wide), "announces"),
        "endless.tiff": (b"II*\0\x08\0\0\0" + struct.pack("<H", 0) + struct.pack("<I", 8), ""),
    }
    found = {}
    for name, (content, reason) in files.items():
        (folder / name).write_bytes(content)
        found[name] = (folder / name, reason)
    found["laughs.3mf"] = (model_3mf(folder / "laughs.3mf", b"<model>&i;</model>", LAUGHS), "declares entities")
    found["empty.3mf"] = (model_3mf(folder / "empty.3mf", b"<model/>"), "neither surfaces nor points")
    found["broken.3mf"] = (model_3mf(folder / "broken.3mf", b"<model"), "cannot be read")
    found["bomb.3mf"] = (model_3mf(folder / "bomb.3mf", b" " * (40 << 20)), "unpacks")
    return found
