"""`sedir watch` as it is used: in a process of its own, with scans that arrive, until Ctrl-C."""

from __future__ import annotations

import json
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from roundness import ball

from sedir_core.io.export import write_points_ply

WAIT_S = 60.0
# The roundness detector as every run; the rest is the program itself.
PROGRAM = """
import sys
sys.path.insert(0, {tests!r})
import sedir_core.detectors.base as base
from roundness import RoundnessDetector
base.load_detector = lambda run_dir, device="auto": RoundnessDetector()
from sedir_core.cli import main
sys.argv[0] = "sedir"
main()
"""


class Sedir:
    """The running program; its lines as they come."""

    def __init__(self, *words: object) -> None:
        source = PROGRAM.format(tests=str(Path(__file__).parents[1]))
        command = [sys.executable, "-c", source, "watch", *map(str, words)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.lines: queue.Queue[str] = queue.Queue()
        self.said: queue.Queue[str] = queue.Queue()
        self._threads = [self._follow(self.process.stdout, self.lines), self._follow(self.process.stderr, self.said)]

    def _follow(self, stream: Any, into: queue.Queue[str]) -> threading.Thread:
        thread = threading.Thread(target=lambda: [into.put(line) for line in stream])
        thread.start()
        return thread

    def next(self) -> dict[str, Any]:
        return json.loads(self.lines.get(timeout=WAIT_S))

    def hear(self, words: str) -> str:
        while words not in (line := self.said.get(timeout=WAIT_S)):
            pass
        return line

    def end(self, signum: int | None = signal.SIGINT) -> int:
        if signum is not None:
            self.process.send_signal(signum)
        status = self.process.wait(WAIT_S)
        for thread in self._threads:
            thread.join()
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()
        return status


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Sedir]:
    """Watching `tmp_path/in`."""
    (tmp_path / "in").mkdir()
    program = Sedir(tmp_path / "in", "--settle", "0.2", "--json", "-")
    yield program
    if program.process.poll() is None:
        program.end(signal.SIGKILL)


def test_one_line_of_json_for_each_scan_until_ctrl_c(running: Sedir, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    running.hear("watching")
    write_points_ply(folder / "dented.ply", ball(dent=0.1, seed=1))
    found = running.next()
    assert (found["event"], found["verdict"], Path(found["path"]).name) == ("inspected", "ng", "dented.ply")
    assert found["time"] and found["defects"]
    (folder / "broken.ply").write_bytes(b"ply\nformat binary_little_endian 1.0\nelement vertex 9\nend_header\n")
    refused = running.next()
    assert (refused["event"], refused["kind"]) == ("refused", "unreadable_scan")
    folder.rename(tmp_path / "away")
    running.hear("not reachable")
    (tmp_path / "away").rename(folder)
    running.hear("watching")
    write_points_ply(folder / "line 2" / "good.ply", ball())
    assert Path(running.next()["path"]).parent.name == "line 2"
    assert running.end() == 130


def test_the_first_ng_ends_it_where_asked(sedir, tmp_path: Path) -> None:
    write_points_ply(tmp_path / "in" / "a" / "ball.ply", ball())
    write_points_ply(tmp_path / "in" / "b" / "ball.ply", ball(dent=0.1, seed=1))
    words = ["--existing", "--fail-on-ng", "--settle", "0.1", "--export", tmp_path / "out"]
    result = sedir("watch", tmp_path / "in", *words, "--json", tmp_path / "log.jsonl")
    assert result.exit_code == 3
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["verdict"] for line in lines] == ["ok", "ng"]
    assert {path.parent.name for path in (tmp_path / "out").rglob("ball.png")} == {"a", "b"}


def test_people_get_a_line_of_text(sedir, tmp_path: Path) -> None:
    write_points_ply(tmp_path / "dented.ply", ball(dent=0.1, seed=1))
    result = sedir("watch", tmp_path, "--existing", "--fail-on-ng", "--settle", "0.1")
    assert result.stdout.startswith("NG ") and "dented.ply" in result.stdout


def test_the_export_may_not_feed_the_watch(sedir, tmp_path: Path) -> None:
    result = sedir("watch", tmp_path, "--export", tmp_path / "out")
    assert result.exit_code == 1 and "inspected too" in result.stderr


def test_a_folder_that_is_not_there_is_said_at_once(sedir, tmp_path: Path) -> None:
    result = sedir("watch", tmp_path / "missing")
    assert result.exit_code == 1 and "no such folder" in result.stderr


def test_a_category_the_model_does_not_know_is_said_at_once(sedir, tmp_path: Path) -> None:
    result = sedir("watch", tmp_path, "--category", "spoon")
    assert result.exit_code == 1 and "spoon" in result.stderr


def test_lines_that_cannot_be_written_are_said_at_once(sedir, tmp_path: Path) -> None:
    result = sedir("watch", tmp_path, "--json", tmp_path / "no" / "folder.jsonl")
    assert result.exit_code == 1 and "folder.jsonl" in result.stderr


def test_the_history_may_not_feed_the_watch(sedir, tmp_path: Path) -> None:
    """A stored result holds the scan's points: it would be inspected, recorded, inspected ..."""
    result = sedir("watch", tmp_path, "--record", "--history-folder", tmp_path / "kept")
    assert result.exit_code == 1 and "lies in the watched folder" in result.stderr
