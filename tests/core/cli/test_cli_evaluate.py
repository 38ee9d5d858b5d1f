"""`sedir evaluate`: the document, both ways of knowing the category, statuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from roundness import ball
from runs_on_disk import write_run

from sedir_core.io.export import write_points_ply
from sedir_core.runs.catalogue import measured_of


@pytest.fixture
def parts(tmp_path) -> Path:
    """A user's own folder of parts."""
    for name in ("ball", "globe"):
        for i in range(2):
            write_points_ply(tmp_path / "parts" / name / f"{i}.ply", ball(seed=i))
            write_points_ply(tmp_path / "parts" / name / "ok" / f"{i}.ply", ball(seed=4 + i))
            write_points_ply(tmp_path / "parts" / name / "ng" / f"{i}.ply", ball(dent=0.1, seed=8 + i))
    return tmp_path / "parts"


def test_auto_and_given_are_both_reported(sedir, parts) -> None:
    found = json.loads(sedir("evaluate", "default", parts, "--json", "-").stdout)
    assert found["category_mode"] == "auto"
    assert found["category_accuracy"] == 0.5
    assert found["mean"]["o_auroc"] == 1.0
    assert found["category_given"]["mean"]["o_auroc"] == 1.0


def test_one_mode_can_be_asked_for(sedir, parts) -> None:
    found = json.loads(sedir("evaluate", "default", parts, "--category", "given", "--json", "-").stdout)
    assert found["category_mode"] == "given"
    assert "category_given" not in found


def test_categories_can_be_chosen(sedir, parts) -> None:
    found = json.loads(sedir("evaluate", "default", parts, "--categories", "globe", "--json", "-").stdout)
    assert list(found["categories"]) == ["globe"]


def test_without_json_there_is_a_table(sedir, parts) -> None:
    assert "O-AUROC" in sedir("evaluate", "default", parts).stdout


def test_an_unreadable_test_scan_is_status_4(sedir, parts) -> None:
    (parts / "ball" / "ok" / "0.ply").write_bytes(b"ply\nno\n")
    assert sedir("evaluate", "default", parts).exit_code == 4


def test_no_dataset_is_status_1(sedir, tmp_path) -> None:
    assert sedir("evaluate", "default", tmp_path / "none").exit_code == 1


@pytest.fixture
def runs(tmp_path, parts, monkeypatch) -> list[Path]:
    """Two seeds of a run, trained on these parts."""
    monkeypatch.setattr("sedir_core.evaluation.store.writable_folders", lambda: {"cache": tmp_path / "cache"})
    return [write_run(tmp_path / f"run-{seed}", seed, bytes([seed]), dataset=str(parts)) for seed in range(2)]


def test_several_runs_stand_side_by_side(sedir, parts, runs) -> None:
    said = sedir("evaluate", *runs, parts)
    assert said.exit_code == 0
    assert "O-AUROC by category" in said.stdout
    assert "100.0 ± 0.0" in said.stdout


def test_without_a_dataset_each_run_has_its_own(sedir, runs) -> None:
    found = json.loads(sedir("evaluate", *runs, "--json", "-").stdout)
    assert [Path(one["run"]).name for one in found] == ["run-0", "run-1"]


def test_one_run_alone_can_do_without_a_dataset_too(sedir, runs) -> None:
    assert json.loads(sedir("evaluate", runs[0], "--json", "-").stdout)["mean"]["o_auroc"] == 1.0


def test_a_run_that_does_not_say_its_dataset_needs_one(sedir, tmp_path) -> None:
    said = sedir("evaluate", write_run(tmp_path / "run"))
    assert said.exit_code == 1
    assert "name a dataset" in said.stderr


@pytest.mark.parametrize(
    ("name", "sign"), [("t.md", "| method |"), ("t.csv", "table,row,column"), ("t.tex", "tabular")]
)
def test_the_table_is_written(sedir, parts, runs, tmp_path, name, sign) -> None:
    assert sedir("evaluate", runs[0], parts, "--table", tmp_path / name).exit_code == 0
    assert sign in (tmp_path / name).read_text(encoding="utf-8")


def test_a_table_of_an_unknown_kind_is_a_usage_error(sedir, parts, runs, tmp_path) -> None:
    assert sedir("evaluate", *runs, parts, "--table", tmp_path / "t.docx").exit_code == 2


def test_results_are_kept_in_the_runs_where_wanted(sedir, parts, runs) -> None:
    sedir("evaluate", *runs, parts)
    assert measured_of(runs[0]) == {}
    assert sedir("evaluate", *runs, parts, "--record").exit_code == 0
    assert [measured_of(run)["globe"]["o_auroc"] for run in runs] == [1.0, 1.0]


def test_the_bundled_model_keeps_no_results(sedir, parts) -> None:
    said = sedir("evaluate", "default", parts, "--record")
    assert said.exit_code == 1
    assert "ships with the program" in said.stderr
