"""Events survive a torn file and can be followed while they are written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sedir_core.errors import CannotWrite
from sedir_core.training.events import (
    EpochEvent,
    EventLog,
    EventReader,
    FailedEvent,
    SavedEvent,
    StepEvent,
    read_events,
)

STEP = StepEvent(epoch=1, step=3, n_steps=10, losses={"rec": 0.25, "total": 0.5}, lr=1e-3, eta_seconds=7.5)
EPOCH = EpochEvent(epoch=1, n_epochs=2, losses={"total": 0.5}, lr=1e-3, eta_seconds=7.5, steps_per_second=4.0)
SAVED = SavedEvent(epoch=1, step=3)


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "events.jsonl"
    log = EventLog(path)
    for event in (STEP, EPOCH, SAVED):
        log.emit(event)
    log.close()
    return path


def test_what_is_emitted_is_read_back(written: Path) -> None:
    assert read_events(written) == [STEP, EPOCH, SAVED]


def test_a_line_is_the_object_the_command_line_promises(written: Path) -> None:
    first = json.loads(written.read_text().splitlines()[0])
    assert first["event"] == "step"
    assert {"epoch", "losses", "lr", "eta_seconds"} <= first.keys()


@pytest.mark.parametrize("lost", range(1, 30, 4))
def test_a_torn_last_line_is_ignored(written: Path, lost: int) -> None:
    written.write_bytes(written.read_bytes()[:-lost])
    assert read_events(written) == [STEP, EPOCH]


def test_a_line_that_makes_no_sense_is_left_out(written: Path) -> None:
    lines = written.read_bytes().splitlines(keepends=True)
    written.write_bytes(lines[0] + b"\0\0\0\n" + b'{"event": "unheard of"}\n' + lines[2])
    assert read_events(written) == [STEP, SAVED]


def test_a_file_of_nonsense_is_told_in_one_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "events.jsonl").write_bytes(b"x\n" * 10_000)
    assert read_events(tmp_path / "events.jsonl") == []
    assert len(caplog.records) == 1


def test_appending_after_a_tear_starts_a_line_of_its_own(written: Path) -> None:
    written.write_bytes(written.read_bytes()[:-9])
    log = EventLog(written)
    log.emit(SAVED)
    log.close()
    assert read_events(written) == [STEP, EPOCH, SAVED]


def test_a_reader_waits_for_the_end_of_a_line(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    line = STEP.model_dump_json().encode() + b"\n"
    reader = EventReader(path)
    path.write_bytes(line[:20])
    assert reader.new() == []
    path.write_bytes(line)
    assert reader.new() == [STEP]


def test_a_reader_gives_each_event_once(written: Path) -> None:
    reader = EventReader(written)
    assert len(reader.new()) == 3
    log = EventLog(written)
    log.emit(FailedEvent(kind="bug", message="boom"))
    log.close()
    assert [event.event for event in reader.new()] == ["failed"]


def test_no_file_has_no_events(tmp_path: Path) -> None:
    assert read_events(tmp_path / "events.jsonl") == []


def test_a_log_that_cannot_be_opened_says_so(tmp_path: Path) -> None:
    with pytest.raises(CannotWrite):
        EventLog(tmp_path / "missing" / "events.jsonl")
