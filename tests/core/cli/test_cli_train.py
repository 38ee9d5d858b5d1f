"""`sedir train` hands the right request over; what training does with it is tested with training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from runs_on_disk import write_parts, write_run

from sedir_core.config import preset, to_toml
from sedir_core.errors import Cancelled
from sedir_core.training.events import SavedEvent
from sedir_core.training.queue import jobs_in


@pytest.fixture
def requests(monkeypatch) -> list[Any]:
    """Every request that reaches training, which says one event and is done."""
    seen: list[Any] = []

    def train(request: Any, watch: Any, stop: Any) -> Path:
        seen.append(request)
        watch(SavedEvent(epoch=1, step=7))
        return request.out

    monkeypatch.setattr("sedir_core.training.train.train", train)
    return seen


def test_options_reach_the_configuration(sedir, requests, tmp_path) -> None:
    out = tmp_path / "run"
    options = ("--preset", "tiny", "--epochs", 3, "--seed", 5, "--categories", "a, b", "--out", out, "--device", "cpu")
    assert sedir("train", tmp_path, *options).exit_code == 0
    (request,) = requests
    assert request.config == preset("tiny", training={"epochs": 3, "seed": 5})
    assert (request.categories, request.out, request.resume, request.device) == (("a", "b"), out, False, "cpu")


def test_without_options_it_is_the_desktop_preset_in_the_user_s_folder(sedir, requests, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("sedir_core.commands.train.user_runs", lambda: tmp_path / "runs")
    sedir("train", tmp_path)
    (request,) = requests
    assert request.config == preset("desktop")
    assert request.categories is None
    assert request.out.parent == tmp_path / "runs"


def test_json_progress_is_one_object_a_line(sedir, requests, tmp_path) -> None:
    said = sedir("train", tmp_path, "--progress", "json").stdout.splitlines()
    assert [json.loads(line)["event"] for line in said] == ["saved"]


def test_no_progress_says_nothing_on_stdout(sedir, requests, tmp_path) -> None:
    assert sedir("train", tmp_path, "--progress", "none").stdout == ""


def test_resume_takes_the_run_s_own_configuration(sedir, requests, tmp_path) -> None:
    config = preset("tiny", training={"epochs": 9})
    (tmp_path / "config.toml").write_text("")  # the user's file, elsewhere than the run's
    run = tmp_path / "run"
    run.mkdir()
    (run / "config.toml").write_text(to_toml(config))
    assert sedir("train", tmp_path, "--resume", run).exit_code == 0
    (request,) = requests
    assert (request.config, request.out, request.resume) == (config, run, True)


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    """A run of `write_run`: two categories, the preset tiny, its own seed and epochs."""
    return write_run(tmp_path / "run", config=preset("tiny", training={"epochs": 9, "seed": 3}))


@pytest.mark.parametrize(
    "option",
    [
        ("--seed", 1), ("--epochs", 2), ("--preset", "desktop"), ("--out", "x"), ("--method", "mc3d-ad"),
        ("--categories", "ball"), ("--warm-start", "default"), ("--config", "other.toml"),
        ("--unit", "m"), ("--columns", "2,3,4"), ("--set", "training.views=9"), ("--pseudo", "af"),
    ],
)  # fmt: skip
def test_resume_refuses_what_would_change_the_run(sedir, begun, tmp_path, monkeypatch, option) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other.toml").write_text(to_toml(preset("tiny")))
    result = sedir("train", tmp_path, "--resume", begun, *option)
    assert result.exit_code == 2
    assert option[0] in result.stderr


def test_resume_takes_the_options_that_the_run_began_with(sedir, begun, requests, tmp_path) -> None:
    options = ["--seed", 3, "--epochs", 9, "--preset", "tiny", "--out", begun, "--method", "sedir"]
    options += ["--categories", "globe,ball", "--config", begun / "config.toml"]
    options += ["--set", "training.epochs=9", "--unit", "unknown", "--pseudo", "published"]
    result = sedir("train", tmp_path, "--resume", begun, *options)
    assert result.exit_code == 0, result.stderr
    assert requests[0].config.training.epochs == 9


def test_a_variable_does_not_contradict_a_resumed_run(sedir, requests, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("SEDIR_SEED", "4")
    run = tmp_path / "run"
    run.mkdir()
    (run / "config.toml").write_text(to_toml(preset("tiny")))
    assert sedir("train", tmp_path, "--resume", run).exit_code == 0
    assert requests[0].config.training.seed == 0


def test_an_interrupted_training_is_status_130(sedir, tmp_path, monkeypatch) -> None:
    def train(request: Any, watch: Any, stop: Any) -> Path:
        raise Cancelled

    monkeypatch.setattr("sedir_core.training.train.train", train)
    assert sedir("train", tmp_path, "--out", tmp_path / "run").exit_code == 130


def test_an_unknown_preset_is_a_usage_error(sedir, tmp_path) -> None:
    assert sedir("train", tmp_path, "--preset", "huge").exit_code == 2


@pytest.fixture
def waiting(monkeypatch, tmp_path) -> Path:
    """An empty queue."""
    folders = {"data": tmp_path / "data", "cache": tmp_path / "cache"}
    for module in ("orders", "queue"):
        monkeypatch.setattr(f"sedir_core.training.{module}.writable_folders", lambda: folders)
    return folders["data"] / "queue"


def test_a_training_can_wait_for_its_turn(sedir, requests, waiting, tmp_path) -> None:
    parts = write_parts(tmp_path / "parts")
    options = ("--preset", "tiny", "--seed", 5, "--categories", "ball", "--out", tmp_path / "run", "--device", "cpu")
    assert sedir("train", parts, *options, "--queue").exit_code == 0
    assert requests == []
    (one,) = jobs_in(waiting)
    assert (one.job.run_dir, one.job.device, one.job.started) == (tmp_path / "run", "cpu", None)
    assert "run" in sedir("queue", "list").stdout
    assert sedir("train", *one.job.words).exit_code == 0  # as the queue does when its turn has come
    (request,) = requests
    assert request.config == preset("tiny", training={"seed": 5})
    assert (request.dataset, request.categories, request.out) == (parts, ("ball",), tmp_path / "run")


def test_two_that_wait_under_one_name_keep_their_own_settings(sedir, requests, waiting, tmp_path) -> None:
    parts = write_parts(tmp_path / "parts")
    for seed in (1, 2):
        sedir("train", parts, "--seed", seed, "--out", tmp_path / str(seed) / "v1.0", "--device", "cpu", "--queue")
    for one in jobs_in(waiting):
        sedir("train", *one.job.words)
    assert [request.config.training.seed for request in requests] == [1, 2]


def test_the_rest_of_a_run_can_wait_too(sedir, requests, waiting, tmp_path) -> None:
    run = write_run(tmp_path / "run")
    sedir("train", tmp_path, "--resume", run, "--queue")
    (one,) = jobs_in(waiting)
    sedir("train", *one.job.words)
    assert [(request.out, request.resume) for request in requests] == [(run, True)]


@pytest.mark.parametrize("what", ["a run that is there", "no data set"])
def test_what_cannot_be_trained_does_not_wait(sedir, waiting, tmp_path, what) -> None:
    parts = write_parts(tmp_path / "parts") if "run" in what else tmp_path / "none"
    out = write_run(tmp_path / "run") if "run" in what else tmp_path / "new"
    assert sedir("train", parts, "--out", out, "--queue").exit_code == 1
    assert jobs_in(waiting) == []


def test_any_setting_that_the_method_reads_can_be_given(sedir, requests, tmp_path) -> None:
    options = ("--preset", "tiny", "--method", "po3ad", "--set", "po3ad.voxel=0.02", "--set", "training.views=2")
    assert sedir("train", tmp_path, *options, "--pseudo", "af").exit_code == 0
    (request,) = requests
    assert (request.config.po3ad.voxel, request.config.training.views) == (0.02, 2)
    assert request.config.po3ad.pseudo == "af"


@pytest.mark.parametrize("change", ["voxel=1", "po3ad.voxel", "po3ad.voxel=0.02", "training.nothing=1"])
def test_a_setting_that_is_none_is_refused(sedir, requests, tmp_path, change) -> None:
    assert sedir("train", tmp_path, "--preset", "tiny", "--set", change).exit_code in (1, 2)
    assert requests == []


def test_a_resumed_run_keeps_its_settings(sedir, requests, tmp_path) -> None:
    result = sedir("train", tmp_path, "--resume", write_run(tmp_path / "run"), "--set", "training.views=1")
    assert result.exit_code == 2
    assert "--set" in result.stderr
