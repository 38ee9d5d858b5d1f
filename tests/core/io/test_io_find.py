"""Which files a reader is chosen for, and which scans a folder offers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scan_files import MESHES, POINTS, VALID

from sedir_core.errors import UnreadableScan
from sedir_core.io.finding import find_scans, search_scans
from sedir_core.io.formats import SCAN_SUFFIXES
from sedir_core.io.scans import read_scan

SIGNED = ["ascii.ply", "double.pcd", "double.npy", "only.npz", "points.off"]


@pytest.mark.parametrize("name", SIGNED)
@pytest.mark.parametrize("suffix", [".xyz", ".STL", ".ply", ".unknown", ""])
def test_content_decides_before_the_suffix(name: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"scan{suffix}"
    path.write_bytes(VALID[name][0])
    np.testing.assert_array_equal(read_scan(path).points, POINTS)


def test_ascii_stl_is_known_by_its_content(tmp_path: Path) -> None:
    path = tmp_path / "part.obj"
    path.write_bytes(MESHES["ascii.stl"])
    assert read_scan(path).sampled


def test_suffix_is_read_in_any_case(tmp_path: Path) -> None:
    path = tmp_path / "SCAN.XYZ"
    path.write_bytes(VALID["space.xyz"][0])
    assert len(read_scan(path)) == 200


def test_scan_carries_its_name_and_path(tmp_path: Path) -> None:
    path = tmp_path / "bolt 7.xyz"
    path.write_bytes(VALID["space.xyz"][0])
    scan = read_scan(path)
    assert (scan.name, scan.path, scan.labels) == ("bolt 7", path, None)


def test_folder_gives_its_scans_sorted_and_nothing_else(tmp_path: Path) -> None:
    names = ["b/2.ply", "b/10.PCD", "a.xyz", "b/c/d.npz"]
    for name in [*names, "b/notes.md", "b/.hidden.ply", ".git/x.ply", "b/x.ply.tmp"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert find_scans([tmp_path]) == sorted(tmp_path / name for name in names)


def test_text_in_a_folder_is_looked_into_and_what_is_no_scan_is_named(tmp_path: Path) -> None:
    cloud = VALID["space.xyz"][0]
    contents = {
        "a.txt": cloud, "b.asc": cloud, "c.scan": cloud, "d.csv": b"x,y,z\n" + cloud.replace(b" ", b","),
        "README.txt": b"Scanned on Monday.\n",
        "measurements.csv": b"part;length;width\nA1;80,02;50,01\nA2;80,03;49,99\n",
        "more.csv": b"part,length,width,height\n" + b"".join(b"A%d,80.1,50.2,6.1\n" % i for i in range(99)),
        "T.txt": b"1 0 0 5\n0 1 0 5\n0 0 1 5\n0 0 0 1\n",
        "photo.jpg": b"\xff\xd8", "notes": b"Hello.\n", "half.ply.part": cloud,
    }  # fmt: skip
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    found = search_scans([tmp_path])
    assert [path.name for path in found.scans] == ["a.txt", "b.asc", "c.scan", "d.csv"]
    assert {one.path.name: one.why for one in found.skipped} == {
        "README.txt": "no rows of coordinates",
        "T.txt": "a table of 4 rows",
        "half.ply.part": "a .part file",
        "measurements.csv": "a table of 2 rows",
        "more.csv": "a table of part, length, width, height",
        "notes": "of no known format",
        "photo.jpg": "a .jpg file",
    }


def test_matrices_and_lists_in_arrays_are_no_scans_and_images_are_refused_on_reading(tmp_path: Path) -> None:
    np.save(tmp_path / "scan.npy", POINTS)
    np.save(tmp_path / "pose.npy", np.eye(4))
    np.save(tmp_path / "labels.npy", np.zeros(500, np.uint8))
    np.savez(tmp_path / "camera.npz", k=np.eye(3), distortion=np.zeros(5))
    np.save(tmp_path / "depth.npy", np.ones((100, 100)))
    found = search_scans([tmp_path])
    assert [path.name for path in found.scans] == ["depth.npy", "scan.npy"]


def test_a_table_of_other_numbers_beside_scans_of_another_kind_is_no_scan(tmp_path: Path) -> None:
    table = b"time temperature humidity\n" + VALID["space.xyz"][0]
    (tmp_path / "a.ply").write_bytes(VALID["ascii.ply"][0])
    (tmp_path / "climate.csv").write_bytes(table)
    found = search_scans([tmp_path])
    assert [path.name for path in found.scans] == ["a.ply"]
    assert found.skipped[0].why == "a table of time, temperature, humidity"


def test_a_broken_scan_and_a_table_of_unclear_columns_are_offered_so_that_reading_says_why(tmp_path: Path) -> None:
    rows = VALID["space.xyz"][0]
    for name, content in (("a/cut.xyz", rows + b"1 2\n"), ("b/unclear.csv", b"a b c\n" + rows)):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(content)
    assert [path.name for path in find_scans([tmp_path])] == ["cut.xyz", "unclear.csv"]


def test_files_are_kept_whatever_their_suffix_and_each_once(tmp_path: Path) -> None:
    scan, missing, odd = tmp_path / "a.ply", tmp_path / "missing.ply", tmp_path / "odd.scan"
    scan.touch()
    odd.touch()
    assert find_scans([odd, scan, missing, tmp_path, scan]) == [scan, missing, odd]


def test_links_are_followed_but_not_in_circles(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "a.ply").touch()
    (tmp_path / "parts" / "round").symlink_to(tmp_path)
    (tmp_path / "elsewhere").symlink_to(tmp_path / "parts")
    assert [path.name for path in find_scans([tmp_path])] == ["a.ply"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may list every folder")
def test_folder_that_cannot_be_listed_is_reported_on_reading(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    (found,) = find_scans([tmp_path])
    with pytest.raises(UnreadableScan, match="permissions"):
        read_scan(found)


def test_every_suffix_has_a_reader(tmp_path: Path) -> None:
    for suffix in SCAN_SUFFIXES:
        path = tmp_path / f"empty{suffix}"
        path.write_bytes(b"nothing of the kind")
        with pytest.raises(UnreadableScan) as refused:
            read_scan(path)
        assert "has an unknown format" not in str(refused.value)


def test_reading_does_not_load_torch_or_open3d() -> None:
    program = "import sys, sedir_core.io.scans; assert not {'torch', 'open3d'} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_nameless_record_of_measurements_beside_scans_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.ply").write_bytes(VALID["ascii.ply"][0])
    record = b"".join(b"%d.25 %d.5 21.%d 3.125\n" % (1000 + i * i, i % 7, i % 10) for i in range(100))
    (tmp_path / "temperatures.txt").write_bytes(record)
    found = search_scans([tmp_path])
    assert [path.name for path in found.scans] == ["a.ply"]
    assert [(one.path.name, "times" in one.why) for one in found.skipped] == [("temperatures.txt", True)]
    lines = b"".join(b"%d.25 %d.5 %d.75 0.%d\n" % (x, y, x * y % 7, x % 9 + 1) for y in range(9) for x in range(99))
    (tmp_path / "lines.xyz").write_bytes(lines)
    assert [path.name for path in find_scans([tmp_path])] == ["a.ply", "lines.xyz"]
    for name in ("a.ply", "lines.xyz"):
        (tmp_path / name).unlink()
    assert [path.name for path in find_scans([tmp_path])] == ["temperatures.txt"]  # then reading it asks
