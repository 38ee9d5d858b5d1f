"""The baseline end to end: trained by the same trainer, given the category, scored as published and in our variant."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from contract import altered, cut
from peers import KINDS
from tiny_run import TinyRun, dented, part, scan_of, write_encoder

from sedir_core.config import Config, preset
from sedir_core.datasets.index import open_dataset
from sedir_core.detectors.base import load_detector
from sedir_core.detectors.explain import Explains
from sedir_core.detectors.mc3dad import FILE_ORDER_WINDOW, Mc3dadDetector, near_in_file, near_in_space
from sedir_core.detectors.reference import reference_from_tensors, reference_to_tensors
from sedir_core.errors import BadRun, Cancelled, UnknownCategory
from sedir_core.evaluation.benchmark import evaluate
from sedir_core.io.tensor_file import read_tensors
from sedir_core.models.mc3dad import BaselineObjective, MaskableTokens, geometry_variation
from sedir_core.models.sedir import Tokens
from sedir_core.training.learn_mc3dad import MaskableBank
from sedir_core.training.material import SamplingBank
from sedir_core.training.train import TrainRequest, train
from sedir_core.types import Scan

FIXTURE = Path(__file__).parents[1] / "models" / "parity" / "spot_5000_g64_k32.npz"
METHODS = ("mc3d-ad", "mc3d-ad-spatial")


def config(encoder: Path, method: str, **training: float) -> Config:
    return preset("tiny", method, encoder={"weights": str(encoder)}, training={"held_out": 1} | training)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, tiny: TinyRun) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("baseline")
    return {
        method: train(
            TrainRequest(tiny.dataset, KINDS, config(tiny.encoder, method, epochs=15), folder / method, device="cpu"),
            lambda event: None,
        )
        for method in METHODS
    }


@pytest.fixture(scope="module", params=METHODS)
def detector(request: pytest.FixtureRequest, runs: dict[str, Path]) -> Mc3dadDetector:
    found = load_detector(runs[request.param], "cpu")
    assert isinstance(found, Mc3dadDetector)
    return found


def test_it_has_to_be_told_the_category(detector: Mc3dadDetector, good: Scan) -> None:
    assert detector.needs_category
    with pytest.raises(UnknownCategory, match="needs the category"):
        detector.detect(good)
    with pytest.raises(UnknownCategory, match="not trained on it"):
        detector.detect(good, "kettle")


def test_a_scan_gets_a_score_for_every_point_and_the_same_each_time(detector: Mc3dadDetector, good: Scan) -> None:
    once, twice = (detector.detect(good, "bracket") for _ in range(2))
    assert "category given" in once.reason
    assert np.isfinite(once.point_scores).all()
    assert np.array_equal(once.point_scores, twice.point_scores)
    assert once.object_score == once.point_scores.max()
    assert once.category == "bracket"


def test_points_that_were_not_measured_are_not_scored(detector: Mc3dadDetector) -> None:
    points = part("bracket", 100)
    points[7] = np.nan
    assert np.flatnonzero(np.isnan(detector.detect(scan_of(points), "bracket").point_scores)).tolist() == [7]


def test_only_the_spatial_variant_is_independent_of_the_files_order(runs: dict[str, Path]) -> None:
    points = part("bracket", 100)
    order = np.random.default_rng(0).permutation(len(points))
    for method in METHODS:
        detector = load_detector(runs[method], "cpu")
        straight = detector.detect(scan_of(points), "bracket").point_scores
        shuffled = detector.detect(scan_of(points[order]), "bracket").point_scores
        assert np.allclose(straight[order], shuffled, rtol=1e-4) == (method == "mc3d-ad-spatial")


def test_a_dent_scores_above_its_surroundings_in_the_spatial_variant(runs: dict[str, Path]) -> None:
    points, mask = dented(part("bracket", 101), depth=0.12)
    found = load_detector(runs["mc3d-ad-spatial"], "cpu").detect(scan_of(points), "bracket")
    assert found.point_scores[mask].mean() > found.point_scores[~mask].mean()


def test_another_part_is_said_not_to_fit(detector: Mc3dadDetector) -> None:
    found = detector.detect(scan_of(part("cup", 100)), "bracket")
    assert found.uncertain
    assert "does not fit bracket" in found.reason


def test_the_reconstruction_lies_about_the_part(detector: Mc3dadDetector, good: Scan) -> None:
    rebuilt = detector.detect(good, "bracket").reconstruction
    low, high = good.points.min(axis=0), good.points.max(axis=0)
    middle = np.median(rebuilt, axis=0)
    assert ((low < middle) & (middle < high)).all()


def test_what_it_explains_is_its_token(detector: Mc3dadDetector, good: Scan) -> None:
    assert isinstance(detector, Explains)
    found = detector.explain(good, "bracket")
    assert found.token.shape == (detector.config.network.width,)
    assert found.rebuilt.shape == (detector.config.encoder.width,)
    assert found.residual > 0
    assert np.array_equal(detector.detect(good, "bracket").token, found.token)


def test_it_is_evaluated_with_the_category_given(runs: dict[str, Path], tiny: TinyRun) -> None:
    found = evaluate(load_detector(runs["mc3d-ad"], "cpu"), open_dataset(tiny.dataset, KINDS), category_mode="given")
    assert found.method == "mc3d-ad"
    assert set(found.categories) == set(KINDS)


def test_a_reference_survives_storage(detector: Mc3dadDetector) -> None:
    before = detector.known["cup"]
    after = reference_from_tensors(reference_to_tensors(before))
    assert (after.size, after.residual, after.threshold, after.point_threshold) == (
        before.size,
        before.residual,
        before.threshold,
        before.point_threshold,
    )
    assert np.allclose(after.surface.points, before.surface.points, atol=1e-6)


@pytest.mark.parametrize("name", ["category.0.surface.normals", "category.1.frame", "network.output_proj.weight"])
def test_a_damaged_run_is_refused(runs: dict[str, Path], tmp_path: Path, name: str) -> None:
    with pytest.raises(BadRun):
        load_detector(altered(runs["mc3d-ad"], tmp_path, cut(name)), "cpu")


def test_the_mask_is_drawn_anew_at_every_step() -> None:
    random = torch.Generator().manual_seed(0)
    features, centers = torch.randn(1, 40, 8, generator=random), torch.randn(1, 40, 3, generator=random)
    tokens = MaskableTokens(features, centers, geometry_variation(centers[0])[None])
    seen: list[bool] = []

    class Looking(torch.nn.Module):
        def forward(self, features: torch.Tensor, centers: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
            seen.append(torch.equal(hidden, tokens.hidden(True)))
            return features

    objective = BaselineObjective(Looking())  # type: ignore[arg-type]
    for _ in range(64):
        assert objective(tokens, torch.zeros(1), random).total == 0
    assert 16 < sum(seen) < 48
    assert tokens.hidden(True).sum() == tokens.hidden(False).sum() == 16


def test_file_order_is_the_files() -> None:
    residuals, centres = np.array([0.0, 1.0]), np.array([[0.0, 0, 0], [1.0, 0, 0]])
    points = np.repeat(centres, 1_000, axis=0)
    found = near_in_file(residuals, centres, points)
    middle = FILE_ORDER_WINDOW // 2
    assert found[1_000] == pytest.approx((middle + 1) / FILE_ORDER_WINDOW)
    assert found[1_500] == pytest.approx(1.0)
    assert found[-1] == pytest.approx((middle + 1) / FILE_ORDER_WINDOW)  # zeros beyond the end


def test_space_is_smooth() -> None:
    centres = np.stack([np.linspace(0, 1, 11), np.zeros(11), np.zeros(11)], axis=1)
    found = near_in_space(centres[:, 0], centres, centres)
    assert (np.diff(found[1:-1]) > 0).all()


def test_point_and_object_scores_are_the_references() -> None:
    with np.load(FIXTURE) as arrays:
        known = dict(arrays)
    found = near_in_file(known["pred_high"].astype(np.float64), known["centers"].astype(np.float64), known["points"])
    assert np.abs(found - known["point_score_smoothed"]).max() <= 1e-5 * known["point_score_smoothed"].max()
    assert found.max() == pytest.approx(float(known["object_score"]), rel=1e-5)


def test_an_interrupted_baseline_resumes_to_the_bit(tiny: TinyRun, tmp_path: Path) -> None:
    encoder = write_encoder(tmp_path / "encoder.safetensors")
    settings = config(encoder, "mc3d-ad", epochs=3, patch_steps=5)
    straight = train(TrainRequest(tiny.dataset, ("cup",), settings, tmp_path / "a", device="cpu"), lambda event: None)
    stop = tmp_path / "b" / "STOP"

    def interrupt(event: object) -> None:
        if type(event).__name__ == "EpochEvent" and not stop.exists():
            stop.touch()

    with pytest.raises(Cancelled):
        train(TrainRequest(tiny.dataset, ("cup",), settings, tmp_path / "b", device="cpu"), interrupt)
    resumed = train(
        TrainRequest(tiny.dataset, None, settings, tmp_path / "b", resume=True, device="cpu"), lambda event: None
    )
    first, second = (read_tensors(run / "weights.safetensors")[0] for run in (straight, resumed))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_the_bank_hands_out_the_base_resolution() -> None:
    features = torch.arange(3.0)[:, None, None, None].expand(3, 1, 12, 4).contiguous()
    tokens = Tokens(features, torch.randn(1, 12, 3), torch.zeros(1, 12, 2))
    drawn, label = MaskableBank(SamplingBank(((tokens,),), (5,))).draw(0, 0)
    assert (drawn.features == 1).all()
    assert label.tolist() == [5]
