"""Trainings wait their turn in files: whoever dies, no training is lost, and none runs beside another on its device."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from sedir_core.errors import CannotWrite, RunLocked
from sedir_core.training import queue
from sedir_core.training.events import DoneEvent, EventLog
from sedir_core.training.queue import Job, add, jobs_in, order_of, orders_in, remove, reorder, run_queue


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "LOOK_S", 0.02)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "queue"


def job(tmp_path: Path, name: str, device: str = "cpu") -> Job:
    return Job(run_dir=tmp_path / name, words=(name,), device=device, notes=tmp_path / f"{name}.log")


def names(folder: Path) -> list[str]:
    return [one.job.run_dir.name for one in jobs_in(folder)]


def test_a_training_in_a_folder_whose_name_is_no_text_waits_as_well(tmp_path: Path, folder: Path) -> None:
    odd = job(tmp_path, os.fsdecode(b"run\xff"))
    add(folder, odd)
    assert jobs_in(folder)[0].job.run_dir == odd.run_dir


class Trainers:
    """Processes that end when told to; records who was started beside whom."""

    def __init__(self) -> None:
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.order: list[str] = []
        self.devices: list[set[str]] = []

    def start(self, job: Job) -> int:
        command = [sys.executable, "-c", "import sys; sys.stdin.read()"]
        process = subprocess.Popen(command, stdin=subprocess.PIPE)
        queue._children[process.pid] = process
        self.running[job.run_dir.name] = process
        self.order.append(job.run_dir.name)
        return process.pid

    def end(self, name: str) -> None:
        process = self.running.pop(name)
        assert process.stdin is not None
        process.stdin.close()
        process.wait(20)


@pytest.fixture
def trainers() -> Iterator[Trainers]:
    found = Trainers()
    yield found
    for name in list(found.running):
        found.end(name)


def turn(folder: Path, trainers: Trainers) -> bool:
    return queue._turns(folder, trainers.start)


def test_the_next_starts_when_one_has_ended(folder: Path, tmp_path: Path, trainers: Trainers) -> None:
    for name in "abc":
        add(folder, job(tmp_path, name))
    for name in "abc":
        assert turn(folder, trainers)
        assert turn(folder, trainers)
        assert list(trainers.running) == [name]
        trainers.end(name)
    assert not turn(folder, trainers)
    assert names(folder) == []


def test_every_device_has_one_training_at_a_time(folder: Path, tmp_path: Path, trainers: Trainers) -> None:
    for name, device in (("a", "cpu"), ("b", "cpu"), ("c", "cuda:0"), ("d", "cuda:1")):
        add(folder, job(tmp_path, name, device))
    turn(folder, trainers)
    assert list(trainers.running) == ["a", "c", "d"]


def test_those_that_wait_can_be_put_into_another_order(folder: Path, tmp_path: Path, trainers: Trainers) -> None:
    for name in "abcd":
        add(folder, job(tmp_path, name))
    turn(folder, trainers)
    reorder(folder, [tmp_path / name for name in ("d", "a", "b", "gone", "c")])
    assert names(folder) == ["a", "d", "b", "c"]
    add(folder, job(tmp_path, "e"))
    assert names(folder)[-1] == "e"


def test_one_that_waits_can_be_taken_off_one_that_runs_cannot(folder: Path, tmp_path: Path, trainers: Trainers) -> None:
    for name in "ab":
        add(folder, job(tmp_path, name))
    turn(folder, trainers)
    assert remove(folder, tmp_path / "b")
    assert not remove(folder, tmp_path / "a")
    assert names(folder) == ["a"]


def test_a_killed_runner_leaves_its_training_running_and_the_next_waits_for_it(
    folder: Path, tmp_path: Path, trainers: Trainers, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "ab":
        add(folder, job(tmp_path, name))
    turn(folder, trainers)
    monkeypatch.setattr(queue, "_children", {})  # another process begins here
    turn(folder, trainers)
    assert list(trainers.running) == ["a"]
    trainers.end("a")
    turn(folder, trainers)
    assert list(trainers.running) == ["b"]


def test_a_training_that_holds_its_run_keeps_the_device_whoever_started_it(
    folder: Path, tmp_path: Path, trainers: Trainers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "START_PATIENCE_S", 0.0)
    for name in "ab":
        add(folder, job(tmp_path, name))
    turn(folder, trainers)
    (tmp_path / "a").mkdir()
    with FileLock(tmp_path / "a" / ".lock"):
        turn(folder, trainers)
        assert list(trainers.running) == ["a"]
    turn(folder, trainers)
    assert list(trainers.running) == ["a", "b"]


def test_an_old_job_is_not_about_to_start_because_the_clock_was_set_back(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its number belongs to another process by now."""
    monkeypatch.setattr(queue, "_process_lives", lambda pid: True)
    add(folder, job(tmp_path, "a").model_copy(update={"started": time.time() + 3600, "pid": 1}))
    assert queue.orders_in(folder) == []


def test_two_runners_do_not_work_at_once(folder: Path, tmp_path: Path, trainers: Trainers) -> None:
    add(folder, job(tmp_path, "a"))
    told = threading.Event()
    first = threading.Thread(target=run_queue, args=(folder, trainers.start, told.is_set))
    first.start()
    try:
        until(lambda: bool(trainers.running))
        assert not run_queue(folder, trainers.start)
    finally:
        told.set()
        first.join(20)
    assert trainers.order == ["a"]


def test_a_runner_ends_when_nothing_is_left(folder: Path, tmp_path: Path) -> None:
    add(folder, job(tmp_path, "a"))

    def refuse(one: Job) -> int:
        raise CannotWrite(one.notes, "No space left on device")

    assert run_queue(folder, refuse)
    assert names(folder) == []


def test_a_file_that_makes_no_sense_stops_nothing(folder: Path, tmp_path: Path) -> None:
    add(folder, job(tmp_path, "a"))
    (folder / "x.json").write_text('{"run_dir": "/tmp", "words": ["--out"], "code": "evil"}')
    (folder / "y.json").write_bytes(b"\xff\x00")
    assert names(folder) == ["a"]


def test_a_run_is_ordered_once(folder: Path, tmp_path: Path, trainers: Trainers) -> None:
    add(folder, job(tmp_path, "a"))
    with pytest.raises(RunLocked, match="waits for its turn already"):
        add(folder, job(tmp_path, "a"))
    turn(folder, trainers)
    with pytest.raises(RunLocked, match="is being trained already"):
        add(folder, job(tmp_path, "a"))
    assert names(folder) == ["a"]


def test_a_run_is_on_order_from_the_first_moment_until_it_has_ended(
    folder: Path, tmp_path: Path, trainers: Trainers
) -> None:
    assert order_of(folder, tmp_path / "a") is None
    add(folder, job(tmp_path, "a"))
    assert order_of(folder, tmp_path / "a") is not None
    turn(folder, trainers)
    assert order_of(folder, tmp_path / "a") is not None
    trainers.end("a")
    assert order_of(folder, tmp_path / "a") is None


def test_a_training_that_has_said_its_end_can_be_ordered_again_while_its_process_goes(
    folder: Path, tmp_path: Path, trainers: Trainers
) -> None:
    add(folder, job(tmp_path, "a"))
    turn(folder, trainers)
    (tmp_path / "a").mkdir()
    log = EventLog(tmp_path / "a" / "events.jsonl")
    log.emit(DoneEvent(status="interrupted"))
    log.close()
    add(folder, job(tmp_path, "a"))
    turn(folder, trainers)
    assert names(folder) == ["a", "a"]
    trainers.end("a")
    turn(folder, trainers)
    assert trainers.order == ["a", "a"]


def test_a_second_order_of_a_run_from_an_earlier_version_is_dropped(
    folder: Path, tmp_path: Path, trainers: Trainers
) -> None:
    add(folder, job(tmp_path, "a"))
    (folder / "twice.json").write_text(job(tmp_path, "a").model_copy(update={"place": 2.0}).model_dump_json())
    assert len(orders_in(folder)) == 1
    turn(folder, trainers)
    assert names(folder) == ["a"]


def test_one_that_has_not_come_to_its_run_yet_can_be_ended(folder: Path, tmp_path: Path, trainers: Trainers) -> None:
    add(folder, job(tmp_path, "a"))
    assert not queue.end_start(folder, tmp_path / "a")
    turn(folder, trainers)
    assert queue.end_start(folder, tmp_path / "a")
    assert trainers.running["a"].wait(20) != 0
    assert order_of(folder, tmp_path / "a") is None


def until(done: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(1000):
        if done():
            return
        pause.wait(0.01)
    raise AssertionError("it did not happen")
