"""The cells of a line of a text table, and how they are normalised to plain numbers."""

from __future__ import annotations

import re
from collections.abc import Callable

from sedir_core.io.lines import MISSING, OLD_NAN

_NUMBER = re.compile(rb"[-+]?((\d+(\.\d*|,\d+)?|[.,]\d+)([ed][-+]?\d+)?|nan|inf|infinity)", re.IGNORECASE)
_DECIMAL = re.compile(rb"[-+]?\d*,\d+([eE][-+]?\d+)?")
_BRACKETS = bytes.maketrans(b"()[]{}", b"      ")
_LABEL_OF_R = re.compile(rb"(?m)^[ \t]*\[[ \t]*(\d+),\]")  # `[1,]`, as R prints the rows of a matrix
_CALL = re.compile(rb"(?<![\w.:<>])[A-Za-z_][\w.:<>]*(?=[(\[{][\s(\[{]*([xyzXYZ][\"']?[ \t]*[=:][ \t]*)?[-+.\d])")
_FRAMED = re.compile(rb"(?m)^[ \t]*\|(.*)\|[ \t]*$")
GRID_LINE = re.compile(rb"(?m)^[ \t]*\+[-=+:]*\+[ \t]*$")  # between the rows of a drawn table
_END_OF_ROW = re.compile(rb"(?m);[ \t]*$")
_DRAWN = re.compile(rb"\xe2[\x94\x95][\x80-\xbf]")  # U+2500 to U+257F, box drawing
_DRAWN_AS = {
    letter.encode(): sign for sign, letters in ((b"-", "─━┄┅┈┉╌╍═"), (b"|", "│┃┆┇┊┋╎╏║")) for letter in letters
}
_CLOSING = re.compile(rb"(?m)[)\]}]+[ \t]*[,;]?[ \t]*$")
_QUOTED = re.compile(rb"\"([^\"\n]*)\"|'([^'\n]*)'")
_NAN_NOTE = re.compile(rb"(?i)\bnan\(\w*\)")  # printed by Microsoft's C library
KEY = re.compile(rb"(?<![\w.])[\"']?[xyzXYZ][\"']?[ \t]*[=:]")

Prepare = Callable[[bytes], bytes]


def own_separator(line: bytes) -> bytes:
    """The separator of a header line."""
    return next((character for character in (b";", b"\t", b"|", b",") if character in line), b"")


def cells_of(line: bytes, separator: bytes) -> list[bytes]:
    """The cells of a line, without spaces and quotes around them, nor the frame of a drawn table (`| 1 | 2 | 3 |`)."""
    if separator == b"|":
        line = _FRAMED.sub(rb"\1", line)
    if separator.strip() or separator == b"\t":
        return [cell.strip(b" \"'") for cell in line.split(separator)]
    return [cell.strip(b"\"'") for cell in line.split()]


def plain_text(line: bytes, keyed: bool = True) -> bytes:
    """Remove quotes, brackets and keys (`x=`), normalise minus signs; a comma in quotes is a decimal sign."""
    line = spelt_plainly(line)
    if b'"' in line or b"'" in line:
        line = _QUOTED.sub(_unquoted, line)
    if any(bracket in line for bracket in b"([{"):
        line = _without_brackets(line) if keyed else _without_brackets(line, called=False)
    return KEY.sub(b" ", line) if keyed and (b"=" in line or b":" in line) else line


def _without_brackets(text: bytes, called: bool = True) -> bytes:
    """called: also without the names of functions before them."""
    text = _LABEL_OF_R.sub(rb"\1 ", _NAN_NOTE.sub(b"nan", text))
    return _CLOSING.sub(b" ", without_calls(text) if called else text).translate(_BRACKETS)


def without_calls(text: bytes) -> bytes:
    """Without the names of functions before coordinates: `Point(1, 2, 3)`, `array([[1, 2, 3],`."""
    return _CALL.sub(b" ", text)


def spelt_plainly(text: bytes) -> bytes:
    """Typographic minus signs as hyphens, non-breaking spaces as spaces, and drawn tables in ASCII."""
    if b"\xe2\x88\x92" in text or b"\xc2\xa0" in text:
        text = text.replace(b"\xe2\x88\x92", b"-").replace(b"\xc2\xa0", b" ")
    if b"\xe2\x94" in text or b"\xe2\x95" in text:
        text = _DRAWN.sub(lambda found: _DRAWN_AS.get(found[0], b"+"), text)
    return text


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
        spelt_plainly,
        lambda block: _QUOTED.sub(_unquoted, block) if b'"' in block or b"'" in block else block,
    ]
    if any(bracket in sample for bracket in b"([{"):
        steps.append(_without_brackets)
    if KEY.search(sample):
        steps.append(lambda block: KEY.sub(b" ", block))
    if separator == b"|":
        steps.append(lambda block: GRID_LINE.sub(b"", block))
        if all(map(_FRAMED.fullmatch, spelt_plainly(sample).split(b"\n"))):
            steps.append(lambda block: _FRAMED.sub(rb"\1", block))
    elif separator != b";" and b";" in sample:
        steps.append(lambda block: _END_OF_ROW.sub(b"", block))
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
