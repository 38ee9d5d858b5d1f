"""A real folder under a real watcher: growing, renamed, overwritten, removed, unplugged."""

from __future__ import annotations

import queue
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sedir_core.io import folder_watch
from sedir_core.io.arrivals import Arrival
from sedir_core.io.folder_watch import FolderWatch, WatchState, network_kind

SETTLE_S = 0.15
WAIT_S = 15.0


class Watched:
    """A folder, its watcher, and what came of it."""

    def __init__(self, folder: Path, **options: bool) -> None:
        self.folder = folder
        self.arrived: queue.Queue[Arrival] = queue.Queue()
        self.states: queue.Queue[WatchState] = queue.Queue()
        self.watch = FolderWatch(folder, self.arrived.put, self.states.put, settle_s=SETTLE_S, **options)

    def next(self) -> str:
        return str(self.arrived.get(timeout=WAIT_S).path.relative_to(self.folder))

    def until(self, wanted: Callable[[WatchState], bool]) -> WatchState:
        while not wanted(state := self.states.get(timeout=WAIT_S)):
            pass
        return state

    def nothing_more(self) -> bool:
        """Nothing came but a scan written now."""
        (self.folder / "last.ply").write_bytes(b"x")
        return self.next() == "last.ply"


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "old.ply").write_bytes(b"old")
    here = Watched(folder)
    here.watch.start()
    here.until(lambda state: state.present)
    yield here
    assert here.watch.stop()


def test_a_scan_arrives_and_older_ones_do_not(watched: Watched) -> None:
    (watched.folder / "new.ply").write_bytes(b"new")
    assert watched.next() == "new.ply"
    assert watched.nothing_more()


def test_a_scan_that_is_still_written_waits_for_its_writer(watched: Watched) -> None:
    with (watched.folder / "slow.ply").open("wb") as writer:
        writer.write(b"half")
        writer.flush()
        watched.until(lambda state: state.growing == 1)
        (watched.folder / "quick.ply").write_bytes(b"x")
        assert watched.next() == "quick.ply"  # written later, there earlier
        writer.write(b" and half")
    assert watched.next() == "slow.ply"
    assert (watched.folder / "slow.ply").stat().st_size == 13


def test_a_rename_into_place_arrives_under_its_new_name(watched: Watched) -> None:
    part = watched.folder / ".scan.ply.part"
    part.write_bytes(b"scan")
    part.rename(watched.folder / "scan.ply")
    assert watched.next() == "scan.ply"


def test_an_overwrite_arrives_again(watched: Watched) -> None:
    (watched.folder / "old.ply").write_bytes(b"newer")
    assert watched.next() == "old.ply"


def test_a_new_sub_folder_is_watched_too(watched: Watched) -> None:
    inner = watched.folder / "shift" / "2"
    inner.mkdir(parents=True)
    (inner / "scan.ply").write_bytes(b"x")
    assert watched.next() == str(Path("shift/2/scan.ply"))


def test_a_scan_removed_before_it_settles_is_no_trouble(watched: Watched) -> None:
    (watched.folder / "gone.ply").write_bytes(b"x")
    (watched.folder / "gone.ply").unlink()
    assert watched.nothing_more()


def test_a_folder_that_goes_and_comes_back_is_watched_on(watched: Watched, tmp_path: Path) -> None:
    watched.folder.rename(tmp_path / "unplugged")
    watched.until(lambda state: not state.present)
    (tmp_path / "unplugged").rename(watched.folder)
    watched.until(lambda state: state.present)
    assert watched.nothing_more()  # old.ply is not reported as new


def test_a_folder_made_anew_is_watched_on(watched: Watched) -> None:
    shutil.rmtree(watched.folder)
    watched.until(lambda state: not state.present)
    watched.folder.mkdir()
    watched.until(lambda state: state.present)
    assert watched.nothing_more()


def test_scans_that_are_there_come_first_where_asked(tmp_path: Path) -> None:
    (tmp_path / "old.ply").write_bytes(b"old")
    here = Watched(tmp_path, existing=True)
    here.watch.start()
    assert here.next() == "old.ply"
    assert here.watch.stop()


def test_it_polls_where_the_system_reports_nothing_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(observer: object) -> None:
        raise OSError(28, "inotify watch limit reached")

    monkeypatch.setattr("watchdog.observers.Observer.start", refuse)
    monkeypatch.setattr(folder_watch, "POLL_S", 0.05)
    here = Watched(tmp_path)
    here.watch.start()
    assert "limit reached" in here.until(lambda state: state.present).polling
    assert here.nothing_more()
    assert here.watch.stop()


def test_a_watch_ends_while_scans_arrive(tmp_path: Path) -> None:
    for _ in range(20):
        here = Watched(tmp_path, existing=True)
        here.watch.start()
        (tmp_path / "scan.ply").write_bytes(b"x")
        assert here.watch.stop()
    assert not [thread for thread in threading.enumerate() if "inotify" in thread.name.lower()]


def test_a_watch_that_never_began_can_be_stopped(tmp_path: Path) -> None:
    assert Watched(tmp_path).watch.stop()


def test_network_drives_are_known_by_their_mount(tmp_path: Path) -> None:
    share = tmp_path / "my share"
    share.mkdir()
    mounts = tmp_path / "mounts"
    octal = str(share).replace(" ", "\\040")
    mounts.write_text(f"/dev/sda1 / ext4 rw 0 0\n//server/x {octal} cifs rw 0 0\n")
    assert "cifs" in network_kind(share / "deeper", mounts)
    assert network_kind(tmp_path, mounts) == ""
    assert network_kind(tmp_path, tmp_path / "no such table") == ""
