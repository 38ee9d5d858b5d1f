"""Two runs compared from scans to figure: a real SeDiR run against itself and against a detector without features."""

from __future__ import annotations

import copy
import csv
import re
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from blobs import comparison
from tiny_run import CATEGORIES, part

from sedir_core.datasets.index import open_dataset
from sedir_core.detectors.explain import Explanation
from sedir_core.detectors.sedir import SedirDetector
from sedir_core.errors import BadDataset, BadRun, Cancelled, CannotWrite, UnknownCategory
from sedir_core.evaluation.ice import Contender, compare, told_apart
from sedir_core.evaluation.ice_export import write_csv, write_npz
from sedir_core.evaluation.ice_figure import draw_comparison
from sedir_core.evaluation.tsne import Flat, tsne, usable
from sedir_core.io.export import write_points_ply
from sedir_core.types import Scan


class ExtentDetector:
    """Its token is the sorted extent of a part; it reconstructs no features."""

    method = "extent"
    needs_category = True
    categories = CATEGORIES

    def __init__(self, base) -> None:
        self._base = base

    def detect(self, scan, category="auto", report=None, stop=None):
        assert category in CATEGORIES
        token = np.sort(np.ptp(scan.points, axis=0)).astype(np.float32)
        return replace(self._base, point_scores=np.full(len(scan), 0.25, np.float32), token=token)

    def embed(self, scan, category="auto"):
        return self.detect(scan, category).token


@pytest.fixture(scope="module")
def parts(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("ice") / "parts"
    for name in CATEGORIES:
        for i in range(2):
            write_points_ply(folder / name / f"{i}.ply", part(name, i))
            write_points_ply(folder / name / "ok" / f"{i}.ply", part(name, 50 + i))
        write_points_ply(folder / name / "ng" / "0.ply", part(name, 60))
    return folder


@pytest.fixture(scope="module")
def base(detector):
    from tiny_run import scan_of

    return detector.detect(scan_of(part("cup", 3)), "cup")


@pytest.fixture(scope="module")
def explains_once(detector) -> SedirDetector:
    """The detector, asked about each scan once: that it says the same twice is tested where it is tested itself."""
    said: dict[tuple[bytes, str], Explanation] = {}

    def explain(scan: Scan, category: str = "auto") -> Explanation:
        asked = scan.points.tobytes(), category
        if asked not in said:
            said[asked] = detector.explain(scan, category)
        return said[asked]

    once = copy.copy(detector)
    once.explain = explain  # type: ignore[method-assign]
    return once


@pytest.fixture(scope="module")
def found(explains_once, base, parts):
    pair = Contender("ours", explains_once), Contender("extent", ExtentDetector(base))
    return compare(*pair, open_dataset(parts), with_anomalous=True)


def test_both_runs_are_asked_about_the_same_samples(found) -> None:
    assert len(found.model.tokens) == len(found.baseline.tokens) == len(found.samples) == 9
    assert found.anomalous.sum() == 3
    assert found.n_train == 6


def test_tokens_and_residuals_are_the_detectors_own(found, detector) -> None:
    sample = found.samples[0]
    np.testing.assert_allclose(found.model.tokens[0], detector.embed(sample.read(), sample.category), atol=1e-6)
    assert (found.model.errors > 0).all()
    assert found.model.source == "reconstruction"


def test_a_detector_without_features_is_marked(found) -> None:
    assert found.baseline.source == "tokens"
    np.testing.assert_allclose(found.baseline.normal_error, 0.25)
    assert np.isnan(found.baseline.spearman)  # a constant error has no rank


def test_scores_are_means_over_normal_samples(found) -> None:
    normal = ~found.anomalous
    for c in range(3):
        rows = (found.labels == c) & normal
        assert found.model.classification_score[c] == pytest.approx(found.model.probabilities[rows, c].mean())
        assert found.model.normal_error[c] == pytest.approx(found.model.errors[rows].mean())


def test_the_confusion_matrix_counts_each_sample_once(found) -> None:
    counts = found.model.confusion(found.labels, ~found.anomalous)
    assert counts.sum(axis=1).tolist() == [2, 2, 2]


def test_the_same_seed_gives_the_same_document(found, explains_once, base, parts) -> None:
    pair = Contender("ours", explains_once), Contender("extent", ExtentDetector(base))
    assert compare(*pair, open_dataset(parts), with_anomalous=True).to_json() == found.to_json()


def test_the_document_has_the_keys_of_the_contract(found) -> None:
    wanted = {
        "silhouette", "davies_bouldin", "knn_purity", "cross_category_share", "probe_accuracy",
        "classification_score", "normal_error", "spearman",
    }  # fmt: skip
    document = found.to_json()
    assert wanted <= set(document["model"]) and wanted <= set(document["baseline"])
    assert set(document["model"]["classification_score"]) == set(CATEGORIES)


def test_a_broken_scan_is_listed_and_left_out_for_both(explains_once, base, parts, tmp_path) -> None:
    import shutil

    shutil.copytree(parts, tmp_path / "parts")
    (tmp_path / "parts" / "cup" / "ok" / "1.ply").write_bytes(b"ply\nformat ascii 1.0\nend_header\n")
    pair = Contender("ours", explains_once), Contender("extent", ExtentDetector(base))
    found = compare(*pair, open_dataset(tmp_path / "parts"), ["bracket", "cup"])
    assert [Path(error.where).name for error in found.errors] == ["1.ply"]
    assert len(found.samples) == 3


def test_what_cannot_be_compared_is_said(explains_once, base, parts) -> None:
    ours, other = Contender("ours", explains_once), Contender("extent", ExtentDetector(base))
    data = open_dataset(parts)
    with pytest.raises(UnknownCategory, match="needs the category"):
        compare(ours, other, data, category_mode="auto")
    with pytest.raises(UnknownCategory, match="fewer than two"):
        compare(ours, other, data, ["cup"])
    with pytest.raises(UnknownCategory, match="not in"):
        compare(ours, other, data, ["cup", "anvil"])
    blank = ExtentDetector(replace(base, token=np.zeros(0, np.float32)))
    blank.detect = lambda scan, category="auto", report=None, stop=None: blank._base
    with pytest.raises(BadRun, match="no global token"):
        compare(ours, Contender("blank", blank), data)
    normal_only = replace(data, samples=tuple(s for s in data.samples if s.split == "train" or s.anomalous))
    with pytest.raises(BadDataset, match="normal test samples in 0 of 3"):
        compare(ours, other, normal_only)


def test_a_comparison_can_be_cancelled(explains_once, base, parts) -> None:
    pair = Contender("ours", explains_once), Contender("extent", ExtentDetector(base))
    with pytest.raises(Cancelled):
        compare(*pair, open_dataset(parts), stop=lambda: True)


def test_tsne_repeats_itself_and_keeps_neighbours_together() -> None:
    found = comparison(4, 20)
    first, again = (tsne(found.model.tokens, 3, 10) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    gaps = np.linalg.norm(first[:, None] - first[None], axis=-1) + np.diag(np.full(80, np.inf))
    assert (found.labels[gaps.argmin(axis=1)] == found.labels).mean() > 0.95
    assert usable(30, 10) == 3


def test_tsne_of_two_thousand_tokens_is_cancelled_within_a_second() -> None:
    asked = threading.Event()
    threading.Timer(0.5, asked.set).start()
    start = time.monotonic()
    with pytest.raises(Cancelled):
        tsne(np.random.default_rng(0).normal(size=(2000, 64)).astype(np.float32), 0, 30, asked.is_set)
    assert time.monotonic() - start < 1.5


@pytest.mark.parametrize(("suffix", "magic"), [(".svg", b"<?xml"), (".pdf", b"%PDF"), (".png", b"\x89PNG")])
def test_the_figure_is_written_alike_twice(tmp_path, suffix, magic) -> None:
    found = comparison(5, 10)
    flat = Flat(found.model.tokens[:, :2], found.baseline.tokens[:, :2], 0, 30)
    first, again = tmp_path / f"1{suffix}", tmp_path / f"2{suffix}"
    for path in (first, again):
        draw_comparison(path, found, flat)
    assert first.read_bytes().startswith(magic)
    assert first.read_bytes() == again.read_bytes()


def test_an_unknown_figure_format_is_refused(tmp_path) -> None:
    found = comparison(3, 6)
    with pytest.raises(CannotWrite, match=r"\.gif"):
        draw_comparison(tmp_path / "a.gif", found, Flat(found.model.tokens, found.model.tokens, 0, 30))


def test_the_numbers_come_back_from_csv_and_npz(tmp_path) -> None:
    found = comparison(3, 6)
    found = replace(found, samples=(replace(found.samples[0], category="=cmd"), *found.samples[1:]))
    flat = Flat(found.model.tokens[:, :2], found.baseline.tokens[:, :2], 0, 30)
    write_csv(tmp_path / "a.csv", found, flat)
    write_npz(tmp_path / "a.npz", found, flat)
    with (tmp_path / "a.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 18
    assert rows[0]["category"] == "'=cmd"
    assert float(rows[5]["model_error"]) == pytest.approx(found.model.errors[5], rel=1e-5)
    with np.load(tmp_path / "a.npz", allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["baseline_tokens"], found.baseline.tokens)


def test_runs_are_called_by_method_and_seed_in_the_figure(tmp_path) -> None:
    found = comparison(3, 10)
    titles = ("SeDiR, seed 1", "MC3D-AD, seed 2")
    found = replace(
        found, model=replace(found.model, title=titles[0]), baseline=replace(found.baseline, title=titles[1])
    )
    draw_comparison(tmp_path / "a.svg", found, Flat(found.model.tokens[:, :2], found.baseline.tokens[:, :2], 0, 30))
    drawn = (tmp_path / "a.svg").read_text()
    assert all(title in drawn for title in titles)
    assert found.model.name not in drawn


def test_long_names_of_categories_are_not_cut(tmp_path) -> None:
    found = comparison(3, 10)
    found = replace(found, categories=("turbine_housing_left", "cup", "bolt"))
    path = tmp_path / "a.svg"
    draw_comparison(path, found, Flat(found.model.tokens[:, :2], found.baseline.tokens[:, :2], 0, 30))
    (end,) = re.findall(r'<text[^>]*anchor: end[^>]*x="([0-9.]+)"[^>]*>turbine_housing_left<', path.read_text())
    assert float(end) > 5.5 * len("turbine_housing_left")  # points; a letter of this size takes less than 5.5


def test_long_names_are_whole_in_the_legend_too(tmp_path) -> None:
    found = comparison(8, 10)
    names = tuple(f"turbine_housing_left_upper_{i}" for i in range(8))
    found = replace(found, categories=names)
    path = tmp_path / "a.svg"
    draw_comparison(path, found, Flat(found.model.tokens[:, :2], found.baseline.tokens[:, :2], 0, 30))
    drawn = path.read_text()
    assert all(drawn.count(f">{name}<") == 2 for name in names)
    # At the top and below of one another where they would not fit beside one another.
    (width,) = re.findall(r'<svg[^>]*width="([0-9.]+)pt"', drawn)
    starts = re.findall(r'<text[^>]*transform="translate\(([0-9.]+) [0-9.]+\)"[^>]*>turbine_housing[^<]*<', drawn)
    starts = starts or re.findall(r'<text[^>]*x="([0-9.]+)"[^>]*>turbine_housing[^<]*<', drawn)
    assert max(map(float, starts)) + 5.5 * len(names[0]) < float(width)


def test_two_runs_of_one_method_and_seed_are_told_apart_by_their_names(detector) -> None:
    first, second = told_apart(Contender("a", detector, "SeDiR, seed 0"), Contender("b", detector, "SeDiR, seed 0"))
    assert (first.title, second.title) == ("SeDiR, seed 0 (a)", "SeDiR, seed 0 (b)")
    assert told_apart(Contender("a", detector, "SeDiR, seed 0"), Contender("b", detector, "SeDiR, seed 1"))[1].title


def test_a_third_run_is_in_the_document_the_figure_and_the_tables(tmp_path: Path) -> None:
    two = comparison(3, 5)
    three = replace(two, third=replace(two.baseline, name="another"))
    assert "third" not in two.to_json() and three.to_json()["third"]["run"] == "another"
    flat = Flat(*(run.tokens[:, :2] for run in two.runs), 0, 5.0, three.runs[2].tokens[:, :2])
    draw_comparison(tmp_path / "three.svg", three, flat)
    write_csv(tmp_path / "three.csv", three, flat)
    write_npz(tmp_path / "three.npz", three, flat)
    assert "another" in (tmp_path / "three.svg").read_text()
    with (tmp_path / "three.csv").open() as file:
        assert "third_error" in next(csv.DictReader(file))
    assert len(np.load(tmp_path / "three.npz")["third_tsne"]) == len(three.samples)
