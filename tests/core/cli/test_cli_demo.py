"""`sedir demo` without a window; and the bundled scans and model in a real process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tiny_run import TinyRun

from sedir_core.places import demo_scans

BUNDLED = {"hex_bolt_good": "ok", "vase_good": "ok", "cup_hole": "ng"}
"""Some of the demo, good and defective, and what is to be found."""


@pytest.fixture
def bundled(monkeypatch, good, dented) -> Path:
    """Two balls in the place of the bundled scans."""
    monkeypatch.setattr("sedir_core.commands.demo.demo_scans", lambda: good.parent)
    return good.parent


def test_headless_prints_a_verdict_for_each_scan(sedir, bundled) -> None:
    result = sedir("demo", "--headless")
    assert result.exit_code == 0
    assert sorted(line.split()[0] for line in result.stdout.splitlines()[1:]) == ["NG", "OK"]


def test_out_gets_exports_and_results(sedir, bundled, tmp_path) -> None:
    assert sedir("demo", "--headless", "--out", tmp_path / "out").exit_code == 0
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names >= {"results.json", "dented.png", "dented.ply", "dented_reconstruction.ply"}
    assert len(json.loads((tmp_path / "out" / "results.json").read_text())["results"]) == 2


def test_without_a_display_it_is_headless_and_says_why(sedir, bundled, monkeypatch) -> None:
    monkeypatch.setattr("sedir_core.commands.demo.display_problem", lambda: "no screen here")
    result = sedir("demo")
    assert result.exit_code == 0
    assert "no screen here" in result.stderr
    assert "NG" in result.stdout


def inspected(*arguments: object) -> tuple[int, dict[str, Any]]:
    command = [sys.executable, "-m", "sedir_core", "inspect", *map(str, arguments), "--json", "-"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=250)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_the_bundled_model_tells_good_from_defective_among_the_bundled_scans() -> None:
    status, found = inspected(*(demo_scans() / f"{name}.ply" for name in BUNDLED), "--fail-on-ng")
    assert {Path(one["path"]).stem: one["verdict"] for one in found["results"]} == BUNDLED
    assert found["errors"] == []
    assert status == 3


def test_a_real_process_does_the_others_where_one_is_unreadable(tiny: TinyRun, good, broken) -> None:
    status, found = inspected(good, broken, "--model", tiny.path)
    assert status == 4
    assert len(found["results"]) == 1
    assert [error["path"] for error in found["errors"]] == [str(broken)]
