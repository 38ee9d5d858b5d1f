"""The run folder of a stranger may hold links and pipes: nothing is written, read out or waited for through them."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from trainee import CPU, config

from sedir_core.errors import BadRun
from sedir_core.rundir import files as run_files
from sedir_core.rundir import lock
from sedir_core.runs.bundle import export_run
from sedir_core.runs.catalogue import list_runs
from sedir_core.runs.manage import archive_run, delete_run, keep_evaluation
from sedir_core.training.events import SavedEvent, read_events
from sedir_core.training.run import create_run, describe, resume_run

CONFIG = config(2)
PRECIOUS = '{"mine": 1}\nand more'
WRITTEN = (
    run_files.EVENTS, run_files.LOG, run_files.STATE, run_files.METRICS, run_files.WEIGHTS, run_files.EVALUATION,
    run_files.PREVIEWS,
)  # fmt: skip
needs_links = pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    with create_run(tmp_path / "runs" / "run", CONFIG, describe(CONFIG, ("a",), "ab" * 32, CPU)) as made:
        made.save_state({"w": torch.zeros(1)}, {})
    return made.path


@pytest.fixture
def precious(tmp_path: Path) -> Path:
    path = tmp_path / "precious"
    path.write_text(PRECIOUS)
    return path


def replaced(path: Path, by: Callable[[Path], object]) -> None:
    path.unlink(missing_ok=True)
    by(path)


def resume(run: Path) -> None:
    with resume_run(run) as resumed:
        resumed.save_state({"w": torch.zeros(1)}, {})
        resumed.finish({"w": torch.zeros(1)}, {})


def evaluate(run: Path) -> None:
    keep_evaluation(run, {"categories": {}})


@needs_links
@pytest.mark.parametrize("work", [resume, evaluate])
@pytest.mark.parametrize("name", WRITTEN)
def test_nothing_is_written_through_a_link(run: Path, precious: Path, work: Callable[[Path], None], name: str) -> None:
    replaced(run / name, lambda path: path.symlink_to(precious.parent if name == run_files.PREVIEWS else precious))
    with pytest.raises(BadRun, match=name):
        work(run)
    assert precious.read_text() == PRECIOUS
    assert {path.name for path in precious.parent.iterdir()} == {"precious", "runs"}


@needs_links
@pytest.mark.parametrize("work", [resume, evaluate])
@pytest.mark.parametrize("name", WRITTEN)
def test_no_pipe_is_waited_for(run: Path, work: Callable[[Path], None], name: str) -> None:
    replaced(run / name, os.mkfifo)
    with pytest.raises(BadRun, match=name):
        work(run)


@needs_links
def test_a_preview_that_is_a_link_is_not_written_through(run: Path, precious: Path) -> None:
    (run / run_files.PREVIEWS).mkdir()
    (run / run_files.PREVIEWS / "epoch-000000.safetensors").symlink_to(precious)
    with pytest.raises(BadRun, match="epoch-000000"):
        resume(run)


@needs_links
def test_a_new_run_is_not_written_through_links_that_wait_for_it(tmp_path: Path, precious: Path) -> None:
    place = tmp_path / "new"
    place.mkdir()
    (place / run_files.LOCK).touch()
    (place / run_files.CONFIG).symlink_to(precious)
    with (
        pytest.raises(BadRun, match=run_files.CONFIG),
        create_run(place, CONFIG, describe(CONFIG, ("a",), "ab" * 32, CPU)),
    ):
        pass
    assert precious.read_text() == PRECIOUS


@needs_links
@pytest.mark.parametrize("name", [run_files.EVENTS, run_files.METRICS, run_files.EVALUATION, run_files.WEIGHTS])
def test_nothing_is_exported_through_a_link(
    run: Path, precious: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr("sedir_core.runs.bundle._require_loadable", lambda run_dir: None)
    for needed in (run_files.METRICS, run_files.WEIGHTS):
        (run / needed).write_text(json.dumps({"thresholds": {}}))
    replaced(run / name, lambda path: path.symlink_to(precious))
    with pytest.raises(BadRun, match=name):
        export_run(run, run.parent / "out.sedir")
    assert not (run.parent / "out.sedir").exists()


def opened_truncating(*_: object, **__: object) -> None:
    """As the library of locks opened its file until its release 3.20.1, through links and to nothing."""
    raise AssertionError("a foreign file was opened as a lock")


@needs_links
@pytest.mark.parametrize("kind", ["link", "pipe", "dangling"])
def test_a_lock_that_is_no_file_is_not_opened(
    run: Path, precious: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    place = {"link": precious, "dangling": precious.with_name("gone")}
    replaced(run / run_files.LOCK, lambda path: os.mkfifo(path) if kind == "pipe" else path.symlink_to(place[kind]))
    with monkeypatch.context() as patch:
        patch.setattr(lock, "FileLock", opened_truncating)
        assert [entry.name for entry in list_runs([run.parent])] == ["run"]
    archive_run(run)
    delete_run(run)
    assert precious.read_text() == PRECIOUS and not precious.with_name("gone").exists()


@needs_links
def test_a_copy_made_of_hard_links_stays_as_it_was(run: Path, tmp_path: Path) -> None:
    """As backups keep them: what is appended to must be a file of its own."""
    names = (run_files.EVENTS, run_files.LOG)
    for name in names:
        os.link(run / name, tmp_path / name)
    before = [(tmp_path / name).read_bytes() for name in names]
    with resume_run(run) as resumed:
        resumed.emit(SavedEvent(epoch=1, step=1))
        logging.getLogger("sedir_core").warning("resumed")
    assert [(tmp_path / name).read_bytes() for name in names] == before
    assert all((run / name).read_bytes().startswith(old) for name, old in zip(names, before, strict=True))
    assert isinstance(read_events(run / run_files.EVENTS)[-1], SavedEvent)


def test_what_a_kill_leaves_of_a_preview_is_cleared(run: Path) -> None:
    left = run / run_files.PREVIEWS / ".0123456789ab.tmp"
    left.parent.mkdir()
    left.touch()
    with resume_run(run):
        assert not left.exists()


def test_a_log_has_no_raw_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # pytest shows what it captures, and its workers cannot send a name that is not valid text.
    monkeypatch.setattr(logging.getLogger("sedir_core"), "propagate", False)
    place = tmp_path / os.fsdecode(b"a\n2026-11-30 00:00:00,000 ERROR forged \x1b[2J" + b"\xff")
    with create_run(place, CONFIG, describe(CONFIG, ("a",), "ab" * 32, CPU)):
        pass
    text = (place / run_files.LOG).read_text("utf-8")
    assert "forged" in text and text.replace("\n", "").isprintable()
    assert not any("forged" in line and "training" not in line for line in text.splitlines())
