"""The program as its users run it: train, interrupt, resume, inspect, evaluate."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tiny_run import HARDLY_FITTED, TinyRun, dented, part, write_encoder
from typer.testing import CliRunner

from sedir_core.cli import app
from sedir_core.io.export import write_points_ply
from sedir_core.io.tensor_file import digest, read_tensors
from sedir_core.rundir.files import STATE, WEIGHTS

EPOCHS = 60  # enough steps that a signal sent at the first one comes long before the last
REST = HARDLY_FITTED | {"judge_steps": 50}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's home with an encoder of the tiny preset's shape, and two good brackets to learn from."""
    folder = tmp_path_factory.mktemp("home")
    write_encoder(folder / "data" / "sedir-inspect" / "weights" / "small.safetensors")
    for i in range(2):
        write_points_ply(folder / "parts" / "bracket" / f"{i}.ply", part("bracket", i))
    return folder


@contextmanager
def sedir(home: Path, *arguments: str | Path) -> Iterator[subprocess.Popen[str]]:
    """`sedir` in a process of its own, with this home."""
    folders = {f"XDG_{kind.upper()}_HOME": str(home / kind) for kind in ("data", "cache", "config", "state")}
    command = [sys.executable, "-m", "sedir_core", *map(str, arguments)]
    env = os.environ | folders | {"HOME": str(home), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def training(home: Path, run: Path) -> tuple[str | Path, ...]:
    rest = [word for name, value in REST.items() for word in ("--set", f"training.{name}={value}")]
    begin = ("--preset", "tiny", "--epochs", str(EPOCHS), *rest, "--out", run)
    return ("train", home / "parts", *(("--resume", run) if run.exists() else begin), "--device", "cpu")


def train(home: Path, run: Path, signal_at_first_step: signal.Signals | None = None) -> int:
    """The exit status of a training, or of what a signal made of it."""
    with sedir(home, *training(home, run), "--progress", "json") as process:
        assert process.stdout is not None
        for line in process.stdout:
            if signal_at_first_step is not None and json.loads(line)["event"] == "step":
                process.send_signal(signal_at_first_step)
                break
        message = process.communicate()[1]
    assert "Traceback" not in message
    return process.returncode


@pytest.fixture(scope="module")
def whole(home: Path) -> Path:
    """A run that nothing disturbed."""
    assert train(home, home / "whole") == 0
    return home / "whole"


@pytest.fixture(scope="module")
def disturbed(home: Path) -> Path:
    """A run that was stopped with Ctrl-C, went on, was killed, and went on to its end."""
    run = home / "disturbed"
    assert train(home, run, signal.SIGINT) == 130
    assert (run / STATE).exists()
    assert not (run / WEIGHTS).exists()
    assert train(home, run, signal.SIGKILL) == -signal.SIGKILL
    assert train(home, run) == 0
    return run


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals; a STOP file does the same")
@pytest.mark.parametrize("name", [WEIGHTS, STATE])
def test_a_training_stopped_and_killed_ends_in_the_same_weights(whole: Path, disturbed: Path, name: str) -> None:
    assert digest(read_tensors(disturbed / name)[0]) == digest(read_tensors(whole / name)[0])


def inspected(model: Path, *paths: Path) -> dict[str, Any]:
    result = CliRunner().invoke(
        app, ["inspect", *map(str, paths), "--model", str(model), "--device", "cpu", "--json", "-"]
    )
    assert result.exit_code == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_a_run_trained_by_command_tells_good_from_dented(whole: Path, tmp_path: Path) -> None:
    write_points_ply(tmp_path / "good.ply", part("bracket", 50))
    write_points_ply(tmp_path / "dented.ply", dented(part("bracket", 51))[0])
    results = inspected(whole, tmp_path)["results"]
    assert {Path(one["path"]).stem: one["verdict"] for one in results} == {"good": "ok", "dented": "ng"}


def test_a_dented_part_of_several_categories_is_ng_at_the_dent(tiny: TinyRun, tmp_path: Path) -> None:
    points, mask = dented(part("cup", 52))
    write_points_ply(tmp_path / "cup.ply", points)
    (result,) = inspected(tiny.path, tmp_path / "cup.ply")["results"]
    assert (result["category"], result["verdict"], result["n_points"]) == ("cup", "ng", len(points)), result["reason"]
    away = result["defects"][0]["centroid"] - points[mask].mean(axis=0)
    assert (away @ away) ** 0.5 < 12  # millimetres, of a dent 20 across


def test_evaluate_keeps_its_contract(tiny: TinyRun, tmp_path: Path) -> None:
    target = tmp_path / "result.json"
    arguments = ["evaluate", str(tiny.path), str(tiny.dataset), "--categories", "bracket", "--json", str(target)]
    result = CliRunner().invoke(app, [*arguments, "--device", "cpu"])
    assert result.exit_code == 0, result.stderr
    found = json.loads(target.read_text())
    assert found.keys() >= {
        "method",
        "dataset",
        "n_train",
        "categories",
        "mean",
        "category_accuracy",
        "seconds_per_scan",
    }
    measures = {"o_auroc", "p_auroc", "o_aupr", "p_aupr"}
    assert found["mean"].keys() == measures
    for mode in (found, found["category_given"]):
        assert mode["categories"]["bracket"].keys() >= measures | {"n_normal", "n_anomalous"}
        assert mode["categories"]["bracket"]["o_auroc"] == 1.0  # one good, one with a large dent
        assert mode["categories"]["bracket"]["p_auroc"] > 0.85
