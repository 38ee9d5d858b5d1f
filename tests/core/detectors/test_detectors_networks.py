"""Peers with a network for each category, end to end: trained, interrupted and resumed, given the category, scored."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from contract import CategoryGivenContract, altered, cut
from peers import KINDS
from tiny_run import TinyRun, dented, part, scan_of

from sedir_core.config import Config, preset
from sedir_core.datasets.index import open_dataset
from sedir_core.detectors.base import Detector, load_detector
from sedir_core.detectors.category_networks import NetworkDetector
from sedir_core.detectors.registry import TABLE, code
from sedir_core.errors import BadRun, Cancelled
from sedir_core.evaluation.benchmark import evaluate
from sedir_core.evidence.limits import Calibrated
from sedir_core.io.tensor_file import read_tensors
from sedir_core.training.events import EpochEvent, PreviewEvent, StepEvent, read_events
from sedir_core.training.preview_file import read_previews
from sedir_core.training.train import TrainRequest, train
from sedir_core.types import Scan, Stop, never_stop

METHODS = [one.name for one in TABLE if issubclass(code(one.detector), NetworkDetector)]


def network_config(method: str, tiny: TinyRun) -> Config:
    return preset("tiny", method, encoder={"weights": str(tiny.encoder)}, training={"held_out": 1})


def learn(method: str, tiny: TinyRun, out: Path, stop: Stop = never_stop, resume: bool = False) -> Path:
    request = TrainRequest(tiny.dataset, KINDS, network_config(method, tiny), out, resume, device="cpu")
    return train(request, lambda event: None, stop)


@pytest.fixture(scope="module")
def runs(tiny: TinyRun, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("networks")
    return {method: learn(method, tiny, folder / method) for method in METHODS}


@pytest.fixture(scope="module")
def peers(runs: dict[str, Path]) -> dict[str, Detector]:
    return {method: load_detector(run, "cpu") for method, run in runs.items()}


@pytest.mark.parametrize("method", METHODS)
class TestContract(CategoryGivenContract): ...


def after_steps(run: Path, count: int) -> Callable[[], bool]:
    """Stop when the training has said that many steps."""

    def stop() -> bool:
        log = run / "events.jsonl"
        said = read_events(log) if log.exists() else []
        return sum(isinstance(event, StepEvent | EpochEvent) for event in said) >= count

    return stop


@pytest.mark.parametrize("method", METHODS)
def test_a_resumed_training_equals_an_uninterrupted_one(
    runs: dict[str, Path], tiny: TinyRun, tmp_path: Path, method: str
) -> None:
    run = tmp_path / "run"
    with pytest.raises(Cancelled):
        learn(method, tiny, run, after_steps(run, 2))
    assert not (run / "weights.safetensors").exists()
    learn(method, tiny, run, resume=True)
    straight, resumed = (read_tensors(one / "weights.safetensors")[0] for one in (runs[method], run))
    assert straight.keys() == resumed.keys()
    assert [name for name, value in straight.items() if not torch.equal(value, resumed[name])] == []


@pytest.mark.parametrize("method", METHODS)
def test_each_category_has_a_network_of_its_own(runs: dict[str, Path], method: str) -> None:
    tensors = read_tensors(runs[method] / "weights.safetensors")[0]
    first, second = (
        {name: value for name, value in tensors.items() if name.startswith(f"category.{i}.network.")} for i in (0, 1)
    )
    assert len(first) == len(second) > 0
    assert any(not torch.equal(value, second[name.replace(".0.", ".1.", 1)]) for name, value in first.items())


@pytest.mark.parametrize("method", METHODS)
def test_samples_are_drawn_while_it_trains(runs: dict[str, Path], method: str) -> None:
    said = [event for event in read_events(runs[method] / "events.jsonl") if isinstance(event, PreviewEvent)]
    assert said
    drawn = read_previews(runs[method] / said[-1].file)
    assert [(one.category, one.damaged) for one in drawn] == [(kind, bad) for kind in KINDS for bad in (False, True)]


@pytest.mark.parametrize("method", METHODS)
def test_a_scan_with_flying_pixels_and_a_dent_gets_values(peers: dict[str, Detector], method: str) -> None:
    points = np.concatenate([dented(part("bracket", 101))[0], 1e4 * np.random.default_rng(0).normal(size=(30, 3))])
    found = peers[method].detect(scan_of(points), "bracket")
    assert np.isfinite(found.point_scores).all()
    assert np.isfinite(found.object_score)


@pytest.mark.parametrize("method", METHODS)
def test_it_is_evaluated_and_limited_like_every_detector(
    peers: dict[str, Detector], tiny: TinyRun, method: str
) -> None:
    peer = peers[method]
    found = evaluate(peer, open_dataset(tiny.dataset, KINDS), category_mode="given")
    assert set(found.categories) == set(KINDS)
    assert isinstance(peer, Calibrated)
    assert peer.calibration().n_scans("bracket") == 2


@pytest.mark.parametrize("method", METHODS)
def test_a_damaged_run_is_refused(runs: dict[str, Path], tmp_path: Path, method: str) -> None:
    tensors = read_tensors(runs[method] / "weights.safetensors")[0]
    name = min(name for name, value in tensors.items() if ".network." in name and value.ndim > 1 and len(value) > 1)
    with pytest.raises(BadRun):
        load_detector(altered(runs[method], tmp_path, cut(name)), "cpu")


@pytest.mark.parametrize("method", METHODS)
def test_a_scan_has_a_token(peers: dict[str, Detector], good: Scan, method: str) -> None:
    token = peers[method].embed(good, "bracket")
    assert token.ndim == 1 and len(token) >= 8
    assert np.isfinite(token).all()
