"""ONE table of formats: name, suffixes, detection by content, and reader of each.

Reading, folder listing, dialogs and help all use it: a new format needs its reader and a line here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sedir_core.io.e57 import is_e57, read_e57
from sedir_core.io.guard import Source
from sedir_core.io.las import is_las, read_las
from sedir_core.io.mesh import Geometry
from sedir_core.io.npy import NPY_MAGIC, read_npy, read_npz
from sedir_core.io.obj import is_obj, read_obj
from sedir_core.io.off import is_off, lacks_keyword, read_off
from sedir_core.io.pcd import is_pcd, read_pcd
from sedir_core.io.ply import is_ply, read_ply
from sedir_core.io.ptx import is_ptx, read_ptx
from sedir_core.io.scene import is_3mf, is_glb, read_3mf, read_glb
from sedir_core.io.step import is_step, read_step
from sedir_core.io.stl import is_ascii_stl, is_binary_stl, read_stl
from sedir_core.io.text import read_text
from sedir_core.io.text_layout import is_table
from sedir_core.io.tiff import is_tiff, read_tiff
from sedir_core.io.zips import is_zip
from sedir_core.units import UNKNOWN, Unit

Reader = Callable[[Source], Geometry]
Matches = Callable[[bytes, int], bool]
"""Whether a file's first bytes (up to MAX_HEADER_BYTES) and size match a format."""

GZ = ".gz"


@dataclass(frozen=True)
class Format:
    """name: as users say it. suffixes: common ones, the first for messages. mesh: it may contain faces.

    text, array: its files may also be notes or other tables, so those in folders are inspected.
    unit: fixed by the format, if any. needs: optional libraries that read it, by their pip names.
    """

    name: str
    suffixes: tuple[str, ...]
    read: Reader
    matches: Matches
    mesh: bool = False
    text: bool = False
    array: bool = False
    unit: Unit = UNKNOWN
    needs: tuple[str, ...] = ()


def _head(matches: Callable[[bytes], bool]) -> Matches:
    return lambda head, size: matches(head)


# Contents are tried in this order: formats with a signature first, rows of numbers last.
FORMATS: tuple[Format, ...] = (
    Format("PLY", (".ply",), read_ply, _head(is_ply), mesh=True),
    Format("PCD", (".pcd",), read_pcd, _head(is_pcd)),
    Format("NPY", (".npy",), read_npy, lambda head, size: head.startswith(NPY_MAGIC), array=True),
    Format("E57", (".e57",), read_e57, _head(is_e57), unit="m", needs=("pye57",)),
    Format("LAS", (".las", ".laz"), read_las, _head(is_las), needs=("laspy", "lazrs")),
    Format("GLB", (".glb",), read_glb, _head(is_glb), mesh=True, unit="m", needs=("trimesh",)),
    Format("3MF", (".3mf",), read_3mf, _head(is_3mf), mesh=True, needs=("trimesh",)),
    Format("TIFF", (".tiff", ".tif"), read_tiff, _head(is_tiff), needs=("tifffile",)),
    Format("STEP", (".step", ".stp"), read_step, _head(is_step), mesh=True, unit="mm", needs=("cadquery-ocp-novtk",)),
    Format("NPZ", (".npz",), read_npz, _head(is_zip), array=True),
    Format(
        "OFF",
        (".off", ".coff", ".noff"),
        read_off,
        lambda head, size: is_off(head) or lacks_keyword(head, size),
        mesh=True,
    ),
    Format("STL", (".stl",), read_stl, lambda head, size: is_ascii_stl(head) or is_binary_stl(head, size), mesh=True),
    Format("OBJ", (".obj",), read_obj, _head(is_obj), mesh=True),
    Format("PTX", (".ptx",), read_ptx, _head(is_ptx)),
    Format(
        "text",
        (
            ".xyz", ".txt", ".csv", ".pts", ".asc", ".dat", ".xyzn", ".xyzrgb", ".xyzi", ".xyzrgbn", ".xyb", ".tsv",
            ".tab", ".pwn", ".pnt", ".neu", ".cld", ".3d", ".txyz",
        ),
        read_text,
        lambda head, size: is_table(head, whole=len(head) >= size),
        text=True,
    ),
)  # fmt: skip

SCAN_SUFFIXES = frozenset(suffix for one in FORMATS for suffix in one.suffixes)
MESH_SUFFIXES = frozenset(suffix for one in FORMATS if one.mesh for suffix in one.suffixes)
NAMES = ", ".join("text (XYZ, TXT, CSV, PTS)" if one.text else one.name for one in FORMATS)
"""List of formats for help and messages."""


def readers() -> dict[str, str]:
    """Optional libraries and the formats that each of them reads, as text."""
    libraries = dict.fromkeys(library for one in FORMATS for library in one.needs)
    return {library: " and ".join(one.name for one in FORMATS if library in one.needs) for library in libraries}


def scan_suffix(name: str) -> str:
    """The suffix of a file's name in lower case, without .gz."""
    plain = name.lower().removesuffix(GZ)
    dot = plain.rfind(".")
    return plain[dot:] if dot > 0 else ""


def by_content(head: bytes, size: int) -> Format | None:
    """The format detected from the first bytes of a file of `size` bytes; None if unknown."""
    return next((one for one in FORMATS if one.matches(head, size)), None)


def by_suffix(suffix: str) -> Format | None:
    """The format by a file's suffix."""
    return next((one for one in FORMATS if suffix in one.suffixes), None)


def dialog_filter() -> str:
    """Name filter for Qt's file dialogs."""
    patterns = " ".join(f"*{suffix}" for one in FORMATS for suffix in one.suffixes)
    return f"Scans ({patterns} *{GZ});;All files (*)"
