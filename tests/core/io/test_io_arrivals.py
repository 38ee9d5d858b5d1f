"""When a scan counts as arrived: told by looks at a folder, with a clock of our own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sedir_core.errors import UnreadableScan
from sedir_core.io.arrivals import EMPTY_PATIENCE, Arrival, Arrivals, Stamp, being_written, look_into, stamp_of
from sedir_core.io.guard import open_regular

A, B = Path("a.ply"), Path("b.ply")
SETTLE_S = 2.0


def never(path: Path) -> bool:
    return False


def names(arrivals: list[Arrival]) -> list[str]:
    return [arrival.path.name for arrival in arrivals]


@pytest.fixture
def arrivals() -> Arrivals:
    return Arrivals(SETTLE_S, {B: Stamp(9, 9)})


def test_a_scan_arrives_once_its_size_stands_still(arrivals: Arrivals) -> None:
    for now, size in enumerate([10, 20, 30]):
        assert arrivals.look({A: Stamp(size, now)}, now, never) == []
        assert arrivals.growing == 1
    assert arrivals.look({A: Stamp(30, 2)}, 3.9, never) == []
    assert arrivals.look({A: Stamp(30, 2)}, 4.0, never) == [Arrival(A, Stamp(30, 2))]
    assert arrivals.look({A: Stamp(30, 2)}, 9.0, never) == []
    assert arrivals.growing == 0


def test_what_was_there_before_does_not_arrive(arrivals: Arrivals) -> None:
    assert [arrivals.look({B: Stamp(9, 9)}, now, never) for now in (0, 5)] == [[], []]


def test_an_overwritten_scan_arrives_again(arrivals: Arrivals) -> None:
    assert [names(arrivals.look({B: Stamp(9, 10)}, now, never)) for now in (0, 2, 4)] == [[], ["b.ply"], []]


def test_a_deleted_scan_that_comes_back_arrives_again(arrivals: Arrivals) -> None:
    arrivals.look({}, 0, never)
    assert [names(arrivals.look({B: Stamp(9, 9)}, now, never)) for now in (1, 3)] == [[], ["b.ply"]]


def test_a_scan_deleted_while_it_grows_is_forgotten(arrivals: Arrivals) -> None:
    arrivals.look({A: Stamp(1, 1)}, 0, never)
    arrivals.look({}, 1, never)
    assert arrivals.growing == 0
    assert arrivals.look({A: Stamp(1, 1)}, 3, never) == []


def test_a_scan_held_open_for_writing_waits_however_long(arrivals: Arrivals) -> None:
    seen = {A: Stamp(1, 1)}
    assert [arrivals.look(seen, now, lambda path: True) for now in (0, 100, 10_000)] == [[], [], []]
    assert names(arrivals.look(seen, 10_001, never)) == ["a.ply"]


def test_an_empty_scan_gets_more_time(arrivals: Arrivals) -> None:
    seen = {A: Stamp(0, 1)}
    assert [arrivals.look(seen, now, never) for now in (0, 2 * SETTLE_S)] == [[], []]
    assert names(arrivals.look(seen, EMPTY_PATIENCE * SETTLE_S, never)) == ["a.ply"]


def test_scans_that_arrive_together_come_sorted(arrivals: Arrivals) -> None:
    seen = {B: Stamp(1, 1), A: Stamp(1, 1)}
    arrivals.look(seen, 0, never)
    assert names(arrivals.look(seen, 2, never)) == ["a.ply", "b.ply"]


def test_a_look_finds_scans_in_sub_folders_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "day" / "shift").mkdir(parents=True)
    for name in ("day/shift/a.ply", ".a.ply.part", "notes.md"):
        (tmp_path / name).write_bytes(b"x")
    os.mkfifo(tmp_path / "pipe.ply")
    assert [path.name for path in look_into(tmp_path)] == ["a.ply"]
    assert look_into(tmp_path / "missing") == {}


@pytest.mark.skipif(not hasattr(os, "O_NONBLOCK") or os.uname().sysname != "Linux", reason="only Linux tells")
def test_an_open_writer_is_noticed_and_a_reader_is_none(tmp_path: Path) -> None:
    path = tmp_path / "a.ply"
    with path.open("wb") as writer:
        writer.write(b"half")
        assert being_written(path)
    with path.open("rb"):
        assert not being_written(path)
    assert not being_written(tmp_path / "missing.ply")


def test_an_arrival_knows_when_it_was_written_anew(tmp_path: Path) -> None:
    path = tmp_path / "a.ply"
    path.write_bytes(b"one")
    stamp = stamp_of(path)
    assert stamp is not None
    arrival = Arrival(path, stamp)
    assert arrival.unchanged
    path.write_bytes(b"three")
    assert not arrival.unchanged
    path.unlink()
    assert not arrival.unchanged


def test_a_file_written_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.ply"
    path.write_bytes(b"one")
    with pytest.raises(UnreadableScan, match="changed while it was read"), open_regular(path):
        path.write_bytes(b"three")
