"""Trees of scans as people and benchmarks have them: what is learned from, what is tested with, what is asked first."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sedir_core.datasets.index import list_dataset, open_dataset, refuse_called_defective
from sedir_core.datasets.layouts import describe
from sedir_core.datasets.samples import Dataset
from sedir_core.errors import BadDataset
from sedir_core.io.folder_notes import FolderNotes, write_notes


def put(root: Path, *names: str) -> Path:
    """Different clouds under these names."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savetxt(path, np.random.default_rng(len(list(root.rglob("*")))).normal(size=(80, 3)), fmt="%.4f")
    return root


def split(data: Dataset, category: str) -> dict[str, list[str]]:
    """Names of files below the category's folder, by what they are for."""
    found: dict[str, list[str]] = {"train": [], "good": [], "bad": [], "unknown": []}
    for sample in (*data.train(category), *data.test(category)):
        kind = {False: "good", True: "bad", None: "unknown"}[sample.anomalous]
        found["train" if sample.split == "train" else kind].append("/".join(sample.path.parts[-2:]))
    return found


@pytest.mark.parametrize(
    ("good", "bad"),
    [("OK", "NG"), ("Good", "Bad"), ("normal", "abnormal"), ("pass", "fail"), ("gut", "schlecht"), ("bon", "mauvais"),
     ("i.O.", "n.i.O."), ("good parts", "defective parts"), ("良品", "不良品"), ("ok", "defect")],
)  # fmt: skip
@pytest.mark.parametrize("inside", ["", "bracket/"])
def test_folders_mean_what_they_are_called(good: str, bad: str, inside: str, tmp_path: Path) -> None:
    root = put(tmp_path / "bracket", *(f"{inside}{folder}/{i}.xyz" for folder in (good, bad) for i in range(3)))
    data = open_dataset(root)
    assert data.categories == ("bracket",) and not data.questions
    assert split(data, "bracket") == {
        "train": [f"{good}/{i}.xyz" for i in range(3)],
        "good": [],
        "bad": [f"{bad}/{i}.xyz" for i in range(3)],
        "unknown": [],
    }


def test_kinds_of_defect_beside_good_ones_are_tests(tmp_path: Path) -> None:
    data = open_dataset(put(tmp_path / "lid", "good/0.xyz", "good/1.xyz", "scratch/0.xyz", "hole/0.xyz"))
    assert data.categories == ("lid",)
    assert [(sample.defect, sample.anomalous) for sample in data.test("lid")] == [("hole", True), ("scratch", True)]


def test_folders_within_good_and_bad_ones_count(tmp_path: Path) -> None:
    data = open_dataset(put(tmp_path / "lid", "OK/monday/0.xyz", "OK/tuesday/a/1.xyz", "NG/monday/2.xyz"))
    assert len(data.train("lid")) == 2 and [sample.anomalous for sample in data.test("lid")] == [True]


def test_defects_may_be_named_beside_the_verdict(tmp_path: Path) -> None:
    data = open_dataset(put(tmp_path / "lid", "OK/0.xyz", "NG_scratch/1.xyz", "NG_rust/2.xyz"))
    assert len(data.train("lid")) == 1 and [sample.anomalous for sample in data.test("lid")] == [True, True]


def test_bad_scans_of_no_kind_of_part_are_never_learned(tmp_path: Path) -> None:
    data = open_dataset(put(tmp_path, "bracket/0.xyz", "bracket/1.xyz", "NG/2.xyz"))
    assert data.categories == ("bracket",) and len(data.samples) == 2
    assert describe(data).endswith("loose scans to learn from (2), NG/ of no kind of part, left out (1)")


def test_scans_that_are_not_used_are_named(tmp_path: Path) -> None:
    put(tmp_path, "bagel/train/good/0.xyz", "bagel/validation/good/2.xyz", "bagel/test/good/3.xyz")
    (tmp_path / "bagel" / "gt").mkdir()
    assert "bagel has scans that are not used: validation/good/" in open_dataset(tmp_path).warnings


def test_parts_may_be_sorted_by_verdict_first(tmp_path: Path) -> None:
    data = open_dataset(put(tmp_path, "OK/lid/0.xyz", "OK/bolt/0.xyz", "NG/lid/7.xyz"))
    assert (data.layout, data.categories) == ("by verdict", ("bolt", "lid"))
    assert split(data, "lid") == {"train": ["lid/0.xyz"], "good": [], "bad": ["lid/7.xyz"], "unknown": []}


def test_each_scan_may_have_a_folder(tmp_path: Path) -> None:
    root = put(tmp_path / "vase", *(f"scan_{i:03}/model.xyz" for i in range(4)))
    (root / "scan_000" / "texture.jpg").write_bytes(b"\xff\xd8")
    data = open_dataset(root)
    assert (data.categories, data.warnings) == (("vase",), ("vase has no test scans: it cannot be evaluated",))
    assert len(data.train("vase")) == 4


def test_kinds_of_part_with_one_scan_each_are_no_scans_of_one(tmp_path: Path) -> None:
    assert open_dataset(put(tmp_path, "lid/model.xyz", "bolt/model.xyz")).categories == ("bolt", "lid")


def test_folders_of_scans_may_be_good_and_bad(tmp_path: Path) -> None:
    names = [f"{folder}/2024-11-0{i}/model.xyz" for folder in ("OK", "NG") for i in (1, 2)]
    data = open_dataset(put(tmp_path / "vase", *names))
    assert data.categories == ("vase",) and len(data.train("vase")) == 2 and len(data.test("vase")) == 2


def test_mvtec_trees_are_recognised(tmp_path: Path) -> None:
    put(
        tmp_path, "bagel/train/good/0.xyz", "bagel/train/good/1.xyz", "bagel/validation/good/2.xyz",
        "bagel/test/good/3.xyz", "bagel/test/hole/4.xyz", "bagel/test/combined/xyz/5.xyz",
    )  # fmt: skip
    data = open_dataset(tmp_path)
    assert (data.layout, data.categories) == ("mvtec", ("bagel",))
    assert split(data, "bagel") == {
        "train": ["good/0.xyz", "good/1.xyz"], "good": ["good/3.xyz"], "bad": ["xyz/5.xyz", "hole/4.xyz"], "unknown": []
    }  # fmt: skip
    assert {sample.defect for sample in data.test("bagel")} == {None, "hole", "combined"}


def test_ground_truth_of_mvtec_trees_is_found(tmp_path: Path) -> None:
    put(tmp_path, "bagel/train/good/0.xyz", "bagel/test/hole/4.xyz")
    truth = tmp_path / "bagel" / "ground_truth" / "hole" / "4.txt"
    truth.parent.mkdir(parents=True)
    points = np.loadtxt(tmp_path / "bagel" / "test" / "hole" / "4.xyz")
    np.savetxt(truth, np.column_stack([points, np.arange(80) < 10]), fmt="%.4f")
    (sample,) = open_dataset(tmp_path).test("bagel")
    labels = sample.read().labels
    assert labels is not None and labels.sum() == 10


def test_ground_truth_may_list_the_defective_points_alone(tmp_path: Path) -> None:
    put(tmp_path, "bagel/train/good/0.xyz", "bagel/test/hole/4.xyz")
    truth = tmp_path / "bagel" / "GT" / "hole" / "4.txt"
    truth.parent.mkdir(parents=True)
    points = np.loadtxt(tmp_path / "bagel" / "test" / "hole" / "4.xyz")
    np.savetxt(truth, points[:10], fmt="%.4f", delimiter=",")
    (sample,) = open_dataset(tmp_path).test("bagel")
    scan = sample.read()
    assert scan.labels is not None and np.flatnonzero(scan.labels).tolist() == list(range(10)) and len(scan) == 80


def test_mulsen_trees_are_recognised_beside_their_pictures(tmp_path: Path) -> None:
    cat = "capsule/Pointcloud"
    put(tmp_path, f"{cat}/train/0.xyz", f"{cat}/train/1.xyz", f"{cat}/test/good/0.xyz")
    put(tmp_path, f"{cat}/test/hole/0.xyz", f"{cat}/test/hole/1.xyz")
    for name in ("RGB/train/0.png", "Infrared/train/0.png"):
        (tmp_path / "capsule" / name).parent.mkdir(parents=True)
        (tmp_path / "capsule" / name).write_bytes(b"\x89PNG")
    table = tmp_path / "capsule" / "RGB" / "GT" / "hole" / "data.csv"
    table.parent.mkdir(parents=True)
    table.write_text("object,RGB,Infrared,Pointcloud\n0,1,1,1\n1,1,0,0\n")
    data = open_dataset(tmp_path)
    assert (data.layout, data.categories) == ("mulsen-ad", ("capsule",))
    assert [(sample.path.parent.name, sample.anomalous) for sample in data.test("capsule")] == [
        ("good", False), ("hole", True), ("hole", False)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("good", "defect"),
    [("buenas", "abolladura"), ("bon", "rayures"), ("OK", "划痕"), ("хорошие", "царапина"), ("dobre", "pęknięcie"),
     ("良品", "打痕"), ("양품", "스크래치"), ("goed", "deuk"), ("buoni", "ammaccature")],
)  # fmt: skip
def test_kinds_of_defect_are_known_in_many_languages(tmp_path: Path, good: str, defect: str) -> None:
    put(tmp_path, f"lid/{good}/0.xyz", f"lid/{good}/1.xyz", f"lid/{defect}/0.xyz")
    assert [sample.anomalous for sample in open_dataset(tmp_path).test("lid")] == [True]


def test_a_folder_whose_name_says_nothing_is_named_as_left_out(tmp_path: Path) -> None:
    put(tmp_path, "lid/ok/0.xyz", "lid/ok/1.xyz", "lid/qqq/0.xyz", "lid/qqq/1.xyz")
    said = "qqq/ neither good nor defective by its name, left out (2)"
    assert said in describe(open_dataset(tmp_path))
    assert said in describe(open_dataset(tmp_path / "lid"))


def test_categories_that_were_not_chosen_are_not_called_left_out(tmp_path: Path) -> None:
    put(tmp_path, "lid/0.xyz", "lid/1.xyz", "cup/0.xyz", "cup/1.xyz")
    data = open_dataset(tmp_path)
    chosen = replace(data, samples=tuple(one for one in data.samples if one.category == "lid"))
    assert "left out" not in describe(chosen)


def test_names_judge_flat_test_folders(tmp_path: Path) -> None:
    put(
        tmp_path, "lid/train/0.xyz", "lid/test/ok_1.xyz", "lid/test/NG_2.xyz", "lid/test/3.xyz", "lid/test/scratch4.xyz"
    )
    data = open_dataset(tmp_path)
    assert {sample.path.stem: sample.anomalous for sample in data.test("lid")} == {
        "ok_1": False, "NG_2": True, "3": None, "scratch4": True
    }  # fmt: skip


def test_anomaly_shapenet_is_found_from_the_top_of_its_download(tmp_path: Path) -> None:
    for kind in ("pcd", "obj"):
        for cat in ("cup0", "cap1"):
            home = f"Anomaly-ShapeNet/dataset/{kind}/{cat}"
            put(tmp_path, f"{home}/train/{cat}_template0.xyz", f"{home}/test/{cat}_positive0.xyz")
    data = open_dataset(tmp_path)
    assert (data.layout, data.categories, data.root.name) == ("anomaly-shapenet", ("cap1", "cup0"), "pcd")


def test_pieces_of_a_dataset_are_one(tmp_path: Path) -> None:
    for home in ("pcd/cup0", "new/desk0"):
        put(tmp_path, f"{home}/train/a_template0.xyz", f"{home}/test/a_positive0.xyz")
    assert open_dataset(tmp_path).categories == ("cup0", "desk0")


def test_scans_that_are_called_good_are_no_anomalies(tmp_path: Path) -> None:
    put(tmp_path, "cup/train/0_good.xyz", "cup/test/0_bad.xyz", "cup/test/2_good.xyz")
    (tmp_path / "cup" / "GT").mkdir()
    data = open_dataset(tmp_path)
    assert data.layout == "anomaly-shapenet" and len(data.train("cup")) == 1
    assert {sample.path.stem: sample.anomalous for sample in data.test("cup")} == {"0_bad": True, "2_good": False}


def test_train_and_test_are_no_kinds_of_part(tmp_path: Path) -> None:
    put(tmp_path / "lid", "train/0.xyz", "test/1.xyz")
    assert open_dataset(tmp_path / "lid").categories == ("lid",)


@pytest.mark.parametrize(
    "names", [["bracket_NG/0.xyz"], ["scratch/0.xyz", "lid/0.xyz"], ["bracket/defective_1.xyz", "bracket/2.xyz"]]
)
def test_learning_from_what_is_called_defective_has_to_be_answered_for(names: list[str], tmp_path: Path) -> None:
    data = open_dataset(put(tmp_path / "data", *names))
    with pytest.raises(BadDataset, match=r"would learn as good .* called .*--learn-defective"):
        refuse_called_defective(data)


def test_a_folder_of_defective_parts_alone_has_nothing_to_learn_from(tmp_path: Path) -> None:
    with pytest.raises(BadDataset, match=r"no usable normal scan .*\(add good scans\)"):
        open_dataset(put(tmp_path / "data", "NG/0.xyz", "NG/1.xyz"))


def test_the_folder_itself_may_be_called_defective(tmp_path: Path) -> None:
    root = put(tmp_path / "NG", "lid/0.xyz", "lid/1.xyz")
    assert list_dataset(root).questions and list_dataset(root / "lid").questions


@pytest.mark.parametrize(
    ("top", "names"),
    [
        ("data", ["lid/0.xyz", "lid/OK/1.xyz", "lid/NG/2.xyz"]),
        (
            "data",
            ["Anomaly-ShapeNet-v2/dataset/pcd/cup/train/cup_template0.xyz", "Anomaly-ShapeNet-v2/dataset/pcd/cup/GT/"],
        ),
        ("data", ["mvtec_3d_anomaly_detection/lid/train/good/0.xyz", "mvtec_3d_anomaly_detection/lid/test/hole/1.xyz"]),
        ("anomaly", ["lid/train/0.xyz", "lid/test/1.xyz"]),
        ("defects", ["lid/good/0.xyz", "lid/bad/1.xyz"]),
    ],
)
def test_good_data_raises_no_question(top: str, names: list[str], tmp_path: Path) -> None:
    """Also below a folder that is called after what the data are for."""
    refuse_called_defective(open_dataset(put(tmp_path / top, *names)))


def test_files_that_are_no_scans_are_named_once_and_stop_nothing(tmp_path: Path) -> None:
    root = put(tmp_path / "parts", *(f"lid/{i}.xyz" for i in range(4)))
    (root / "lid" / "README.txt").write_text("Scanned on Monday.\n")
    (root / "lid" / "measurements.csv").write_text("part;length;width\nA1;80,02;50,01\n")
    data = open_dataset(root)
    assert len(data.train("lid")) == 4
    (said,) = [str(finding) for finding in data.findings if "not scans" in finding.what]
    assert said.startswith("lid has 2 files that are not scans: README.txt (") and "measurements.csv (" in said


def test_text_can_be_learned_from(tmp_path: Path) -> None:
    data = open_dataset(put(tmp_path / "parts", *(f"lid/{i}.txt" for i in range(4))))
    assert len(data.train("lid")) == 4 and len(data.train("lid")[0].read()) == 80


def test_one_line_says_the_layout_and_what_each_folder_is_for(tmp_path: Path) -> None:
    put(tmp_path / "parts", "lid/OK/0.xyz", "lid/OK/1.xyz", "lid/NG/2.xyz")
    assert describe(open_dataset(tmp_path / "parts")) == (
        "layout: folder, one kind of part (lid); OK/ to learn from (2), NG/ defective, to test with (1)"
    )


def test_columns_that_were_said_are_used_for_every_scan(tmp_path: Path) -> None:
    table = np.column_stack([np.full(80, 4), np.random.default_rng(0).normal(size=(80, 3))])
    (tmp_path / "lid").mkdir()
    np.savetxt(tmp_path / "lid" / "0.xyz", table, fmt="%.4f")
    np.testing.assert_allclose(
        open_dataset(tmp_path, columns=("2", "3", "4")).samples[0].read().points, table[:, 1:], atol=1e-4
    )


def test_a_note_in_the_folder_says_the_columns_and_changes_the_hash(tmp_path: Path) -> None:
    table = np.column_stack([np.full(80, 4), np.random.default_rng(0).normal(size=(80, 3))])
    (tmp_path / "lid").mkdir()
    np.savetxt(tmp_path / "lid" / "0.xyz", table, fmt="%.4f")
    before = open_dataset(tmp_path).content_hash
    write_notes(tmp_path, FolderNotes(columns=("2", "3", "4"), unit="mm"))
    data = open_dataset(tmp_path)
    np.testing.assert_allclose(data.samples[0].read().points, table[:, 1:], atol=1e-4)
    assert data.content_hash != before and not [one for one in data.findings if "no scan" in one.what]
