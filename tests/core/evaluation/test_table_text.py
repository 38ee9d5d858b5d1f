"""Tables as text: what each format needs escaped, and that no number is lost."""

from __future__ import annotations

import csv
import io
import math

from sedir_core.evaluation.table_text import Number, TextTable, to_csv, to_latex, to_markdown, to_text

TABLE = TextTable(
    "O-AUROC",
    ("method", "gear_a|b"),
    (("SeDiR & co", Number(81.04, 0.26, 3)), ("=none", Number(math.nan)), ("word", "✓")),
    "100 % real",
)


def test_markdown_is_a_table_of_github_s() -> None:
    assert to_markdown([TABLE]).splitlines() == [
        "**O-AUROC**",
        "",
        "| method | gear\\_a\\|b |",
        "| --- | ---: |",
        "| SeDiR & co | 81.0 ± 0.3 |",
        "| =none | - |",
        "| word | ✓ |",
        "",
        "100 % real",
    ]


def test_csv_has_a_row_per_number_at_full_precision() -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv([TABLE, TABLE]))))
    assert len(rows) == 6
    first = {
        "table": "O-AUROC",
        "row": "SeDiR & co",
        "column": "gear_a|b",
        "mean": "81.04",
        "spread": "0.26",
        "seeds": "3",
    }
    assert rows[0] == first
    assert rows[1]["mean"] == ""


def test_csv_holds_no_formula() -> None:
    assert "'=none" in to_csv([TABLE])


def test_latex_is_escaped() -> None:
    text = to_latex([TABLE])
    assert "method & gear\\_a|b \\\\" in text
    assert "SeDiR \\& co & 81.0 $\\pm$ 0.3 \\\\" in text
    assert "\\checkmark{}" in text
    assert text.count("\\begin{tabular}{lr}") == text.count("\\end{tabular}") == 1


def test_latex_comments_stay_on_one_line() -> None:
    table = TextTable("t", ("a", "b"), (), "two\nlines")
    assert all(line.startswith(("%", "\\")) or "&" in line for line in to_latex([table]).splitlines())


def test_a_terminal_gets_aligned_columns() -> None:
    lines = to_text([TABLE]).splitlines()
    assert lines[1:3] == ["method        gear_a|b", "SeDiR & co  81.0 ± 0.3"]


def test_a_name_forges_no_line_on_a_terminal() -> None:
    odd = "run\nSeDiR  100.0 \x1b[2J"
    said = to_text([TextTable(odd, (odd, odd), ((odd, Number(1.0)),))])
    assert len(said.splitlines()) == 3 and said.replace("\n", "").isprintable()
