"""Ten million points fit into memory: what reads, checks and writes them makes few copies."""

from __future__ import annotations

import gzip
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sedir_core.drawing.painting import thinned
from sedir_core.errors import UnreadableScan
from sedir_core.geometry.neighbours import interpolate
from sedir_core.geometry.sampling import repeatable_order
from sedir_core.io.export import write_points_ply, write_scored_ply
from sedir_core.io.guard import check_points
from sedir_core.io.lines import joined
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


def test_a_scan_is_read_with_its_own_size_and_half_of_it(scan: Scan, tmp_path: Path) -> None:
    write_points_ply(tmp_path / "a.ply", scan.points)
    assert most_bytes(lambda: read_scan(tmp_path / "a.ply")) < 1.5 * scan.points.nbytes


def test_pieces_are_joined_without_being_held_twice(scan: Scan) -> None:
    pieces = (np.array(piece) for piece in np.array_split(scan.points, 100))
    assert most_bytes(lambda: joined(pieces, 3)) < 1.4 * scan.points.nbytes
    assert np.array_equal(joined(np.array_split(scan.points[:1000], 7), 3), scan.points[:1000])


def test_points_are_ordered_with_their_own_size_at_most(scan: Scan) -> None:
    assert most_bytes(lambda: repeatable_order(scan.points)) < scan.points.nbytes


def test_scores_are_spread_with_the_size_of_the_points_at_most(scan: Scan) -> None:
    found = most_bytes(lambda: interpolate(np.arange(3.0), np.eye(3), scan.points))
    assert found < scan.points.nbytes


def test_a_picture_looks_at_few_of_many_points(scan: Scan) -> None:
    assert most_bytes(lambda: thinned(scan.points, 1_000)) < scan.points.nbytes / 2
    assert len(thinned(scan.points, 1_000)) > 500


def test_a_gzip_file_of_countless_pieces_is_refused(tmp_path: Path) -> None:
    """Each piece of 4 MB of them took a millisecond: minutes for nothing."""
    (tmp_path / "a.xyz.gz").write_bytes(3_000 * gzip.compress(b""))
    with pytest.raises(UnreadableScan, match="absurdly many pieces"):
        read_scan(tmp_path / "a.xyz.gz")
