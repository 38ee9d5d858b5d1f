"""The loop's promises beside exact resuming: clear failures, timely checkpoints, the rate and the clipping."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from trainee import CPU, N_SCANS, ToyBank, ToyObjective, ToyTokens, begin, objective, proceed, settings

from sedir_core.config import TrainingConfig
from sedir_core.errors import DeviceUnavailable, TrainingDiverged
from sedir_core.interrupts import interruptible
from sedir_core.training import loop
from sedir_core.training.events import AnyEvent, EpochEvent, SavedEvent, StepEvent, read_events
from sedir_core.training.loop import descend
from sedir_core.training.state import TrainingState, learning_rate


class Spoiled(nn.Module):
    """The toy objective, until `spoil` has its way with the total of one step."""

    def __init__(self, step: int, spoil: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.inner, self.left, self.spoil = objective(), step, spoil

    def forward(self, *batch: Any) -> dict[str, Tensor]:
        losses = self.inner(*batch)._asdict()
        self.left -= 1
        return losses | {"total": self.spoil(losses["total"])} if self.left == 0 else losses


class _BadGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:
        return value.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient * math.nan


class _FullMemory(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:
        return value.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory.")


def run_out_of_memory(*_: Any, **__: Any) -> Any:
    raise torch.OutOfMemoryError("CUDA out of memory.")


@pytest.mark.parametrize("spoil", [lambda t: t * math.nan, lambda t: t * math.inf, _BadGradient.apply])
def test_a_loss_or_gradient_that_is_not_finite_fails_the_training(
    tmp_path: Path, spoil: Callable[[Tensor], Tensor]
) -> None:
    path = tmp_path / "run"
    with pytest.raises(TrainingDiverged, match="step 4"):
        begin(path, settings(3, checkpoint_seconds=0.0), objective=Spoiled(4, spoil))
    events = read_events(path / "events.jsonl")
    assert events[-1].event == "failed"
    assert [event.step for event in events if isinstance(event, SavedEvent)] == [1, 2, 3]


def test_a_step_that_diverges_leaves_the_weights_alone() -> None:
    network = Spoiled(1, lambda total: total * math.nan)
    cfg = settings(3)
    state = TrainingState(network, N_SCANS, 1, cfg, CPU)
    before = [parameter.clone() for parameter in state.parameters]
    with pytest.raises(TrainingDiverged):
        descend(state, [ToyBank().draw(0, 0)], 1.0, cfg)
    assert all(torch.equal(a, b) for a, b in zip(before, state.parameters, strict=True))


@pytest.mark.parametrize("where", ["forward", "backward", "step"])
def test_running_out_of_memory_says_what_to_change_and_the_next_training_works(
    tmp_path: Path, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run"
    network: nn.Module = objective()
    if where != "step":
        network = Spoiled(2, run_out_of_memory if where == "forward" else _FullMemory.apply)
    with monkeypatch.context() as patch:
        if where == "step":
            patch.setattr("sedir_core.training.state.AdamW.step", run_out_of_memory)
        with pytest.raises(DeviceUnavailable, match="out of memory") as caught:
            begin(path, settings(1), objective=network)
    assert "n_groups" in caught.value.hint
    assert proceed(path, settings(1), objective=objective()).status == "complete"


def test_a_bug_in_the_objective_keeps_its_type(tmp_path: Path) -> None:
    def slip(total: Tensor) -> Tensor:
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        begin(tmp_path / "run", settings(1), objective=Spoiled(2, slip))
    assert "shapes do not match" in (tmp_path / "run" / "log.txt").read_text()


def test_checkpoints_are_never_further_apart_than_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 0.0
    saved_s: list[float] = []

    def take_seven_seconds(*_: Any) -> None:
        nonlocal now_s
        now_s += 7.0

    def note(event: AnyEvent) -> None:
        if isinstance(event, SavedEvent):
            saved_s.append(now_s)

    monkeypatch.setattr(loop.time, "monotonic", lambda: now_s)
    network = objective()
    network.register_forward_pre_hook(take_seven_seconds)
    begin(tmp_path / "run", settings(10, checkpoint_seconds=60.0), note, objective=network)
    gaps = [b - a for a, b in zip([0.0, *saved_s], saved_s, strict=False)]
    assert len(gaps) > 5
    assert max(gaps) <= 60.0


def test_the_remaining_time_is_the_measured_pace_times_what_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = 0.0
    seen: list[StepEvent] = []

    def take_two_seconds(*_: Any) -> None:
        nonlocal now_s
        now_s += 2.0

    def note(event: AnyEvent) -> None:
        if isinstance(event, StepEvent):
            seen.append(event)

    monkeypatch.setattr(loop.time, "monotonic", lambda: now_s)
    network = objective()
    network.register_forward_pre_hook(take_two_seconds)
    begin(tmp_path / "run", settings(2), note, objective=network)
    assert [event.eta_seconds for event in seen] == [2.0 * left for left in range(2 * N_SCANS - 1, -1, -1)]


def test_every_epoch_takes_every_scan_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[tuple[int, int]] = []
    real = ToyBank.draw

    def note(bank: ToyBank, scan: int, sampling: int) -> tuple[ToyTokens, Tensor]:
        drawn.append((scan, sampling))
        return real(bank, scan, sampling)

    monkeypatch.setattr(ToyBank, "draw", note)
    begin(tmp_path / "run", settings(8), objective=objective())
    epochs = [drawn[i : i + N_SCANS] for i in range(0, len(drawn), N_SCANS)]
    assert all(sorted(scan for scan, _ in epoch) == list(range(N_SCANS)) for epoch in epochs)
    assert len({tuple(scan for scan, _ in epoch) for epoch in epochs}) > 1
    assert {sampling for _, sampling in drawn} == set(range(ToyBank.n_samplings))


def test_epoch_losses_are_the_means_of_its_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "_STEP_EVENT_SECONDS", 0.0)
    begin(tmp_path / "run", settings(1), objective=objective())
    events = read_events(tmp_path / "run" / "events.jsonl")
    steps = [event.losses["rec"] for event in events if isinstance(event, StepEvent)]
    (epoch,) = [event for event in events if isinstance(event, EpochEvent)]
    assert epoch.losses.keys() == {"rec", "scl", "total"}
    assert epoch.losses["rec"] == pytest.approx(sum(steps) / N_SCANS)


def test_training_lowers_the_loss(tmp_path: Path) -> None:
    begin(tmp_path / "run", settings(40), objective=objective())
    epochs = [e for e in read_events(tmp_path / "run" / "events.jsonl") if isinstance(e, EpochEvent)]
    assert epochs[-1].losses["rec"] < 0.8 * epochs[0].losses["rec"]


def test_the_rate_falls_along_a_half_cosine() -> None:
    cfg = TrainingConfig(learning_rate=0.2)
    assert learning_rate(cfg, 0, 100) == 0.2
    assert learning_rate(cfg, 50, 100) == pytest.approx(0.1)
    assert learning_rate(cfg, 25, 100) == pytest.approx(0.1 * (1 + math.sqrt(0.5)))
    assert 0 < learning_rate(cfg, 99, 100) < 1e-4


def test_the_baseline_s_rate_falls_once() -> None:
    cfg = TrainingConfig(learning_rate=0.2, schedule="step")
    assert [learning_rate(cfg, step, 1000) for step in (0, 799, 800, 999)] == pytest.approx([0.2, 0.2, 0.02, 0.02])


def test_the_gradient_is_clipped_before_the_step() -> None:
    cfg = settings(3).model_copy(update={"clip_norm": 1e-3})
    state = TrainingState(objective(), N_SCANS, 1, cfg, CPU)
    descend(state, [ToyBank().draw(0, 0)], 1e-3, cfg)
    norms = torch.stack([p.grad.norm() for p in state.parameters if p.grad is not None])
    assert float(norms.norm()) == pytest.approx(1e-3, rel=1e-3)


def test_frozen_parameters_stay_as_they_are(tmp_path: Path) -> None:
    network = objective()
    first = network.network[0].requires_grad_(False)
    before = first.weight.clone()
    begin(tmp_path / "run", settings(2), objective=network)
    assert torch.equal(first.weight, before)


def test_the_objective_is_left_in_evaluation_mode(tmp_path: Path) -> None:
    network = objective()
    begin(tmp_path / "run", settings(1), objective=network)
    assert not network.training


def test_half_precision_trains(tmp_path: Path) -> None:
    seen: list[torch.dtype] = []
    network: ToyObjective = objective()
    network.network[0].register_forward_hook(lambda module, given, out: seen.append(out.dtype))
    cfg = settings(1).model_copy(update={"precision": "bf16"})
    assert begin(tmp_path / "run", cfg, objective=network).status == "complete"
    assert set(seen) == {torch.bfloat16}


def test_off_the_main_thread_no_signal_is_touched() -> None:
    asked: list[bool] = []

    def work() -> None:
        with interruptible() as interrupted:
            asked.append(interrupted())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert asked == [False]
