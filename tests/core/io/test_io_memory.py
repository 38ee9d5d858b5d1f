"""Ten million points fit into memory: what reads, checks and writes them makes few copies."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sedir_core.io.export import write_points_ply, write_scored_ply
from sedir_core.io.guard import check_points
from sedir_core.io.scans import read_scan
from sedir_core.types import Scan

N_POINTS = 1_500_000


@pytest.fixture(scope="module")
def scan() -> Scan:
    return Scan(np.random.default_rng(0).uniform(size=(N_POINTS, 3)), "large")


def most_bytes(work: Callable[[], object]) -> int:
    """Allocated at most while it works, beyond what there was."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_scan_is_written_with_half_its_size_at_most(scan: Scan, tmp_path: Path) -> None:
    scores = np.zeros(N_POINTS, np.float32)
    assert most_bytes(lambda: write_scored_ply(tmp_path / "a.ply", scan, scores, scores)) < scan.points.nbytes / 2
    assert most_bytes(lambda: write_points_ply(tmp_path / "b.ply", scan.points)) < scan.points.nbytes / 2
    for name in ("a.ply", "b.ply"):
        assert np.array_equal(read_scan(tmp_path / name).points, scan.points)


def test_a_scan_is_checked_with_half_its_size_at_most(scan: Scan) -> None:
    assert most_bytes(lambda: check_points("large", scan.points)) < scan.points.nbytes / 2
