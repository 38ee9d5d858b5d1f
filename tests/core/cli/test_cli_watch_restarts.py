"""A watched folder over restarts and kills: with --record everything is inspected once, whenever it arrived."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
from roundness import RoundnessDetector, ball
from test_cli_watch import WAIT_S

from sedir_core.history.place import HistoryPlace
from sedir_core.history.records import Filter
from sedir_core.history.stored_result import content_hash
from sedir_core.io.export import write_points_ply
from sedir_core.io.scans import read_scan

KILLS = 4
# Most of a start is loading libraries: on Linux one process loads them once, and forks at each start.
METHOD = "forkserver" if sys.platform == "linux" else "spawn"
LOADED = (
    "pytest",
    "sedir_core.cli",
    "sedir_core.commands.watch",
    "sedir_core.detectors.relimit",
    "sedir_core.evaluation.inspection",
    "sedir_core.evaluation.zone_file",
    "sedir_core.history.store",
    "sedir_core.io.folder_watch",
    "sedir_core.io.scans",
    "torch",
)


def run_program(words: list[str]) -> None:
    """`sedir` with the roundness detector as every run."""
    import sedir_core.detectors.base as base
    from sedir_core.cli import main

    base.load_detector = lambda run_dir, device="auto": RoundnessDetector()
    sys.argv[:] = ["sedir", *words]
    sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115  as long as the program runs
    main()


class Place:
    """A folder to watch, its history, and the program that is started and killed over it."""

    def __init__(self, home: Path) -> None:
        self.folder, self.log = home / "in", home / "log.jsonl"
        self.folder.mkdir()
        self.history = HistoryPlace(f"sqlite:///{home / 'h.sqlite'}", home / "kept")
        self.words = ["watch", self.folder, "--settle", "0.1", "--record", "--json", self.log]
        self.words += ["--history-url", self.history.url, "--history-folder", self.history.folder]
        self.program: BaseProcess | None = None

    def start(self) -> None:
        context = multiprocessing.get_context(METHOD)
        context.set_forkserver_preload(list(LOADED))
        self.program = context.Process(target=run_program, args=([*map(str, self.words)],))
        self.program.start()

    def end(self, how: int = signal.SIGINT) -> None:
        assert self.program is not None and self.program.pid is not None
        os.kill(self.program.pid, how)
        self.program.join(WAIT_S)
        assert self.program.exitcode is not None

    def lines(self) -> list[dict[str, str]]:
        """The whole ones."""
        text = self.log.read_text() if self.log.exists() else ""
        return [json.loads(line) for line in text.split("\n")[:-1]]

    def recorded(self) -> list[tuple[str, str]]:
        """Path and content of all that is in the history."""
        if not self.history.url or not Path(self.history.url.removeprefix("sqlite:///")).exists():
            return []
        store = self.history.open()
        found = [(one.path, one.content_hash) for one in store.page(Filter(), limit=9999)]
        store.close()
        return found

    def until(self, n_recorded: int) -> None:
        """Wait for so many rows: the program has no other way to tell."""
        end = time.monotonic() + WAIT_S
        while self._n_rows() < n_recorded:
            assert time.monotonic() < end, f"{self._n_rows()} of {n_recorded}"
            time.sleep(0.05)

    def _n_rows(self) -> int:
        """Asked of the database itself: to open a history takes as long as an inspection, which it would slow."""
        path = Path(self.history.url.removeprefix("sqlite:///"))
        if not path.exists():
            return 0
        with closing(sqlite3.connect(path)) as database:
            try:
                (found,) = database.execute("SELECT count(*) FROM inspections").fetchone()
            except sqlite3.OperationalError:  # its tables are being made
                return 0
        return int(found)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    if place.program is not None and place.program.is_alive():
        place.end(signal.SIGKILL)


def test_kills_lose_nothing_and_double_nothing(place: Place) -> None:
    chance, made = random.Random(0), 0
    for _ in range(KILLS):
        place.start()
        for _ in range(chance.randrange(2, 5)):
            write_points_ply(place.folder / f"{made:03d}.ply", ball(seed=made, n_points=300))
            made += 1
        place.until(max(1, made - chance.randrange(1, 4)))
        place.end(signal.SIGKILL)  # between a line and its row, or amid a scan
    place.start()
    # If all was recorded before the last kill, only a new scan tells that the program is there to be interrupted.
    write_points_ply(place.folder / f"{made:03d}.ply", ball(seed=made, n_points=300))
    place.until(made + 1)
    place.end()
    everything = {str(path): content_hash(read_scan(path).points) for path in place.folder.iterdir()}
    assert Counter(place.recorded()) == Counter(everything.items())
    assert Counter(line["path"] for line in place.lines()) == Counter(list(everything))


def test_what_arrived_while_nobody_watched_is_inspected(place: Place) -> None:
    write_points_ply(place.folder / "early.ply", ball(n_points=300))
    place.start()
    place.until(1)
    place.end()
    write_points_ply(place.folder / "late.ply", ball(n_points=300, seed=1))
    place.start()
    place.until(2)
    place.end()
    assert sorted(Path(path).stem for path, _ in place.recorded()) == ["early", "late"]


def test_a_restart_replaces_no_export_by_that_of_another_scan(place: Place, tmp_path: Path) -> None:
    place.words += ["--export", tmp_path / "out"]
    for number, shift in enumerate(("early", "late"), 1):
        write_points_ply(place.folder / shift / "001.ply", ball(n_points=300 + number))
        place.start()
        place.until(number)
        place.end()
    exported = {path.parent.name: len(read_scan(path)) for path in (tmp_path / "out").rglob("001.ply")}
    assert exported == {"early": 301, "late": 302}


@pytest.mark.parametrize("running", [True, False])
def test_the_same_size_and_time_with_other_content_is_new(place: Place, running: bool) -> None:
    path = place.folder / "part.ply"
    write_points_ply(path, ball(n_points=300))
    before = path.stat()
    place.start()
    place.until(1)
    if not running:
        place.end()
    content = path.read_bytes()
    write_points_ply(place.folder.parent / "other.ply", ball(n_points=300, seed=7))
    path.write_bytes((place.folder.parent / "other.ply").read_bytes())
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size and path.read_bytes() != content
    if not running:
        place.start()
    place.until(2)
    place.end()
    assert len(set(place.recorded())) == 2


def test_the_same_content_written_anew_is_done(place: Place) -> None:
    path = place.folder / "part.ply"
    write_points_ply(path, ball(n_points=300))
    place.start()
    place.until(1)
    write_points_ply(path, ball(n_points=300))
    write_points_ply(place.folder / "sentinel.ply", ball(n_points=300, seed=1))
    place.until(2)
    place.end()
    assert sorted(Path(one).stem for one, _ in place.recorded()) == ["part", "sentinel"]


def test_a_history_that_does_not_answer_is_said_before_anything_is_inspected_twice(sedir, tmp_path: Path) -> None:
    (tmp_path / "h").write_text("no database")
    result = sedir("watch", tmp_path, "--record", "--history-url", f"sqlite:///{tmp_path / 'h'}")
    assert result.exit_code == 1
    assert "not a history" in result.stderr


def test_the_folder_by_another_name_is_the_same(place: Place) -> None:
    write_points_ply(place.folder / "part.ply", ball(n_points=300))
    place.start()
    place.until(1)
    place.end()
    place.words[1] = place.folder / ".." / place.folder.name
    write_points_ply(place.folder / "sentinel.ply", ball(n_points=300, seed=1))
    place.start()
    place.until(2)
    place.end()
    assert sorted(Path(one).stem for one, _ in place.recorded()) == ["part", "sentinel"]
