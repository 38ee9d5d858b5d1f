"""Detects the separator of a text table, and refuses commas and points that may mean two things."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import zip_longest

from sedir_core.io.guard import Source
from sedir_core.io.text_cells import cells_of, is_missing, is_number

MOST_UNNAMED = 12  # more unnamed columns than this are pixels of an image
_ENDS_ROW = re.compile(rb"[^;]*;\s*")  # of a matrix of MATLAB
_FRACTION = re.compile(rb"(\d+)([eEdD][-+]?\d+)?")
_THOUSANDS = re.compile(rb"[-+]?[1-9]\d{0,2}([.,]\d{3})+")
_LEAST_MARKED = 4


def separator_of(source: Source, sample: Sequence[bytes]) -> bytes:
    """The separator; empty for white space, a space for white space with decimal commas."""
    if any(b";" in line for line in sample) and not all(map(_ENDS_ROW.fullmatch, sample)):
        return b";"
    if any(b"|" in line for line in sample):
        return b"|"
    sample = [line.rstrip(b"; \t") if b";" in line else line for line in sample]
    commas = any(b"," in line for line in sample)
    if any(b"\t" in line for line in sample):
        widths = {line.count(b"\t") for line in sample}
        strict = len(widths) == 1 and widths != {0}
        if strict:
            return b"\t"
        return b" " if commas else b""
    if not commas:
        return b""
    words = [line.split() for line in sample]
    if all(len(own) >= 3 and all(is_number(word) or is_missing(word) for word in own) for own in words):
        return b" "
    _refuse_double_comma(source, sample)
    return b","


def _refuse_double_comma(source: Source, sample: Sequence[bytes]) -> None:
    """Reject commas used both as separator and as decimal sign, which is ambiguous.

    Three such numbers may follow a row number, and other columns may follow them.
    """
    rows = [[cell.strip() for cell in line.split(b",")] for line in sample]
    for first in (0, 1):
        if all(2 * MOST_UNNAMED >= len(row) == len(rows[0]) >= first + 6 for row in rows) and _are_halves(
            [cell for row in rows for cell in row[first : first + 6 : 2]],
            [cell for row in rows for cell in row[first + 1 : first + 6 : 2]],
        ):
            what = "has commas between its numbers and perhaps also in them"
            raise source.fail(what, "export with decimal points, or with semicolons between the columns")


def refuse_thousands(source: Source, sample: Sequence[bytes], separator: bytes) -> None:
    """Reject whole numbers with marks between thousands (1,019 beside 837): as decimals they are a thousand times off.

    Decimals of three digits would have some that end in zeros, and are shorter, or all would be padded.
    """
    for column in zip_longest(*(cells_of(line, separator) for line in sample), fillvalue=b""):
        cells = [cell for cell in column if cell.strip(b"+-0")]
        marked = [cell for cell in cells if b"." in cell or b"," in cell]
        whole = sum(cell.lstrip(b"+-").isdigit() for cell in cells)
        if (
            len(marked) >= _LEAST_MARKED
            and whole >= 2
            and len(marked) + whole == len(cells)
            and all(map(_THOUSANDS.fullmatch, marked))
            and not any(len(cell.lstrip(b"+-")) > 3 for cell in cells if cell.lstrip(b"+-").isdigit())
        ):
            what = f"has marks between thousands, such as {marked[0].decode('ascii', 'replace')}, or decimals cut short"
            raise source.fail(what, "export numbers without marks between thousands")


def _are_halves(before: Sequence[bytes], after: Sequence[bytes]) -> bool:
    """Whether these cells look like what stands before and after decimal commas."""
    found = [_FRACTION.fullmatch(cell) for cell in after]
    if not all(found) or not all(cell.lstrip(b"+-").isdigit() for cell in before):
        return False
    digits = [one[1] for one in found if one is not None]
    scientific = any(one[2] for one in found if one is not None)
    widths = {len(cell) for cell in digits}
    return (
        scientific
        or any(len(cell) > 1 and cell.startswith(b"0") for cell in digits)
        or (len(widths) == 1 and len(set(digits)) > 2)
    )
