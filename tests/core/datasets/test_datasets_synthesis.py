"""Synthetic scans: the labels mark what was damaged, and a dataset is whole or not there."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sedir_core.datasets.defects import DEFECTS
from sedir_core.datasets.index import open_dataset
from sedir_core.datasets.parts import PARTS
from sedir_core.datasets.primitives import box, sphere
from sedir_core.datasets.solids import unit
from sedir_core.datasets.specimen import LABELLED, NoVisibleDefect, deformed, make_specimen
from sedir_core.datasets.synthesis import POINTS, load_meshes, synthesise, write_dataset
from sedir_core.errors import BadConfig, BadDataset, Cancelled, CannotWrite, UnreadableScan
from sedir_core.geometry.visibility import visible_from

PLATE = unit(box(1.0, 0.6, 0.15))
KINDS = sorted(DEFECTS)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def small(tmp_path: Path) -> Callable[..., Path]:
    def write(layout: str = "anomaly-shapenet", name: str = "set", seed: int = 3) -> Path:
        out = tmp_path / name
        write_dataset({"plate": PLATE}, out, layout, seed, train=2, good=1, bad=1, points=4000)
        return out

    return write


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_the_seven_kinds_are_there() -> None:
    assert set(DEFECTS) == {"bulge", "sink", "hole", "crack", "broken", "bend", "scratch"}


def test_a_defect_marks_a_small_share_of_the_points(kind: str) -> None:
    for name in ("bottle", "bracket", "wing_nut"):
        labels = make_specimen(PARTS[name](rng()), kind, 8000, rng(1)).labels
        assert LABELLED[0] < labels.mean() < LABELLED[1]


def test_unmarked_points_stay_where_they_were(kind: str) -> None:
    points, normals = PLATE.sample(8000, rng())
    made = DEFECTS[kind](points, normals, rng(2))
    off = np.abs(PLATE.distance(made.points))
    assert off[~made.labels].max() < 0.006


@pytest.mark.parametrize(("kind", "sign"), [("bulge", 1), ("sink", -1)])
def test_bulges_go_out_and_sinks_go_in(kind: str, sign: int) -> None:
    points, normals = PLATE.sample(20_000, rng())
    made = DEFECTS[kind](points, normals, rng(4))
    height = sign * PLATE.distance(made.points)[made.labels]
    assert height.max() > 0.012 and height.min() > -1e-6


@pytest.mark.parametrize("kind", ["hole", "crack", "broken"])
def test_these_take_points_away(kind: str) -> None:
    points, normals = PLATE.sample(20_000, rng())
    assert len(DEFECTS[kind](points, normals, rng(5)).points) < 20_000


def test_a_scratch_is_long_narrow_and_shallow() -> None:
    points, normals = unit(sphere(1)).sample(60_000, rng())
    made = DEFECTS["scratch"](points, normals, rng(6))
    size = np.linalg.svd(made.points[made.labels] - made.points[made.labels].mean(axis=0))[1]
    assert size[0] > 4 * size[1]
    assert -0.02 < unit(sphere(1)).distance(made.points)[made.labels].min() < -0.005


def test_a_broken_end_is_marked_at_the_fracture() -> None:
    points, normals = PLATE.sample(20_000, rng())
    made = DEFECTS["broken"](points, normals, rng(7))
    lost = np.setdiff1d(np.arange(len(points)), _indices(points, made.points))
    nearest = np.linalg.norm(made.points[made.labels][:, None] - points[lost][None, ::10], axis=2).min(axis=1)
    assert np.median(nearest) < 0.05


def test_a_bend_keeps_the_length_of_normals_and_the_rest_in_place() -> None:
    points, normals = PLATE.sample(8000, rng())
    made = DEFECTS["bend"](points, normals, rng(8))
    np.testing.assert_allclose(np.linalg.norm(made.normals, axis=1), 1, atol=1e-9)
    assert 0.02 < made.labels.mean() < 0.25


def test_a_good_specimen_has_no_labels() -> None:
    assert not make_specimen(PLATE, None, 1000, rng()).labels.any()


def test_a_specimen_repeats_with_its_seed(kind: str) -> None:
    one, two = (make_specimen(PLATE, kind, 3000, rng(9)) for _ in range(2))
    np.testing.assert_array_equal(one.points, two.points)
    np.testing.assert_array_equal(one.labels, two.labels)


def test_a_specimen_keeps_the_solids_unit() -> None:
    points = make_specimen(box(100, 60, 15), None, 5000, rng()).points
    assert np.linalg.norm(points - points.mean(axis=0), axis=1).max() == pytest.approx(117.6 / 2, rel=0.03)


def test_the_deformation_has_the_amplitude_asked_for_and_is_smooth() -> None:
    points, _ = PLATE.sample(3000, rng())
    shift = deformed(points, rng(1), 0.004) - points
    assert np.sqrt((shift**2).sum(axis=1).mean()) == pytest.approx(0.004)
    near = np.linalg.norm(points - points[0], axis=1) < 0.03
    assert np.ptp(shift[near], axis=0).max() < 0.002


def test_only_the_near_side_of_a_ball_is_visible() -> None:
    points, _ = sphere(0.5).sample(20_000, rng())
    seen = visible_from(points, np.array([0.0, 0.0, 1.0]))
    assert (points[seen, 2] > -0.05).mean() > 0.99
    assert seen[points[:, 2] > 0.25].mean() > 0.99


def test_a_plate_hides_what_is_behind_it() -> None:
    front = np.column_stack([rng().uniform(-1, 1, (20_000, 2)), np.ones(20_000)])
    behind = np.column_stack([rng(1).uniform(-0.9, 0.9, (5000, 2)), np.zeros(5000)])
    seen = visible_from(np.concatenate([front, behind]), np.array([0.0, 0.0, 1.0]))
    assert seen[:20_000].all() and seen[20_000:].mean() < 0.02


def test_a_one_sided_scan_shows_its_defect() -> None:
    specimen = make_specimen(PLATE, "sink", 20_000, rng(3), one_sided=True)
    assert len(specimen.points) < 14_000 and specimen.labels.mean() > LABELLED[0]


def test_a_defect_nobody_could_see_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sedir_core.datasets.specimen.LABELLED", (0.9, 1.0))
    with pytest.raises(NoVisibleDefect):
        make_specimen(PLATE, "crack", 500, rng())


@pytest.mark.parametrize("layout", ["anomaly-shapenet", "real3d"])
def test_what_is_written_is_recognised_and_complete(small: Callable[..., Path], layout: str) -> None:
    data = open_dataset(small(layout))
    assert (data.layout, data.categories, data.warnings) == (layout, ("plate",), ())
    assert len(data.train("plate")) == 2
    assert sorted(sample.defect or "" for sample in data.test("plate")) == sorted(["", *KINDS])


@pytest.mark.parametrize("layout", ["anomaly-shapenet", "real3d"])
def test_labels_and_scan_hold_the_same_points(small: Callable[..., Path], layout: str) -> None:
    from sedir_core.io.scans import read_scan

    sample = next(sample for sample in open_dataset(small(layout)).test("plate") if sample.defect == "bulge")
    scan = sample.read()
    assert scan.labels is not None and scan.labels.any() and not scan.labels.all()
    np.testing.assert_allclose(scan.points, read_scan(sample.path).points, atol=1e-5)


def test_the_same_seed_writes_the_same_bytes(small: Callable[..., Path]) -> None:
    assert contents(small(name="one")) == contents(small(name="two"))


def test_another_seed_writes_other_scans(small: Callable[..., Path]) -> None:
    one, two = contents(small(name="one")), contents(small(name="two", seed=4))
    assert one.keys() == two.keys() and all(one[name] != two[name] for name in one)


def test_a_category_does_not_depend_on_its_neighbours(small: Callable[..., Path], tmp_path: Path) -> None:
    both = {"plate": PLATE, "ball": unit(sphere(1))}
    write_dataset(both, tmp_path / "both", "anomaly-shapenet", 3, train=2, good=1, bad=0, points=4000)
    alone = contents(small() / "plate" / "train")
    assert contents(tmp_path / "both" / "plate" / "train") == alone


def test_a_folder_that_holds_something_is_refused_and_kept(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep me")
    with pytest.raises(CannotWrite, match="not an empty folder"):
        write_dataset({"plate": PLATE}, tmp_path, "real3d", 0)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_an_empty_folder_is_filled(small: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    assert open_dataset(small()).categories == ("plate",)


def test_a_cancelled_dataset_leaves_nothing_behind(tmp_path: Path) -> None:
    answers = iter([False] * 5 + [True] * 100)
    with pytest.raises(Cancelled):
        write_dataset({"plate": PLATE}, tmp_path / "set", "real3d", 0, points=2000, stop=lambda: next(answers))
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_layout_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="anomaly-shapenet or real3d"):
        write_dataset({"plate": PLATE}, tmp_path / "set", "kitti", 0)


def test_progress_rises_to_one(tmp_path: Path) -> None:
    seen: list[float] = []
    write_dataset(
        {"plate": PLATE}, tmp_path / "set", "real3d", 0, train=2, good=0, bad=0, points=2000,
        report=lambda fraction, _: seen.append(fraction),
    )  # fmt: skip
    assert seen == sorted(seen) and seen[-1] == 1.0


def test_meshes_become_categories_named_after_their_files(tmp_path: Path) -> None:
    _write_cube(tmp_path / "Cube One.obj")
    _write_cube(tmp_path / "brick.OBJ")
    (tmp_path / "notes.md").write_text("no mesh")
    solids = load_meshes(tmp_path)
    assert sorted(solids) == ["brick", "cube one"]
    assert solids["brick"].area == pytest.approx(24.0)


def test_a_mesh_folder_becomes_a_dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(POINTS, "anomaly-shapenet", 3000)
    (tmp_path / "meshes").mkdir()
    _write_cube(tmp_path / "meshes" / "cube.obj")
    summary = synthesise(tmp_path / "meshes", tmp_path / "out", "anomaly-shapenet", 0)
    assert (summary.n_train, summary.n_good, summary.n_bad) == (4, 6, 14)
    assert len(open_dataset(tmp_path / "out").samples) == 24


def test_two_meshes_of_one_name_are_refused(tmp_path: Path) -> None:
    _write_cube(tmp_path / "cube.obj")
    _write_cube(tmp_path / "CUBE.obj")
    if len(list(tmp_path.iterdir())) == 1:
        pytest.skip("this file system does not tell the two names apart")
    with pytest.raises(BadDataset, match="another mesh named cube"):
        load_meshes(tmp_path)


def test_a_folder_without_meshes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadDataset, match="holds no mesh"):
        load_meshes(tmp_path)


def test_a_flat_mesh_without_area_is_refused(tmp_path: Path) -> None:
    (tmp_path / "line.obj").write_text("v 0 0 0\nv 1 0 0\nv 2 0 0\nf 1 2 3\n")
    with pytest.raises(UnreadableScan, match="no face with an area"):
        load_meshes(tmp_path)


def test_a_cloud_is_no_mesh(tmp_path: Path) -> None:
    (tmp_path / "cloud.obj").write_text("".join(f"v {i} {i * i} 1\n" for i in range(100)))
    with pytest.raises(UnreadableScan, match="no faces"):
        load_meshes(tmp_path)


def _write_cube(path: Path) -> None:
    corners = [(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]
    faces = ["1 2 4 3", "5 7 8 6", "1 5 6 2", "3 4 8 7", "1 3 7 5", "2 6 8 4"]
    path.write_text("".join(f"v {x} {y} {z}\n" for x, y, z in corners) + "".join(f"f {face}\n" for face in faces))


def _indices(points: np.ndarray, kept: np.ndarray) -> np.ndarray:
    place = {tuple(row): i for i, row in enumerate(points)}
    return np.array([place[tuple(row)] for row in kept])


def test_a_mesh_whose_name_is_not_valid_text_is_scanned_too(tmp_path: Path) -> None:
    name = os.fsdecode(b"plate_\xff")
    summary = write_dataset({name: PLATE}, tmp_path / "set", "anomaly-shapenet", 0, train=1, good=1, bad=0, points=500)
    assert summary
    assert len(list((tmp_path / "set" / name).rglob("*.pcd"))) == 2
