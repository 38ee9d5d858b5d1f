"""What is exported comes back unchanged, runs no formulas, and replaces files whole."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from scan_files import POINTS, SINGLE

from sedir_core.errors import CannotWrite
from sedir_core.io.export import write_csv, write_json, write_points_ply, write_scored_ply
from sedir_core.io.scans import read_scan
from sedir_core.names import printable
from sedir_core.types import Scan

HOLES = POINTS.copy()
HOLES[[3, 50]] = [np.nan, 1.0, np.inf]
SCORES = np.where(np.isnan(HOLES[:, 0]), np.nan, np.arange(200) / 7).astype(np.float32)


def _stored(path: Path) -> tuple[str, np.ndarray]:
    header, _, body = path.read_bytes().partition(b"end_header\n")
    return header.decode(), np.frombuffer(body, dtype=[("xyz", "<f8", 3), ("score", "<f4")])


def test_scored_scan_comes_back_with_points_in_order(tmp_path: Path) -> None:
    write_scored_ply(tmp_path / "a.ply", Scan(HOLES, "a"), SCORES)
    np.testing.assert_array_equal(read_scan(tmp_path / "a.ply").points, HOLES)


def test_scores_stand_beside_their_points_nan_where_not_evaluated(tmp_path: Path) -> None:
    write_scored_ply(tmp_path / "a.ply", Scan(HOLES, "a"), SCORES)
    header, table = _stored(tmp_path / "a.ply")
    assert "property float scalar_anomaly\n" in header
    np.testing.assert_array_equal(table["score"], SCORES)
    np.testing.assert_array_equal(table["xyz"], HOLES)


def test_points_come_back(tmp_path: Path) -> None:
    write_points_ply(tmp_path / "a.ply", SINGLE)
    np.testing.assert_array_equal(read_scan(tmp_path / "a.ply").points, SINGLE)


def test_scores_of_another_scan_are_a_bug(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="point_scores"):
        write_scored_ply(tmp_path / "a.ply", Scan(POINTS, "a"), SCORES[:-1])


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_text_that_a_spreadsheet_would_run_is_escaped(cell: str, tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", [["name"], [cell]])
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [["name"], [printable("'" + cell)]]


def test_numbers_and_plain_text_stay_as_they_are(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", [["name", "score", "n"], ['bolt, "7" ü', -1.5, -3], [None, True, 0.1]])
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[1:] == [['bolt, "7" ü', "-1.5", "-3"], ["", "True", "0.1"]]


def test_json_comes_back(tmp_path: Path) -> None:
    value = {"path": "träger.ply", "score": -0.1, "defects": [{"centroid": [1.0, 2.0, 3.0]}]}
    write_json(tmp_path / "a.json", value)
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == value


def test_json_without_nan_leaves_the_old_file(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"score": 1})
    with pytest.raises(ValueError):
        write_json(tmp_path / "a.json", {"score": float("nan")})
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == {"score": 1}


def test_folder_in_the_way_is_a_user_error(tmp_path: Path) -> None:
    (tmp_path / "a.ply").mkdir()
    with pytest.raises(CannotWrite):
        write_points_ply(tmp_path / "a.ply", POINTS)
    assert [path.name for path in tmp_path.iterdir()] == ["a.ply"]
