"""Detects the layout of a text table: separator, decimal sign, quotes, brackets, header, count, footer.

Everything is inferred from the first and last lines.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, zip_longest

from sedir_core.errors import UnknownColumns
from sedir_core.io.columns import (
    HOW_TO_SAY,
    Axes,
    are_units,
    chosen_axes,
    listed,
    named_axes,
    says_otherwise,
    why_unclear,
)
from sedir_core.io.foreign import foreign_format
from sedir_core.io.guard import MIN_POINTS, Source, parse_count
from sedir_core.io.lines import without_comments
from sedir_core.io.text_cells import (
    GRID_LINE,
    KEY,
    Prepare,
    cells_of,
    is_missing,
    is_number,
    is_value,
    own_separator,
    plain_text,
    preparation,
    spelt_plainly,
    without_calls,
)

MAX_COLUMNS = 64
MOST_UNNAMED = 12  # more unnamed columns than this are pixels of an image
AS_COLUMNS = "one point a line: x y z, separated by spaces, commas, semicolons or tabs"
NO_ROWS = "has no rows of at least three numbers"
SAMPLE_LINES = 400
_MAX_HEADER_LINES = 400  # besides comments
_TAIL_BYTES = 4096
_HEADER_LINE = re.compile(rb"""[\s"',;|]*([#/%!*<>a-zA-Z_\x80-\xff]|[=-]{2})""")  # a damaged first point does not count
_COUNTED = re.compile(  # `300 points exported`, `(300 rows)`
    rb"[\s(\[]*\d+(\s*[a-zA-Z\x80-\xff]{2,}[.:!]?|\s+x\s+\d+)+[\s)\]]*(\([^)]*\)\s*)?"
)
_RULE = re.compile(rb"[\s|+:=-]*(-{2}|={2}|-[|+:]|[|+:]-)[\s|+:=-]*")  # below the names, and around a drawn table
_ENDS_ROW = re.compile(rb"[^;]*;\s*")  # of a matrix of MATLAB
_BRACKETS_ONLY = re.compile(rb"[\s()\[\]{};,]+")
_WORD = re.compile(rb"[a-zA-Z\x80-\xff][a-zA-Z\x80-\xff .:_-]+")
_ASSIGNED = re.compile(rb"^\s*\w+\s*=\s*(?=\S)")
_ALIKE = 4  # rows alike, from which a word before numbers is a name of points
_LABEL = re.compile(rb"[A-Za-z_]+[-_.]?\d+")
_FRACTION = re.compile(rb"(\d+)([eEdD][-+]?\d+)?")
_THOUSANDS = re.compile(rb"[-+]?[1-9]\d{0,2}([.,]\d{3})+")
_LEAST_MARKED = 4
_UNIT = re.compile(rb"\[[^\]]*\]|\([^)]*\)")
_BETWEEN = re.compile(rb"[\s,;|]+")


@dataclass(frozen=True)
class TextLayout:
    """offset, end: where the rows begin and end. axes: indices of x, y, z; None if not named.

    names: of the columns, as in the header; empty without one. announced: number of rows stated in the text.
    n_numbers: leading columns of numbers.
    """

    offset: int
    end: int
    prepare: Prepare
    n_columns: int
    names: tuple[str, ...]
    axes: Axes | None
    announced: int | None
    n_numbers: int


def find_layout(source: Source) -> TextLayout:
    """Raises UnreadableScan unless this is a table of at least three numbers per row, and UnknownColumns."""
    head = source.head()
    if b"\0" in head:
        raise source.fail("is not text, or is text in UTF-16", "save it as plain text (UTF-8), or export as PLY")
    if other := foreign_format(head):
        raise source.fail(*other)
    headers, announced, offset = _before_rows(source, head)
    end = _end(source)
    raw = _sample(source, head[offset:end])
    sample = list(map(plain_text, raw))
    separator = _separator(source, sample)
    _refuse_thousands(source, sample, separator)
    cells = cells_of(sample[0], separator)
    if len(cells) >= MIN_POINTS and len(sample) in (3, 4, 6) and source.size <= len(head):
        what = f"has {len(sample)} rows of {len(cells)} numbers: x, y and z stand below each other"
        raise source.fail(what, AS_COLUMNS)
    if len(cells) > MAX_COLUMNS:
        raise source.fail(f"has {len(cells)} columns; the limit is {MAX_COLUMNS}", AS_COLUMNS)
    names, axes = _header(source, headers, len(cells), sample, separator)
    if not names and len(cells) > MOST_UNNAMED and not source.columns:
        what = f"has {len(cells)} columns without names: it looks like an image of heights"
        raise source.fail(what, "export x, y and z of every pixel")
    if axes is None:
        labelled = _LABEL.fullmatch(cells[0]) or _WORD.fullmatch(cells[0])
        axes = (1, 2, 3) if labelled and not is_value(cells[0]) else _keyed_axes(without_calls(raw[0]), len(cells))
    prepare = preparation(separator, b"\n".join(raw))
    table = [cells_of(line, separator) for line in sample]
    n_numbers = next((at for at in range(len(cells)) if not _all_values(table, at)), len(cells))
    if is_number(cells[0]):
        end = _without_statistics(source, end, separator)
    return TextLayout(offset, end, prepare, len(cells), names, axes, announced, n_numbers)


def is_table(head: bytes, whole: bool) -> bool:
    """Whether text begins with rows of at least three numbers, perhaps after a header. whole: not truncated."""
    return b"\0" not in head and _first_row(head, whole) is not None


def sample_rows(source: Source, n_rows: int) -> tuple[tuple[str, ...], list[list[str]]]:
    """The header's names and the first rows, cell by cell, for users to choose columns. Raises UnreadableScan."""
    head = source.head()
    headers, _, offset = _before_rows(source, head)
    lines = list(map(plain_text, _sample(source, head[offset : _end(source)])))
    separator = _separator(source, lines)
    rows = [[cell.decode("utf-8", "replace") for cell in cells_of(line, separator)] for line in lines[:n_rows]]
    width = len(rows[0])
    for header in reversed(headers):
        names = _names(header)
        if len(names) == width:
            return names, rows
    return (), rows


def _before_rows(source: Source, head: bytes) -> tuple[list[bytes], int | None, int]:
    """The lines before the first row, the announced count, and the offset of the rows."""
    found = _first_row(head, source.size <= len(head))
    lines = _lines_with_offsets(head if found is None else head[:found])
    headers: list[bytes] = []
    announced: int | None = None
    first = b"" if found is None else head[found:].splitlines()[0]
    if lines and _counts_columns(lines[-1][0], first):
        lines = lines[:-1]
    for whole, _ in lines:
        words = without_comments(whole).split()
        if len(words) == 1 and words[0].isdigit() and announced is None:
            announced = parse_count(source, words[0], "its first number")
            source.check_rows(announced, 6, source.size + 1, "points")
        elif not _HEADER_LINE.match(whole) and any(map(is_number, _BETWEEN.split(plain_text(whole)))):
            raise source.fail(f"its row {whole[:40]!r} is not a point, nor a header", AS_COLUMNS)
        else:
            headers.append(whole)
    if found is None:
        raise source.fail(NO_ROWS, AS_COLUMNS)
    return headers, announced, found


def _first_row(head: bytes, whole: bool) -> int | None:
    """Offset of the first row of numbers; a name may precede them if a header says so or it contains a number."""
    lines = _lines_with_offsets(head)
    if not whole and len(lines) > 1:
        lines = lines[:-1]  # it may be truncated
    axes: Axes | None = None
    separator = b""
    empty: int | None = None  # offset of rows without any value: an unmeasured pixel, or a blank row of a spreadsheet
    for number, (line, at) in enumerate(lines[:_MAX_HEADER_LINES]):
        if not line.strip(b" \t,;"):
            empty = at if empty is None else empty
            continue
        if _is_row(line) and not (number and _RULE.fullmatch(line)):
            after = lines[number + 1][0] if number + 1 < len(lines) else b""
            if not _counts_columns(line, after):
                return at if empty is None else empty
            continue
        if _named_alike([text for text, _ in lines[number : number + _ALIKE]]):
            return at
        empty = None
        cells = cells_of(plain_text(line), separator)
        if axes is not None and len(cells) > max(axes) and all(is_number(cells[place]) for place in axes):
            return at
        names = _names(line)
        if (found := named_axes(names)) is not None:
            axes, separator = found, own_separator(line)
    return empty


def _named_alike(lines: Sequence[bytes]) -> bool:
    """Whether these rows begin with the same word, and three numbers or more follow in each."""
    rows = [cells_of(plain_text(line), own_separator(line)) for line in lines]
    first = rows[0][0] if rows[0] else b""
    return (
        len(rows) == _ALIKE
        and bool(_WORD.fullmatch(first))
        and all(len(row) == len(rows[0]) > 3 and row[0] == first and all(map(is_number, row[1:4])) for row in rows)
    )


def _all_values(table: Sequence[Sequence[bytes]], column: int) -> bool:
    """Whether that column holds values only; rows that are too short are left to their reader."""
    return all(is_value(row[column]) for row in table if len(row) > column)


def _counts_columns(line: bytes, after: bytes) -> bool:
    """Whether a line is pandas' default column names 0, 1, 2 rather than a point."""
    separator = own_separator(line)
    cells, below = (cells_of(plain_text(text), separator) for text in (line, after))
    numbers = cells[1:] if cells[:1] == [b""] else cells
    if numbers != [str(place).encode() for place in range(len(numbers))] or len(below) < len(cells):
        return False
    return len(numbers) >= 3 and all(b"." in cell or b"," in cell for cell in below[len(cells) - len(numbers) :][:3])


def _is_row(line: bytes) -> bool:
    line = without_comments(line)
    cells = [cell for cell in _BETWEEN.split(plain_text(line)) if cell]
    if not cells:  # no value; but a header such as `X:;Y:;Z:` is also empty once keys are removed
        return (line.count(b",") >= 2 or line.count(b";") >= 2) and not KEY.search(line)
    if _LABEL.fullmatch(cells[0]):
        return len(cells) > 3 and is_number(cells[1]) and all(map(is_value, cells[1:4]))
    if not is_value(cells[0]):
        return False
    numbers, values = sum(map(is_number, cells)), sum(map(is_value, cells))
    line = line.strip(b" \t\r\n")
    empty = sum(line.count(two) + line.startswith(two[:1]) + line.endswith(two[:1]) for two in (b",,", b";;"))
    return (values == len(cells) and values + empty >= 3) or (numbers >= 3 and is_number(cells[0]))


def _header(
    source: Source, headers: Sequence[bytes], width: int, sample: Sequence[bytes], separator: bytes
) -> tuple[tuple[str, ...], Axes | None]:
    """Column names and indices of x, y, z, as chosen by the user or by name."""
    names: tuple[str, ...] = ()
    axes: Axes | None = None
    for line in headers:
        commented = line.lstrip()[:1] in (b"#", b"/", b"%", b"!", b"*")
        own = _names(line)
        if len(own) != width and (labels := [at for at, name in enumerate(own) if name.endswith(":")][-1:]):
            own = own[labels[0] + 1 :]  # `# fields: x y z`
        if len(own) == width - 1 and _is_counted(sample, separator):
            own = ("", *own)  # the column of row numbers is often unnamed
        found = named_axes(own) if 3 <= len(own) <= width else None
        if found is not None:
            names, axes = (*own, *[""] * (width - len(own))), found
        elif axes is None and len(own) == width and not commented and not are_units(own):
            same = own_separator(line) == separator or separator in (b"", b" ")
            names = own if same else names
        ordered = width == 3 or _is_counted(sample, separator)
        if found is None and len(own) != width and not source.columns and says_otherwise(own, ordered):
            what = f"its header has {len(own)} names for {width} columns, so x, y, z cannot be identified"
            raise UnknownColumns(source.path, what, HOW_TO_SAY)
    if source.columns:
        try:
            return names, chosen_axes(source.columns, names, width)
        except ValueError as missing:
            raise UnknownColumns(source.path, str(missing), HOW_TO_SAY) from missing
    if names and axes is None:
        raise UnknownColumns(source.path, f"its columns are {listed(names)}: {why_unclear(names)}", HOW_TO_SAY)
    return names, axes


def _keyed_axes(row: bytes, n_columns: int) -> Axes | None:
    """Indices of x, y, z by the keys of a row such as `z=1 y=2 x=3`; None without keys."""
    places: dict[bytes, int] = {}
    n_values = 0
    for word in _BETWEEN.split(KEY.sub(lambda key: b" \0" + key[0].strip(b"\"' \t=:").lower() + b" ", row)):
        if word.startswith(b"\0"):
            places[word[1:]] = n_values
        n_values += bool(word.strip(b"()[]{}\"'")) and not word.startswith(b"\0")
    known = len(places) == 3 and max(places.values()) < n_columns
    return (places[b"x"], places[b"y"], places[b"z"]) if known else None


def _names(line: bytes) -> tuple[str, ...]:
    """The cells of a header; units in brackets are not separate cells."""
    plain, separator = line.lstrip(b"#/%!* \t"), own_separator(line)
    if separator and len(line.split(separator)) >= 3:  # `VARIABLES = "X", "Y", "Z"`
        plain = _ASSIGNED.sub(b"", plain)
    if not separator:
        plain = _UNIT.sub(b" ", plain) if _UNIT.sub(b" ", plain).strip() else plain
    return tuple(cell.decode("utf-8", "replace") for cell in cells_of(plain_text(plain, keyed=False), separator))


def _is_counted(sample: Sequence[bytes], separator: bytes) -> bool:
    first = [cells_of(line, separator)[0] for line in sample[:50]]
    if not all(cell.isdigit() for cell in first) or len(first) < 2:
        return False
    numbers = [int(cell[:18]) for cell in first]
    return all(after - before == 1 for before, after in pairwise(numbers))


def _sample(source: Source, text: bytes) -> list[bytes]:
    """Sample rows, without counts in between; at least one. Raises UnreadableScan."""
    lines = [without_comments(line) for line in re.split(rb"\r\n|\n|\r", text)]
    if source.size > len(source.head()) and len(lines) > 1:
        lines = lines[:-1]
    rows = [line for line in lines[: 2 * SAMPLE_LINES] if plain_text(line).strip() and not line.strip().isdigit()]
    rows = [line for line in rows if not GRID_LINE.fullmatch(spelt_plainly(line))]
    if not rows:
        raise source.fail(NO_ROWS, AS_COLUMNS)
    return rows[:SAMPLE_LINES]


def _end(source: Source) -> int:
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
        around = _HEADER_LINE.match(text) or _COUNTED.fullmatch(text) or _BRACKETS_ONLY.fullmatch(text)
        drawn = _RULE.fullmatch(text) and b"+" in text
        if not drawn and (not around or sum(map(is_number, _BETWEEN.split(plain_text(text)))) >= 3 or _is_row(text)):
            return end
        end = source.size - n_bytes + line.start()
    return end


def _without_statistics(source: Source, end: int, separator: bytes) -> int:
    """Offset of rows such as `Mean 1.5 2.5 3.5` after rows that begin with a number, or the given end of the rows."""
    begin = max(end - _TAIL_BYTES, 0)
    lines = list(re.finditer(rb"[^\r\n]+", source.read_at(begin, end - begin)))
    for line in reversed(lines[1:]):
        first = cells_of(plain_text(line[0]), separator)[:1]
        if first and not (_WORD.fullmatch(first[0]) and not is_value(first[0])):
            return end
        end = begin + line.start()
    return end


def _lines_with_offsets(head: bytes) -> list[tuple[bytes, int]]:
    """The non-blank lines and their offsets."""
    return [(spelt_plainly(line[0]), line.start()) for line in re.finditer(rb"[^\r\n]+", head) if line[0].strip()]


def _separator(source: Source, sample: Sequence[bytes]) -> bytes:
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


def _refuse_thousands(source: Source, sample: Sequence[bytes], separator: bytes) -> None:
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
