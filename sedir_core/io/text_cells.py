"""The cells of a line of a text table, and how they are normalised to plain numbers."""

from __future__ import annotations

import re
from collections.abc import Callable

from sedir_core.io.lines import MISSING, OLD_NAN

_NUMBER = re.compile(rb"[-+]?((\d+(\.\d*|,\d+)?|[.,]\d+)([ed][-+]?\d+)?|nan|inf|infinity)", re.IGNORECASE)
_DECIMAL = re.compile(rb"[-+]?\d*,\d+([eE][-+]?\d+)?")
_BRACKETS = bytes.maketrans(b"()[]{}", b"      ")
_CLOSING = re.compile(rb"(?m)[)\]}]+[ \t]*[,;]?[ \t]*$")
_QUOTED = re.compile(rb"\"([^\"\n]*)\"|'([^'\n]*)'")
_NAN_NOTE = re.compile(rb"(?i)\bnan\(\w*\)")  # printed by Microsoft's C library
KEY = re.compile(rb"(?<![\w.])[\"']?[xyzXYZ][\"']?[ \t]*[=:]")

Prepare = Callable[[bytes], bytes]


def own_separator(line: bytes) -> bytes:
    """The separator of a header line."""
    return next((character for character in (b";", b"\t", b"|", b",") if character in line), b"")


def cells_of(line: bytes, separator: bytes) -> list[bytes]:
    """The cells of a line, without spaces and quotes around them."""
    if separator.strip() or separator == b"\t":
        return [cell.strip(b" \"'") for cell in line.split(separator)]
    return [cell.strip(b"\"'") for cell in line.split()]


def plain_text(line: bytes, keyed: bool = True) -> bytes:
    """Remove quotes, brackets and keys (`x=`), normalise minus signs; a comma in quotes is a decimal sign."""
    if b"\xe2\x88\x92" in line or b"\xc2\xa0" in line:
        line = _spelt_plainly(line)
    if b'"' in line or b"'" in line:
        line = _QUOTED.sub(_unquoted, line)
    if any(bracket in line for bracket in b"([{"):
        line = _without_brackets(line)
    return KEY.sub(b" ", line) if keyed and (b"=" in line or b":" in line) else line


def _without_brackets(text: bytes) -> bytes:
    return _CLOSING.sub(b" ", _NAN_NOTE.sub(b"nan", text)).translate(_BRACKETS)


def _spelt_plainly(text: bytes) -> bytes:
    """Replace typographic minus signs by hyphens and non-breaking spaces by spaces."""
    return text.replace(b"\xe2\x88\x92", b"-").replace(b"\xc2\xa0", b" ")


def _unquoted(cell: re.Match[bytes]) -> bytes:
    inner = (cell[1] if cell[1] is not None else cell[2]).strip()
    return inner.replace(b",", b".") if _DECIMAL.fullmatch(inner) else inner


def is_number(cell: bytes) -> bool:
    """Whether a cell is a number, NaN and infinity included."""
    return _NUMBER.fullmatch(cell) is not None


def is_missing(cell: bytes) -> bool:
    """Whether a cell is empty or stands for no value."""
    return not cell or bool(MISSING.fullmatch(cell) or OLD_NAN.fullmatch(cell))


def is_value(cell: bytes) -> bool:
    """Whether a cell is a number or stands for none."""
    return is_number(cell) or is_missing(cell)


def preparation(separator: bytes, sample: bytes) -> Prepare:
    """A function that normalises text to space-separated numbers with decimal points; empty cells become NaN."""
    table = _translation(separator)
    # Quotes, signs and words may stand in any row, long after the sample.
    steps: list[Prepare] = [
        lambda block: _spelt_plainly(block) if b"\xe2\x88\x92" in block or b"\xc2\xa0" in block else block,
        lambda block: _QUOTED.sub(_unquoted, block) if b'"' in block or b"'" in block else block,
    ]
    if any(bracket in sample for bracket in b"([{"):
        steps.append(_without_brackets)
    if KEY.search(sample):
        steps.append(lambda block: KEY.sub(b" ", block))
    if separator in (b",", b";", b"|", b"\t"):
        inside = re.compile(rb"(?<=[^\s%b]) +(?=[^\s%b])" % (separator, separator))
        # A date and a time form one cell, and so do the words `not measured`.
        steps.append(lambda block: inside.sub(b"~", block) if b" " in block else block)
        steps.append(_filling(separator))
    if table is not None:
        steps.append(lambda block: block.translate(table))

    def prepare(block: bytes) -> bytes:
        for step in steps:
            block = step(block)
        return block

    return prepare


def _translation(separator: bytes) -> bytes | None:
    if separator == b",":
        return bytes.maketrans(b",", b" ")
    if separator == b" ":  # the comma is not the separator, so it is the decimal sign
        return bytes.maketrans(b",", b".")
    return bytes.maketrans(separator + b",", b" .") if separator else None


def _filling(separator: bytes) -> Prepare:
    """Write NaN into empty cells."""
    sign = re.escape(separator)
    blank = b" " if separator == b"\t" else b" \\t"
    empty = re.compile(rb"(?m)(?:^|(?<=%b))[%b]*(?=%b)|(?<=%b)[%b]*$" % (sign, blank, sign, sign, blank))
    signs = (separator + separator, separator + b"\n", b"\n" + separator, separator + b" " + separator)

    def fill(block: bytes) -> bytes:
        if block.startswith(separator) or block.endswith(separator) or any(sign in block for sign in signs):
            return empty.sub(b"nan", block)
        return block

    return fill
