"""The loop and SeDiR itself: jitter, dropout and the contrastive buffer all resume exactly."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor
from trainee import CPU, config

from sedir_core.io.tensor_file import digest, read_tensors
from sedir_core.models.sedir import SeDiR, SedirObjective, Tokens
from sedir_core.training.events import EpochEvent, read_events
from sedir_core.training.loop import FitResult, fit
from sedir_core.training.run import create_run, describe, resume_run

CONFIG = config(epochs=3)


class RandomScans:
    """Four scans of two categories, two samplings each."""

    n_samplings = 2

    def __len__(self) -> int:
        return 4

    def draw(self, scan: int, sampling: int) -> tuple[Tokens, Tensor]:
        g = torch.Generator().manual_seed(10 * scan + sampling)
        features = torch.randn(3, 1, 12, 20, generator=g)
        tokens = Tokens(features, torch.randn(1, 12, 3, generator=g), torch.rand(1, 12, 2, generator=g))
        return tokens, torch.tensor([scan % 2])


def sedir(seed: int) -> SedirObjective:
    torch.manual_seed(seed)
    network = SeDiR(
        width=16,
        depth=1,
        heads=2,
        feedforward=16,
        dropout=0.1,
        token_width=20,
        n_categories=2,
        jitter_scale=20.0,
        jitter_probability=1.0,
    )
    return SedirObjective(network, 0.001, 0.001, 0.01, temperature=0.07, buffer_size=3)


def train(path: Path, stop_after: int | None = None) -> FitResult:
    about = describe(CONFIG, ("a", "b"), "0" * 64, CPU)
    with create_run(path, CONFIG, about) as run:
        asked = iter(range(10_000))
        return fit(
            sedir(0),
            RandomScans(),
            CONFIG.training,
            run,
            CPU,
            lambda: stop_after is not None and next(asked) == stop_after,
        )


def checkpoint(path: Path) -> str:
    return digest(read_tensors(path / "state.safetensors")[0])


def test_sedir_resumes_exactly(tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert train(whole).status == "complete"
    assert train(broken, stop_after=6).step == 6
    with resume_run(broken) as run:
        fit(sedir(1), RandomScans(), CONFIG.training, run, CPU)
    assert checkpoint(broken) == checkpoint(whole)


def test_sedir_reports_the_papers_four_terms(tmp_path: Path) -> None:
    train(tmp_path / "run")
    (first, *_) = [event for event in read_events(tmp_path / "run" / "events.jsonl") if isinstance(event, EpochEvent)]
    assert first.losses.keys() == {"rec", "scl", "cls", "cos", "total"}
