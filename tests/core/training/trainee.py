"""A tiny objective and bank with everything that makes resuming hard, and a process that trains them."""

from __future__ import annotations

import os
import signal
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from sedir_core.config import Config, TrainingConfig, preset
from sedir_core.io.tensor_file import write_tensors
from sedir_core.training.events import AnyEvent, SavedEvent, Watch
from sedir_core.training.loop import FitResult, fit
from sedir_core.training.run import create_run, describe, resume_run

CPU = torch.device("cpu")
N_SCANS, N_SAMPLINGS, N_TOKENS, WIDTH = 5, 3, 8, 6


@dataclass(frozen=True)
class ToyTokens:
    features: Tensor  # (1, N, c)

    def to(self, device: torch.device) -> ToyTokens:
        return ToyTokens(self.features.to(device))


class ToyLosses(NamedTuple):
    rec: Tensor
    scl: Tensor
    total: Tensor


class ToyObjective(nn.Module):
    """Dropout (global generator), jitter (given generator) and a FIFO buffer that takes part in the loss."""

    def __init__(self) -> None:
        super().__init__()
        self.network = nn.Sequential(nn.Linear(WIDTH, 16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, WIDTH))
        self.register_buffer("fifo", torch.zeros(4, WIDTH))

    def forward(self, tokens: ToyTokens, category: Tensor, generator: torch.Generator) -> ToyLosses:
        noise = torch.randn(tokens.features.shape, generator=generator, device=tokens.features.device)
        rebuilt = self.network(tokens.features + 0.1 * noise)
        rec = (rebuilt - tokens.features).square().mean()
        z = rebuilt.mean(dim=1)
        scl = (z - self.fifo).square().mean() * (1 + category.float().mean())
        self.fifo = torch.cat([self.fifo[1:], z.detach()])
        return ToyLosses(rec, scl, rec + 0.1 * scl)


class ToyBank:
    n_samplings = N_SAMPLINGS

    def __init__(self) -> None:
        shape = (N_SCANS, N_SAMPLINGS, 1, N_TOKENS, WIDTH)
        self._features = torch.randn(shape, generator=torch.Generator().manual_seed(7))

    def __len__(self) -> int:
        return N_SCANS

    def draw(self, scan: int, sampling: int) -> tuple[ToyTokens, Tensor]:
        return ToyTokens(self._features[scan, sampling]), torch.tensor([scan % 2])


def objective() -> ToyObjective:
    torch.manual_seed(1)
    return ToyObjective()


def config(epochs: int) -> Config:
    return preset("tiny", training={"epochs": epochs, "learning_rate": 1e-2})


def settings(epochs: int, checkpoint_seconds: float = 3600.0) -> TrainingConfig:
    """The training section; shorter checkpoint intervals than users may set keep the tests short."""
    return config(epochs).training.model_copy(update={"checkpoint_seconds": checkpoint_seconds})


def begin(path: Path, cfg: TrainingConfig, *watchers: Watch, objective: nn.Module) -> FitResult:
    """Train in a new run directory."""
    whole = config(cfg.epochs)
    with create_run(path, whole, describe(whole, ("a", "b"), "0" * 64, CPU), *watchers) as run:
        return fit(objective, ToyBank(), cfg, run, CPU)


def proceed(path: Path, cfg: TrainingConfig, *watchers: Watch, objective: nn.Module) -> FitResult:
    """Train on in an existing run directory."""
    with resume_run(path, *watchers) as run:
        return fit(objective, ToyBank(), cfg, run, CPU)


class Kill:
    """Ends the process in the backward pass of its n-th step: after the loss, before the weights change."""

    def __init__(self, step: int) -> None:
        self.left = step

    def __call__(self, module: nn.Module, *_: object) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def train_steps(path: Path, kill_at: int | None) -> None:
    """As `train`, but killed amid a step, so many after the process began; at the end it writes its weights."""
    torch.set_num_threads(1)
    network = objective()
    if kill_at is not None:
        network.network[0].register_full_backward_pre_hook(Kill(kill_at))
    cfg = settings(epochs=40, checkpoint_seconds=0.005)
    continue_or_begin = proceed if (path / "about.json").exists() else begin
    continue_or_begin(path, cfg, objective=network)
    write_tensors(path / "weights.safetensors", network.state_dict(), {"format": "1", "device": "cpu"})


def train(path: Path, kill_after_s: float | None) -> None:
    """A whole process's work: create or resume, checkpoint every few steps, die of SIGKILL where asked."""
    torch.set_num_threads(1)
    killer = threading.Timer(kill_after_s or 0.0, os.kill, (os.getpid(), signal.SIGKILL))
    killer.daemon = True

    def arm(event: AnyEvent) -> None:
        if kill_after_s is not None and isinstance(event, SavedEvent) and not killer.is_alive():
            killer.start()

    cfg = settings(epochs=150, checkpoint_seconds=0.02)
    continue_or_begin = proceed if (path / "about.json").exists() else begin
    continue_or_begin(path, cfg, arm, objective=objective())
