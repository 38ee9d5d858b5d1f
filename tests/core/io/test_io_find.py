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
from sedir_core.io.scans import SCAN_SUFFIXES, find_scans, read_scan

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
        assert "no format known" not in str(refused.value)


def test_reading_does_not_load_torch_or_open3d() -> None:
    program = "import sys, sedir_core.io.scans; assert not {'torch', 'open3d'} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", program], check=True)
