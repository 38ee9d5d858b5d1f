"""NumPy arrays as people save them: rows, columns, grids and records of x, y, z; and arrays that are something else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from scan_files import npy, npz

from sedir_core.errors import NoCoordinates, UnknownColumns, UnreadableScan
from sedir_core.io.columns import parse_columns
from sedir_core.io.scans import read_scan

draw = np.random.default_rng(9)
POINTS = draw.uniform(0, [80, 50, 6], size=(300, 3))


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., np.ndarray]:
    def read_content(content: bytes, name: str = "scan.npy", columns: str = "") -> np.ndarray:
        (tmp_path / name).write_bytes(content)
        return read_scan(tmp_path / name, columns=parse_columns(columns)).points

    return read_content


def records(*fields: tuple) -> np.ndarray:
    table = np.zeros(300, dtype=list(fields))
    for axis, values in zip("xyz", POINTS.T, strict=True):
        for name in (axis, axis.upper(), f"pos_{axis}"):
            if name in table.dtype.names:
                table[name] = values
    return table


F8 = "<f8"
READ: dict[str, np.ndarray] = {
    "columns": POINTS.T,
    "columns with more": np.vstack([POINTS.T, np.ones(300), np.zeros(300)]),
    "a grid": POINTS.reshape(20, 15, 3),
    "a grid with the axes first": np.moveaxis(POINTS.reshape(20, 15, 3), 2, 0),
    "one grid in a batch": POINTS[None],
    "records": records(("x", F8), ("y", F8), ("z", F8)),
    "records with more": records(("id", "<i4"), ("X", ">f8"), ("tag", "U4"), ("Y", F8), ("Z", F8), ("n", F8, (3,))),
    "records of other names": records(("pos_x", F8), ("pos_y", F8), ("pos_z", F8)),
    "records with units": np.array([*map(tuple, POINTS)], dtype=[("X [µm]", F8), ("Y [µm]", F8), ("Z [µm]", F8)]),
    "a grid of records": records(("x", F8), ("y", F8), ("z", F8)).reshape(20, 15),
    "numbered rows": np.column_stack([np.arange(300), POINTS]),
    "normals after them": np.column_stack([POINTS, np.ones((300, 3))]),
}


@pytest.mark.parametrize("name", READ)
def test_points_are_read_however_they_lie(name: str, read: Callable[..., np.ndarray]) -> None:
    np.testing.assert_array_equal(read(npy(READ[name])), POINTS)


@pytest.mark.parametrize("name", ["xyz", "position", "point"])
def test_a_field_of_three_is_the_points(name: str, read: Callable[..., np.ndarray]) -> None:
    table = np.zeros(300, dtype=[("normal", "<f4", (3,)), (name, "<f8", (3,))])
    table[name] = POINTS
    np.testing.assert_array_equal(read(npy(table)), POINTS)


DIRECTIONS = draw.normal(size=(500, 3))
DIRECTIONS /= np.linalg.norm(DIRECTIONS, axis=1, keepdims=True)
REFUSED: dict[str, tuple[np.ndarray, str]] = {
    "depth image": (draw.normal(500, 1, size=(480, 200)).astype(np.float32), "an image of 480 x 200"),
    "score map": (draw.random((64, 64)), "an image of 64 x 64"),
    "labels": (draw.integers(0, 2, 500), r"in shape \(500,\), such as labels"),
    "scores in a column": (draw.random((500, 1)), r"shape \(500, 1\)"),
    "triangles": (draw.permuted(np.tile(np.arange(400), (500, 1)), axis=1)[:, :3], "lists 500 triangles"),
    "normals": (DIRECTIONS, "directions of length 1"),
    "colours": (draw.integers(0, 256, size=(500, 3), dtype=np.uint8), "lists 500 colours"),
    "picture": (draw.integers(0, 256, size=(40, 30, 3), dtype=np.uint8), "a picture of 40 x 30 pixels"),
    "several scans": (draw.normal(size=(10, 2048, 3)), "perhaps 10 scans in one array"),
    "a stack of images": (draw.random((20, 64, 64)), r"shape \(20, 64, 64\)"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_arrays_that_are_no_points_are_refused_for_what_they_are(name: str, read: Callable[..., np.ndarray]) -> None:
    array, reason = REFUSED[name]
    with pytest.raises(NoCoordinates, match=reason):
        read(npy(array))


def test_a_camera_grid_is_no_batch_of_scans(read: Callable[..., np.ndarray]) -> None:
    u, v = np.meshgrid(np.linspace(0, 80, 320), np.linspace(0, 60, 240))
    grid = np.stack([u, v, 300 + np.sin(u / 9)], axis=2)
    grid[100:140, 100:150] = np.nan
    assert read(npy(grid)).shape == (320 * 240, 3)


def test_records_without_axes_are_refused_with_their_names(read: Callable[..., np.ndarray]) -> None:
    table = np.zeros(300, dtype=[("a", F8), ("b", F8), ("c", F8)])
    for name, values in zip("abc", POINTS.T, strict=True):
        table[name] = values
    with pytest.raises(UnknownColumns, match="its fields are a, b, c"):
        read(npy(table))
    np.testing.assert_array_equal(read(npy(table), columns="c,b,a"), POINTS[:, ::-1])


def test_columns_of_an_array_are_taken_as_the_user_says(read: Callable[..., np.ndarray]) -> None:
    np.testing.assert_array_equal(read(npy(np.column_stack([np.ones(300), POINTS])), columns="2,3,4"), POINTS)


def test_vertices_with_faces_are_a_mesh(tmp_path: Path) -> None:
    corners = np.array([[0.0, 0, 0], [9, 0, 0], [0, 9, 0]])
    (tmp_path / "a.npz").write_bytes(npz({"vertices": corners, "faces": np.array([[0, 1, 2]])}))
    scan = read_scan(tmp_path / "a.npz", mesh_points=500)
    assert scan.sampled and len(scan) == 500 and np.ptp(scan.points, axis=0).tolist() == pytest.approx([9, 9, 0], abs=1)


def test_faces_beyond_the_vertices_are_refused(read: Callable[..., np.ndarray]) -> None:
    with pytest.raises(UnreadableScan, match="uses vertex 300"):
        read(npz({"vertices": POINTS, "faces": np.array([[0, 1, 300]])}), "a.npz")


def test_corners_that_coincide_by_chance_are_still_no_points(read: Callable[..., np.ndarray]) -> None:
    with pytest.raises(NoCoordinates, match="500 triangles"):
        read(npy(draw.integers(0, 300, size=(500, 3))))


def test_a_part_on_a_coarse_grid_is_points(read: Callable[..., np.ndarray]) -> None:
    cube = draw.integers(0, 100, size=(5000, 3))
    np.testing.assert_array_equal(read(npy(cube)), cube)


def test_a_picture_of_normals_is_no_cloud(read: Callable[..., np.ndarray]) -> None:
    normals = (POINTS / np.linalg.norm(POINTS, axis=1, keepdims=True)).reshape(20, 15, 3)
    normals[3, 4] = 0  # nothing seen
    with pytest.raises(NoCoordinates, match="directions of length 1"):
        read(npy(normals))


@pytest.mark.parametrize("shape", [(300,), (20, 15)])
@pytest.mark.parametrize("names", ["xyz", "XYZ", ("pos_x", "pos_y", "pos_z")])
def test_x_y_and_z_may_be_arrays_of_their_own(
    names: Sequence[str], shape: tuple, read: Callable[..., np.ndarray]
) -> None:
    axes = {name: values.reshape(shape) for name, values in zip(names, POINTS.T, strict=True)}
    np.testing.assert_array_equal(read(npz({**axes, "label": np.zeros(300)}), "a.npz"), POINTS)
