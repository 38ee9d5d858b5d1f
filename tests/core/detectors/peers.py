"""Every peer on two categories."""

from __future__ import annotations

from pathlib import Path

from tiny_run import TinyRun

from sedir_core.config import Config, preset
from sedir_core.training.train import TrainRequest, train

KINDS = ("bracket", "cup")


def peer_config(method: str, encoder: Path, **bank: object) -> Config:
    return preset("tiny", method, encoder={"weights": str(encoder)}, bank=bank, training={"held_out": 1})


def memorise(method: str, tiny: TinyRun, out: Path, **bank: object) -> Path:
    config = peer_config(method, tiny.encoder, **bank)
    return train(TrainRequest(tiny.dataset, KINDS, config, out, device="cpu"), lambda event: None)
