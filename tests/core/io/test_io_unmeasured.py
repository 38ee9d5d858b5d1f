"""Numbers that mean "no measurement" are left out, counted and named; a part's own flat faces are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scan_files import npy, pcd_compressed, text_rows

from sedir_core.io.scans import read_scan
from sedir_core.io.unmeasured import mark_unmeasured

draw = np.random.default_rng(5)


def plate(n: int = 4000) -> np.ndarray:
    """A wavy plate of 80 x 50, 200 before the camera."""
    points = draw.uniform([0, 0, 0], [80, 50, 0], size=(n, 3))
    points[:, 2] = 200 + np.sin(points[:, 0] / 5)
    return points


@pytest.mark.parametrize("mark", [-32768.0, -999.9, -9999.0, 1e10, 3.4028235e38, 0.0, -1e30, 65535.0])
@pytest.mark.parametrize("axes", [[2], [0, 1, 2]])
def test_a_mark_is_left_out_in_one_coordinate_or_in_all(mark: float, axes: list[int]) -> None:
    points = plate()
    rows = draw.random(len(points)) < 0.02
    points[np.ix_(rows, axes)] = mark
    found, said = mark_unmeasured(points)
    assert np.array_equal(np.isnan(found).all(axis=1), rows) and np.isfinite(found[~rows]).all()
    assert said.startswith(f"{rows.sum():,} rows without a measurement were left out (")
    assert f"{mark:g}" in said


def test_a_usual_mark_in_all_coordinates_is_one_even_once() -> None:
    points = plate()
    points[7] = 9999.99
    found, said = mark_unmeasured(points)
    assert np.flatnonzero(np.isnan(found).any(axis=1)).tolist() == [7]
    assert said == "1 row without a measurement was left out (x = y = z = 9999.99)"


def test_several_marks_are_all_named() -> None:
    points = plate()
    points[:30, 2], points[30:50, 0] = -32768, 9999
    found, said = mark_unmeasured(points)
    assert np.isnan(found[:50]).all() and np.isfinite(found[50:]).all()
    assert said == "50 rows without a measurement were left out (z = -32768, x = 9999)"


@pytest.mark.parametrize("marks", [(-32768, -32767), (65535, 65534, 65533), (-9999, -9998)])
def test_codes_beside_each_other_are_all_left_out(marks: tuple[float, ...]) -> None:
    points = plate()
    for at, mark in enumerate(marks):
        points[10 * at : 10 * at + 10, 2] = mark
    found, said = mark_unmeasured(points)
    assert np.isnan(found[: 10 * len(marks)]).all() and np.isfinite(found[10 * len(marks) :]).all()
    assert (
        said
        == f"{10 * len(marks)} rows without a measurement were left out ("
        + ", ".join(f"z = {mark:g}" for mark in marks)
        + ")"
    )


def test_the_steps_of_a_part_stay() -> None:
    points = plate()
    points[::4, 2], points[1::4, 2] = 100, 140
    assert mark_unmeasured(points)[1] == ""


def test_most_of_a_camera_image_may_be_unmeasured() -> None:
    points = plate()
    points[: int(0.8 * len(points))] = 0
    found, _ = mark_unmeasured(points)
    assert np.isfinite(found).all(axis=1).sum() == 800


def test_the_faces_of_a_box_stay() -> None:
    points = draw.uniform(-1, 1, size=(3000, 3)) * [40, 25, 3]
    axis = draw.integers(0, 3, 3000)
    points[np.arange(3000), axis] = np.sign(points[np.arange(3000), axis]) * np.array([40, 25, 3])[axis]
    assert mark_unmeasured(points)[1] == ""


def test_two_plates_of_constant_height_stay() -> None:
    points = draw.uniform([0, 0, 0], [80, 50, 0], size=(3000, 3))
    points[::3, 2] = 40.0
    assert mark_unmeasured(points)[1] == ""


def test_flying_pixels_are_no_marks() -> None:
    points = plate()
    points[:20, 2] += draw.uniform(1000, 2000, 20)
    assert mark_unmeasured(points)[1] == ""


def test_points_around_the_origin_stay_but_zeros_that_come_again_and_again_go() -> None:
    points = draw.normal(size=(3000, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    points[:200] = 0
    found, said = mark_unmeasured(points)
    assert np.isnan(found[:200]).all() and np.isfinite(found[200:]).all()
    assert said == "200 rows without a measurement were left out (x = y = z = 0)"


def test_nothing_is_said_of_a_clean_scan() -> None:
    points = plate()
    found, said = mark_unmeasured(points)
    assert said == "" and found is points


def test_a_scan_says_what_was_left_out_in_every_format(tmp_path: Path) -> None:
    points = np.round(plate(), 3)
    points[::50, 2] = -32768
    (tmp_path / "a.npy").write_bytes(npy(points))
    (tmp_path / "a.xyz").write_bytes(text_rows(points.tolist()))
    header = (
        f"VERSION 0.7\nFIELDS x y z\nSIZE 8 8 8\nTYPE F F F\nCOUNT 1 1 1\nWIDTH {len(points)}\nHEIGHT 1\n"
        f"POINTS {len(points)}\nDATA binary_compressed\n"
    )
    (tmp_path / "a.pcd").write_bytes(header.encode() + pcd_compressed(list(points.T)))
    for name in ("a.npy", "a.xyz", "a.pcd"):
        scan = read_scan(tmp_path / name)
        assert scan.left_out == "80 rows without a measurement were left out (z = -32768)"
        assert len(scan) == len(points) and scan.finite.sum() == len(points) - 80


def test_one_point_again_and_again_on_the_diagonal_is_a_mark() -> None:
    points = plate() - [0, 0, 198]
    points[:40] = -1.0
    found, said = mark_unmeasured(points)
    assert np.isnan(found[:40]).all() and np.isfinite(found[40:]).all()
    assert said == "40 rows without a measurement were left out (x = y = z = -1)"


def test_marks_of_integers_are_known_in_other_units() -> None:
    points = plate() - [0, 0, 198]
    points[:40, 2] = -32.768
    assert np.isnan(mark_unmeasured(points)[0][:40]).all()
