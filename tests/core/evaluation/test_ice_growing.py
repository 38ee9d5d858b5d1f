"""A model that must know more and more kinds: every step is trained and measured once, and drawn."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tiny_run import HARDLY_FITTED, TinyRun, part, tiny_config, write_dataset

from sedir_core.errors import BadDataset, BadRun
from sedir_core.evaluation import ice_growing
from sedir_core.evaluation.ice_growing import Grower, GrowRequest, Growth, Step, contenders, grow, growth_table
from sedir_core.evaluation.ice_growing_figure import draw_growth
from sedir_core.evaluation.table_text import to_text
from sedir_core.io.export import write_points_ply


@pytest.fixture(scope="module")
def request_(tiny: TinyRun, tmp_path_factory: pytest.TempPathFactory) -> GrowRequest:
    (sedir, *_) = contenders(tiny_config(tiny.encoder, epochs=2, judge_steps=2, **HARDLY_FITTED))
    return GrowRequest(tiny.dataset, (sedir,), (2, 3), (0,), tmp_path_factory.mktemp("growing"), "cpu")


@pytest.fixture(scope="module")
def grown(request_: GrowRequest) -> Growth:
    return grow(request_)


def test_every_step_is_measured(grown: Growth) -> None:
    assert [(step.n_categories, step.seed) for step in grown.steps] == [(2, 0), (3, 0)]
    assert len(grown.shared) == 2
    for step in grown.steps:
        assert 0 <= step.classification_score <= 1
        assert 0 <= step.cross_category_share <= 1
        assert step.normal_error > 0
        assert all(0 <= value <= 1 for value in (step.o_auroc, step.p_auroc, step.o_auroc_place, step.p_auroc_place))


def test_what_was_measured_is_not_done_again(request_: GrowRequest, grown: Growth, monkeypatch) -> None:
    monkeypatch.setattr(ice_growing, "train", None)
    monkeypatch.setattr(ice_growing, "load_detector", None)
    assert grow(request_) == grown


@pytest.mark.parametrize("kept", [{}, {"o_auroc": "high", "other": 1}, {"o_auroc": [0.5]}])
def test_odd_measures_are_unknown(
    kept: dict[str, Any], request_: GrowRequest, grown: Growth, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = sorted((request_.out / "measured").iterdir())
    before = files[0].read_text()
    files[0].write_text(json.dumps(kept))
    try:
        assert grow(request_).steps[0].o_auroc is None
    finally:
        files[0].write_text(before)


def test_other_settings_need_another_folder(request_: GrowRequest, grown: Growth) -> None:
    changed = contenders(tiny_config(Path("other.safetensors"), epochs=3))[0]
    with pytest.raises(BadRun, match="other settings"):
        grow(replace(request_, growers=(changed,)))


def test_other_scans_need_another_folder(request_: GrowRequest, grown: Growth, tmp_path: Path) -> None:
    others = write_dataset(tmp_path / request_.dataset.name)
    write_points_ply(others / "cup" / "train" / "cup_template0.ply", part("cup", 77))
    with pytest.raises(BadRun, match="other scans"):
        grow(replace(request_, dataset=others))


def test_more_kinds_than_there_are_cannot_be_asked_for(request_: GrowRequest) -> None:
    with pytest.raises(BadDataset, match="3 kinds of part, asked for 5, 10"):
        grow(replace(request_, counts=(5, 10)))


def test_all_contenders_have_the_same_sizes(tiny: TinyRun) -> None:
    sedir, without, baseline = (one.config for one in contenders(tiny_config(tiny.encoder, epochs=7)))
    for one in (without, baseline):
        assert (one.encoder, one.grouping, one.training.epochs) == (sedir.encoder, sedir.grouping, 7)
        assert (one.network.width, one.network.depth) == (sedir.network.width, sedir.network.depth)
    assert without.network.global_token == "none"
    assert (without.loss.supervised_contrastive, without.loss.classification, without.loss.cosine) == (0, 0, 0)
    assert (baseline.method, baseline.training.schedule) == ("mc3d-ad", "step")


def steps(*growers: Grower) -> tuple[Step, ...]:
    return tuple(
        Step(one.name, one.title, count, seed, 0.9 - count / 100, count / 100, 0.5, 0.8, 0.8, 0.8, 0.7 + seed / 100)
        for one in growers
        for count in (5, 10)
        for seed in (0, 1)
    )


@pytest.fixture
def invented(tiny: TinyRun) -> Growth:
    return Growth("parts", ("a", "b"), steps(*contenders(tiny_config(tiny.encoder))))


def test_the_table_has_mean_and_spread_over_the_seeds(invented: Growth) -> None:
    table = growth_table(invented)
    assert len(table.rows) == 6
    assert invented.curve("sedir", "p_auroc_place") == [
        (count, pytest.approx(0.705), pytest.approx(0.00707, abs=1e-4)) for count in (5, 10)
    ]
    said = to_text([table])
    assert "SeDiR without CFGT and C3L" in said and "70.5" in said


@pytest.mark.parametrize("suffix", [".svg", ".png"])
def test_the_figure_is_written_alike_twice(invented: Growth, tmp_path: Path, suffix: str) -> None:
    for name in ("1", "2"):
        draw_growth(tmp_path / f"{name}{suffix}", invented)
    first = (tmp_path / f"1{suffix}").read_bytes()
    assert first == (tmp_path / f"2{suffix}").read_bytes()
    if suffix == ".svg":
        assert b"MC3D-AD" in first
