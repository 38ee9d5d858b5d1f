"""From a dataset to a finished run: what it says, records, refuses, and never reads."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_run import CATEGORIES, TinyRun, again, tiny_config, write_encoder
from tiny_run import part as whole_part

from sedir_core.config import override, preset
from sedir_core.detectors.sedir import SedirDetector
from sedir_core.errors import BadConfig, BadDataset, Cancelled, DeviceUnavailable, TooFewPoints, UserError
from sedir_core.io.export import write_points_ply
from sedir_core.rundir.files import METRICS
from sedir_core.training.events import AnyEvent, DoneEvent, FailedEvent, StageEvent, StepEvent, read_events
from sedir_core.training.train import TrainRequest, train
from sedir_core.types import DoubleArray


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sedir_core.datasets.cache.writable_folders", lambda: {"cache": tmp_path / "cache"})


def part(category: str, seed: int, n_points: int = 800) -> DoubleArray:
    """A good part of few points: what is asked here does not depend on how well anything is learned."""
    return again(whole_part(category, 0, n_points), seed)


def request(folder: Path, **parts: list[DoubleArray]) -> TrainRequest:
    """A shortest possible training on categories of these parts, in the layout of a user's own folder."""
    for category, clouds in parts.items():
        for i, cloud in enumerate(clouds):
            write_points_ply(folder / "parts" / category / f"{i}.ply", cloud)
    encoder = write_encoder(folder / "encoder.safetensors")
    config = tiny_config(encoder, epochs=1, held_out=1, surface_steps=4, expectation_steps=2, judge_steps=2)
    return TrainRequest(folder / "parts", None, config, folder / "run", device="cpu")


def events_of(wanted: TrainRequest) -> list[AnyEvent]:
    return read_events(wanted.out / "events.jsonl")


def test_every_stage_is_said_for_every_category(tiny: TinyRun) -> None:
    stages = {event.stage for event in tiny.events if isinstance(event, StageEvent)}
    for work in ("align", "encode", "calibrate"):
        assert {f"{work} {category}" for category in CATEGORIES} <= stages


def test_progress_of_a_stage_rises_from_zero(tiny: TinyRun) -> None:
    for work in ("align", "encode", "learn what to expect", "learn good surfaces", "calibrate"):
        shares = [e.fraction for e in tiny.events if isinstance(e, StageEvent) and e.stage.startswith(work)]
        assert shares[0] == 0
        assert shares == sorted(shares)
        assert shares[-1] < 1


def test_stages_come_before_and_after_the_steps(tiny: TinyRun) -> None:
    kinds = [type(event) for event in tiny.events]
    assert kinds.index(StageEvent) < kinds.index(StepEvent) < len(kinds) - 1 - kinds[::-1].index(StageEvent)
    assert kinds[-1] is DoneEvent


def test_what_the_watcher_saw_is_on_disk(tiny: TinyRun) -> None:
    assert read_events(tiny.path / "events.jsonl") == list(tiny.events)


def test_a_finished_run_tells_its_thresholds(tiny: TinyRun, detector: SedirDetector) -> None:
    metrics = json.loads((tiny.path / METRICS).read_text())
    assert metrics["thresholds"] == {name: category.whole.threshold for name, category in detector.known.items()}


def test_a_finished_run_knows_its_categories(detector: SedirDetector) -> None:
    assert detector.categories == CATEGORIES


def odd_parts() -> dict[str, list[DoubleArray]]:
    holes = part("bracket", 1)
    holes[::7] = np.nan
    return {"alone": [part("cup", 0)], "with_holes": [part("bracket", 0), holes], "sparse": [part("cup", 2, 64)] * 2}


def test_odd_training_sets_give_a_working_run(tmp_path: Path) -> None:
    """A category of one part, one of 2k points, one with points that were not measured; test scans are garbage."""
    wanted = request(tmp_path, **odd_parts())
    for verdict in ("ok", "ng"):
        (tmp_path / "parts" / "alone" / verdict).mkdir()
        (tmp_path / "parts" / "alone" / verdict / "unreadable.ply").write_bytes(b"never to be opened")
    detector = SedirDetector.load(train(wanted, lambda event: None), "cpu")
    assert all(np.isfinite(category.whole.threshold) for category in detector.known.values())


def test_a_sparse_training_scan_is_refused_by_name(tmp_path: Path) -> None:
    few = part("cup", 1)
    few[63:-20] = np.nan  # enough for a scan, too few with the strays gone
    few[-20:] *= 1e5
    wanted = request(tmp_path, cup=[part("cup", 0), few])
    with pytest.raises(TooFewPoints, match=r"cup/1\.ply: 63 points"):
        train(wanted, lambda event: None)


@pytest.mark.parametrize("name", ["ball\nOK", "x" * 200 + "\x1b[1A", os.fsdecode(b"ball\xff")])
def test_a_category_that_cannot_be_named_is_refused(tmp_path: Path, name: str) -> None:
    wanted = request(tmp_path, **{name: [part("cup", 0)]})
    with pytest.raises(BadDataset, match="is not a valid category name"):
        train(wanted, [].append)
    assert not wanted.out.exists()


def test_an_error_is_the_last_event(tmp_path: Path) -> None:
    few = part("cup", 1)
    few[63:-20], few[-20:] = np.nan, 1e5 * few[-20:]
    wanted = request(tmp_path, cup=[few])
    with pytest.raises(UserError):
        train(wanted, lambda event: None)
    last = events_of(wanted)[-1]
    assert isinstance(last, FailedEvent)
    assert last.kind == "too_few_points"


def test_a_stop_while_aligning_ends_it_and_is_recorded(tmp_path: Path) -> None:
    wanted = request(tmp_path, cup=[part("cup", 0)])
    with pytest.raises(Cancelled):
        train(wanted, lambda event: None, stop=lambda: True)
    last = events_of(wanted)[-1]
    assert isinstance(last, DoneEvent)
    assert last.status == "interrupted"


def test_a_stop_file_while_aligning_ends_it(tmp_path: Path) -> None:
    wanted = request(tmp_path, cup=[part("cup", 0)])

    def watch(event: AnyEvent) -> None:
        (wanted.out / "STOP").touch()

    with pytest.raises(Cancelled):
        train(wanted, watch)


def stopped(tmp_path: Path) -> TrainRequest:
    """A run that was stopped before its first step."""
    wanted = request(tmp_path, cup=[part("cup", 0)])
    with pytest.raises(Cancelled):
        train(wanted, lambda event: None, stop=lambda: True)
    return TrainRequest(wanted.dataset, None, wanted.config, wanted.out, resume=True)


def test_a_run_does_not_go_on_with_other_training_scans(tmp_path: Path) -> None:
    wanted = stopped(tmp_path)
    write_points_ply(wanted.dataset / "cup" / "0.ply", part("cup", 5))
    with pytest.raises(BadDataset, match="have changed"):
        train(wanted, lambda event: None)


def test_a_run_goes_on_with_as_many_threads_as_it_began(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    wanted = stopped(tmp_path)
    torch.set_num_threads(2)
    with pytest.raises(Cancelled):
        train(wanted, lambda event: None, stop=lambda: True)
    assert torch.get_num_threads() == 1


def test_a_method_nobody_knows_is_refused() -> None:
    with pytest.raises(BadConfig, match="magic"):
        preset("tiny", "magic")
    with pytest.raises(BadConfig, match="method"):
        override(preset("tiny"), method="magic")


def test_a_gpu_too_small_for_the_encoder_is_a_user_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr("sedir_core.training.material.tokenize", full)
    with pytest.raises(DeviceUnavailable, match="out of memory"):
        train(request(tmp_path, cup=[part("cup", 0)]), lambda event: None)
