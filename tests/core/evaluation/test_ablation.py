"""The declared list: complete, in range, and each table's last row the unchanged model."""

from __future__ import annotations

import pytest

from sedir_core.config import preset
from sedir_core.errors import BadConfig
from sedir_core.evaluation.ablation import Ablation, Variant, ablations, chosen, distinct

WITH_VARIANTS = [table for table in ablations() if table.variants]


def test_every_table_of_the_paper_is_declared() -> None:
    assert [table.number for table in ablations()] == ["4", "5", "6", "7", "S2", "S3", "S4", "S5", "S6", "S7", "S8"]


@pytest.mark.parametrize("table", ablations(), ids=lambda table: table.number)
def test_rows_fit_their_columns(table: Ablation) -> None:
    assert bool(table.variants) != bool(table.probes)
    assert all(len(row.cells) == len(table.columns) for row in (*table.variants, *table.probes))
    assert all(len(variant.paper) in (0, 2) for variant in table.variants)


@pytest.mark.parametrize("name", ["paper", "desktop", "tiny"])
@pytest.mark.parametrize("table", WITH_VARIANTS, ids=lambda table: table.number)
def test_every_row_is_a_valid_configuration_and_a_different_one(table: Ablation, name: str) -> None:
    base = preset(name)
    configs = [variant.applied(base) for variant in table.variants]
    assert configs[-1] == base
    assert all(configs.count(config) == 1 for config in configs)


@pytest.mark.parametrize("table", WITH_VARIANTS, ids=lambda table: table.number)
def test_the_unchanged_row_is_the_paper_s_main_result(table: Ablation) -> None:
    assert table.variants[-1].paper == (81.0, 80.6)


def test_scaled_settings_keep_the_paper_s_proportions() -> None:
    (table,) = chosen(["S5"])
    half, twice, whole = (variant.applied(preset("desktop")).grouping.n_groups for variant in table.variants)
    assert (half, twice, whole) == (256, 1024, 512)


def test_a_value_out_of_range_is_refused() -> None:
    with pytest.raises(BadConfig):
        Variant(("x",), scale={"grouping": {"group_size": 100.0}}).applied(preset("desktop"))


def test_what_tables_share_is_needed_once() -> None:
    base = preset("desktop")
    configs = list(distinct(ablations(), base))
    assert configs[0] == base
    assert len(configs) == len({config.model_dump_json() for config in configs})
    assert len(list(distinct(chosen(["4"]), base))) == 4
    assert len(list(distinct(chosen(["4", "5"]), base))) == 6
    assert list(distinct(chosen(["S8"]), base)) == [base]


def test_tables_are_chosen_by_number() -> None:
    assert [table.number for table in chosen(["s3", "4"])] == ["S3", "4"]
    assert chosen(None) == ablations()
    with pytest.raises(BadConfig, match="no such table"):
        chosen(["9"])
