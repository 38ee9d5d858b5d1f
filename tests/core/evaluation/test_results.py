"""Many evaluations in one table: who is grouped with whom, and every number against one worked out by hand."""

from __future__ import annotations

import math

import pytest
from documents import document

from sedir_core.evaluation.paper import paper_tables
from sedir_core.evaluation.results import Outcome, contests, result_tables, variance
from sedir_core.evaluation.table_text import Number

SEEDS = [
    Outcome("a", "k", document("template", cup=0.8, gear=0.6)),
    Outcome("b", "k", document("template", cup=0.9, gear=0.6)),
]


def number_of(outcomes: list[Outcome], table: int, row: int, column: int) -> Number:
    found = result_tables(outcomes)[table].rows[row][column]
    assert isinstance(found, Number)
    return found


def test_seeds_of_one_kind_are_one_row() -> None:
    (row,) = contests(SEEDS)
    assert len(row.documents) == 2
    assert row.label == "Golden template†"


def test_a_cell_is_mean_and_sample_deviation_in_per_cent() -> None:
    cup = number_of(SEEDS, table=1, row=0, column=1)
    assert (cup.mean, cup.n) == (pytest.approx(85.0), 2)
    assert cup.spread == pytest.approx(10 / math.sqrt(2))
    assert number_of(SEEDS, table=2, row=0, column=1).mean == pytest.approx(42.5)


def test_the_mean_over_categories_is_taken_seed_by_seed() -> None:
    mean = number_of(SEEDS, table=0, row=0, column=1)
    assert mean.mean == pytest.approx((70 + 75) / 2)
    assert mean.spread == pytest.approx(5 / math.sqrt(2))


def test_the_variance_is_that_of_the_population() -> None:
    assert variance([60.0, 80.0]) == 100.0
    assert math.isnan(variance([math.nan]))
    assert number_of(SEEDS, table=0, row=0, column=5).mean == pytest.approx((100 + 225) / 2)


def test_one_seed_has_no_spread() -> None:
    assert math.isnan(number_of(SEEDS[:1], table=1, row=0, column=1).spread)


def test_a_category_that_is_undefined_or_missing_is_left_out_of_its_cell() -> None:
    other = Outcome("c", "k", document("template", cup=None, vase=0.5))
    table = result_tables([*SEEDS, other])[1]
    assert table.head == ("method", "cup", "gear", "vase", "mean", "variance")
    assert number_of([*SEEDS, other], table=1, row=0, column=1).n == 2
    assert number_of([*SEEDS, other], table=1, row=0, column=3).n == 1


def test_both_ways_of_knowing_the_category_have_a_row_each() -> None:
    both = document("sedir", given=False, cup=0.7, gear=0.7)
    told = document("sedir", cup=0.9, gear=0.9)
    keys = ("categories", "mean", "defects", "false_alarm_rate")
    both["category_given"] = {name: told[name] for name in keys}
    found = [Outcome("a", "k", both)]
    assert [row.label for row in contests(found)] == ["SeDiR", "SeDiR†"]
    assert number_of(found, table=0, row=0, column=6).mean == 75.0
    assert math.isnan(number_of(found, table=0, row=1, column=6).mean)
    assert number_of(found, table=0, row=1, column=1).mean == pytest.approx(90.0)


def test_the_same_method_in_two_configurations_is_told_apart() -> None:
    other = Outcome("standardised", "other kind", document("template", cup=0.5, gear=0.5))
    labels = [row.label for row in contests([*SEEDS, other])]
    assert labels == ["Golden template (a)†", "Golden template (standardised)†"]


def test_the_paper_stands_beside_a_benchmark_and_is_marked() -> None:
    whole = document("sedir", **dict.fromkeys(paper_tables()[0].categories, 0.5))
    table = result_tables([Outcome("a", "k", whole)])[1]
    rows = {str(row[0]): row[1:] for row in table.rows}
    assert rows["SeDiR (paper)"][0] == Number(86.0)
    assert rows["M3DM (paper)"][-2] == Number(59.4)  # as printed, though its categories' mean is 55.2
    assert "table 1 for Real3D-AD and were not measured here" in table.note
    assert all("(paper)" in label for label in list(rows)[1:])


def test_of_some_categories_the_paper_s_mean_is_that_of_these() -> None:
    table = result_tables([Outcome("a", "k", document("sedir", car=0.5, duck=0.5))])[1]
    (row,) = (row for row in table.rows if row[0] == "SeDiR (paper)")
    assert isinstance(row[-2], Number)
    assert row[-2].mean == pytest.approx((78.3 + 86.2) / 2)


def test_other_parts_have_no_paper() -> None:
    assert not any("(paper)" in str(row[0]) for table in result_tables(SEEDS) for row in table.rows)
