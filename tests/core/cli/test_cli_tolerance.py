"""`--tolerance` of inspect and watch: verdicts, and the same fields in JSON, CSV, table and history."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from measured_ball import MeasuringDetector
from roundness import ball
from tiny_run import TinyRun, part
from typer.testing import CliRunner, Result

from sedir_core.cli import app
from sedir_core.history.stored_result import read_result
from sedir_core.io.export import write_points_ply

Sedir = Callable[..., Result]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[str | None, ...]]:
    """The detector with a ruler as every run; collects evidence, rule and tolerance of each that is loaded."""
    loaded: list[tuple[str | None, ...]] = []

    def load(run_dir: Path, device: str, *judging: str | None) -> MeasuringDetector:
        loaded.append(judging)
        return MeasuringDetector(tolerance=judging[2] or "")

    monkeypatch.setattr("sedir_core.detectors.base.load_judging", load)
    monkeypatch.setattr("sedir_core.cli.user_config", lambda: tmp_path / "config.toml")
    return loaded


def sedir(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def inspected(*arguments: object) -> dict[str, Any]:
    result = sedir("inspect", *arguments, "--json", "-")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)["results"][0]


@pytest.fixture
def dented(tmp_path: Path) -> Path:
    path = tmp_path / "scans" / "dented.ply"
    write_points_ply(path, ball(0.1))
    return path


def test_json_says_tolerance_and_deviation_in_the_unit_of_the_model(asked, dented) -> None:
    found = inspected(dented, "--tolerance=-50,80")
    assert (found["verdict"], found["out_of_tolerance"], found["tolerance"]) == ("ng", True, [-50, 80])
    assert found["unit"] == "mm" and found["deviation"][0] == pytest.approx(-100, rel=0.1)


def test_json_without_a_tolerance_says_none(asked, dented) -> None:
    found = inspected(dented)
    assert (found["verdict"], found["out_of_tolerance"], found["tolerance"]) == ("ok", False, None)


def test_each_defect_is_a_sentence_with_its_depth(asked, dented) -> None:
    (defect,) = inspected(dented, "--tolerance", "50")["defects"]
    assert defect["kind"] == "dent" and defect["depth"] == pytest.approx(-100, rel=0.1)
    assert defect["sentence"].startswith("dent, ") and " mm deep, " in defect["sentence"]


def test_csv_has_deviation_tolerance_and_sentences(asked, dented, tmp_path) -> None:
    sedir("inspect", dented, "--tolerance", "50", "--csv", tmp_path / "table.csv")
    (row,) = csv.DictReader((tmp_path / "table.csv").read_text().splitlines())
    assert row["verdict"] == "ng" and row["out_of_tolerance"] == "True"
    assert float(row["deviation_low"]) == pytest.approx(-100, rel=0.1) and float(row["deviation_high"]) < 50
    assert row["defects"].startswith("dent, ") and "out of the tolerance" in row["reason"]


def test_people_see_in_the_table_which_of_the_two_failed(asked, dented) -> None:
    head, row = (line.split() for line in sedir("inspect", dented, "--tolerance", "50").stdout.splitlines()[:2])
    assert row[0] == "NG" and row[head.index("tolerance") - 2] == "out"
    assert "tolerance" not in sedir("inspect", dented).stdout.splitlines()[0]


def test_watch_judges_by_evidence_rule_and_tolerance(asked, dented, tmp_path) -> None:
    log = tmp_path / "log.jsonl"
    judging = ("--evidence", "surface", "--rule", "calibrated", "--tolerance", "50")
    result = sedir("watch", dented.parent, "--existing", "--fail-on-ng", "--settle", "0.1", *judging, "--json", log)
    assert result.exit_code == 3
    assert asked == [("surface", "calibrated", "50")]
    (line,) = map(json.loads, log.read_text().splitlines())
    assert line["out_of_tolerance"] and line["tolerance"] == [-50, 50] and line["defects"][0]["sentence"]


def test_the_history_keeps_it(asked, dented, tmp_path) -> None:
    place = ("--record", "--history-url", f"sqlite:///{tmp_path / 'h.sqlite'}", "--history-folder", tmp_path / "kept")
    inspected(dented, "--tolerance", "50", *place)
    (file,) = (tmp_path / "kept").rglob("*.npz")
    kept = read_result(file)
    assert kept.shown.verdict == "ng" and kept.shown.out_of_tolerance and kept.shown.defects[0].kind == "dent"


@pytest.fixture(scope="module")
def cup(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cup") / "cup.ply"
    write_points_ply(path, part("cup", 50))
    return path


@pytest.mark.parametrize(("tolerance", "out"), [("1e-6", True), ("1e3", False)])
def test_a_real_model_measures_and_judges(tiny: TinyRun, cup: Path, tolerance: str, out: bool) -> None:
    found = inspected(cup, "--model", tiny.path, "--tolerance", tolerance, "--device", "cpu")
    low, high = found["deviation"]
    assert low < high and (found["out_of_tolerance"], found["verdict"] == "ng" or not out) == (out, True)


def test_no_tolerance_is_said_before_the_work(tiny: TinyRun, cup: Path) -> None:
    result = sedir("inspect", cup, "--model", tiny.path, "--tolerance", "0,3 mm")
    assert result.exit_code == 1 and "is not a tolerance" in result.stderr and result.stdout == ""
