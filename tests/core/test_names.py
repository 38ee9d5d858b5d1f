"""A name shows as one line that does nothing, and is stored as valid text."""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Callable

import pytest

from sedir_core.errors import UnreadableScan
from sedir_core.names import PlainFormatter, lines, printable, storable

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


@pytest.fixture
def logged() -> Callable[..., list[str]]:
    """The lines that a log has of one message."""

    def of(message: str, *values: object, error: BaseException | None = None) -> list[str]:
        text = io.StringIO()
        handler = logging.StreamHandler(text)
        handler.setFormatter(PlainFormatter("%(levelname)s %(message)s"))
        handler.handle(logging.makeLogRecord({"msg": message, "args": values, "exc_info": error and exception(error)}))
        return text.getvalue().splitlines()

    return of


def exception(error: BaseException) -> tuple[type[BaseException], BaseException, None]:
    return type(error), error, None


FORGED = "a\nERROR forged \x1b[2J"


def test_a_name_is_one_line_of_a_log(logged: Callable[..., list[str]]) -> None:
    assert logged("read %s and %s", FORGED, BYTES) == [f"Level None read {printable(FORGED)} and part_\\xff.ply"]


def test_a_name_in_a_traceback_forges_no_line_of_a_log(logged: Callable[..., list[str]]) -> None:
    others = logged("failed", error=ValueError(FORGED))[1:]
    assert len(others) == 2 and all(line.startswith("    ") and line.isprintable() for line in others)
