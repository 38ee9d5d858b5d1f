"""The list of runs: every state told apart, half-written and foreign folders survived, nothing believed."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from tiny_run import CATEGORIES, TinyRun

from sedir_core.errors import RunLocked
from sedir_core.rundir import files as run_files
from sedir_core.rundir.lock import held
from sedir_core.runs.catalogue import RunState, list_runs, read_detail, read_entry
from sedir_core.runs.compare import compare_runs
from sedir_core.runs.manage import rename_run
from sedir_core.training import queue


@pytest.fixture
def run(tiny: TinyRun, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny.path, tmp_path / "runs" / "mine"))


def evaluated(run: Path, **scores: float) -> Path:
    rows = {name: dict.fromkeys(("o_auroc", "p_auroc", "o_aupr", "p_aupr"), value) for name, value in scores.items()}
    (run / run_files.EVALUATION).write_text(json.dumps({"categories": rows}))
    return run


def test_a_finished_run_says_all_that_is_known_of_it(run: Path) -> None:
    entry = read_entry(evaluated(run, cup=0.9, bracket=0.7))
    assert (entry.name, entry.state, entry.method, entry.preset) == ("mine", RunState.FINISHED, "sedir", "tiny")
    assert entry.categories == CATEGORIES
    assert entry.n_bytes == sum(path.stat().st_size for path in run.rglob("*") if path.is_file())
    assert entry.means["o_auroc"] == pytest.approx(0.8)
    assert entry.created is not None and entry.seconds is not None
    assert json.loads(json.dumps(entry.to_json()))["state"] == "finished"


def test_details_hold_limits_settings_and_curves(run: Path) -> None:
    detail = read_detail(run)
    assert set(detail.thresholds) == set(CATEGORIES)
    assert detail.config is not None and detail.config.training.epochs == 15
    assert [epoch for epoch, _ in detail.curves["total"]] == list(range(1, 16))
    assert detail.old_categories == {}


def test_states_are_told_apart(run: Path) -> None:
    with held(run):
        assert read_entry(run).state is RunState.RUNNING
    (run / run_files.WEIGHTS).unlink()
    assert read_entry(run).state is RunState.DAMAGED
    lines = (run / run_files.EVENTS).read_text().splitlines(keepends=True)
    (run / run_files.EVENTS).write_text("".join(lines[:-1]))
    assert read_entry(run).state is RunState.STOPPED
    (run / run_files.EVENTS).write_text('{"event": "failed", "kind": "x", "message": "the disk is full"}\n')
    assert (read_entry(run).state, read_entry(run).trouble) == (RunState.FAILED, "the disk is full")


def test_a_training_that_has_only_just_begun_is_running(tmp_path: Path) -> None:
    with held(tmp_path / "new"):
        assert [entry.state for entry in list_runs([tmp_path])] == [RunState.RUNNING]


@pytest.mark.parametrize("name", [run_files.ABOUT, run_files.CONFIG])
@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b"[" * 100_000, b'{"format": 99}'])
def test_a_damaged_run_is_listed_with_what_is_wrong(run: Path, name: str, content: bytes) -> None:
    (run / name).write_bytes(content)
    (entry,) = list_runs([run.parent])
    assert entry.state is RunState.DAMAGED
    assert entry.trouble
    read_detail(run)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"categories": [1], "thresholds": 3}', b"\xff", b"[" * 9_999])
def test_strange_metrics_are_no_metrics(run: Path, content: bytes) -> None:
    for name in (run_files.METRICS, run_files.EVALUATION, run_files.EVENTS):
        (run / name).write_bytes(content)
    detail = read_detail(run)
    assert (detail.entry.state, detail.thresholds, detail.entry.measured) == (RunState.FINISHED, {}, {})


def test_foreign_folders_are_passed_over(run: Path) -> None:
    home = run.parent
    (home / "photos").mkdir()
    (home / "photos" / "config.toml").write_text("")
    (home / "notes.txt").write_text("")
    (home / ".trash" / "box" / "old").mkdir(parents=True)
    (home / "loop").symlink_to(home)
    os.mkfifo(home / "pipe")
    assert [entry.name for entry in list_runs([home, home / "nowhere", home / "notes.txt"])] == ["mine"]


def test_a_run_can_be_named_itself_and_is_listed_once(run: Path) -> None:
    assert [entry.path for entry in list_runs([run, run.parent])] == [run]


def test_pipes_in_the_place_of_files_do_not_block(run: Path) -> None:
    for name in (run_files.METRICS, run_files.EVENTS, run_files.ABOUT):
        (run / name).unlink()
        os.mkfifo(run / name)
    assert read_entry(run).state is RunState.DAMAGED


def test_two_runs_are_compared(run: Path) -> None:
    other = evaluated(Path(shutil.copytree(run, run.parent / "other")), cup=0.8, bracket=0.95, vase=0.5)
    toml = (other / run_files.CONFIG).read_text()
    (other / run_files.CONFIG).write_text(toml.replace("epochs = 15", "epochs = 20"))
    found = compare_runs(read_detail(evaluated(run, cup=0.9, bracket=0.9500001)), read_detail(other))
    assert found.settings == (("training.epochs", "15", "20"),)
    better = {pair.category: pair.better for pair in found.pairs if pair.measure == "o_auroc"}
    assert better == {"cup": "first", "bracket": "", "vase": "", "mean": "first"}
    json.dumps(found.to_json(), allow_nan=False)


def test_a_stopped_run_that_is_ordered_to_go_on_waits(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(run.parent.parent / "data"))
    (run / run_files.WEIGHTS).unlink()
    queue.add(queue.queue_folder(), queue.Job(run_dir=run, words=("x",), device="cpu", notes=run / "notes"))
    assert read_entry(run).state is RunState.WAITING
    with pytest.raises(RunLocked, match="waits to be"):
        rename_run(run, "other")
