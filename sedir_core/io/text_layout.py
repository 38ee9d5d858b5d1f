"""Detects the layout of a text table: separator, decimal sign, quotes, brackets, header, count, footer.

Everything is inferred from the first and last lines.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

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
    is_number,
    is_value,
    own_separator,
    plain_text,
    preparation,
    spelt_plainly,
    without_calls,
)
from sedir_core.io.text_lines import (
    BETWEEN,
    HEADER_LINE,
    LABEL,
    WORD,
    end_of_rows,
    is_row,
    is_rule,
    lines_with_offsets,
    without_statistics,
)
from sedir_core.io.text_separator import MOST_UNNAMED, refuse_thousands, separator_of

MAX_COLUMNS = 64
AS_COLUMNS = "one point a line: x y z, separated by spaces, commas, semicolons or tabs"
NO_ROWS = "has no rows of at least three numbers"
SAMPLE_LINES = 400
_MAX_HEADER_LINES = 400  # besides comments
_ASSIGNED = re.compile(rb"^\s*\w+\s*=\s*(?=\S)")
_ALIKE = 4  # rows alike, from which a word before numbers is a name of points
_SCALE = re.compile(rb"\s*\d(?:\.\d+)?[eE][-+]?\d{1,3}\s*\*\s*")
_UNIT = re.compile(rb"\[[^\]]*\]|\([^)]*\)")


@dataclass(frozen=True)
class TextLayout:
    """offset, end: where the rows begin and end. axes: indices of x, y, z; None if not named.

    names: of the columns, as in the header; empty without one. announced: number of rows stated in the text.
    n_numbers: leading columns of numbers. factor: of all numbers, as MATLAB prints above a matrix (`1.0e+03 *`).
    """

    offset: int
    end: int
    prepare: Prepare
    n_columns: int
    names: tuple[str, ...]
    axes: Axes | None
    announced: int | None
    n_numbers: int
    factor: float = 1.0


def find_layout(source: Source) -> TextLayout:
    """Raises UnreadableScan unless this is a table of at least three numbers per row, and UnknownColumns."""
    head = source.head()
    if b"\0" in head:
        raise source.fail("is not text, or is text in UTF-16", "save it as plain text (UTF-8), or export as PLY")
    if other := foreign_format(head):
        raise source.fail(*other)
    headers, announced, offset = _before_rows(source, head)
    factor = _factor_above(source, head[:offset])
    end = end_of_rows(source)
    raw = _sample(source, head[offset:end])
    sample = list(map(plain_text, raw))
    separator = separator_of(source, sample)
    refuse_thousands(source, sample, separator)
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
        labelled = LABEL.fullmatch(cells[0]) or WORD.fullmatch(cells[0])
        axes = (1, 2, 3) if labelled and not is_value(cells[0]) else _keyed_axes(without_calls(raw[0]), len(cells))
    prepare = preparation(separator, b"\n".join(raw))
    table = [cells_of(line, separator) for line in sample]
    n_numbers = next((at for at in range(len(cells)) if not _all_values(table, at)), len(cells))
    if is_number(cells[0]):
        end = without_statistics(source, end, separator)
    return TextLayout(offset, end, prepare, len(cells), names, axes, announced, n_numbers, factor)


def is_table(head: bytes, whole: bool) -> bool:
    """Whether text begins with rows of at least three numbers, perhaps after a header. whole: not truncated."""
    return b"\0" not in head and _first_row(head, whole) is not None


def sample_rows(source: Source, n_rows: int) -> tuple[tuple[str, ...], list[list[str]]]:
    """The header's names and the first rows, cell by cell, for users to choose columns. Raises UnreadableScan."""
    head = source.head()
    headers, _, offset = _before_rows(source, head)
    lines = list(map(plain_text, _sample(source, head[offset : end_of_rows(source)])))
    separator = separator_of(source, lines)
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
    lines = lines_with_offsets(head if found is None else head[:found])
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
        elif _SCALE.fullmatch(whole):
            continue
        elif not HEADER_LINE.match(whole) and any(map(is_number, BETWEEN.split(plain_text(whole)))):
            raise source.fail(f"its row {whole[:40]!r} is not a point, nor a header", AS_COLUMNS)
        else:
            headers.append(whole)
    if found is None:
        raise source.fail(NO_ROWS, AS_COLUMNS)
    return headers, announced, found


def _factor_above(source: Source, before: bytes) -> float:
    """Of the numbers below lines such as `1.0e+03 *`. Raises UnreadableScan if there are several."""
    found = [line for line, _ in lines_with_offsets(before) if _SCALE.fullmatch(line)]
    if len(found) > 1:
        raise source.fail("holds several matrices, each with a factor of its own", AS_COLUMNS)
    return float(found[0].strip(b" \t\r\n*")) if found else 1.0


def _first_row(head: bytes, whole: bool) -> int | None:
    """Offset of the first row of numbers; a name may precede them if a header says so or it contains a number."""
    lines = lines_with_offsets(head)
    if not whole and len(lines) > 1:
        lines = lines[:-1]  # it may be truncated
    axes: Axes | None = None
    separator = b""
    empty: int | None = None  # offset of rows without any value: an unmeasured pixel, or a blank row of a spreadsheet
    for number, (line, at) in enumerate(lines[:_MAX_HEADER_LINES]):
        if not line.strip(b" \t,;"):
            empty = at if empty is None else empty
            continue
        if is_row(line) and not (number and is_rule(line)):
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
        and bool(WORD.fullmatch(first))
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
    for word in BETWEEN.split(KEY.sub(lambda key: b" \0" + key[0].strip(b"\"' \t=:").lower() + b" ", row)):
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
