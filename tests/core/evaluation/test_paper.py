"""The paper's numbers: complete, and such that its own statements follow from them."""

from __future__ import annotations

import statistics

import pytest

from sedir_core.config import METHOD_NAMES, METHODS
from sedir_core.evaluation.paper import paper_table, paper_tables
from sedir_core.evaluation.results import variance

REAL3D = paper_tables()[0].categories


def test_every_table_is_there() -> None:
    assert [(table.number, table.dataset, table.measure) for table in paper_tables()] == [
        ("1", "Real3D-AD", "o_auroc"),
        ("2", "Anomaly-ShapeNet", "o_auroc"),
        ("S9", "Real3D-AD", "p_auroc"),
        ("S10", "Anomaly-ShapeNet", "p_auroc"),
        ("S11", "Anomaly-ShapeNet", "o_aupr"),
    ]


@pytest.mark.parametrize("table", paper_tables(), ids=lambda table: table.number)
def test_every_row_has_every_category_in_per_cent(table) -> None:
    assert len(table.categories) == {"Real3D-AD": 12, "Anomaly-ShapeNet": 40}[table.dataset]
    assert table.rows.keys() == table.means.keys()
    for row in table.rows.values():
        assert row.keys() == set(table.categories)
        assert all(0 <= number <= 100 for number in row.values())


def test_the_means_of_its_own_method_are_those_of_its_rows() -> None:
    for table in paper_tables():
        assert statistics.mean(table.rows["SeDiR"].values()) == pytest.approx(table.means["SeDiR"], abs=0.1)


@pytest.mark.parametrize(
    ("number", "method", "printed"),
    [("1", "MC3D-AD", 90.0), ("1", "SeDiR", 86.7), ("2", "MC3D-AD", 102.9), ("2", "SeDiR", 43.4)],
)
def test_the_variances_of_appendix_f_follow(number: str, method: str, printed: float) -> None:
    (table,) = (table for table in paper_tables() if table.number == number)
    assert variance(table.rows[method].values()) == pytest.approx(printed, abs=0.1)


def test_a_benchmark_is_known_by_its_categories() -> None:
    table = paper_table(REAL3D, "o_auroc")
    assert table is not None
    assert table.rows["SeDiR"]["airplane"] == 86.0
    assert paper_table(["car", "duck"], "p_auroc") is not None
    assert paper_table(["car"], "o_auroc") is None
    assert paper_table(["car", "gear"], "o_auroc") is None
    assert paper_table(REAL3D, "p_aupr") is None


def test_every_row_of_the_paper_s_table_is_a_method_here() -> None:
    """A method that is rebuilt from descriptions is called after the other; a substitute is named in brackets."""
    ours = {label.removeprefix("after ").removesuffix(" (EfficientNet-Lite0)") for label in METHOD_NAMES.values()}
    theirs = {row for table in paper_tables() for row in table.rows}
    assert theirs - ours == set()
    assert METHOD_NAMES.keys() == set(METHODS)
