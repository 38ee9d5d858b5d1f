"""Lines at the end of a file are whole or not there."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from sedir_core.errors import CannotWrite
from sedir_core.io.append import AppendedLines


def appended(path: Path, *lines: str) -> str:
    file = AppendedLines(path)
    for line in lines:
        file.append(line)
    file.close()
    return path.read_text()


def test_lines_are_appended(tmp_path: Path) -> None:
    assert appended(tmp_path / "a", "1", "2") == "1\n2\n"
    assert appended(tmp_path / "a", "3") == "1\n2\n3\n"


@pytest.mark.parametrize(
    ("left", "mended"),
    [
        ("notes", "notes\n"),
        ("1\na,b", "1\na,b\n"),
        ('{"a": 1}\n{"b"', '{"a": 1}\n'),
        ('{"a": 1}', '{"a": 1}\n'),
        ('{"a', ""),
        ("", ""),
    ],
)
def test_a_torn_line_is_cut_off_and_a_whole_one_kept(tmp_path: Path, left: str, mended: str) -> None:
    (tmp_path / "a").write_text(left)
    assert appended(tmp_path / "a", "2") == mended + "2\n"


def test_a_full_disk_leaves_no_half_line(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], capture_output=True).returncode:
        pytest.skip("a small disk of its own can only be mounted by root")
    try:
        file = AppendedLines(disk / "a")
        with pytest.raises(CannotWrite, match="space"):
            for number in range(1000):
                file.append(f"{number:03d} " + "x" * 996)
        lines = (disk / "a").read_text().split("\n")
        assert lines[-1] == "" and {len(line) for line in lines[:-1]} == {1000}
        file.close()
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_pipe_is_written_through(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = subprocess.Popen(["cat", str(tmp_path / "pipe")], stdout=subprocess.PIPE, text=True)
    file = AppendedLines(tmp_path / "pipe")
    file.append("1")
    file.close()
    assert reader.communicate(timeout=20)[0] == "1\n"
