"""A real dataset of balls, a detector whose answers can be worked out by hand."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from roundness import RoundnessDetector, ball
from sklearn.metrics import roc_auc_score

from sedir_core.datasets.index import Dataset, open_dataset
from sedir_core.errors import BadDataset, Cancelled, UnknownCategory
from sedir_core.evaluation.benchmark import MEASURES, evaluate, evaluate_modes
from sedir_core.io.export import write_points_ply
from sedir_core.types import Detection, never_stop, no_report

KEYS = {"method", "dataset", "n_train", "categories", "mean", "category_accuracy", "seconds_per_scan"}


def write_labelled(path: Path, points: np.ndarray, labels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savetxt(path, np.c_[points, labels], fmt="%.9f", delimiter=",")


def write_category(root: Path, name: str, dent: float) -> None:
    """Anomaly-ShapeNet layout: two templates, two good and two dented test balls."""
    for i in range(2):
        write_points_ply(root / name / "train" / f"{name}_template{i}.ply", ball(seed=i))
        write_points_ply(root / name / "test" / f"{name}_positive{i}.ply", ball(seed=10 + i))
        points = ball(dent=dent, seed=20 + i)
        write_points_ply(root / name / "test" / f"{name}_sink{i}.ply", points)
        write_labelled(root / name / "GT" / f"{name}_sink{i}.txt", points, points[:, 2] > 30.0 + (1.0 - dent) * 0.9)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("balls")
    write_category(root, "ball", dent=0.1)
    write_category(root, "globe", dent=0.1)
    return root


@pytest.fixture(scope="module")
def dataset(folder) -> Dataset:
    return open_dataset(folder)


def test_the_document_has_every_promised_key(dataset) -> None:
    found = json.loads(json.dumps(evaluate(RoundnessDetector(), dataset).to_json(), allow_nan=False))
    assert found.keys() >= KEYS
    assert found["categories"].keys() == {"ball", "globe"}
    assert found["categories"]["ball"].keys() == {*MEASURES, "n_normal", "n_anomalous"}
    assert found["mean"].keys() == set(MEASURES)


def test_a_perfect_separation_of_objects_is_one(dataset) -> None:
    result = evaluate(RoundnessDetector(), dataset).categories["ball"]
    assert (result.o_auroc, result.o_aupr) == (1.0, 1.0)
    assert (result.n_normal, result.n_anomalous) == (2, 2)


def test_points_of_all_test_scans_are_pooled(dataset) -> None:
    detector, scans = RoundnessDetector(), [sample.read() for sample in dataset.test("ball")]
    labels = np.concatenate([scan.labels for scan in scans])
    scores = np.concatenate([detector.detect(scan).point_scores for scan in scans])
    found = evaluate(detector, dataset).categories["ball"].p_auroc
    assert found == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)


def test_auto_counts_recognised_categories(dataset) -> None:
    # the detector calls everything a ball, and half of the scans are globes
    assert evaluate(RoundnessDetector(), dataset).category_accuracy == 0.5


def test_given_has_no_category_accuracy(dataset) -> None:
    found = evaluate(RoundnessDetector(), dataset, category_mode="given")
    assert math.isnan(found.category_accuracy)
    assert found.to_json()["category_accuracy"] is None


def test_both_modes_score_a_recognised_scan_only_once(dataset) -> None:
    asked: list[str] = []

    class Noting(RoundnessDetector):
        def detect(self, scan, category="auto", report=no_report, stop=never_stop) -> Detection:
            asked.append(category)
            return super().detect(scan, category, report, stop)

    detector = Noting()
    auto, given = evaluate_modes(detector, dataset, modes=("auto", "given"))
    # every scan once; the globes, taken for balls, once more as globes
    assert asked.count("auto") == 8
    assert asked.count("globe") == 4
    assert "ball" not in asked
    assert auto == evaluate(RoundnessDetector(), dataset)
    alone = evaluate(RoundnessDetector(), dataset, category_mode="given")
    assert given.categories == alone.categories


def test_verdicts_are_counted_per_kind_of_defect(dataset) -> None:
    found = evaluate(RoundnessDetector(), dataset)
    assert (found.defects["sink"].n, found.defects["sink"].n_found) == (4, 4)
    assert found.false_alarm_rate == 0.0


def test_each_kind_of_defect_is_measured_against_the_good_scans(tmp_path) -> None:
    write_category(tmp_path, "ball", dent=0.1)
    mild = ball(dent=0.002, seed=30)
    write_points_ply(tmp_path / "ball" / "test" / "ball_scratch0.ply", mild)
    write_labelled(tmp_path / "ball" / "GT" / "ball_scratch0.txt", mild, np.arange(len(mild)) % 7 == 0)  # anywhere
    dataset, detector = open_dataset(tmp_path), RoundnessDetector()
    found = evaluate(detector, dataset)
    scans = {sample.path.stem: sample.read() for sample in dataset.test("ball")}
    good = [scan for name, scan in scans.items() if "positive" in name]
    for kind, one in found.defects.items():
        against = [*good, *(scan for name, scan in scans.items() if kind in name)]
        labels = np.concatenate([np.zeros(len(s), bool) if s.labels is None else s.labels for s in against])
        detections = [detector.detect(scan) for scan in against]
        assert one.p_auroc == pytest.approx(
            roc_auc_score(labels, np.concatenate([d.point_scores for d in detections])), abs=1e-12
        )
        truth, scores = [False] * 2 + [True] * one.n, [d.object_score for d in detections]
        assert one.o_auroc == pytest.approx(roc_auc_score(truth, scores))
    assert found.defects.keys() == {"scratch", "sink"}
    assert found.defects["scratch"].p_auroc < found.defects["sink"].p_auroc  # or both could be pooled
    assert json.loads(json.dumps(found.to_json()))["defects"]["sink"]["o_auroc"] == 1.0


def test_training_scans_are_counted(dataset) -> None:
    assert evaluate(RoundnessDetector(), dataset).n_train == 4
    assert evaluate(RoundnessDetector(), dataset, ["globe"]).n_train == 2


def test_a_broken_scan_is_listed_and_left_out(tmp_path) -> None:
    write_category(tmp_path, "ball", dent=0.1)
    broken = tmp_path / "ball" / "test" / "ball_positive0.ply"
    broken.write_bytes(b"ply\nformat ascii 1.0\nelement vertex 3\nend_header\n")
    found = evaluate(RoundnessDetector(), open_dataset(tmp_path))
    assert [error.where for error in found.errors] == [str(broken)]
    assert found.categories["ball"].n_normal == 1


def test_one_class_alone_is_null(tmp_path) -> None:
    write_category(tmp_path, "ball", dent=0.1)
    for path in (tmp_path / "ball" / "test").glob("*positive*"):
        path.unlink()
    found = evaluate(RoundnessDetector(), open_dataset(tmp_path)).to_json()
    assert found["categories"]["ball"]["o_auroc"] is None
    assert found["mean"]["o_auroc"] is None
    assert found["false_alarm_rate"] is None
    assert found["categories"]["ball"]["p_auroc"] is not None


def test_a_category_the_model_does_not_know_is_refused_with_the_way_out(dataset) -> None:
    with pytest.raises(UnknownCategory, match="--categories ball"):
        evaluate(RoundnessDetector(categories=("ball",)), dataset)


def test_a_category_the_dataset_lacks_is_refused(dataset) -> None:
    with pytest.raises(UnknownCategory, match="not in this dataset"):
        evaluate(RoundnessDetector(), dataset, ["cube"])


def test_a_detector_that_needs_the_category_is_not_asked_without(dataset) -> None:
    with pytest.raises(UnknownCategory, match="--category given"):
        evaluate(RoundnessDetector(needs_category=True), dataset)


def test_no_test_scans_is_an_error(tmp_path) -> None:
    write_points_ply(tmp_path / "ball" / "a.ply", ball())
    with pytest.raises(BadDataset, match="no test scans"):
        evaluate(RoundnessDetector(), open_dataset(tmp_path))


def test_a_stop_raises_cancelled(dataset) -> None:
    with pytest.raises(Cancelled):
        evaluate(RoundnessDetector(), dataset, stop=lambda: True)
