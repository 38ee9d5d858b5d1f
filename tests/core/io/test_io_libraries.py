"""E57, LAS, GLB, 3MF and TIFF: read by libraries in processes of their own, so that no file can harm this one."""

from __future__ import annotations

import gzip
import json
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import trial_loaders
from library_files import POINTS, SIDE, cloud_glb, e57, hostile, las, scene, step, tiff

from sedir_core.datasets.index import open_dataset
from sedir_core.errors import NoCoordinates, UnreadableScan, UserError
from sedir_core.io import child
from sedir_core.io.child import read_in_child
from sedir_core.io.guard import open_regular
from sedir_core.io.scans import read_scan

GRID = POINTS.reshape(20, 15, 3)


def test_scans_of_e57_are_put_where_they_belong(tmp_path: Path) -> None:
    scan = read_scan(e57(tmp_path / "a.e57", POINTS[:100], POINTS[100:], places=((0, 0, 0), (5, -3, 2))))
    np.testing.assert_allclose(scan.points, POINTS, atol=1e-6)
    assert scan.unit == "m"


@pytest.mark.parametrize("name", ["a.las", "a.laz"])
def test_las_and_laz_are_read_to_a_thousandth(name: str, tmp_path: Path) -> None:
    far = POINTS + np.array([500_000, 5_000_000, 300])
    np.testing.assert_allclose(read_scan(las(tmp_path / name, far)).points, far, atol=1e-3)


@pytest.mark.parametrize("name", ["a.glb", "a.3mf"])
def test_every_part_of_a_scene_is_in_its_place(name: str, tmp_path: Path) -> None:
    scan = read_scan(scene(tmp_path / name), mesh_points=4000)
    assert scan.sampled
    np.testing.assert_allclose(scan.points.min(axis=0), [-SIDE / 2] * 3, atol=1e-6)
    np.testing.assert_allclose(scan.points.max(axis=0), [100 + SIDE / 2, SIDE / 2, SIDE / 2], atol=1e-6)
    assert ((scan.points[:, 0] > 20) & (scan.points[:, 0] < 80)).sum() == 0


def test_points_of_a_scene_are_a_cloud(tmp_path: Path) -> None:
    scan = read_scan(cloud_glb(tmp_path / "a.glb"))
    np.testing.assert_allclose(scan.points, POINTS, atol=1e-4)
    assert (scan.unit, scan.sampled) == ("m", False)


@pytest.mark.parametrize("image", [GRID, np.moveaxis(GRID, 2, 0), np.concatenate([GRID, GRID[:, :, :1]], axis=2)])
def test_three_channels_of_a_tiff_are_x_y_z(image: np.ndarray, tmp_path: Path) -> None:
    path = tiff(tmp_path / "a.tiff", image.astype(np.float32))
    np.testing.assert_allclose(read_scan(path).points, POINTS, atol=1e-5)


def test_pixels_that_were_not_measured_are_missing(tmp_path: Path) -> None:
    grid = GRID.astype(np.float32).copy()
    grid[3, 4] = 0
    found = read_scan(tiff(tmp_path / "a.tif", grid))
    assert np.flatnonzero(~found.finite).tolist() == [3 * 15 + 4]


def test_heights_with_the_size_of_a_pixel_are_points(tmp_path: Path) -> None:
    heights = np.random.default_rng(0).uniform(400, 410, size=(30, 40)).astype(np.float32)
    notes = {"unit": "mm", "axes": "YX"}
    path = tiff(tmp_path / "a.tif", heights, imagej=True, resolution=(4.0, 2.0), metadata=notes)
    scan = read_scan(path)
    assert len(scan) == 1200 and scan.unit == "mm"
    np.testing.assert_allclose(scan.points.max(axis=0)[:2], [39 / 4, 29 / 2])
    np.testing.assert_allclose(scan.points[:, 2], heights.ravel())


def test_heights_without_the_size_of_a_pixel_are_no_points(tmp_path: Path) -> None:
    heights = np.random.default_rng(0).uniform(400, 410, size=(30, 40)).astype(np.float32)
    with pytest.raises(NoCoordinates, match="image of heights"):
        read_scan(tiff(tmp_path / "a.tif", heights))


def test_a_picture_is_no_scan(tmp_path: Path) -> None:
    with pytest.raises(UnreadableScan, match="picture"):
        read_scan(tiff(tmp_path / "a.tif", np.zeros((30, 40, 3), np.uint8)))


@pytest.mark.parametrize("unit", ["MM", "INCH"])
def test_a_part_from_cad_is_a_surface_in_millimetres(unit: str, tmp_path: Path) -> None:
    scan = read_scan(step(tmp_path / "part.step", unit), mesh_points=20_000)
    assert (scan.sampled, scan.unit) == (True, "mm")
    np.testing.assert_allclose([scan.points.min(axis=0), scan.points.max(axis=0)], [[1, 2, 3], [31, 22, 13]], atol=1e-6)
    from_axis = np.hypot(scan.points[:, 0] - 16, scan.points[:, 1] - 12)
    assert from_axis.min() == pytest.approx(3, abs=0.05) and (from_axis < 3.01).sum() > 200  # the bore is there


def test_a_part_from_cad_is_something_to_learn_from(tmp_path: Path) -> None:
    (sample,) = open_dataset(step(tmp_path / "block.step")).train("block")
    assert len(sample.read()) == 100_000


def test_the_content_decides_and_may_be_packed(tmp_path: Path) -> None:
    content = e57(tmp_path / "a.e57", POINTS).read_bytes()
    (tmp_path / "a.xyz").write_bytes(content)
    (tmp_path / "a.e57.gz").write_bytes(gzip.compress(content))
    for name in ("a.xyz", "a.e57.gz"):
        np.testing.assert_allclose(read_scan(tmp_path / name).points, POINTS, atol=1e-6)


NEVER_READ = ("junk.las", "endless.tiff")
"""On which the library runs for ever, so that only the time limit ends it: there is no need to wait for all of it."""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[UserError | None, str]]:
    folder = tmp_path_factory.mktemp("hostile")
    found: dict[str, tuple[UserError | None, str]] = {}
    for name, (path, reason) in hostile(folder).items():
        error = None
        with pytest.MonkeyPatch.context() as patch:
            if name in NEVER_READ:
                patch.setattr(child, "_TIME_S", 2.0)
            try:
                read_scan(path)
            except UserError as refused:
                error = refused
        found[name] = error, reason
    return found


HOSTILE = [
    "cut.e57", "junk.e57", "magic.e57", "flipped.e57", "cut.las", "many.las", "cut.laz", "huge.laz", "header.las",
    "junk.las", "cut.glb", "junk.glb", "version.glb", "outside.glb", "cut.tiff", "magic.tiff", "junk.tiff",
    "endless.tiff", "wide.tiff", "cut.step", "junk.step", "empty.step", "laughs.3mf", "empty.3mf",
    "broken.3mf", "bomb.3mf",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_with_reason_and_way_out(name: str, outcomes: dict) -> None:
    error, reason = outcomes[name]
    assert error is not None and error.where.endswith(name) and error.hint and reason in error.what, error
    assert len(error.what) < 320 and "Refusal" not in error.what


def test_a_scene_opens_no_file_beside_it(tmp_path: Path) -> None:
    content = cloud_glb(tmp_path / "a.glb").read_bytes()
    n_json, n_points = int.from_bytes(content[12:16], "little"), len(POINTS) * 12
    scene = json.loads(content[20 : 20 + n_json])
    scene["buffers"][0]["uri"] = "beside.bin"
    text = json.dumps(scene).encode()
    text += b" " * (-len(text) % 4)
    head = b"glTF" + struct.pack("<IIII", 2, 20 + len(text), len(text), int.from_bytes(b"JSON", "little"))
    (tmp_path / "a.glb").write_bytes(head + text)
    (tmp_path / "beside.bin").write_bytes(content[28 + n_json :] + bytes(n_points))
    with pytest.raises(UnreadableScan, match=r"in another file, 'beside.bin'"):
        read_scan(tmp_path / "a.glb")


def test_a_refusal_of_ours_keeps_its_own_way_out(tmp_path: Path) -> None:
    picture = tiff(tmp_path / "a.tif", np.zeros((30, 40, 3), np.uint8))
    with pytest.raises(UnreadableScan) as refused:
        read_scan(picture)
    assert refused.value.what == "is a picture, not points" and "size of a pixel" in refused.value.hint


def test_no_hostile_file_is_left_out_of_the_list(outcomes: dict) -> None:
    assert sorted(outcomes) == sorted(HOSTILE)


def as_ours(monkeypatch: pytest.MonkeyPatch, loader: child.Loader) -> child.Loader:
    """The loader under a name that the child takes, and the child finding it."""
    folder = str(Path(__file__).parent)
    code = (
        f"import sys; sys.path.insert(0, {folder!r}); import trial_loaders as t; sys.modules['sedir_core.io.trial'] = t"
    )
    real = subprocess.run

    def run(words: list[str], **options: object) -> object:
        start = f"{code}; sys.argv = {words[3:]!r}; import sedir_core.io.child as c; c.main(sys.argv[1:])"
        return real([sys.executable, "-c", start], **options)

    monkeypatch.setattr(child.subprocess, "run", run)
    monkeypatch.setattr(loader, "__module__", "sedir_core.io.trial")
    return loader


@pytest.mark.parametrize(
    ("loader", "reason"),
    [(trial_loaders.load_crash, "process ended with status"), (trial_loaders.load_greedy, "memory"),
     (trial_loaders.load_wrong_faces, "vertex that does not exist"), (trial_loaders.load_refusing, "is upside down")],
)  # fmt: skip
def test_whatever_a_library_does_is_a_reason(
    loader: child.Loader, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_bytes(b"content")
    with open_regular(tmp_path / "a") as source, pytest.raises(UnreadableScan, match=reason):
        read_in_child(source, as_ours(monkeypatch, loader))


def test_a_library_that_never_ends_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "_TIME_S", 1.0)
    (tmp_path / "a").write_bytes(b"content")
    with open_regular(tmp_path / "a") as source, pytest.raises(UnreadableScan, match="takes more than 1 s"):
        read_in_child(source, as_ours(monkeypatch, trial_loaders.load_endless))


def test_what_a_library_prints_is_not_among_the_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_bytes(b"content")
    with open_regular(tmp_path / "a") as source:
        found = read_in_child(source, as_ours(monkeypatch, trial_loaders.load_noise))
    np.testing.assert_array_equal(found.points, trial_loaders.POINTS)


def test_the_child_loads_nothing_but_this_package(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "sedir_core.io.child", "os", "getcwd", str(tmp_path), "1000000000"]
    assert subprocess.run(words, capture_output=True, check=True).stdout == b""
