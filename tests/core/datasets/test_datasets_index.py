"""Datasets on disk: layouts are recognised, faults are named, and nothing is read that should not be."""

from pathlib import Path

import numpy as np
import pytest

from sedir_core.datasets.index import Dataset, Sample, open_dataset
from sedir_core.datasets.layouts import describe
from sedir_core.datasets.synthesis import pcd_bytes
from sedir_core.errors import BadDataset, UnreadableScan


def cloud(seed: int, n: int = 100) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, 3))


def put(path: Path, seed: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".pcd":
        path.write_bytes(pcd_bytes(cloud(seed)))
    else:
        np.savetxt(path, cloud(seed), delimiter=",")
    return path


def put_labels(path: Path, seed: int, delimiter: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = np.column_stack([cloud(seed, 80), np.arange(80) < 10])
    np.savetxt(path, rows, fmt="%.6f", delimiter=delimiter)


def real3d(root: Path, category: str = "duck", first: int = 0) -> Path:
    put(root / category / "train" / "1_template.pcd", first + 1)
    put(root / category / "test" / "7_good.pcd", first + 2)
    put(root / category / "test" / "8_good_cut.pcd", first + 3)
    put(root / category / "test" / "12_bulge_cut.pcd", first + 4)
    put_labels(root / category / "gt" / "12_bulge_cut.txt", first + 5, " ")
    return root


def shapenet(root: Path, category: str = "cup0", first: int = 50) -> Path:
    put(root / category / "train" / f"{category}_template0.pcd", first + 1)
    put(root / category / "test" / f"{category}_positive3.pcd", first + 2)
    put(root / category / "test" / f"{category}_crack1.pcd", first + 3)
    put_labels(root / category / "GT" / f"{category}_crack1.txt", first + 4, ",")
    return root


def parts(root: Path, category: str = "housing", first: int = 80) -> Path:
    put(root / category / "a.csv", first + 1)
    put(root / category / "ok" / "b.csv", first + 2)
    put(root / category / "ng" / "c.csv", first + 3)
    return root


def bad_sample(data: Dataset) -> Sample:
    return next(sample for sample in data.samples if sample.anomalous)


def test_real3d_is_recognised(tmp_path: Path) -> None:
    data = open_dataset(real3d(tmp_path))
    assert (data.layout, data.categories, data.root) == ("real3d", ("duck",), tmp_path)
    assert [(s.path.name, s.anomalous, s.defect) for s in data.test("duck")] == [
        ("12_bulge_cut.pcd", True, "bulge"),
        ("7_good.pcd", False, None),
        ("8_good_cut.pcd", False, None),
    ]


def test_anomaly_shapenet_is_recognised(tmp_path: Path) -> None:
    data = open_dataset(shapenet(tmp_path))
    assert (data.layout, data.categories) == ("anomaly-shapenet", ("cup0",))
    assert [(s.anomalous, s.defect) for s in data.test("cup0")] == [(True, "crack"), (False, None)]


def test_a_folder_of_parts_is_recognised(tmp_path: Path) -> None:
    data = open_dataset(parts(tmp_path))
    assert (data.layout, data.categories) == ("folder", ("housing",))
    assert [s.path.name for s in data.train("housing")] == ["a.csv"]
    assert [(s.path.name, s.anomalous) for s in data.test("housing")] == [("c.csv", True), ("b.csv", False)]


def test_ok_is_for_training_where_it_is_all_there_is(tmp_path: Path) -> None:
    put(tmp_path / "housing" / "ok" / "b.csv", 1)
    put(tmp_path / "housing" / "ng" / "c.csv", 2)
    data = open_dataset(tmp_path)
    assert [s.path.name for s in data.train("housing")] == ["b.csv"]
    assert "no good test scans" in " ".join(data.warnings)


@pytest.mark.parametrize("make", [real3d, shapenet, parts])
def test_the_parent_of_a_dataset_will_do(tmp_path: Path, make: object) -> None:
    assert callable(make)
    make(tmp_path / "Downloaded-PCD")
    assert open_dataset(tmp_path).root == tmp_path / "Downloaded-PCD"


@pytest.mark.parametrize(("make", "name"), [(real3d, "duck"), (shapenet, "cup0"), (parts, "housing")])
def test_a_single_category_will_do(tmp_path: Path, make: object, name: str) -> None:
    assert callable(make)
    make(tmp_path)
    assert open_dataset(tmp_path / name).categories == (name,)


def test_loose_scans_are_one_category(tmp_path: Path) -> None:
    put(tmp_path / "lids" / "a.csv", 1)
    data = open_dataset(tmp_path / "lids")
    assert data.categories == ("lids",) and len(data.train("lids")) == 1


def test_a_benchmark_without_tests_can_be_trained_on(tmp_path: Path) -> None:
    put(tmp_path / "duck" / "train" / "1_template.pcd", 1)
    data = open_dataset(tmp_path)
    assert data.layout == "real3d" and data.warnings == ("duck has no test scans: it cannot be evaluated",)


def test_listings_are_sorted(tmp_path: Path) -> None:
    for i, name in enumerate(["toad", "duck", "fish"]):
        real3d(tmp_path, name, 10 * i)
    data = open_dataset(tmp_path)
    assert data.categories == ("duck", "fish", "toad")
    assert [s.category for s in data.samples] == sorted(s.category for s in data.samples)


def test_only_the_categories_asked_for(tmp_path: Path) -> None:
    real3d(tmp_path, "duck")
    real3d(tmp_path, "fish", 20)
    data = open_dataset(tmp_path, ["fish"])
    assert data.categories == ("fish",) and {s.category for s in data.samples} == {"fish"}


def test_an_unknown_category_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(BadDataset, match=r"no category goose.*it has duck"):
        open_dataset(real3d(tmp_path), ["goose"])


def test_points_and_labels_come_from_the_label_file(tmp_path: Path) -> None:
    scan = bad_sample(open_dataset(real3d(tmp_path))).read()
    assert len(scan) == 80 and scan.labels is not None and scan.labels.sum() == 10
    assert scan.name == "12_bulge_cut"
    np.testing.assert_allclose(scan.points, cloud(5, 80), atol=1e-6)


def test_label_files_with_commas_are_read(tmp_path: Path) -> None:
    scan = bad_sample(open_dataset(shapenet(tmp_path))).read()
    assert scan.labels is not None and scan.labels.sum() == 10


def test_a_good_test_scan_has_no_defect_anywhere(tmp_path: Path) -> None:
    good = next(s for s in open_dataset(real3d(tmp_path)).test("duck") if s.anomalous is False)
    labels = good.read().labels
    assert labels is not None and labels.shape == (100,) and not labels.any()


def test_training_scans_carry_no_labels(tmp_path: Path) -> None:
    assert open_dataset(real3d(tmp_path)).train("duck")[0].read().labels is None


def test_nothing_is_known_of_where_a_users_bad_part_is_bad(tmp_path: Path) -> None:
    sample = bad_sample(open_dataset(parts(tmp_path)))
    assert sample.read().labels is None and sample.defect is None


def test_missing_labels_are_warned_of_and_the_scan_is_kept(tmp_path: Path) -> None:
    (real3d(tmp_path) / "duck" / "gt" / "12_bulge_cut.txt").unlink()
    data = open_dataset(tmp_path)
    assert bad_sample(data).labels_path is None and "has no labels" in data.warnings[0]


def test_an_empty_file_is_left_out_with_a_warning(tmp_path: Path) -> None:
    (real3d(tmp_path) / "duck" / "test" / "9_good.pcd").touch()
    data = open_dataset(tmp_path)
    assert data.warnings == ("duck/test/9_good.pcd is empty: left out",)
    assert "9_good.pcd" not in {s.path.name for s in data.samples}


def test_a_dangling_link_is_left_out_with_a_warning(tmp_path: Path) -> None:
    (real3d(tmp_path) / "duck" / "test" / "9_good.pcd").symlink_to(tmp_path / "gone.pcd")
    assert "does not exist: left out" in open_dataset(tmp_path).warnings[0]


def test_a_training_scan_among_the_tests_is_a_leak(tmp_path: Path) -> None:
    put(real3d(tmp_path) / "duck" / "test" / "9_good.pcd", 1)
    (warning,) = open_dataset(tmp_path).warnings
    assert "9_good.pcd has the same content as duck/train/1_template.pcd (one of them is a training scan)" in warning


def test_templates_among_the_tests_are_no_tests(tmp_path: Path) -> None:
    put(real3d(tmp_path) / "duck" / "test" / "3_template.pcd", 9)
    assert len(open_dataset(tmp_path).test("duck")) == 3


def test_text_files_beside_the_scans_are_no_scans(tmp_path: Path) -> None:
    (parts(tmp_path) / "housing" / "README.txt").write_text("hello")
    assert len(open_dataset(tmp_path).train("housing")) == 1


def test_hidden_files_are_no_scans(tmp_path: Path) -> None:
    put(real3d(tmp_path) / "duck" / "train" / "._1_template.pcd", 9)
    assert len(open_dataset(tmp_path).train("duck")) == 1


def test_a_category_without_normal_scans_is_refused(tmp_path: Path) -> None:
    (real3d(tmp_path) / "duck" / "train" / "1_template.pcd").unlink()
    with pytest.raises(BadDataset, match="no usable normal scan"):
        open_dataset(tmp_path)


def test_an_empty_folder_is_told_what_is_known(tmp_path: Path) -> None:
    with pytest.raises(BadDataset, match=r"0 folders and 0 scans.*anomaly-shapenet: .*real3d: .*folder: "):
        open_dataset(tmp_path)


def test_two_datasets_side_by_side_are_named(tmp_path: Path) -> None:
    real3d(tmp_path / "one")
    shapenet(tmp_path / "two")
    with pytest.raises(BadDataset, match=r"several datasets: one \(real3d\), two \(anomaly-shapenet\)"):
        open_dataset(tmp_path)


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadDataset, match="no such folder"):
        open_dataset(tmp_path / "gone")


def test_a_file_that_is_no_scan_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("hello")
    with pytest.raises(BadDataset, match="is a file"):
        open_dataset(tmp_path / "notes.md")


def test_one_nominal_part_is_a_data_set(tmp_path: Path) -> None:
    data = open_dataset(put(tmp_path / "Lid 7.pcd", 1))
    assert (data.layout, data.categories, len(data.samples)) == ("one part", ("Lid 7",), 1)
    assert describe(data) == "layout: one part, one kind of part (Lid 7); Lid 7.pcd to learn from (1)"


def test_a_broken_scan_shows_when_it_is_read(tmp_path: Path) -> None:
    (real3d(tmp_path) / "duck" / "test" / "9_good.pcd").write_bytes(b"not a cloud at all")
    broken = next(s for s in open_dataset(tmp_path).samples if s.path.name == "9_good.pcd")
    with pytest.raises(UnreadableScan):
        broken.read()


@pytest.mark.parametrize("name", ["=cmd()", "a b", "ünï", "%s{0}", "new\nline", "-rf", "CON "])
def test_hostile_category_names_are_only_names(tmp_path: Path, name: str) -> None:
    data = open_dataset(real3d(tmp_path, name))
    assert data.categories == (name,) and len(data.test(name)) == 3 and bad_sample(data).defect == "bulge"


def test_a_name_that_is_no_unicode_is_read_and_hashed(tmp_path: Path) -> None:
    name = b"d\xffck".decode("utf-8", "surrogateescape")
    try:
        data = open_dataset(real3d(tmp_path, name))
    except OSError:
        pytest.skip("this file system takes Unicode names only")
    assert data.categories == (name,) and len(data.content_hash) == 64


def test_the_hash_follows_the_training_files_only(tmp_path: Path) -> None:
    before = open_dataset(real3d(tmp_path)).content_hash
    put(tmp_path / "duck" / "test" / "9_good.pcd", 30)
    assert open_dataset(tmp_path).content_hash == before
    put(tmp_path / "duck" / "train" / "1_template.pcd", 31)
    assert open_dataset(tmp_path).content_hash != before


def test_a_folder_that_contains_itself_is_opened_all_the_same(tmp_path: Path) -> None:
    (real3d(tmp_path) / "loop").symlink_to(tmp_path)
    assert open_dataset(tmp_path).categories == ("duck",)
