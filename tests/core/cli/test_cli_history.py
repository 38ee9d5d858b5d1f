"""`sedir inspect --record` and `sedir history`: what was inspected is found again, filtered, exported and shown."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import typer
from roundness import RoundnessDetector

from sedir_core.commands.history import when
from sedir_core.evidence.limits import Calibration
from sedir_core.history.control import RULES, RunChart
from sedir_core.history.place import HistoryPlace
from sedir_core.history.records import Filter, Override
from sedir_core.io.scans import read_scan


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HistoryPlace:
    """A history of its own, named by the environment as a user would."""
    found = HistoryPlace(f"sqlite:///{tmp_path / 'h' / 'history.sqlite'}", tmp_path / "h" / "kept")
    monkeypatch.setenv("SEDIR_HISTORY_URL", found.url)
    monkeypatch.setenv("SEDIR_HISTORY_FOLDER", str(found.folder))
    return found


@pytest.fixture
def recorded(sedir, place, good, dented, broken) -> list[dict[str, Any]]:
    """The dented ball and, newer, the good one, as `history list --json` prints them."""
    result = sedir("inspect", good, dented, broken, "--record", "--operator", "anna", "--lot", "A7")
    assert result.exit_code == 4
    return json.loads(sedir("history", "list", "--json", "-").stdout)[::-1]


def test_what_is_inspected_is_recorded_only_when_wanted(sedir, place, good) -> None:
    assert sedir("inspect", good).exit_code == 0
    result = sedir("history", "list")
    assert result.exit_code == 1 and "nothing was recorded yet" in result.stderr


def test_every_complete_inspection_is_recorded(recorded) -> None:
    assert [(Path(one["path"]).stem, one["verdict"]) for one in recorded] == [("dented", "ng"), ("good", "ok")]
    assert {(one["operator"], one["lot"]) for one in recorded} == {("anna", "A7")}
    assert recorded[0]["overrides"] == []


class CalibratedDetector(RoundnessDetector):
    def calibration(self) -> Calibration:
        scores = np.random.default_rng(0).uniform(0.2, 0.9, 40)
        return Calibration(0.05, dict.fromkeys(self.categories, scores), {})


def test_the_limit_that_counted_is_recorded_beside_the_calibrated_one(sedir, place, dented, monkeypatch) -> None:
    detector = CalibratedDetector()
    monkeypatch.setattr("sedir_core.detectors.base.load_detector", lambda run_dir, device="auto": detector)
    sedir("inspect", dented, "--record", "--false-alarm-rate", "0.3")
    history = place.open()
    (one,) = history.page(Filter())
    assert one.limit_share == pytest.approx(detector.calibration().share("ball", 0.3))
    kept = history.kept(one)
    assert kept.shown.threshold == one.threshold == pytest.approx(one.limit_share)
    assert kept.raw.threshold == pytest.approx(1.0)


def test_filters_and_the_table_for_people(sedir, recorded) -> None:
    lines = sedir("history", "list", "--verdict", "ng", "--since", "1h").stdout.splitlines()
    assert len(lines) == 2 and "dented.ply" in lines[1]
    assert sedir("history", "list", "--lot", "B1").stdout.strip() == "no inspections"
    assert "newest 1 of 2" in sedir("history", "list", "--limit", "1").stderr


def test_options_of_other_commands_do_not_become_filters(sedir, recorded, monkeypatch) -> None:
    monkeypatch.setenv("SEDIR_OPERATOR", "somebody")
    monkeypatch.setenv("SEDIR_CATEGORY", "cup")
    assert "dented.ply" in sedir("history", "list").stdout


def test_the_export_is_complete_and_harmless(sedir, place, recorded, tmp_path) -> None:
    history = place.open()
    history.override(Override(recorded[0]["key"], datetime.now().astimezone(), "=x", "s", "ok", "dust", "ng", 1.0))
    assert sedir("history", "export", tmp_path / "all.csv").exit_code == 0
    with (tmp_path / "all.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["review"] for row in rows] == ["", "ok"]
    sedir("history", "export", tmp_path / "all.json")
    documents = json.loads((tmp_path / "all.json").read_text("utf-8"))
    assert documents[1]["overrides"][0]["comment"] == "dust"
    assert sedir("history", "export", tmp_path / "all.txt").exit_code == 1


def test_a_past_inspection_is_shown_and_exported_as_it_was(sedir, recorded, dented, tmp_path) -> None:
    points = read_scan(dented).points
    dented.unlink()
    result = sedir("history", "show", recorded[0]["key"][:10], "--export", tmp_path / "out")
    assert "defect 1" in result.stdout and "no longer exists" in result.stderr
    assert np.array_equal(read_scan(tmp_path / "out" / "dented.ply").points, points)
    assert sedir("history", "show", "ffff").exit_code == 1


def test_drift_names_groups_and_limits(sedir, recorded) -> None:
    document = json.loads(sedir("history", "drift", "--by", "lot", "--json", "-").stdout)
    assert document["groups"][0] | {"low": 0, "high": 0} == {
        "name": "A7", "n": 2, "n_ng": 1, "low": 0, "high": 0, "share": 0.5, "out": False,
    }  # fmt: skip
    assert document["alarms"] == []
    assert "A7" in sedir("history", "drift", "--by", "lot").stdout
    assert sedir("history", "drift", "--by", "moon").exit_code == 2


def test_a_part_whose_name_forges_a_line_drifts_on_one(sedir, recorded, place, monkeypatch) -> None:
    """As a model of a stranger may call it."""
    alarm = SimpleNamespace(time=datetime.now().astimezone(), key="a")
    chart = RunChart((alarm,), 0.5, 0.1, {0: (next(iter(RULES)),)})
    monkeypatch.setattr("sedir_core.history.control.run_chart", lambda samples: chart)
    monkeypatch.setattr("sedir_core.history.store.History.parts", lambda *_: {"cup\nOK  forged \x1b[2J"})
    said = sedir("history", "drift").stdout
    assert "drift alarms" in said and not any(line.startswith("OK") for line in said.splitlines())
    assert "\x1b" not in said


def test_a_history_that_cannot_be_written_does_not_hide_the_verdict(sedir, place, good, tmp_path) -> None:
    (tmp_path / "h").write_text("a file where the folder should be")
    result = sedir("inspect", good, "--record")
    assert result.stdout.splitlines()[1].startswith("OK")
    assert result.exit_code == 4 and "not in the history" in result.stderr


def test_recording_can_be_made_the_rule(sedir, place, good, tmp_path) -> None:
    (tmp_path / "config.toml").write_text("[inspect]\nrecord = true\n")
    assert sedir("inspect", good).exit_code == 0
    assert place.open().count() == 1


@pytest.mark.parametrize(("said", "ago"), [("7d", timedelta(days=7)), ("12h", timedelta(hours=12))])
def test_times_ago(said, ago) -> None:
    assert abs(datetime.now().astimezone() - ago - when(said)) < timedelta(seconds=5)


def test_times_by_date() -> None:
    assert when("2026-03-01").replace(tzinfo=None) == datetime(2026, 3, 1)
    assert when("2026-03-01T14:00+00:00").timestamp() == 1772373600
    with pytest.raises(typer.BadParameter):
        when("yesterday")


def test_the_command_line_starts_without_the_database_libraries() -> None:
    code = "import sys, sedir_core.cli; print([m for m in ('sqlalchemy', 'alembic', 'numpy') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
