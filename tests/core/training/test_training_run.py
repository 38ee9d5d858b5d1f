"""A run directory is either readable or refused, and belongs to one process at a time."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from failing_disk import FailingDisk
from trainee import CPU, config

from sedir_core.commands.console import set_up_output
from sedir_core.config import Config
from sedir_core.errors import BadRun, Cancelled, CannotWrite, RunLocked
from sedir_core.rundir import files as run_files
from sedir_core.training.events import DoneEvent, FailedEvent, SavedEvent, read_events
from sedir_core.training.run import Run, create_run, describe, resume_run

CONFIG = config(2)
ABOUT = describe(CONFIG, ("bottle", "cup"), "ab" * 32, CPU)
TENSORS = {"network.weight": torch.arange(6.0).reshape(2, 3), "calibration.limit": torch.tensor(0.5)}


def make(path: Path, work: Callable[[Run], None] = lambda run: None) -> Path:
    with create_run(path, CONFIG, ABOUT) as run:
        work(run)
    return path


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    return make(tmp_path / "run", lambda run: run.finish(TENSORS, {"limit": 0.5}))


def test_a_finished_run_reads_back_as_written(finished: Path) -> None:
    read = run_files.read_run_tensors(finished)
    assert read.keys() == TENSORS.keys()
    assert all(torch.equal(read[name], TENSORS[name]) for name in TENSORS)
    assert run_files.read_run_config(finished) == CONFIG
    assert run_files.read_about(finished) == ABOUT
    assert run_files.read_method(finished) == "sedir"


def test_about_names_versions_seed_and_data(finished: Path) -> None:
    about = json.loads((finished / "about.json").read_text())
    assert about["versions"].keys() == {"sedir", "python", "torch", "numpy"}
    assert about["versions"]["torch"] == torch.__version__
    assert (about["seed"], about["data_hash"], about["device"]) == (0, "ab" * 32, "cpu")


def test_finishing_records_metrics_and_an_event(finished: Path) -> None:
    assert json.loads((finished / "metrics.json").read_text()) == {"limit": 0.5}
    assert isinstance(read_events(finished / "events.jsonl")[-1], DoneEvent)


def test_weights_that_are_not_finite_are_never_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not finite"):
        make(tmp_path / "run", lambda run: run.finish({"w": torch.tensor([1.0, float("nan")])}, {}))
    assert not (tmp_path / "run" / "weights.safetensors").exists()


def test_an_unfinished_run_has_no_detector_to_load(tmp_path: Path) -> None:
    with pytest.raises(BadRun, match="not finished"):
        run_files.read_run_tensors(make(tmp_path / "run"))


@pytest.mark.parametrize("name", ["about.json", "config.toml", "weights.safetensors"])
@pytest.mark.parametrize("damage", ["cut", "garbage", "pipe", "missing"])
def test_a_damaged_run_is_refused(finished: Path, name: str, damage: str) -> None:
    path = finished / name
    content = path.read_bytes()
    path.unlink()
    if damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "garbage":
        path.write_bytes(os.urandom(200))
    elif damage == "pipe":
        os.mkfifo(path)
    with pytest.raises(BadRun):
        run_files.read_about(finished)
        run_files.read_run_config(finished)
        run_files.read_run_tensors(finished)


@pytest.mark.parametrize(
    ("setting", "other", "refused"),
    [
        ("group_size = 32", "group_size = 48", "has changed since the training"),
        ('rule = "calibrated"', 'rule = "raw"', ""),
        ("false_alarm_rate = 0.05", "false_alarm_rate = 0.01", "limits were set for 0.05"),
    ],
)
def test_settings_that_limits_follow_from_stay_as_trained(
    finished: Path, setting: str, other: str, refused: str
) -> None:
    """Changed scores under the old limits would call a part OK that is not."""
    text = (finished / "config.toml").read_text()
    assert setting in text
    (finished / "config.toml").write_text(text.replace(setting, other))
    if not refused:
        run_files.read_run_config(finished)
        return
    with pytest.raises(BadRun, match=refused):
        run_files.read_run_config(finished)


def test_one_flipped_bit_in_the_weights_is_noticed(finished: Path) -> None:
    path = finished / "weights.safetensors"
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    with pytest.raises(BadRun, match="checksum"):
        run_files.read_run_tensors(finished)


def test_a_newer_run_is_refused_with_the_way_out(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    about = json.loads((finished / "about.json").read_text()) | {"format": 2, "method": {"unknown": "shape"}}
    (finished / "about.json").write_text(json.dumps(about))
    with pytest.raises(BadRun, match="newer version") as caught:
        run_files.read_about(finished)
    assert caught.value.hint == "update SeDiR Inspect"


def test_a_newer_checkpoint_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sedir_core.training.run.FORMAT", 2)
    path = make(tmp_path / "run", lambda run: run.save_state(TENSORS, {}))
    with resume_run(path) as run, pytest.raises(BadRun, match="newer version"):
        run.load_state()


def test_a_run_is_not_overwritten(finished: Path) -> None:
    with pytest.raises(BadRun, match="already holds a run"):
        make(finished)


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("...")
    with pytest.raises(BadRun, match="not empty"):
        make(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_creation_that_was_killed_can_be_repeated(tmp_path: Path) -> None:
    path = make(tmp_path / "run")
    (path / "about.json").unlink()
    make(path)


def test_what_is_no_run_cannot_be_resumed(tmp_path: Path) -> None:
    with pytest.raises(BadRun, match="is not a run"), resume_run(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


HOLD = """
import sys, pathlib, filelock
lock = filelock.FileLock(sys.argv[1]); lock.acquire(); print("held", flush=True); sys.stdin.read()
"""


def test_the_lock_keeps_a_second_process_out_and_dies_with_its_holder(finished: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(finished / run_files.LOCK)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(RunLocked), resume_run(finished):
            pass
        holder.kill()
        holder.wait()
    with resume_run(finished):
        pass


def test_a_run_locks_out_a_second_trainer(finished: Path) -> None:
    with resume_run(finished), pytest.raises(RunLocked), resume_run(finished):
        pass


def test_a_stop_file_asks_to_stop_and_resuming_clears_it(finished: Path) -> None:
    with resume_run(finished) as run:
        assert not run.stop_requested()
        (finished / "STOP").touch()
        assert run.stop_requested()
    with resume_run(finished) as run:
        assert not run.stop_requested()


def test_what_a_kill_left_half_written_is_swept(finished: Path) -> None:
    (finished / ".state.safetensors.0123abcd.tmp").write_bytes(b"half")
    with resume_run(finished):
        pass
    assert list(finished.glob(".*.tmp")) == []


@pytest.mark.parametrize(
    ("error", "kind"), [(CannotWrite("x", "full"), "cannot_write"), (ZeroDivisionError("oops"), "bug")]
)
def test_an_error_is_recorded_as_the_last_event(tmp_path: Path, error: Exception, kind: str) -> None:
    def fail(run: Run) -> None:
        raise error

    with pytest.raises(type(error)):
        make(tmp_path / "run", fail)
    last = read_events(tmp_path / "run" / "events.jsonl")[-1]
    assert isinstance(last, FailedEvent)
    assert last.kind == kind


@pytest.mark.parametrize("error", [Cancelled(), KeyboardInterrupt()])
def test_a_cancelled_preparation_is_recorded_as_interrupted(tmp_path: Path, error: BaseException) -> None:
    def cancel(run: Run) -> None:
        raise error

    with pytest.raises(type(error)):
        make(tmp_path / "run", cancel)
    last = read_events(tmp_path / "run" / "events.jsonl")[-1]
    assert isinstance(last, DoneEvent)
    assert last.status == "interrupted"


def test_an_interruption_is_recorded_once(tmp_path: Path) -> None:
    def say_and_cancel(run: Run) -> None:
        run.emit(DoneEvent(status="interrupted"))
        raise Cancelled

    with pytest.raises(Cancelled):
        make(tmp_path / "run", say_and_cancel)
    assert len(read_events(tmp_path / "run" / "events.jsonl")) == 1


def test_watchers_see_every_event(tmp_path: Path) -> None:
    seen: list[Any] = []
    event = SavedEvent(epoch=1, step=2)
    with create_run(tmp_path / "run", CONFIG, ABOUT, seen.append) as run:
        run.emit(event)
    assert seen == [event]


def test_a_run_says_in_its_log_what_it_did(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Also where nobody has asked for more than warnings, as on the command line."""
    package = logging.getLogger("sedir_core")
    caplog.set_level(logging.WARNING, "sedir_core")
    path = make(tmp_path / "run", lambda run: run.emit(SavedEvent(epoch=1, step=2)))
    text = (path / "log.txt").read_text()
    assert "training" in text and "threads" in text and "step=2" in text
    assert package.level == logging.WARNING


def test_what_a_log_gets_stays_off_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    handlers = logging.getLogger().handlers[:]
    try:
        set_up_output()
        make(tmp_path / "run", lambda run: run.emit(SavedEvent(epoch=1, step=2)))
    finally:
        logging.getLogger().handlers[:] = handlers
    assert capsys.readouterr().err == ""
    assert "step=2" in (tmp_path / "run" / "log.txt").read_text()


def test_warnings_reach_the_log_file(tmp_path: Path) -> None:
    path = make(tmp_path / "run", lambda run: logging.getLogger("sedir_core.training").warning("a scan looks odd"))
    assert "a scan looks odd" in (path / "log.txt").read_text()


def test_an_error_at_any_write_sync_or_rename_leaves_a_whole_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = {"w": torch.zeros(50)}, {"w": torch.ones(50)}
    outcomes = []
    with create_run(tmp_path / "run", CONFIG, ABOUT) as run:
        run.save_state(old, {"step": "1"})
        for n in range(1, 20):
            with monkeypatch.context() as patch:
                disk = FailingDisk(n, patch)
                if disk_survives(run, new):
                    assert disk.left > 0
                    break
            saved = run.load_state()
            assert saved is not None
            outcomes.append((float(saved[0]["w"].sum()), saved[1]["step"]))
            assert list(run.path.glob(".*.tmp")) == []
            run.save_state(old, {"step": "1"})
    # mkdir, open, write, sync, rename fail on the old one; the folder's sync comes after the rename
    assert outcomes == [(0.0, "1")] * 5 + [(50.0, "2")]


def disk_survives(run: Run, tensors: dict[str, torch.Tensor]) -> bool:
    try:
        run.save_state(tensors, {"step": "2"})
    except CannotWrite:
        return False
    return True


def test_reading_a_run_does_not_load_torch(finished: Path) -> None:
    code = (
        "import sys, pathlib\n"
        "from sedir_core.rundir.files import read_about, read_run_config\n"
        "from sedir_core.training.events import read_events\n"
        "read_about(pathlib.Path(sys.argv[1])), read_run_config(pathlib.Path(sys.argv[1]))\n"
        "assert 'torch' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code, str(finished)], check=False).returncode == 0


def test_config_is_stored_as_toml(finished: Path) -> None:
    assert isinstance(run_files.read_run_config(finished), Config)
    assert "[training]" in (finished / "config.toml").read_text()
