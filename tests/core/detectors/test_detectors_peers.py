"""Every peer end to end: memorised by the same command, given the category, scored as published."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from contract import CategoryGivenContract, altered, cut
from peers import KINDS, memorise
from tiny_run import TinyRun, dented, part, scan_of
from torch import Tensor

from sedir_core.config import PEERS
from sedir_core.datasets.index import open_dataset
from sedir_core.detectors.base import Detector, load_detector
from sedir_core.detectors.memory_bank import RECIPES, MemoryBankDetector
from sedir_core.detectors.registry import TABLE, code
from sedir_core.errors import BadRun
from sedir_core.evaluation.benchmark import evaluate
from sedir_core.evaluation.ice import Contender, compare
from sedir_core.evidence.limits import Calibrated
from sedir_core.rundir.files import read_about
from sedir_core.training.events import EvaluatedEvent, read_events
from sedir_core.types import Scan

BY_PLACE = ("simple3d-place", "curvature-place")
WITH_TOKENS = (*(name for name, recipe in RECIPES.items() if recipe.has_tokens), *BY_PLACE)


@pytest.fixture(scope="module")
def runs(tiny: TinyRun, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("peers")
    return {method: memorise(method, tiny, folder / method) for method in PEERS}


@pytest.fixture(scope="module")
def peers(runs: dict[str, Path]) -> dict[str, Detector]:
    return {method: load_detector(run, "cpu") for method, run in runs.items()}


@pytest.mark.parametrize("method", PEERS)
class TestContract(CategoryGivenContract): ...


def test_every_memory_bank_has_a_recipe() -> None:
    banks = {one.name for one in TABLE if issubclass(code(one.detector), MemoryBankDetector)}
    assert set(RECIPES) == banks


@pytest.mark.parametrize("method", ["template", "patchcore-fpfh", "reg3d-ad", *BY_PLACE])
def test_a_dent_scores_above_its_surroundings(peers: dict[str, Detector], method: str) -> None:
    points, mask = dented(part("bracket", 101), depth=0.12)
    found = peers[method].detect(scan_of(points), "bracket").point_scores
    assert found[mask].mean() > found[~mask].mean()


@pytest.mark.parametrize("method", ["template", "btf-raw", "m3dm"])
def test_points_that_were_not_measured_are_not_scored(peers: dict[str, Detector], method: str) -> None:
    points = part("bracket", 100)
    points[7] = np.nan
    found = peers[method].detect(scan_of(points), "bracket")
    assert np.flatnonzero(np.isnan(found.point_scores)).tolist() == [7]


@pytest.mark.parametrize(
    "method", ["template", "btf-fpfh", "reg3d-ad", "simple3d", "simple3d-place", "curvature-place"]
)
@pytest.mark.parametrize("cloud", ["planar", "in one place", "far away"])
def test_a_degenerate_cloud_gets_a_value(peers: dict[str, Detector], method: str, cloud: str) -> None:
    random = np.random.default_rng(0)
    flat = random.uniform(-40, 40, size=(500, 3)) * (1, 1, 0)
    clouds = {
        "planar": flat,
        "in one place": np.concatenate([np.zeros((3_000, 3)), flat[:200]]),
        "far away": np.concatenate([part("bracket", 20), 1e4 * random.normal(size=(900, 3))]),
    }
    found = peers[method].detect(scan_of(clouds[cloud]), "bracket")
    assert np.isfinite(found.point_scores).all()
    assert np.isfinite(found.object_score)


@pytest.mark.parametrize("method", ["template", "btf-raw"])
def test_another_part_is_said_not_to_fit(peers: dict[str, Detector], method: str) -> None:
    found = peers[method].detect(scan_of(part("cup", 100)), "bracket")
    assert found.uncertain
    assert "does not fit bracket" in found.reason


@pytest.mark.parametrize("method", PEERS)
def test_tokens_are_where_features_tell_parts_apart(peers: dict[str, Detector], good: Scan, method: str) -> None:
    token = peers[method].embed(good, "bracket")
    width = 2 * 192  # the two blocks of the tiny preset, side by side
    widths = {"ismp": 320 + 33 + width, "group3ad": 256, "cpmf": 176 + 33, "curvature-place": 8}
    widths |= {"simple3d": 99, "simple3d-place": 99}
    assert token.shape == ((widths.get(method, width) if method in WITH_TOKENS else 0),)


def test_entanglement_is_compared_where_there_are_tokens(
    peers: dict[str, Detector], detector: Detector, tiny: TinyRun
) -> None:
    dataset = open_dataset(tiny.dataset, KINDS)
    found = compare(Contender("sedir", detector), Contender("reg", peers["reg3d-ad"]), dataset)
    assert found.baseline.source == "tokens"
    assert found.baseline.needs_category
    with pytest.raises(BadRun, match="no global token"):
        compare(Contender("sedir", detector), Contender("template", peers["template"]), dataset)


@pytest.mark.parametrize("method", ["template", "btf-raw"])
def test_it_is_evaluated_like_every_detector(peers: dict[str, Detector], tiny: TinyRun, method: str) -> None:
    found = evaluate(peers[method], open_dataset(tiny.dataset, KINDS), category_mode="given")
    assert found.method == method
    assert set(found.categories) == set(KINDS)


@pytest.mark.parametrize("method", PEERS)
def test_a_run_says_its_method_and_its_limits(runs: dict[str, Path], peers: dict[str, Detector], method: str) -> None:
    peer = peers[method]
    assert read_about(runs[method]).method == method
    (evaluated,) = [e for e in read_events(runs[method] / "events.jsonl") if isinstance(e, EvaluatedEvent)]
    assert set(evaluated.metrics) == {f"threshold.{name}" for name in KINDS}
    assert isinstance(peer, Calibrated)
    assert peer.calibration().n_scans("bracket") == 2


@pytest.mark.parametrize(
    ("method", "name"),
    [
        ("reg3d-ad", "category.0.bank.1.entries"),
        ("reg3d-ad", "category.1.scale"),
        ("m3dm", "encoder.norm.weight"),
        ("btf-raw", "category.1.bank.0.owners"),
        ("template", "category.0.surface.points"),
        ("simple3d-place", "category.0.places"),
        ("curvature-place", "category.1.usual.rms"),
    ],
)
def test_a_damaged_run_is_refused(runs: dict[str, Path], tmp_path: Path, method: str, name: str) -> None:
    with pytest.raises(BadRun):
        load_detector(altered(runs[method], tmp_path, cut(name)), "cpu")


def test_a_run_without_its_encoder_is_refused(runs: dict[str, Path], tmp_path: Path) -> None:
    def without_encoder(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        return {name: value for name, value in tensors.items() if not name.startswith("encoder.")}

    with pytest.raises(BadRun, match="encoder is missing"):
        load_detector(altered(runs["m3dm"], tmp_path, without_encoder), "cpu")


def test_banks_are_as_large_as_configured(peers: dict[str, Detector]) -> None:
    peer = peers["reg3d-ad"]
    assert isinstance(peer, MemoryBankDetector)
    assert {len(bank) for memory in peer.memories.values() for bank in memory.banks} == {200}


def test_both_banks_of_reg3d_weigh_alike_on_good_scans(peers: dict[str, Detector], good: Scan) -> None:
    peer = peers["reg3d-ad"]
    assert isinstance(peer, MemoryBankDetector)
    assert all((memory.scale[:, 1] > memory.scale[:, 0]).all() for memory in peer.memories.values())
    assert 0 < float(np.median(peer.detect(good, "bracket").point_scores)) < 1
