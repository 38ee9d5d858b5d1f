"""Methods on equal terms: one alignment, the same two rules, and rows that say so."""

from __future__ import annotations

from pathlib import Path

import pytest
from roundness import RoundnessDetector
from tiny_run import TinyRun, part, tiny_config, write_dataset

import sedir_core.evaluation.equal_terms as terms
from sedir_core.config import preset
from sedir_core.datasets.index import open_dataset
from sedir_core.detectors.base import Detector, load_detector
from sedir_core.detectors.sedir import SedirDetector
from sedir_core.errors import BadRun, Cancelled
from sedir_core.evaluation.results import Outcome, contests, result_tables
from sedir_core.evaluation.table_text import to_text
from sedir_core.io.export import write_points_ply
from sedir_core.training.train import TrainRequest, train

KINDS = ("bracket", "cup")


@pytest.fixture(scope="module")
def curvature(tiny: TinyRun, tmp_path_factory: pytest.TempPathFactory) -> Detector:
    out = tmp_path_factory.mktemp("curvature") / "run"
    config = preset("tiny", "curvature-place", training={"held_out": 1})
    return load_detector(train(TrainRequest(tiny.dataset, KINDS, config, out, device="cpu"), lambda event: None), "cpu")


def test_both_rules_measure_every_category(tiny: TinyRun, curvature: Detector) -> None:
    dataset = open_dataset(tiny.dataset, KINDS)
    found = terms.equal_terms(curvature, preset("tiny", "curvature-place"), dataset, KINDS)
    assert found["tokens"] == "points"
    for rule in ("raw", "place"):
        assert set(found[rule]["categories"]) == set(KINDS)
        assert found[rule]["mean"]["p_auroc"] > 0.6
        assert all(0 <= value <= 1 for value in found[rule]["mean"].values())


def test_scans_are_laid_once_for_all_methods(
    tiny: TinyRun, curvature: Detector, detector: SedirDetector, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = open_dataset(tiny.dataset, KINDS[:1])
    laid = []
    plain = terms.cached_placement

    def counted(*arguments: object) -> object:
        laid.append(arguments)
        return plain(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(terms, "cached_placement", counted)
    encoder = tiny_config(tiny.encoder)
    both = [
        terms.equal_terms(one, config, dataset, KINDS[:1])
        for one, config in ((curvature, preset("tiny", "curvature-place")), (detector, encoder))
    ]
    assert both[1]["tokens"] == "128 groups of 32"
    first, second = laid[: len(laid) // 2], laid[len(laid) // 2 :]
    assert [one[0].fingerprint for one in first] == [one[0].fingerprint for one in second]
    assert all((one[1] == other[1]).all() for one, other in zip(first, second, strict=True))


def test_a_run_of_other_scans_is_refused(tiny: TinyRun, curvature: Detector, tmp_path: Path) -> None:
    other = write_dataset(tmp_path / "other")
    template = other / "bracket" / "train" / "bracket_template0.ply"

    write_points_ply(template, part("bracket", 77))
    with pytest.raises(BadRun, match="other scans of bracket"):
        terms.equal_terms(curvature, preset("tiny", "curvature-place"), open_dataset(other, KINDS[:1]), KINDS[:1])


def test_a_run_of_another_seed_keeps_its_own_frame_of_a_dense_part(
    tiny: TinyRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sedir_core.datasets.cache.writable_folders", lambda: {"cache": tmp_path})
    monkeypatch.setattr("sedir_core.evidence.fitted_parts.MOST_POINTS", 1_500)  # of 3,000
    config = preset("tiny", "btf-raw", training={"held_out": 1, "seed": 1})
    request = TrainRequest(tiny.dataset, KINDS[:1], config, tmp_path / "run", device="cpu")
    found = load_detector(train(request, lambda event: None), "cpu")
    said = terms.equal_terms(found, config, open_dataset(tiny.dataset, KINDS[:1]), KINDS[:1])
    assert said["raw"]["mean"]["p_auroc"] is not None


def test_a_method_without_residuals_is_refused(tiny: TinyRun) -> None:
    with pytest.raises(BadRun, match="no residuals"):
        terms.equal_terms(RoundnessDetector(), preset("tiny"), open_dataset(tiny.dataset, KINDS), KINDS)


def test_it_can_be_stopped(tiny: TinyRun, curvature: Detector) -> None:
    with pytest.raises(Cancelled):
        terms.equal_terms(
            curvature, preset("tiny", "curvature-place"), open_dataset(tiny.dataset, KINDS), KINDS, stop=lambda: True
        )


def document(**more: object) -> dict[str, object]:
    measures = {"o_auroc": 0.7, "p_auroc": 0.6, "o_aupr": 0.5, "p_aupr": 0.4}
    return {
        "method": "m3dm",
        "category_mode": "given",
        "categories": {"cup": measures},
        "mean": measures,
        "category_accuracy": None,
        "false_alarm_rate": 0.1,
        "seconds_per_scan": 1.0,
        "defects": {},
        **more,
    }


def test_rows_say_their_terms() -> None:
    better = {"categories": {"cup": dict.fromkeys(("o_auroc", "p_auroc", "o_aupr", "p_aupr"), 0.9)}}
    better["mean"] = better["categories"]["cup"]
    equal = {"alignment": "shared", "tokens": "512 groups of 64", "raw": better, "place": better}
    outcome = Outcome("run", "kind", document(equal=equal))
    assert [row.label for row in contests([outcome])] == [
        "M3DM†",
        "M3DM†, equal terms, 512 groups of 64",
        "M3DM†, equal terms by place, 512 groups of 64",
    ]
    said = to_text(result_tables([outcome]))
    assert "70.0" in said and "90.0" in said


def test_a_run_names_its_substitute() -> None:
    label = "CPMF (EfficientNet-Lite0)"
    assert [row.label for row in contests([Outcome("run", "kind", document(label=label))])] == [f"{label}†"]
