"""Scan files made here, whole and broken, in every format: for the reader tests and the fuzzer."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Iterable, Sequence

import numpy as np

rng = np.random.default_rng(7)
# Georeferenced, as a surveyor's scan would be, to 1e-4: float32 would move these by half a unit.
POINTS = np.round(rng.normal(size=(200, 3)) * [30, 20, 5] + [5_000_000, 4_500_000, 300], 4)
SINGLE = np.round(rng.normal(size=(200, 3)), 3).astype(np.float32).astype(np.float64)
"""Points that float32 holds exactly."""
LABELS = np.arange(200) % 5 == 0
CUBE = np.array([[x, y, z] for x in (0.0, 2.0) for y in (0.0, 2.0) for z in (0.0, 2.0)])
QUADS = np.array([[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]])


def text_rows(table: Iterable[Sequence[object]], separator: str = " ") -> bytes:
    return "".join(separator.join(map(str, row)) + "\n" for row in table).encode()


def rows(points: np.ndarray = POINTS) -> list[list[object]]:
    return [[f"{x:.4f}" for x in point] for point in points]


def pcd(
    data: str, body: bytes, fields: str = "x y z", size: str = "8 8 8", kind: str = "F F F", **other: object
) -> bytes:
    n_fields = len(fields.split())
    entries = {
        "VERSION": "0.7",
        "FIELDS": fields,
        "SIZE": size,
        "TYPE": kind,
        "COUNT": " ".join(["1"] * n_fields),
        "WIDTH": len(POINTS),
        "HEIGHT": 1,
        "VIEWPOINT": "0 0 0 1 0 0 0",
        "POINTS": len(POINTS),
    }
    entries |= other
    lines = "".join(f"{key} {value}\n" for key, value in entries.items() if value is not None)
    return f"# .PCD v0.7 - Point Cloud Data file format\n{lines}DATA {data}\n".encode() + body


def lzf_pack(data: bytes) -> bytes:
    """A plain LZF compressor: finds copies through the last place of each three bytes."""
    out, literals, last, at = bytearray(), bytearray(), {}, 0

    def flush() -> None:
        for start in range(0, len(literals), 32):
            piece = literals[start : start + 32]
            out.append(len(piece) - 1)
            out.extend(piece)
        literals.clear()

    while at < len(data):
        key = data[at : at + 3]
        before, last[key] = last.get(key), at
        if before is None or len(key) < 3 or at - before > 8192:
            literals.append(data[at])
            at += 1
            continue
        length = 3
        while length < 264 and at + length < len(data) and data[before + length] == data[at + length]:
            length += 1
        flush()
        distance, stored = at - before - 1, length - 2
        out.append(min(stored, 7) << 5 | distance >> 8)
        if stored >= 7:
            out.append(stored - 7)
        out.append(distance & 255)
        at += length
    flush()
    return bytes(out)


def pcd_compressed(columns: Sequence[np.ndarray]) -> bytes:
    data = b"".join(np.ascontiguousarray(column).tobytes() for column in columns)
    packed = lzf_pack(data)
    return struct.pack("<II", len(packed), len(data)) + packed


def ply(
    kind: str, body: bytes, vertex: str = "double x;double y;double z", n: int = len(POINTS), more: str = ""
) -> bytes:
    properties = "".join(f"property {one}\n" for one in vertex.split(";"))
    header = f"ply\nformat {kind} 1.0\ncomment made here\nelement vertex {n}\n{properties}{more}end_header\n"
    return header.encode() + body


def ply_cube(order: str, polygons: Sequence[Sequence[int]], points: np.ndarray = CUBE) -> bytes:
    names = {"<": "binary_little_endian", ">": "binary_big_endian", "": "ascii"}
    more = f"element face {len(polygons)}\nproperty uchar quality\nproperty list uchar int vertex_indices\n"
    if order:
        body = points.astype(order + "f8").tobytes()
        body += b"".join(struct.pack(f"{order}BB{len(p)}i", 9, len(p), *p) for p in polygons)
    else:
        body = text_rows(points) + text_rows([[9, len(p), *p] for p in polygons])
    return ply(names[order], body, n=len(points), more=more)


def stl_binary(triangles: np.ndarray, n: int | None = None, header: bytes = b"solid made here") -> bytes:
    body = b"".join(struct.pack("<12fH", 0, 0, 0, *corners.ravel(), 0) for corners in triangles)
    return header.ljust(80, b"\0") + struct.pack("<I", len(triangles) if n is None else n) + body


def stl_ascii(triangles: np.ndarray) -> bytes:
    facets = "".join(
        " facet normal 0 0 1\n  outer loop\n"
        + "".join(f"   vertex {x} {y} {z}\n" for x, y, z in corners)
        + "  endloop\n endfacet\n"
        for corners in triangles
    )
    return f"solid cube\n{facets}endsolid cube\n".encode()


def npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, array)
    return file.getvalue()


def npy_header(header: str, body: bytes = b"", version: int = 1) -> bytes:
    text = header.encode() + b"\n"
    size = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes([version, 0]) + size + text + body


def npz(arrays: dict[str, np.ndarray], compressed: bool = False) -> bytes:
    file = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(file, **arrays)
    return file.getvalue()


def zipped(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


TRIANGLES = CUBE[np.concatenate([QUADS[:, [0, 1, 2]], QUADS[:, [0, 2, 3]]])]


def structured(points: np.ndarray, spec: Sequence[tuple[str, str]], order: str = "<") -> np.ndarray:
    table = np.zeros(len(points), dtype=[(name, order + kind) for name, kind in spec])
    for axis, values in zip("xyz", points.T, strict=True):
        table[axis] = values
    return table


def _valid_pcd() -> dict[str, tuple[bytes, np.ndarray]]:
    spec = [("pad", "u4"), ("z", "f8"), ("intensity", "f4"), ("x", "f8"), ("y", "f8"), ("ring", "u2")]
    mixed = structured(POINTS, spec)
    mixed_columns = pcd_compressed([mixed[name] for name, _ in spec])
    padded = {"fields": "x y z normal _", "size": "4 4 4 4 1", "kind": "F F F F U", "COUNT": "1 1 1 3 4"}
    mixed_header = {"fields": "_ z intensity x y ring", "size": "4 8 4 8 8 2", "kind": "U F F F F U"}
    normals = structured(SINGLE, [("x", "f4"), ("y", "f4"), ("z", "f4"), ("n", "3f4"), ("_", "4u1")])
    organised = POINTS.copy()
    organised[::7] = np.nan
    grid = {"WIDTH": 20, "HEIGHT": 10}
    whole = np.rint(SINGLE * 1000)
    return {
        "ascii.pcd": (pcd("ascii", text_rows(rows())), POINTS),
        "crlf.pcd": (pcd("ascii", text_rows(rows())).replace(b"\n", b"\r\n"), POINTS),
        "old_nan.pcd": (pcd("ascii", text_rows(rows(organised)).replace(b"nan", b"-1.#IND"), **grid), organised),
        "extra.pcd": (
            pcd("ascii", text_rows([[1, 2, *r, "nan"] for r in rows()]), "n x y z rgb", "4 8 8 8 4", "F F F F F",
                COUNT="2 1 1 1 1"), POINTS),
        "old.pcd": (pcd("ascii", text_rows(rows()), VERSION=".5", COUNT=None, VIEWPOINT=None, HEIGHT=None), POINTS),
        "double.pcd": (pcd("binary", POINTS.astype("<f8").tobytes()), POINTS),
        "float.pcd": (pcd("binary", SINGLE.astype("<f4").tobytes(), size="4 4 4"), SINGLE),
        "mixed.pcd": (pcd("binary", mixed.tobytes(), **mixed_header), POINTS),
        "padded.pcd": (pcd("binary", normals.tobytes(), **padded), SINGLE),
        "organised.pcd": (pcd("binary", organised.tobytes(), **grid), organised),
        "integers.pcd": (pcd("binary", whole.astype("<i4").tobytes(), size="4 4 4", kind="I I I"), whole),
        "compressed.pcd": (pcd("binary_compressed", pcd_compressed(list(POINTS.T))), POINTS),
        "compressed_mixed.pcd": (pcd("binary_compressed", mixed_columns, **mixed_header), POINTS),
        "compressed_nan.pcd": (pcd("binary_compressed", pcd_compressed(list(organised.T)), **grid), organised),
        "no_suffix_needed.dat": (pcd("ascii", text_rows(rows())), POINTS),
    }  # fmt: skip


def _valid_ply() -> dict[str, tuple[bytes, np.ndarray]]:
    zyx = [("z", "f8"), ("red", "u1"), ("y", "f8"), ("x", "f8")]
    names = "double z;uchar red;double y;double x"
    camera = "ply\nformat {} 1.0\nelement camera 2\nproperty list uchar float view\nproperty short id\n"
    xyz = "element vertex 200\nproperty double x\nproperty double y\nproperty double z\nend_header\n"
    views = struct.pack("<B3fh", 3, 1, 2, 3, 7) + struct.pack("<B1fh", 1, 9, 8)
    listed = b"".join(struct.pack("<3dB", *p, i % 3) + bytes(i % 3) for i, p in enumerate(POINTS))
    lists = "double x;double y;double z;list uchar uchar seen"
    return {
        "ascii.ply": (ply("ascii", text_rows(rows())), POINTS),
        "crlf.ply": (ply("ascii", text_rows(rows())).replace(b"\n", b"\r\n"), POINTS),
        "mac.ply": (ply("ascii", text_rows(rows())).replace(b"\n", b"\r"), POINTS),
        "little.ply": (ply("binary_little_endian", POINTS.astype("<f8").tobytes()), POINTS),
        "big.ply": (ply("binary_big_endian", POINTS.astype(">f8").tobytes()), POINTS),
        "zyx.ply": (ply("binary_little_endian", structured(POINTS, zyx).tobytes(), names), POINTS),
        "zyx_big.ply": (ply("binary_big_endian", structured(POINTS, zyx, ">").tobytes(), names), POINTS),
        "zyx_ascii.ply": (ply("ascii", text_rows([[z, 255, y, x] for x, y, z in rows()]), names), POINTS),
        "float.ply": (ply("binary_little_endian", SINGLE.astype("<f4").tobytes(), "float x;float32 y;float z"), SINGLE),
        "camera_first.ply": ((camera.format("binary_little_endian") + xyz).encode() + views + POINTS.tobytes(), POINTS),
        "camera_first_ascii.ply": (
            (camera.format("ascii") + xyz + "3 1 2 3 7\n1 9 8\n").encode() + text_rows(rows()), POINTS),
        "vertex_lists.ply": (ply("binary_little_endian", listed, lists), POINTS),
        "vertex_lists_ascii.ply": (
            ply("ascii", text_rows([[*r, i % 3, *[1] * (i % 3)] for i, r in enumerate(rows())]), lists), POINTS),
        "no_faces.ply": (
            ply("ascii", text_rows(rows()), more="element face 0\nproperty list uchar int vertex_indices\n"), POINTS),
        "latin1_comment.ply": (ply("ascii", text_rows(rows())).replace(b"made here", b"m\x85de h\xe9re"), POINTS),
    }  # fmt: skip


def _valid_text() -> dict[str, tuple[bytes, np.ndarray]]:
    colours = [[*r, 10, 20, 30] for r in rows()]
    missing = POINTS.copy()
    missing[3], missing[5, 2] = np.nan, np.nan
    zyx = [["a7", z, y, x] for x, y, z in rows()]
    gaps = text_rows(rows(missing), ",").replace(b"nan", b"")
    comma = text_rows(rows(), ";").replace(b".", b",")
    return {
        "space.xyz": (text_rows(rows()), POINTS),
        "no_last_newline.xyz": (text_rows(rows())[:-1], POINTS),
        "aligned.txt": (text_rows(rows(), "   ").replace(b"\n", b"  \r\n\r\n"), POINTS),
        "mac.txt": (text_rows(rows()).replace(b"\n", b"\r"), POINTS),
        "comma.csv": (text_rows(rows(), ","), POINTS),
        "comma_space.csv": (text_rows(rows(), ", "), POINTS),
        "semicolon.csv": (text_rows(rows(), ";"), POINTS),
        "tab.txt": (text_rows(rows(), "\t"), POINTS),
        "decimal_comma.csv": (comma, POINTS),
        "decimal_comma_spaces.txt": (text_rows(rows()).replace(b".", b","), POINTS),
        "decimal_comma_tabs.txt": (text_rows(rows(), "\t").replace(b".", b","), POINTS),
        "header.csv": (b"X,Y,Z,R,G,B\n" + text_rows(colours, ","), POINTS),
        "bom.csv": (b"\xef\xbb\xbfx;y;z\r\n" + comma, POINTS),
        "bom_only.xyz": (b"\xef\xbb\xbf" + text_rows(rows()), POINTS),
        "named.csv": (b'"id","z [mm]","y [mm]","x [mm]"\n' + text_rows(zyx, ","), POINTS),
        "pandas.csv": (b",x,y,z\n" + text_rows([[i, *r] for i, r in enumerate(rows())], ","), POINTS),
        "paraview.csv": (b'"v","Points:0","Points:1","Points:2"\n' + text_rows([[1, *r] for r in rows()], ","), POINTS),
        "missing_cells.csv": (gaps, missing),
        "missing_cells_semicolon.csv": (gaps.replace(b",", b";"), missing),
        "last_separator.csv": (text_rows(rows(), ",").replace(b"\n", b",\n"), POINTS),
        "cloudcompare.txt": (b"//X Y Z R G B\n200\n" + text_rows(colours), POINTS),
        "count.pts": (b"200\n" + text_rows([[*r, -1200, 10, 20, 30] for r in rows()]), POINTS),
        "no_count.pts": (text_rows(rows()), POINTS),
        "comments.xyz": (b"# a scan\n# x y z\n" + text_rows(rows()).replace(b"\n", b" # p\n", 3), POINTS),
        "exponents.xyz": (text_rows([[f"{x:.17e}" for x in p] for p in POINTS]), POINTS),
        "six.xyz": (text_rows(colours), POINTS),
        "labels_are_not_special.txt": (text_rows([[*r, int(b)] for r, b in zip(rows(), LABELS, strict=True)]), POINTS),
    }  # fmt: skip


def _valid_arrays() -> dict[str, tuple[bytes, np.ndarray]]:
    wide = np.column_stack([POINTS, np.arange(200)])
    holes = POINTS.copy()
    holes[4] = [np.nan, np.inf, 0]
    other = npy_header('{"shape":(200,3),"fortran_order":False,"descr":"<f8"}', POINTS.tobytes(), version=2)
    return {
        "double.npy": (npy(POINTS), POINTS),
        "holes.npy": (npy(holes), holes),
        "fortran.npy": (npy(np.asfortranarray(wide)), POINTS),
        "big_endian.npy": (npy(POINTS.astype(">f8")), POINTS),
        "single.npy": (npy(SINGLE.astype(np.float32)), SINGLE),
        "integers.npy": (npy(np.rint(SINGLE * 1000).astype(np.int16)), np.rint(SINGLE * 1000)),
        "other_writer.npy": (other, POINTS),
        "only.npz": (npz({"anything": POINTS, "ids": np.arange(9)}), POINTS),
        "named.npz": (npz({"colours": POINTS * 0, "xyz": POINTS}, compressed=True), POINTS),
        "objects_beside.npz": (npz({"points": POINTS, "notes": np.array([{}], dtype=object)}), POINTS),
    }


VALID: dict[str, tuple[bytes, np.ndarray]] = {
    **_valid_pcd(),
    **_valid_ply(),
    **_valid_text(),
    **_valid_arrays(),
    "points.obj": (b"mtllib /dev/zero\no scan\n" + text_rows([["v", *r] for r in rows()]), POINTS),
    "coloured.obj": (text_rows([["v", *r, 0.5, 0.5, 1] for r in rows()]), POINTS),
    "points.off": (b"OFF\n200 0 0\n" + text_rows(rows()), POINTS),
    "normals.off": (b"NOFF # with normals\n# here\n200 0\n" + text_rows([[*r, 0, 0, 1] for r in rows()]), POINTS),
    "colours.off": (b"COFF 200 0 0\n" + text_rows([[*r, 10, 20, 30, 255] for r in rows()]), POINTS),
}
"""name -> (content, points it holds)."""

_TRIANGLES_AND_QUADS = [[0, 1, 3], [0, 3, 2], *QUADS[1:].tolist()]
_FACES = text_rows([["f", *(q + 1)] for q in QUADS])
_V = text_rows([["v", *p] for p in CUBE])
MESHES: dict[str, bytes] = {
    "quads.ply": ply_cube("<", QUADS.tolist()),
    "quads_big.ply": ply_cube(">", QUADS.tolist()),
    "quads_ascii.ply": ply_cube("", QUADS.tolist()),
    "mixed.ply": ply_cube("<", _TRIANGLES_AND_QUADS),
    "mixed_big.ply": ply_cube(">", _TRIANGLES_AND_QUADS),
    "mixed_ascii.ply": ply_cube("", _TRIANGLES_AND_QUADS),
    "quads.obj": _V + _FACES,
    "negative.obj": _V + text_rows([["f", *(q - 8)] for q in QUADS]) + b"v 9 9 9\n",
    "textured.obj": _V + b"vt 0 0\nvn 0 0 1\ng side\nusemtl a/b\n"
    + text_rows([["f", *(f"{c}/1/1" for c in q + 1)] for q in QUADS[:3]])
    + text_rows([["f", *(f"{c}//1" for c in q + 1)] for q in QUADS[3:]]),
    "continued.obj": _V + _FACES.replace(b" 4 3\n", b" \\\n 4 3\n"),
    "binary.stl": stl_binary(TRIANGLES),
    "ascii.stl": stl_ascii(TRIANGLES),
    "upper.stl": stl_ascii(TRIANGLES).upper(),
    "cube.off": b"OFF\n8 6 12\n" + text_rows(CUBE) + text_rows([[4, *q] for q in QUADS]),
    "coloured_faces.off": b"OFF\n8 6 0\n" + text_rows(CUBE)
    + text_rows([[4, *q, *[255] * (i % 2)] for i, q in enumerate(QUADS)]),
}  # fmt: skip
"""The same cube of side 2, eight corners and six sides."""


def mutated(content: bytes, draw: np.random.Generator) -> bytes:
    """The content with a few bytes flipped, a piece cut out, doubled or moved, or a number made huge."""
    data = bytearray(content)
    for _ in range(int(draw.integers(1, 4))):
        size = max(len(data), 1)
        start, length = int(draw.integers(size)), int(draw.integers(1, max(2, size // 4)))
        match draw.integers(9):
            case 0 | 6 | 7 | 8:
                for at in draw.integers(size, size=int(draw.integers(1, 8))):
                    data[at : at + 1] = bytes([int(draw.integers(256))])
            case 1:  # headers are short and matter most
                at = int(draw.integers(min(size, 400)))
                data[at : at + 1] = bytes([int(draw.integers(256))])
            case 2:
                del data[start:]
            case 3:
                del data[start : start + length]
            case 4:
                data[start:start] = data[int(draw.integers(size)) :][:length]
            case 5:
                digits = [at for at in range(min(size, 400)) if data[at : at + 1].isdigit()]
                if digits:
                    at = digits[int(draw.integers(len(digits)))]
                    huge = (b"99999999999", b"4294967295", b"-1", b"0", b"1e308", b"nan", b"2147483648")
                    data[at : at + 1] = huge[int(draw.integers(len(huge)))]
    return bytes(data)
