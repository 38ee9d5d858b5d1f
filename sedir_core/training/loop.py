"""The training loop: any objective, any bank of cached samplings, bit-exact resumption.

Independent of the network: an objective maps (tokens, category, generator) to scalar losses with a "total", as a
mapping or a NamedTuple. The scans of a batch are processed one by one, in one or several processes: the paper's batch
is one scan, and a scan's noise and dropout do not depend on the process.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_

from sedir_core.config import TrainingConfig
from sedir_core.errors import TrainingDiverged
from sedir_core.interrupts import interruptible
from sedir_core.runtime import autocast, memory_guard, peak_memory_bytes, seed_everything
from sedir_core.training.events import DoneEvent, EpochEvent, SavedEvent, StepEvent
from sedir_core.training.process_group import ALONE, ProcessGroup
from sedir_core.training.run import Run
from sedir_core.training.state import TrainingState, learning_rate
from sedir_core.types import Stop, never_stop

log = logging.getLogger(__name__)

_STEP_EVENT_SECONDS = 0.25
LESS_MEMORY = (
    "lower grouping.n_groups, grouping.working_points or network.width, set training.precision to bf16, "
    "or train on the processor (--device cpu)"
)

EpochCallback = Callable[[int], object]
"""Called between epochs with the number of finished ones, 0 before the first; must not change the state."""


class Movable(Protocol):
    """A tensor or a dataclass of tensors."""

    def to(self, device: torch.device, /) -> Any: ...


class Bank(Protocol):
    """The training scans as cached samplings, all of them normal."""

    @property
    def n_samplings(self) -> int:
        """Cached samplings per scan."""
        ...

    def __len__(self) -> int:
        """Number of scans."""
        ...

    def draw(self, scan: int, sampling: int) -> tuple[Movable, Tensor]:
        """(tokens, category (B,) int64) on the CPU."""
        ...


Batch = Sequence[tuple[Movable, Tensor]]
"""Scans of one step, each (tokens, category (1,))."""


@runtime_checkable
class SettlingObjective(Protocol):
    """An objective that stores something of each batch, in `settle`, after the step."""

    def settle(self, whole: Callable[[Tensor], Tensor]) -> None: ...


@dataclass(frozen=True)
class FitResult:
    """Result of a training. epoch, step: number finished. losses: means of the last complete epoch.

    seconds: total training time over all sessions.
    """

    status: Literal["complete", "interrupted"]
    epoch: int
    step: int
    losses: Mapping[str, float]
    seconds: float

    def summary(self) -> dict[str, object]:
        """For metrics.json."""
        return {"epochs": self.epoch, "seconds": self.seconds, "losses": dict(self.losses)}


def no_preview(epoch: int) -> None:
    """No previews."""


def fit(
    objective: nn.Module,
    bank: Bank,
    cfg: TrainingConfig,
    run: Run,
    device: torch.device,
    stop: Stop = never_stop,
    on_epoch: EpochCallback = no_preview,
    group: ProcessGroup = ALONE,
) -> FitResult:
    """Train `objective` in place, from the run's checkpoint if there is one; it is left in eval mode.

    AdamW with the configured schedule and clipped gradients; `batch_size` draws of the bank per step, distributed over
    the processes of `group`, which all end with the same weights. Ctrl-C, SIGTERM, a STOP file or `stop` save and stop
    before the next step, a STOP-AFTER-EPOCH file before the next epoch. On the CPU a resumed training is bit-identical
    to an uninterrupted one. Raises TrainingDiverged, DeviceUnavailable (out of memory), BadRun, CannotWrite; the last
    checkpoint stays whole.
    """
    seed_everything(cfg.seed)
    with memory_guard(device, LESS_MEMORY), interruptible() as interrupted:
        state = TrainingState(objective, len(bank), bank.n_samplings, cfg, device)
        saved = run.load_state()
        if saved is not None:
            state.restore(*saved)
            log.info("resumed at step %d", state.progress.step)
        objective.train()
        sitting = _Session(state, bank, cfg, run, on_epoch, group)
        status = sitting.train(lambda: interrupted() or run.stop_requested() or stop())
    objective.eval()
    progress = state.progress
    return FitResult(status, progress.step // sitting.epoch_steps, progress.step, progress.means, progress.seconds)


class _Session:
    """One training session, from a start or resume to a stop or the end."""

    def __init__(
        self,
        state: TrainingState,
        bank: Bank,
        cfg: TrainingConfig,
        run: Run,
        on_epoch: EpochCallback,
        group: ProcessGroup,
    ) -> None:
        self.state, self.bank, self.cfg, self.run, self.group = state, bank, cfg, run, group
        self.on_epoch = on_epoch if group.leads else no_preview
        self.epoch_steps = -(-len(bank) // cfg.batch_size)
        self.n_steps = cfg.epochs * self.epoch_steps
        self.first_step = state.progress.step
        self.seconds_before = state.progress.seconds
        self.began_s = self.saved_s = self.epoch_began_s = time.monotonic()
        self.epoch_first_step = self.first_step
        self.spoke_s = -math.inf

    def train(self, stop: Stop) -> Literal["complete", "interrupted"]:
        progress = self.state.progress
        if progress.step == 0:
            self.on_epoch(0)
        while progress.step < self.n_steps:
            if self.group.agree(stop() or self._stop_between_epochs()):
                self._save()
                self.run.forget_stops()
                self.run.emit(DoneEvent(status="interrupted"))
                return "interrupted"
            began_s = time.monotonic()
            self._step()
            now_s = time.monotonic()
            progress.seconds = self.seconds_before + now_s - self.began_s
            # One step early rather than late, so that no more than the promised time is ever lost.
            if now_s - self.saved_s + (now_s - began_s) > self.cfg.checkpoint_seconds:
                self._save()
        self._save()
        self.run.forget_stops()
        return "complete"

    def _stop_between_epochs(self) -> bool:
        step = self.state.progress.step
        return step > self.first_step and step % self.epoch_steps == 0 and self.run.stop_after_epoch_requested()

    def _step(self) -> None:
        state, n_scans, size = self.state, len(self.bank), self.cfg.batch_size
        epoch, turn = divmod(state.progress.step, self.epoch_steps)
        if turn == 0:
            state.order.shuffle()
            state.progress.sums = {}
        rate = learning_rate(self.cfg, state.progress.step, self.n_steps)
        draws = state.order.at(range(turn * size, min((turn + 1) * size, n_scans)))
        losses = descend(state, [self.bank.draw(*draw) for draw in draws], rate, self.cfg, self.group)
        sums = state.progress.sums
        state.progress.sums = {name: sums.get(name, 0.0) + len(draws) * value for name, value in losses.items()}
        state.progress.step += 1
        self._speak(epoch + 1, losses, rate)
        if turn + 1 == self.epoch_steps:
            self._end_epoch(epoch + 1, rate)

    def _speak(self, epoch: int, losses: dict[str, float], rate: float) -> None:
        now_s = time.monotonic()
        if now_s - self.spoke_s < _STEP_EVENT_SECONDS:
            return
        self.spoke_s = now_s
        self.run.emit(
            StepEvent(
                epoch=epoch,
                step=self.state.progress.step,
                n_steps=self.n_steps,
                losses=losses,
                lr=rate,
                eta_seconds=self._eta_seconds(now_s),
            )
        )

    def _end_epoch(self, epoch: int, rate: float) -> None:
        progress, now_s = self.state.progress, time.monotonic()
        progress.means = {name: total / len(self.bank) for name, total in progress.sums.items()}
        steps = progress.step - self.epoch_first_step
        event = EpochEvent(
            epoch=epoch,
            n_epochs=self.cfg.epochs,
            losses=progress.means,
            lr=rate,
            eta_seconds=self._eta_seconds(now_s),
            steps_per_second=steps / max(now_s - self.epoch_began_s, 1e-9),
            memory_bytes=peak_memory_bytes(self.state.device),
        )
        self.run.emit(event)
        self.on_epoch(epoch)
        self.epoch_began_s, self.epoch_first_step = time.monotonic(), progress.step

    def _eta_seconds(self, now_s: float) -> float:
        step = self.state.progress.step
        return (now_s - self.began_s) / (step - self.first_step) * (self.n_steps - step)

    def _save(self) -> None:
        state = self.state
        self.run.save_state(state.tensors(), state.meta())
        self.saved_s = time.monotonic()
        step = state.progress.step
        self.run.emit(SavedEvent(epoch=step // self.epoch_steps, step=step))


def descend(
    state: TrainingState, batch: Batch, rate: float, cfg: TrainingConfig, group: ProcessGroup = ALONE
) -> dict[str, float]:
    """One optimiser step on a batch, of which this process computes its share; returns mean losses by name.

    Raises TrainingDiverged, with unchanged weights, if a loss or the gradient is not finite.
    """
    state.optimizer.zero_grad(set_to_none=True)
    total: dict[str, Tensor] = {}
    mine = group.share(range(len(batch)))
    # A process without a share of a short batch computes its first scan with zero weight: all must communicate equally.
    weight = 1.0 / len(batch) if mine else 0.0
    for position in mine or [0]:
        state.reseed(position)
        tokens, category = (part.to(state.device) for part in batch[position])
        with autocast(state.device, cfg.precision):
            losses = _by_name(state.objective(tokens, category, state.noise))
        torch.autograd.backward(weight * losses["total"])
        total = {name: total.get(name, 0.0) + weight * loss.detach().float() for name, loss in losses.items()}
    _gather_gradients(state.parameters, group)
    # One fused pass over all parameters, even where torch would default to a loop.
    foreach = True if state.device.type == "cpu" else None
    norm = clip_grad_norm_(state.parameters, cfg.clip_norm or math.inf, foreach=foreach)
    # One transfer for all numbers, since each synchronises with the GPU.
    *values, norm_value = torch.stack([*group.add(torch.stack([*total.values()])), norm]).tolist()
    named = dict(zip(total, values, strict=True))
    if not all(map(math.isfinite, (*values, norm_value))):
        raise TrainingDiverged(
            f"step {state.progress.step + 1}",
            f"the loss is no longer finite: {named}, gradient norm {norm_value}",
            "lower training.learning_rate, or set training.precision to fp32",
        )
    for params in state.optimizer.param_groups:
        params["lr"] = rate
    state.optimizer.step()
    if isinstance(state.objective, SettlingObjective):
        state.objective.settle(lambda mine: group.whole(mine, len(batch)))
    return named


def _gather_gradients(parameters: Sequence[nn.Parameter], group: ProcessGroup) -> None:
    """Sum the gradients over all processes, in one message."""
    if group.size == 1:
        return
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    summed = group.add(torch.cat([gradient.flatten() for gradient in gradients]))
    parts = torch.split(summed, [gradient.numel() for gradient in gradients])
    for gradient, part in zip(gradients, parts, strict=True):
        gradient.copy_(part.view_as(gradient))


def _by_name(losses: Any) -> dict[str, Tensor]:
    return dict(losses) if isinstance(losses, Mapping) else losses._asdict()
