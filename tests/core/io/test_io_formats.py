"""Every valid file loads exactly: count, order, coordinates to the last bit, whatever the locale."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scan_files import CUBE, LABELS, MESHES, POINTS, QUADS, SINGLE, VALID, lzf_pack, pcd, ply, ply_cube, rows, text_rows

from sedir_core.errors import TooFewPoints, UnreadableScan
from sedir_core.io.lines import CHUNK_BYTES
from sedir_core.io.lzf import decompress
from sedir_core.io.scans import read_labelled, read_scan


def _written(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", VALID)
def test_valid_file_loads_exactly(name: str, tmp_path: Path) -> None:
    content, points = VALID[name]
    scan = read_scan(_written(tmp_path, name, content))
    np.testing.assert_array_equal(scan.points, points)
    assert not scan.sampled


@pytest.mark.parametrize("name", MESHES)
def test_mesh_is_sampled_evenly_by_area(name: str, tmp_path: Path) -> None:
    scan = read_scan(_written(tmp_path, name, MESHES[name]), mesh_points=6000)
    assert scan.sampled and len(scan) == 6000
    on_side = [int((scan.points[:, axis] == side).sum()) for axis in range(3) for side in (0.0, 2.0)]
    assert on_side == [1000] * 6


def test_mesh_gives_the_same_points_twice(tmp_path: Path) -> None:
    path = _written(tmp_path, "cube.ply", MESHES["quads.ply"])
    np.testing.assert_array_equal(read_scan(path).points, read_scan(path).points)


def test_points_fill_a_side_of_a_mesh_evenly(tmp_path: Path) -> None:
    points = read_scan(_written(tmp_path, "cube.ply", MESHES["quads.ply"])).points
    side = points[points[:, 0] == 0.0][:, 1:]
    counts = np.histogram2d(side[:, 0], side[:, 1], bins=4, range=[[0, 2], [0, 2]])[0]
    assert counts.min() > 0.85 * len(side) / 16


def test_faces_at_missing_corners_are_passed_over(tmp_path: Path) -> None:
    corners = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [np.nan, 0, 0]])
    scan = read_scan(_written(tmp_path, "hole.ply", ply_cube("<", [[0, 1, 2], [1, 2, 3]], corners)))
    assert scan.finite.all()


def test_georeferenced_mesh_keeps_its_place(tmp_path: Path) -> None:
    place = np.array([5e6, 4e6, 300.25])
    corners = place + np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]])
    scan = read_scan(_written(tmp_path, "far.ply", ply_cube(">", [[0, 1, 2]], corners)))
    assert np.abs(scan.points[:, 2] - 300.25).max() < 1e-9
    assert (scan.points[:, 0] >= 5e6).all() and scan.points[:, 0].max() <= 5e6 + 1


def test_signalling_nan_is_just_a_point_not_measured(tmp_path: Path) -> None:
    values = SINGLE.astype("<f4")
    values.view("<u4")[5, 1] = 0x7F800001
    scan = read_scan(_written(tmp_path, "a.pcd", pcd("binary", values.tobytes(), size="4 4 4")))
    assert np.flatnonzero(~scan.finite).tolist() == [5]


def test_text_across_pieces_is_read_whole(tmp_path: Path) -> None:
    n_rows = CHUNK_BYTES // 6
    table = np.arange(n_rows)[:, None] % [1000, 1009, 1013] - 1
    path = _written(tmp_path, "long.xyz", text_rows(table.tolist()).replace(b"\n", b"\r\n"))
    np.testing.assert_array_equal(read_scan(path).points, table)


def test_obj_faces_across_pieces_count_back_correctly(tmp_path: Path) -> None:
    """Every face names the three vertices just before it, so a slip would give slivers across the whole row."""
    n_faces = CHUNK_BYTES // 30
    triangle = "v {0} 0 0\nv {0} 1 0\nv {1} 0 0\nf -3 -2 -1\n"
    content = "".join(triangle.format(2 * i, 2 * i + 1) for i in range(n_faces)).encode()
    assert len(content) > CHUNK_BYTES
    points = read_scan(_written(tmp_path, "row.obj", content)).points
    assert (points[:, 0] % 2 <= 1).all()


def test_one_wrong_value_is_found_with_its_row(tmp_path: Path) -> None:
    content = text_rows(rows() * 3).replace(b"\n", b" 1\n", 1)
    with pytest.raises(UnreadableScan, match="row 2 has 3 values instead of 4"):
        read_scan(_written(tmp_path, "a.xyz", content))


@pytest.mark.parametrize("separator", [" ", ",", ", ", "\t", ";"])
def test_labels_are_read_with_their_points(separator: str, tmp_path: Path) -> None:
    table = [[*row, int(label)] for row, label in zip(rows(), LABELS, strict=True)]
    scan = read_labelled(_written(tmp_path, "gt.txt", text_rows(table, separator)))
    np.testing.assert_array_equal(scan.points, POINTS)
    assert scan.labels is not None
    np.testing.assert_array_equal(scan.labels, LABELS)


def test_labels_written_as_decimals_are_read(tmp_path: Path) -> None:
    table = [[*row, "1.000000" if label else "0.000000"] for row, label in zip(rows(), LABELS, strict=True)]
    scan = read_labelled(_written(tmp_path, "gt.txt", text_rows(table)))
    assert scan.labels is not None and scan.labels.sum() == LABELS.sum()


@pytest.mark.parametrize("label", ["0.5", "-1", "nan", "inf"])
def test_a_fourth_column_of_other_values_is_no_label(label: str, tmp_path: Path) -> None:
    path = _written(tmp_path, "gt.txt", text_rows([[*row, 0] for row in rows()] + [[1, 2, 3, label]]))
    with pytest.raises(UnreadableScan, match="fourth column"):
        read_labelled(path)


def test_ground_truth_without_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableScan, match="3 columns"):
        read_labelled(_written(tmp_path, "gt.txt", text_rows(rows())))


BOM = b"\xef\xbb\xbf"


@pytest.mark.parametrize("name", ["ascii.ply", "ascii.pcd", "points.obj", "points.off", "space.xyz", "comma.csv"])
def test_a_mark_of_the_byte_order_is_dropped_in_every_text_format(name: str, tmp_path: Path) -> None:
    content, points = VALID[name]
    np.testing.assert_array_equal(read_scan(_written(tmp_path, name, BOM + content)).points, points)


def test_a_mark_of_the_byte_order_after_the_header_is_dropped(tmp_path: Path) -> None:
    content = VALID["ascii.ply"][0].replace(b"end_header\n", b"end_header\n" + BOM)
    np.testing.assert_array_equal(read_scan(_written(tmp_path, "a.ply", content)).points, POINTS)


@pytest.mark.parametrize("name", ["quads.obj", "cube.off", "ascii.stl", "quads_ascii.ply"])
def test_a_mark_of_the_byte_order_shifts_no_face(name: str, tmp_path: Path) -> None:
    points = read_scan(_written(tmp_path, name, BOM + MESHES[name]), mesh_points=6000).points
    assert [int((points[:, axis] == side).sum()) for axis in range(3) for side in (0.0, 2.0)] == [1000] * 6


@pytest.mark.parametrize("name", ["ascii.ply", "ascii.pcd", "points.obj", "points.off"])
def test_decimal_commas_are_read_in_every_text_format(name: str, tmp_path: Path) -> None:
    content = re.sub(rb"(?<=\d)\.(?=\d{4})", b",", VALID[name][0])
    np.testing.assert_array_equal(read_scan(_written(tmp_path, name, content)).points, POINTS)


@pytest.mark.parametrize("name", ["ascii.ply", "ascii.pcd", "points.obj", "points.off"])
def test_words_for_missing_values_are_read_in_every_text_format(name: str, tmp_path: Path) -> None:
    content = VALID[name][0].replace(" ".join(rows()[7]).encode(), b"NA - n/a")
    scan = read_scan(_written(tmp_path, name, content))
    assert np.flatnonzero(~scan.finite).tolist() == [7]


def test_capital_axes_are_read(tmp_path: Path) -> None:
    content = ply("ascii", text_rows(rows()), "double X;double Y;double Z")
    np.testing.assert_array_equal(read_scan(_written(tmp_path, "a.ply", content)).points, POINTS)


def test_a_grid_of_no_size_beside_a_right_count_is_read(tmp_path: Path) -> None:
    content = pcd("ascii", text_rows(rows()), WIDTH=0, HEIGHT=0)
    np.testing.assert_array_equal(read_scan(_written(tmp_path, "a.pcd", content)).points, POINTS)


@pytest.mark.parametrize("comment", [b"", b"# .pcd v.7 - point cloud data\n"])
def test_names_of_pcd_in_small_letters_are_read(comment: bytes, tmp_path: Path) -> None:
    capital = pcd("ascii", text_rows(rows()))
    body = capital.index(b"DATA")
    small = comment + capital[:body].lower() + capital[body:].replace(b"DATA", b"data")
    np.testing.assert_array_equal(read_scan(_written(tmp_path, "a.pcd", small)).points, POINTS)


def test_numbers_in_text_need_no_sizes(tmp_path: Path) -> None:
    content = b"VERSION .7\nFIELDS x y z\nWIDTH %d\nHEIGHT 1\nPOINTS %d\nDATA ascii\n" % ((len(POINTS),) * 2)
    np.testing.assert_array_equal(read_scan(_written(tmp_path, "a.pcd", content + text_rows(rows()))).points, POINTS)


def test_a_table_may_name_its_columns_as_pcd_does(tmp_path: Path) -> None:
    content = b"fields x y z\n" + text_rows(rows())
    np.testing.assert_array_equal(read_scan(_written(tmp_path, "a.txt", content)).points, POINTS)


def test_an_end_in_two_words_is_an_end(tmp_path: Path) -> None:
    content = MESHES["ascii.stl"].replace(b"endsolid", b"end solid").replace(b"endfacet", b"end facet")
    assert read_scan(_written(tmp_path, "a.stl", content), mesh_points=100).sampled


def test_colours_of_faces_that_the_header_forgot_are_passed_over(tmp_path: Path) -> None:
    faces = text_rows([[4, *quad, 9, 1, 1, 1] for quad in QUADS])
    header = f"element face {len(QUADS)}\nproperty list uchar int vertex_indices\nproperty uchar red\n"
    content = ply("ascii", text_rows(CUBE) + faces, n=len(CUBE), more=header)
    points = read_scan(_written(tmp_path, "a.ply", content), mesh_points=6000).points
    assert [int((points[:, axis] == side).sum()) for axis in range(3) for side in (0.0, 2.0)] == [1000] * 6


def test_64_distinct_points_are_enough_and_63_are_not(tmp_path: Path) -> None:
    enough = rows(SINGLE[:64]) + rows(SINGLE[:1]) * 5000
    assert len(read_scan(_written(tmp_path, "enough.xyz", text_rows(enough)))) == 5064
    with pytest.raises(TooFewPoints):
        read_scan(_written(tmp_path, "few.xyz", text_rows(enough[1:64] + enough[1:2] * 5000)))


def test_lzf_takes_back_what_it_packed() -> None:
    draw = np.random.default_rng(3)
    for size in (1, 31, 32, 33, 263, 264, 265, 20_000):
        for data in (bytes(size), draw.bytes(size), draw.integers(0, 3, size, dtype=np.uint8).tobytes()):
            assert decompress(lzf_pack(data), size) == data


@pytest.mark.skipif(shutil.which("localedef") is None, reason="localedef cannot make a German locale here")
def test_decimal_points_survive_a_german_locale(tmp_path: Path) -> None:
    made = subprocess.run(
        ["localedef", "-i", "de_DE", "-f", "UTF-8", str(tmp_path / "de_DE.UTF-8")], capture_output=True, check=False
    )
    if not (tmp_path / "de_DE.UTF-8" / "LC_NUMERIC").exists():
        pytest.skip(f"no sources of the German locale: {made.stderr.decode()[-80:]}")
    names = ["ascii.pcd", "ascii.ply", "points.obj", "points.off", "comma.csv", "space.xyz"]
    for name in names:
        _written(tmp_path, name, VALID[name][0])
    np.save(tmp_path / "expected.npy", POINTS)
    program = f"""
import locale, numpy
from pathlib import Path
from sedir_core.io.scans import read_scan
assert locale.setlocale(locale.LC_ALL, "de_DE.UTF-8") and locale.localeconv()["decimal_point"] == ","
for name in {names}:
    assert (read_scan(Path(name)).points == numpy.load("expected.npy")).all(), name
"""
    environment = os.environ | {"LOCPATH": str(tmp_path)}
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=environment, check=True)


@pytest.mark.parametrize("place", ["before", "amid", "after"])
def test_a_comment_may_be_longer_than_any_line(place: str, tmp_path: Path) -> None:
    note = b"# " + b"a" * (5 << 20) + b"\n"
    rows = b"".join(b"v %d %d %d\n" % (i, i * i % 97, i % 7) for i in range(100))
    at = {"before": 0, "amid": rows.index(b"v 50"), "after": len(rows)}[place]
    (tmp_path / "a.obj").write_bytes(rows[:at] + note + rows[at:])
    assert len(read_scan(tmp_path / "a.obj")) == 100


@pytest.mark.parametrize("word", [b"off", b"Off", b"coff", b"OFF"])
def test_the_counts_of_an_off_file_are_no_point_however_it_is_spelt(tmp_path: Path, word: bytes) -> None:
    points = np.random.default_rng(0).uniform(0, 80, (300, 3)).round(3)
    rows = "\n".join(" ".join(map(str, row)) for row in points.tolist())
    (tmp_path / "a.off").write_bytes(word + b"\n300 0 0\n" + rows.encode() + b"\n")
    np.testing.assert_array_equal(read_scan(tmp_path / "a.off").points, points)
