"""Scan files that are broken, lie, or are no scans: each must be refused with a reason."""

from __future__ import annotations

import os
import pickle
import struct
import zipfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from scan_files import (
    CUBE,
    POINTS,
    QUADS,
    TRIANGLES,
    npy,
    npy_header,
    npz,
    pcd,
    pcd_compressed,
    ply,
    ply_cube,
    rows,
    stl_ascii,
    stl_binary,
    text_rows,
    zipped,
)

HUGE = 4_000_000_000


class MarkerPayload:
    """A pickle that writes a file when it is loaded: what must never happen."""

    def __init__(self, marker: str) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (self.marker, "w")


def _pcd(text: bytes = text_rows(rows()), data: str = "ascii", **entries: object) -> bytes:
    return pcd(data, text, **entries)


def _broken_pcd() -> dict[str, tuple[bytes, str]]:
    binary, packed = POINTS.tobytes(), pcd_compressed(list(POINTS.T))
    swapped = bytearray(packed)
    swapped[8] = 0xE0  # a copy from before the beginning
    bomb = bytes([0, 0]) + b"\xe0\xff\x00" * 400_000
    bomb_size = 1 + 264 * 400_000
    lying = packed[:4] + struct.pack("<I", HUGE) + packed[8:]
    return {
        "count_high.pcd": (_pcd(POINTS=201, WIDTH=201), "short of"),
        "count_low.pcd": (_pcd(POINTS=100, WIDTH=100), "more points"),
        "count_huge.pcd": (_pcd(POINTS=HUGE, WIDTH=HUGE), "limit is"),
        "count_million.pcd": (_pcd(POINTS=10**6, WIDTH=10**6), "holds"),
        "count_endless.pcd": (_pcd(POINTS="9" * 5000, WIDTH="9" * 5000), "not a count"),
        "count_negative.pcd": (_pcd(POINTS=-1, WIDTH=-1), "not a count"),
        "count_zero.pcd": (_pcd(POINTS=0, WIDTH=0), "no points"),
        "count_contradiction.pcd": (_pcd(WIDTH=100), "contradicts"),
        "no_count.pcd": (_pcd(WIDTH=None, HEIGHT=None, POINTS=None), "how many points"),
        "binary_cut.pcd": (_pcd(binary[:-8], "binary"), "holds"),
        "binary_more.pcd": (_pcd(binary + binary, "binary"), "more points"),
        "binary_huge.pcd": (_pcd(binary, "binary", POINTS=HUGE // 100, WIDTH=HUGE // 100), "bytes"),
        "field_huge.pcd": (_pcd(binary, "binary", fields="x y z _", size="8 8 8 8", kind="F F F F",
                                COUNT="1 1 1 999999999999"), "bytes"),
        "no_z.pcd": (_pcd(fields="x y a"), "'z'"),
        "two_x.pcd": (_pcd(fields="x y z x", size="8 8 8 8", kind="F F F F"), "'x'"),
        "long_name.pcd": (_pcd(fields="x y " + "z" * 100_000), "no DATA"),
        "bad_type.pcd": (_pcd(kind="F F Q"), "unknown TYPE"),
        "bad_size.pcd": (_pcd(size="8 8 3"), "unknown TYPE"),
        "fields_differ.pcd": (_pcd(size="8 8"), "differ in length"),
        "bad_data.pcd": (_pcd(data="binary_zipped"), "neither ascii"),
        "no_data.pcd": (b"VERSION 0.7\nFIELDS x y z\n", "no DATA"),
        "letters.pcd": (_pcd(text_rows(rows()).replace(b"4", b"four", 1)), "not a number"),
        "ragged.pcd": (_pcd(text_rows(rows()).replace(b" ", b"", 1)), "row 1 has 2"),
        "nan_only.pcd": (_pcd(text_rows([["nan"] * 3] * 200)), "distinct"),
        "one_place.pcd": (_pcd(text_rows([[1, 2, 3]] * 200)), "distinct"),
        "few.pcd": (_pcd(text_rows(rows(POINTS[:63])), POINTS=63, WIDTH=63), "distinct"),
        "far.pcd": (_pcd(text_rows([*rows()[1:], [1e300, 0, 0]])), "1e+300"),
        "compressed_cut.pcd": (_pcd(packed[:-9], "binary_compressed"), "ends at byte"),
        "compressed_damaged.pcd": (_pcd(bytes(swapped), "binary_compressed"), "damaged"),
        "compressed_lying.pcd": (_pcd(lying, "binary_compressed"), "unpacks"),
        "compressed_huge.pcd": (
            _pcd(packed[:4] + struct.pack("<I", 2_400_000_000) + packed[8:], "binary_compressed",
                 POINTS=100_000_000, WIDTH=100_000_000), "limit is"),
        "compressed_bomb.pcd": (
            _pcd(struct.pack("<II", len(bomb), bomb_size) + bomb, "binary_compressed", fields="x y z _", size="1 1 1 1",
                 kind="U U U U", WIDTH=bomb_size // 4, POINTS=bomb_size // 4), "unpacks"),
    }  # fmt: skip


def _broken_ply() -> dict[str, tuple[bytes, str]]:
    binary = POINTS.tobytes()
    listed = "element face 1\nproperty list {} int vertex_indices\n"

    def with_face(row: bytes) -> bytes:
        return ply("ascii", text_rows(rows()) + row, more=listed.format("uchar"))

    many = "double x;double y;double z;" + ";".join(["char a"] * 4000)
    many_lists = "double x;double y;double z;list uint uchar a"
    little = "binary_little_endian"
    return {
        "count_high.ply": (ply("ascii", text_rows(rows()), n=201), "short of"),
        "count_low.ply": (ply("ascii", text_rows(rows()), n=100), "more rows"),
        "count_huge.ply": (ply(little, binary, n=HUGE), "limit is"),
        "count_million.ply": (ply(little, binary, n=10**7), "holds"),
        "cut.ply": (ply(little, binary[:-1]), "holds"),
        "cut_in_header.ply": (ply(little, b"")[:60], "end_header"),
        "more.ply": (ply(little, binary * 2), "more vertex rows"),
        "long_name.ply": (ply(little, binary, "double x;double y;double z;float " + "a" * 100_000), "end_header"),
        "many_properties.ply": (ply(little, binary, many), "bytes"),
        "no_x.ply": (ply(little, binary, "double a;double y;double z"), "x, y and z"),
        "two_x.ply": (ply(little, binary, "double x;double y;double z;double x"), "x, y and z"),
        "list_x.ply": (ply(little, binary, "list uchar double x;double y;double z"), "x, y and z"),
        "unknown_type.ply": (ply(little, binary, "quad x;double y;double z"), "unknown property"),
        "float_list_size.ply": (ply(little, binary, "double x;double y;double z;list float int a"), "unknown property"),
        "no_format.ply": (b"ply\nelement vertex 1\nproperty float x\nend_header\n", "no format"),
        "bad_format.ply": (ply("binary_middle_endian", binary), "not PLY"),
        "no_vertices.ply": (ply("ascii", b"", n=0), "no vertices"),
        "no_elements.ply": (b"ply\nformat ascii 1.0\nend_header\n", "one element"),
        "two_vertices.ply": (ply("ascii", text_rows(rows()), more="element vertex 200\n"), "one element"),
        "no_properties.ply": (ply("ascii", text_rows(rows()), more=f"element cell {HUGE}\n"), "no properties"),
        "negative_count.ply": (ply("ascii", text_rows(rows()), n=-5), "not a count"),
        "junk_line.ply": (ply("ascii", text_rows(rows()), more="hello\n"), "not PLY"),
        "list_huge.ply": (ply(little, binary + b"\xff" * 40, more=listed.format("uint")), "in the middle"),
        "list_negative.ply": (ply(little, binary + b"\xff" * 40, more=listed.format("int")), "negative"),
        "list_cut.ply": (ply(little, binary + b"\x03" + bytes(11), more=listed.format("uchar")), "in the middle"),
        "list_long_ascii.ply": (with_face(b"9 1 2 3\n"), "longer"),
        "list_short_ascii.ply": (with_face(b"2 1 2 3\n"), "no area"),
        "list_nan_ascii.ply": (with_face(b"nan 1 2\n"), "whole number"),
        "vertex_list_huge.ply": (ply(little, binary + b"\xff" * 9999, many_lists), "in the middle"),
        "faces_cut.ply": (ply_cube("<", QUADS.tolist())[:-3], "in the middle"),
        "face_high.ply": (ply_cube("<", [[0, 1, 8]]), "uses vertex 8"),
        "face_negative.ply": (ply_cube(">", [[0, 1, -1]]), "uses vertex -1"),
        "face_high_ascii.ply": (ply_cube("", [[0, 1, 2**40]]), "uses vertex"),
        "face_half_ascii.ply": (ply_cube("", [[0, 1, 2.5]]), "whole number"),
        "faces_flat.ply": (ply_cube("<", [[0, 0, 1]] * 4), "no area"),
        "faces_nowhere.ply": (ply_cube("<", QUADS.tolist(), CUBE * np.nan), "no area"),
        "faces_far.ply": (ply_cube("<", QUADS.tolist(), CUBE * 1e300), "no area"),
        "nan_only.ply": (ply(little, (POINTS * np.nan).tobytes()), "distinct"),
        "far.ply": (ply(little, (POINTS * 1e10).tobytes()), "coordinate"),
        "junk.ply": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20, "not in PLY format"),
        "prose_inside.ply": (b"This is not a scan at all.\n" * 50, "not in PLY format"),
        "tiny.ply": (b"p", "not in PLY format"),
    }  # fmt: skip


def _broken_text() -> dict[str, tuple[bytes, str]]:
    good = text_rows(rows())
    return {
        "count_high.pts": (b"201\n" + good, "announces 201"),
        "count_low.pts": (b"100\n" + good, "announces 100"),
        "count_huge.pts": (b"%d\n" % HUGE + good, "limit is"),
        "count_endless.pts": (b"9" * 5000 + b"\n" + good, "not a count"),
        "two_columns.xyz": (text_rows([r[:2] for r in rows()]), "nor a header"),
        "ragged.csv": (good.replace(b" ", b",").replace(b",", b"", 1), "nor a header"),
        "digits.txt": (b"1" * 60_000 + b"x 2 3\n" + good, "nor a header"),
        "digits_later.txt": (good + b"1" * 1_900_000 + b"x 2 3\n", "not a number"),
        "damaged_first_row.xyz": (b"1.2.3 4 5\n" + good, "nor a header"),
        "two_columns_first.xyz": (b"1 2\n" + good, "nor a header"),
        "ragged_later.xyz": (good + b"1 2\n", "row 201 has 2"),
        "letters.xyz": (good + b"1 2 three\n", "'three' "),
        "prose.txt": (b"This is not a scan at all.\n" * 500, "three numbers"),
        "one_line.txt": (b"1.5 " * 3_000_000, "columns"),
        "endless_line.txt": (good + b"1 " * 3_000_000, "line of more than"),
        "junk.xyz": (np.random.default_rng(0).bytes(100_000), "not text"),
        "utf16_no_mark.txt": (good.decode().encode("utf-16-le"), "UTF-16"),
        "utf16_cut.txt": (good.decode().encode("utf-16")[:-1], "UTF-16"),
        "control.xyz": (good + b"\x00\x01\x02 1 2\n" * 30_000, "not text"),
        "control_later.xyz": (good * 20 + b"\x1c\x1d\x1e 1 2\n", "not a number"),
        "only_header.csv": (b"x,y,z\n", "three numbers"),
        "blank.txt": (b" \n\n\t\n", "three numbers"),
        "nan_only.csv": (b"nan,nan,nan\n" * 500, "distinct"),
        "empty_cells.csv": (b",,\n" * 500, "distinct"),
        "chemistry.xyz": (b"200\nwater\n" + text_rows([["O", *r] for r in rows()]), "three numbers"),
        "far.txt": (text_rows([*rows(), [-1e13, 0, 0]]), "1e+13"),
        "wide.csv": (text_rows([range(200)] * 100, ","), "200 columns"),
        "unknown.abc": (b"This is not a scan at all.\n" * 50, "has an unknown format"),
        "no_suffix": (b"This is not a scan at all.\n" * 50, "no suffix"),
    }


def _broken_arrays() -> dict[str, tuple[bytes, str]]:
    head = "{'descr': '<f8', 'fortran_order': False, 'shape': %s, }"
    lying = bytearray(npz({"points": POINTS}, compressed=True))
    at = lying.rfind(b"PK\1\2") + 24
    lying[at : at + 4] = struct.pack("<I", HUGE)
    encrypted = bytearray(npz({"points": POINTS}))
    encrypted[encrypted.rfind(b"PK\1\2") + 8] |= 1
    damaged = bytearray(npz({"points": POINTS}))
    damaged[1000] ^= 255
    huge_directory = bytearray(npz({"points": POINTS}))
    huge_directory[-10:-6] = struct.pack("<I", HUGE)
    lzma = BytesIO()
    with zipfile.ZipFile(lzma, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("points.npy", npy(POINTS))
    return {
        "pickled.npy": (npy(np.array([MarkerPayload("MARKER")], dtype=object)), "never loaded"),
        "pickle.npy": (pickle.dumps(MarkerPayload("MARKER")), "not in NPY format"),
        "cut.npy": (npy(POINTS)[:-1], "announces"),
        "more.npy": (npy(POINTS) + b"more", "announces"),
        "magic_only.npy": (b"\x93NUMPY", "not a NumPy array"),
        "header_cut.npy": (npy(POINTS)[:40], "damaged"),
        "header_huge.npy": (b"\x93NUMPY\x02\x00" + struct.pack("<I", HUGE) + b"{", "damaged"),
        "shape_huge.npy": (npy_header(head % "(4000000000, 3)", POINTS.tobytes()), "announces"),
        "shape_endless.npy": (npy_header(head % f"({'9' * 180}, 3)", POINTS.tobytes()), "shape"),
        "shape_negative.npy": (npy_header(head % "(-200, 3)", POINTS.tobytes()), "damaged"),
        "code.npy": (npy_header("__import__('os').system('touch MARKER')", POINTS.tobytes()), "damaged"),
        "nested.npy": (npy_header("(" * 20_000, POINTS.tobytes()), "damaged"),
        "complex.npy": (npy(POINTS.astype(complex)), "not real numbers"),
        "records.npy": (npy(np.zeros(200, dtype=[("a", "f8"), ("b", "f8"), ("c", "f8")])), "its fields are a, b, c"),
        "records_cut.npy": (npy_header("{'descr': [('x', '<f8'), 'fortran_order': False, 'shape': (9,), }"), "damaged"),
        "records_damaged.npy": (
            npy_header("{'descr': [('x', '|S0'), ('y', '<f8', (0,))], 'fortran_order': False, 'shape': (9,)}"),
            "damaged",
        ),
        "records_huge.npy": (
            npy_header("{'descr': [('x', '<f8', (9999, 9999))], 'fortran_order': False, 'shape': (9,), }"), "records"),
        "flat.npy": (npy(POINTS.ravel()), "shape (600,)"),
        "two_columns.npy": (npy(POINTS[:, :2]), "shape (200, 2)"),
        "nan_only.npy": (npy(POINTS * np.nan), "distinct"),
        "bomb.npz": (npz({"points": np.zeros((11_000_000, 3))}, compressed=True), "unpacks"),
        "small_bomb.npz": (npz({"points": np.zeros((8_000_000, 3), np.uint8)}, compressed=True), "unpacks"),
        "lying.npz": (bytes(lying), "unpacks"),
        "encrypted.npz": (bytes(encrypted), "encrypted"),
        "damaged.npz": (bytes(damaged), "damaged"),
        "directory.npz": (bytes(huge_directory), "directory"),
        "cut.npz": (npz({"points": POINTS})[:-30], "complete zip"),
        "lzma.npz": (lzma.getvalue(), "unusual"),
        "empty.npz": (npz({}), "without arrays"),
        "ambiguous.npz": (npz({"a": POINTS, "b": POINTS}), "2 arrays"),
        "pickled.npz": (npz({"points": np.array([MarkerPayload("MARKER")], dtype=object)}), "never loaded"),
        "office.npz": (zipped({"word/document.xml": b"<xml/>"}), "without arrays"),
    }  # fmt: skip


def _broken_meshes() -> dict[str, tuple[bytes, str]]:
    v = text_rows([["v", *p] for p in CUBE])
    off = b"OFF\n8 %d 0\n" + text_rows(CUBE)
    return {
        "face_high.obj": (v + b"f 1 2 9\n", "uses vertex 8"),
        "face_zero.obj": (v + b"f 0 1 2\n", "counts from 1"),
        "face_back.obj": (b"f -1 -2 -3\n" + v, "uses vertex"),
        "face_letters.obj": (v + b"f a b c\n", "not a number"),
        "face_blank.obj": (v + b"f \n", "without numbers"),
        "face_nan.obj": (v + b"f nan 1 2\n", "whole number"),
        "short.obj": (v + b"v 1 2\n", "fewer than 3"),
        "letters.obj": (v + b"v 1 2 z\n", "not a number"),
        "nothing.obj": (b"mtllib x.mtl\no thing\n", "no vertices"),
        "junk.obj": (np.random.default_rng(1).bytes(50_000), "no vertices"),
        "few.obj": (v, "distinct"),
        "cut.stl": (stl_binary(TRIANGLES)[:-1], "holds"),
        "more.stl": (stl_binary(TRIANGLES) + b"x" * 60, "more faces"),
        "count_huge.stl": (stl_binary(TRIANGLES, HUGE), "limit is"),
        "count_zero.stl": (stl_binary(TRIANGLES[:0]), "no faces"),
        "cut_ascii.stl": (stl_ascii(TRIANGLES)[:-90], "endsolid"),
        "no_end.stl": (stl_ascii(TRIANGLES).replace(b"endsolid cube", b""), "endsolid"),
        "corners.stl": (stl_ascii(TRIANGLES).replace(b"vertex", b"vortex", 1), "complete faces"),
        "letters.stl": (stl_ascii(TRIANGLES).replace(b"2.0", b"two", 1), "not a number"),
        "flat.stl": (stl_binary(TRIANGLES * [1, 0, 0]), "no area"),
        "nan.stl": (stl_binary(TRIANGLES * np.nan), "no area"),
        "junk.stl": (b"hello", "not an STL"),
        "face_high.off": (off % 1 + b"3 0 1 8\n", "uses vertex 8"),
        "face_short.off": (off % 1 + b"4 0 1 2\n", "than it announces"),
        "face_negative.off": (off % 1 + b"-3 0 1 2\n", "than it announces"),
        "faces_missing.off": (off % 2 + b"3 0 1 2\n", "short of"),
        "faces_more.off": (off % 1 + b"3 0 1 2\n3 0 1 2\n", "more rows"),
        "count_huge.off": (b"OFF\n%d 0 0\n" % HUGE + text_rows(CUBE), "limit is"),
        "count_million.off": (b"OFF\n8 30000000 0\n" + text_rows(CUBE), "bytes"),
        "count_nan.off": (b"OFF\nnan 1 0\n" + text_rows(CUBE), "whole number"),
        "count_negative.off": (b"OFF\n-8 1 0\n" + text_rows(CUBE), "announces -8"),
        "no_counts.off": (b"OFF\n", "short of"),
        "four.off": (b"4OFF\n8 0 0\n", "four- or n-"),
        "binary.off": (b"OFF BINARY\n" + bytes(99), "binary"),
        "junk.off": (b"PK is not off", "not in OFF format"),
    }  # fmt: skip


BROKEN: dict[str, tuple[bytes, str]] = {
    **_broken_pcd(),
    **_broken_ply(),
    **_broken_text(),
    **_broken_arrays(),
    **_broken_meshes(),
    "empty.ply": (b"", "is empty"),
    "empty.csv": (b"", "is empty"),
}
"""name -> (content, a part of the reason given)."""


def irregular(folder: Path) -> Sequence[tuple[Path, str]]:
    """Things that are not regular files, and the reason each is refused for."""
    fifo, device, loop = folder / "fifo.ply", folder / "zero.xyz", folder / "loop.pcd"
    os.mkfifo(fifo)
    device.symlink_to("/dev/zero")
    loop.symlink_to(loop)
    (folder / "folder.ply").mkdir()
    (folder / "fifo_link.npy").symlink_to(fifo)
    (folder / "dangling.stl").symlink_to(folder / "nothing")
    too_big = folder / "big.xyz"
    with too_big.open("wb") as file:
        file.truncate(3 << 30)
    return [
        (fifo, "pipe or a device"),
        (folder / "fifo_link.npy", "pipe or a device"),
        (device, "pipe or a device"),
        (folder / "folder.ply", "is a folder"),
        (folder / "dangling.stl", "no such file"),
        (folder / "missing.ply", "no such file"),
        (loop, "cannot be read"),
        (too_big, "the limit is"),
    ]
