"""Distinguishes the lines of a text table: rows, names, rules, and what stands below the rows."""

from __future__ import annotations

import re

from sedir_core.io.guard import Source
from sedir_core.io.lines import without_comments
from sedir_core.io.text_cells import KEY, cells_of, is_number, is_value, plain_text, spelt_plainly

HEADER_LINE = re.compile(rb"""[\s"',;|]*([#/%!*<>a-zA-Z_\x80-\xff]|[=-]{2})""")  # a damaged first point does not count
_COUNTED = re.compile(  # `300 points exported`, `(300 rows)`
    rb"[\s(\[]*\d+(\s+[a-zA-Z\x80-\xff]{2,}[.:!]?)+[\s)\]]*(\([^)]*\)\s*)?"
)
_DRAWN = (b"--", b"==", b"-|", b"|-", b":-", b"-:", b"-+", b"+-")
_BRACKETS_ONLY = re.compile(rb"[\s()\[\]{};,]+")
WORD = re.compile(rb"[a-zA-Z\x80-\xff][a-zA-Z\x80-\xff .:_-]+")
LABEL = re.compile(rb"[A-Za-z_]+[-_.]?\d+")
BETWEEN = re.compile(rb"[\s,;|]+")
_TAIL_BYTES = 4096


def is_rule(line: bytes) -> bool:
    """Whether a line is drawn: below the names of a table, or around it."""
    return not line.strip(b" \t|+:=-") and any(sign in line for sign in _DRAWN)


def is_row(line: bytes) -> bool:
    """Whether a line holds values of at least three columns, or only missing ones; words may follow three numbers."""
    line = without_comments(line)
    cells = [cell for cell in BETWEEN.split(plain_text(line)) if cell]
    if not cells:  # no value; but a header such as `X:;Y:;Z:` is also empty once keys are removed
        return (line.count(b",") >= 2 or line.count(b";") >= 2) and not KEY.search(line)
    if LABEL.fullmatch(cells[0]):
        return len(cells) > 3 and is_number(cells[1]) and all(map(is_value, cells[1:4]))
    if not is_value(cells[0]):
        return False
    numbers, values = sum(map(is_number, cells)), sum(map(is_value, cells))
    line = line.strip(b" \t\r\n")
    empty = sum(line.count(two) + line.startswith(two[:1]) + line.endswith(two[:1]) for two in (b",,", b";;"))
    return (values == len(cells) and values + empty >= 3) or (numbers >= 3 and is_number(cells[0]))


def lines_with_offsets(head: bytes) -> list[tuple[bytes, int]]:
    """The non-blank lines and their offsets."""
    return [(spelt_plainly(line[0]), line.start()) for line in re.finditer(rb"[^\r\n]+", head) if line[0].strip()]


def end_of_rows(source: Source) -> int:
    """Offset of a footer (words or comments after the last row), or the end of the text."""
    n_bytes = min(source.size, _TAIL_BYTES)
    tail = source.read_at(source.size - n_bytes, n_bytes)
    lines = list(re.finditer(rb"[^\r\n]+", tail))
    end = source.size
    for line in reversed(lines[1:] if n_bytes < source.size else lines):
        if not line[0].strip(b" \t\x1a"):
            end = source.size - n_bytes + line.start() if b"\x1a" in line[0] else end  # DOS end-of-file mark
            continue
        text = spelt_plainly(line[0])
        around = HEADER_LINE.match(text) or _COUNTED.fullmatch(text) or _BRACKETS_ONLY.fullmatch(text)
        drawn = is_rule(text) and b"+" in text
        if not drawn and (not around or sum(map(is_number, BETWEEN.split(plain_text(text)))) >= 3 or is_row(text)):
            return end
        end = source.size - n_bytes + line.start()
    return end


def without_statistics(source: Source, end: int, separator: bytes) -> int:
    """Offset of rows such as `Mean 1.5 2.5 3.5` after rows that begin with a number, or the given end of the rows."""
    begin = max(end - _TAIL_BYTES, 0)
    lines = list(re.finditer(rb"[^\r\n]+", source.read_at(begin, end - begin)))
    for line in reversed(lines[1:]):
        first = cells_of(plain_text(line[0]), separator)[:1]
        if first and not (WORD.fullmatch(first[0]) and not is_value(first[0])):
            return end
        end = begin + line.start()
    return end
