"""Two programs export into one folder at the same time: no file of either is lost."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from roundness import RoundnessDetector, ball

from sedir_core.errors import CannotWrite
from sedir_core.evaluation.inspection import Exports, Inspected
from sedir_core.io import folder_lock
from sedir_core.io.folder_lock import locked
from sedir_core.io.scans import read_scan
from sedir_core.types import Scan

N_SCANS = 8


@dataclass
class Program:
    """Inspections of scans of the same names, each of this program's number of points."""

    home: Path
    n_points: int
    out: Path
    scans: list[Inspected] = field(init=False)

    def __post_init__(self) -> None:
        scan = Scan(ball(n_points=self.n_points), "a")
        found = RoundnessDetector().detect(scan)
        self.scans = [Inspected(self.home / f"{i}.ply", scan, found, {}) for i in range(N_SCANS)]
        self.exports = Exports(self.out)
        self.exports.plan([one.path for one in self.scans])

    def run(self) -> None:
        for one in self.scans:
            self.exports.write(one)


@pytest.fixture
def two(tmp_path, monkeypatch) -> tuple[Program, Program]:
    """Both have planned their names before either writes."""
    monkeypatch.setattr("sedir_core.drawing.picture.draw_inspection", lambda path, *of: path.write_bytes(b""))
    out = tmp_path / "out"
    return Program(tmp_path / "a", 300, out), Program(tmp_path / "b", 301, out)


def test_a_name_that_was_free_when_planned_is_not_replaced(two) -> None:
    for program in two:
        program.run()
    assert whole_sets(two[0].out) == {300: N_SCANS, 301: N_SCANS}


def test_at_the_same_instant_each_name_goes_to_one(two) -> None:
    start = threading.Barrier(2)
    threads = [threading.Thread(target=lambda one=one: (start.wait(), one.run())) for one in two]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert whole_sets(two[0].out) == {300: N_SCANS, 301: N_SCANS}
    assert not list(two[0].out.glob(".*"))


def test_who_holds_a_folder_too_long_is_said(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(folder_lock, "WAIT_S", 0.05)
    with locked(tmp_path), pytest.raises(CannotWrite, match="another program"), locked(tmp_path):
        pass
    with locked(tmp_path):
        pass


def whole_sets(folder: Path) -> dict[int, int]:
    """How many scored scans, each with a reconstruction of as many points, by that number."""
    counts: dict[int, int] = {}
    for path in folder.glob("*_reconstruction.ply"):
        n, others = len(read_scan(path)), len(read_scan(path.with_name(path.name.replace("_reconstruction", ""))))
        assert n == others
        counts[n] = counts.get(n, 0) + 1
    return counts
