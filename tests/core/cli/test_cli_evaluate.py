"""`sedir evaluate`: the document, both ways of knowing the category, statuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from roundness import ball

from sedir_core.io.export import write_points_ply


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
