"""`sedir ablate` hands the right request over and prints what comes back."""

from __future__ import annotations

from typing import Any

import pytest

from sedir_core.config import preset
from sedir_core.evaluation.table_text import Number, TextTable


@pytest.fixture
def requests(monkeypatch) -> list[Any]:
    seen: list[Any] = []

    def ablate(request: Any, report: Any, stop: Any) -> list[TextTable]:
        seen.append(request)
        return [TextTable("Table 4. Components", ("CFGT", "O-AUROC"), (("✓", Number(81.0)),))]

    monkeypatch.setattr("sedir_core.evaluation.ablate.ablate", ablate)
    return seen


def test_options_reach_the_ablation(sedir, requests, tmp_path) -> None:
    options = ("--tables", "4,S3", "--preset", "tiny", "--epochs", 3, "--seeds", "0,2", "--out", tmp_path / "out")
    said = sedir("ablate", tmp_path, *options)
    assert said.exit_code == 0
    assert "Table 4. Components" in said.stdout
    (request,) = requests
    assert request.base == preset("tiny", training={"epochs": 3})
    assert [table.number for table in request.tables] == ["4", "S3"]
    assert request.seeds == (0, 2)


def test_tables_are_written(sedir, requests, tmp_path) -> None:
    sedir("ablate", tmp_path, "--out", tmp_path / "out", "--table", tmp_path / "t.tex")
    assert "\\checkmark{} & 81.0" in (tmp_path / "t.tex").read_text(encoding="utf-8")


@pytest.mark.parametrize("wrong", [("--seeds", "a"), ("--seeds", "-1"), ("--table", "t.docx"), ("--preset", "huge")])
def test_wrong_options_are_usage_errors(sedir, requests, tmp_path, wrong) -> None:
    assert sedir("ablate", tmp_path, "--out", tmp_path / "out", *wrong).exit_code == 2


def test_an_unknown_table_is_named(sedir, requests, tmp_path) -> None:
    said = sedir("ablate", tmp_path, "--out", tmp_path / "out", "--tables", "12")
    assert said.exit_code == 1
    assert "no such table" in said.stderr
