"""Tables of numbers as Markdown, CSV and LaTeX."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sedir_core.io.export import Cell as CsvCell
from sedir_core.io.export import csv_text
from sedir_core.names import printable

UNDEFINED = "-"


@dataclass(frozen=True)
class Number:
    """A mean in the table's unit, NaN if undefined; with the sample deviation over `n` seeds if there are several."""

    mean: float
    spread: float = math.nan
    n: int = 1
    digits: int = 1


Cell = str | Number


@dataclass(frozen=True)
class TextTable:
    """Rows of cells with a header of the same length. note: for the reader."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""


def to_text(tables: Sequence[TextTable]) -> str:
    """For a terminal: aligned columns."""
    parts = []
    for table in tables:
        rows = [tuple(printable(_plain(cell, "±")) for cell in row) for row in (table.head, *table.rows)]
        widths = [max(len(row[i]) for row in rows) for i in range(len(table.head))]
        lines = [
            printable(table.title),
            *(_aligned(row, widths) for row in rows),
            *([table.note] if table.note else []),
        ]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def to_markdown(tables: Sequence[TextTable]) -> str:
    """GitHub-flavoured tables, one below the other."""
    parts = []
    for table in tables:
        lines = [f"**{_markdown(table.title)}**", "", _pipes(table.head, _markdown)]
        lines.append("| --- |" + " ---: |" * (len(table.head) - 1))
        lines += [_pipes([_plain(cell, "±") for cell in row], _markdown) for row in table.rows]
        parts.append("\n".join(lines) + (f"\n\n{_markdown(table.note)}" if table.note else ""))
    return "\n\n".join(parts) + "\n"


def to_csv(tables: Sequence[TextTable]) -> str:
    """Long format, one row per number: table, row, column, mean, spread, seeds."""
    rows: list[list[CsvCell]] = [["table", "row", "column", "mean", "spread", "seeds"]]
    for table in tables:
        for label, *cells in table.rows:
            for title, cell in zip(table.head[1:], cells, strict=True):
                rows.append([table.title, _plain(label, "±"), title, *_csv_cells(cell)])
    return csv_text(rows)


def to_latex(tables: Sequence[TextTable]) -> str:
    """Tabulars for \\usepackage{booktabs}."""
    parts = []
    for table in tables:
        lines = [
            f"% {_one_line(table.title)}",
            "\\begin{tabular}{l" + "r" * (len(table.head) - 1) + "}",
            "\\toprule",
            _ampersands(table.head),
            "\\midrule",
            *(_ampersands([_plain(cell, "\0") for cell in row]) for row in table.rows),
            "\\bottomrule",
            "\\end{tabular}",
        ]
        parts.append("\n".join(lines) + (f"\n% {_one_line(table.note)}" if table.note else ""))
    return "\n\n".join(parts) + "\n"


WRITERS: Mapping[str, Callable[[Sequence[TextTable]], str]] = {
    ".md": to_markdown,
    ".csv": to_csv,
    ".tex": to_latex,
}
"""Writers by file suffix."""


def _plain(cell: Cell, sign: str) -> str:
    if isinstance(cell, str):
        return printable(cell)
    if math.isnan(cell.mean):
        return UNDEFINED
    spread = "" if math.isnan(cell.spread) else f" {sign} {cell.spread:.{cell.digits}f}"
    return f"{cell.mean:.{cell.digits}f}{spread}"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    label, *numbers = row
    cells = [label.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(numbers, widths[1:], strict=True))]
    return "  ".join(cells).rstrip()


def _csv_cells(cell: Cell) -> tuple[CsvCell, CsvCell, CsvCell]:
    if isinstance(cell, str):
        return cell, "", ""
    return _known(cell.mean), _known(cell.spread), cell.n


def _known(value: float) -> CsvCell:
    return "" if math.isnan(value) else round(value, 6)


def _pipes(cells: Sequence[str], escape: Callable[[str], str]) -> str:
    return "| " + " | ".join(escape(cell) for cell in cells) + " |"


def _ampersands(cells: Sequence[str]) -> str:
    return " & ".join(_latex(cell) for cell in cells) + " \\\\"


def _markdown(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*").replace("_", "\\_")


_LATEX_SIGNS = {
    "\\": "\\textbackslash{}", "&": "\\&", "%": "\\%", "$": "\\$", "#": "\\#", "_": "\\_", "{": "\\{", "}": "\\}",
    "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "\0": "$\\pm$", "✓": "\\checkmark{}", "λ": "$\\lambda$",
}  # fmt: skip


def _latex(text: str) -> str:
    return "".join(_LATEX_SIGNS.get(sign, sign) for sign in text)
