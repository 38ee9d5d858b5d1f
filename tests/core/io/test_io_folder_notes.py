"""Notes in a folder of scans may come from strangers, like the scans."""

from __future__ import annotations

from pathlib import Path

import pytest
from scan_files import VALID

from sedir_core.errors import UnreadableScan
from sedir_core.io.folder_notes import FILE, FolderNotes, notes_for
from sedir_core.io.scans import read_scan

ODD = {
    "a list": 'unit = ["mm"]',
    "a table": "[unit]\nmm = 1",
    "another unit": 'unit = "furlong"',
    "another key": "run = 1",
    "deep": "columns = " + "[" * 5_000,
    "dotted": "a." * 30_000 + "a = 1",
    "long": "#" * 100_000,
    "no text": b"\xff\xfe\0",
}


@pytest.mark.parametrize("content", ODD.values(), ids=ODD)
def test_odd_notes_are_refused_in_words(content: str | bytes, tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(content if isinstance(content, bytes) else content.encode())
    (tmp_path / "scan.xyz").write_bytes(VALID["space.xyz"][0])
    with pytest.raises(UnreadableScan, match="correct or remove it"):
        read_scan(tmp_path / "scan.xyz")


def test_what_follows_a_long_comment_counts(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("# " + "x" * 20_000 + '\nunit = "m"\n')
    assert notes_for(tmp_path) == FolderNotes(unit="m")
