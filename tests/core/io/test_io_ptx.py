"""PTX: scans of a scanner that stood in several places, in one coordinate system."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scan_files import text_rows

from sedir_core.errors import UnreadableScan
from sedir_core.io.scans import read_scan

POINTS = np.round(np.random.default_rng(2).uniform(1, [80, 50, 6], size=(300, 3)), 3)
TURNED = np.array([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]])  # as PTX has it: a row of points times this


def scan(points: np.ndarray, columns: int, rows: int, turn: np.ndarray, place: list[float], colours: bool) -> bytes:
    pose = [[columns], [rows], place, *np.eye(3).tolist()]
    matrix = [[*row, 0] for row in turn.tolist()] + [[*place, 1]]
    extra = [0.5, 10, 20, 30] if colours else [0.5]
    return text_rows([*pose, *matrix]) + text_rows([[*point, *extra] for point in points.tolist()])


@pytest.mark.parametrize("name", ["a.ptx", "a.txt", "a.xyz"])
def test_the_scans_are_moved_to_where_they_belong(name: str, tmp_path: Path) -> None:
    place = [100.0, 200.0, 3.0]
    there = (POINTS[150:] - place) @ TURNED.T
    content = scan(POINTS[:150], 15, 10, np.eye(3), [0, 0, 0], False) + scan(there, 10, 15, TURNED, place, True)
    (tmp_path / name).write_bytes(content)
    np.testing.assert_allclose(read_scan(tmp_path / name).points, POINTS, atol=1e-9)


def test_decimal_commas_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.ptx").write_bytes(scan(POINTS, 20, 15, np.eye(3), [0, 0, 0], True).replace(b".", b","))
    np.testing.assert_array_equal(read_scan(tmp_path / "a.ptx").points, POINTS)


def test_pixels_without_a_measurement_are_missing(tmp_path: Path) -> None:
    points = POINTS.copy()
    points[::9] = 0
    (tmp_path / "a.ptx").write_bytes(scan(points, 20, 15, np.eye(3), [5, 0, 0], False))
    found = read_scan(tmp_path / "a.ptx")
    assert np.flatnonzero(~found.finite).tolist() == list(range(0, 300, 9))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ((b"20\n15\n", b"20\n16\n"), "short of"),
        ((b"20\n15\n", b"20\n14\n"), "does not begin with its numbers"),
        ((b"20\n15\n", b"200000\n150000\n"), "announces"),
        ((b"20\n15\n", b"0\n15\n"), "0 x 15 points"),
    ],
)
def test_counts_that_lie_are_refused(change: tuple[bytes, bytes], reason: str, tmp_path: Path) -> None:
    content = scan(POINTS, 20, 15, np.eye(3), [0, 0, 0], False)
    (tmp_path / "a.ptx").write_bytes(content.replace(*change, 1))
    with pytest.raises(UnreadableScan, match=reason):
        read_scan(tmp_path / "a.ptx")
