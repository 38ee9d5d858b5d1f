"""Every peer on two categories, memorised with alignments that are made once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tiny_run import TinyRun

import sedir_core.training.train as training
from sedir_core.config import Config, preset
from sedir_core.evidence.calibration import Basis

KINDS = ("bracket", "cup")


@contextmanager
def aligned_once() -> Iterator[None]:
    """Inside, the training parts are aligned for the first run and remembered for the others."""
    kept_bases, found = training.kept_bases, dict[str, Basis]()

    def remembered(*arguments: object) -> dict[str, Basis]:
        found.update(found or kept_bases(*arguments))  # type: ignore[arg-type]
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "kept_bases", remembered)
        yield


def peer_config(method: str, encoder: Path, **bank: object) -> Config:
    return preset("tiny", method, encoder={"weights": str(encoder)}, bank=bank, training={"held_out": 1})


def memorise(method: str, tiny: TinyRun, out: Path, **bank: object) -> Path:
    config = peer_config(method, tiny.encoder, **bank)
    return training.train(training.TrainRequest(tiny.dataset, KINDS, config, out, device="cpu"), lambda event: None)
