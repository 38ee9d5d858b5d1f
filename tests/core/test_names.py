"""A name shows as one line that does nothing, and is stored as valid text."""

from __future__ import annotations

import os

import pytest

from sedir_core.errors import UnreadableScan
from sedir_core.names import lines, printable, storable

BYTES = os.fsdecode(b"part_\xff.ply")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("part 1.ply", "part 1.ply"),
        ("Größe_部品.ply", "Größe_部品.ply"),
        (BYTES, "part_\\xff.ply"),
        ("a\nOK  12 %  /scans/bad.ply", "a\\nOK  12 %  /scans/bad.ply"),
        ("a\rOK", "a\\rOK"),
        ("\x1b[2K\x1b[1Aok", "\\x1b[2K\\x1b[1Aok"),
        ("part\u202eylp.exe", "part\\u202eylp.exe"),
        ("a\u2028b\x85c\x9bd", "a\\u2028b\\x85c\\x9bd"),
        ("\ud800", "\\ud800"),
        ("narrow\u202fblank", "narrow\u202fblank"),
    ],
)
def test_a_name_is_one_line_that_does_nothing(name: str, shown: str) -> None:
    assert printable(name) == shown
    assert printable(shown) == shown
    printable(name).encode("utf-8")


def test_what_was_laid_out_keeps_its_lines() -> None:
    assert lines("verdict\tscan\nOK\ta\x1bb") == "verdict\tscan\nOK\ta\\x1bb"


def test_what_is_stored_is_valid_text_and_otherwise_the_same() -> None:
    assert storable("a\nb") == "a\nb"
    assert storable(BYTES) == "part_\\xff.ply"
    assert storable("a\0b") == "a\\0b"


def test_an_error_is_one_line() -> None:
    assert str(UnreadableScan("a\nb", "is \x1b[1mbold", BYTES)) == "a\\nb: is \\x1b[1mbold (part_\\xff.ply)"
