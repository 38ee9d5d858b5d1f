"""Pretraining of the local encoder, in miniature."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sedir_core.config import EncoderConfig
from sedir_core.errors import Cancelled
from sedir_core.io.tensor_file import read_tensors
from sedir_core.rundir.encoder_weights import load_encoder, load_patch_decoder
from sedir_core.training.patches import PatchStream
from sedir_core.training.pretrain import PatchAutoencoder, PatchLosses, pretrain

SMALL = {"width": 32, "hidden": 16, "heads": 4, "depth": 1}
TINY = {**SMALL, "group_sizes": (8, 16), "shapes": 1, "groups": 16, "max_points": 2_100, "device": "cpu"}


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pretrain(**TINY, steps=3, seed=1, out=tmp_path_factory.mktemp("weights") / "mine.safetensors")


def test_encoder_and_patch_decoder_can_be_loaded(weights):
    cfg = EncoderConfig(weights=str(weights), **SMALL)
    decoder = load_patch_decoder(cfg)
    assert decoder is not None
    tokens = load_encoder(cfg)(torch.randn(1, 4, 8, 3), torch.randn(1, 4, 3))
    assert decoder(tokens).shape == (1, 4, 32, 3)


def test_same_seed_gives_the_same_weights(weights, tmp_path):
    again = read_tensors(pretrain(**TINY, steps=3, seed=1, out=tmp_path / "again.safetensors"))[0]
    assert all(torch.equal(again[name], tensor) for name, tensor in read_tensors(weights)[0].items())


def test_other_seed_gives_other_weights(weights, tmp_path):
    other = read_tensors(pretrain(**TINY, steps=3, seed=2, out=tmp_path / "other.safetensors"))[0]
    assert not torch.equal(other["norm.bias"], read_tensors(weights)[0]["norm.bias"])


def test_stopping_writes_nothing(tmp_path):
    asked = iter([False, True])
    with pytest.raises(Cancelled):
        pretrain(**TINY, steps=50, out=tmp_path / "x.safetensors", stop=lambda: next(asked))
    assert list(tmp_path.iterdir()) == []


def test_progress_reaches_the_end(tmp_path):
    fractions: list[float] = []
    pretrain(**TINY, steps=4, out=tmp_path / "x.safetensors", report=lambda fraction, _: fractions.append(fraction))
    assert fractions == [0.0, 0.25, 0.5, 0.75]


def test_minutes_end_it(tmp_path):
    steps: list[str] = []
    pretrain(
        **TINY, steps=10**9, minutes=0.01, out=tmp_path / "x.safetensors", report=lambda _, stage: steps.append(stage)
    )
    assert steps


def test_global_generator_is_left_alone(tmp_path):
    before = torch.get_rng_state()
    pretrain(**TINY, steps=1, out=tmp_path / "x.safetensors")
    assert torch.equal(torch.get_rng_state(), before)


def test_losses_fall_on_a_batch_seen_often():
    batch, source = PatchStream((16,), 2, 16, 2_100, 0).draw(), torch.Generator().manual_seed(0)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = PatchAutoencoder(**SMALL).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    seen: list[PatchLosses] = []
    for step in range(60):
        model.train(step < 20)
        seen.append(model(batch, source))
        optimizer.zero_grad()
        seen[-1].total.backward()
        optimizer.step()
    assert seen[-1].points < 0.7 * seen[0].points
    assert seen[-1].field < 0.8 * seen[0].field


def test_every_kept_parameter_is_trained():
    model, batch = PatchAutoencoder(**SMALL).eval(), PatchStream((16,), 1, 16, 2_100, 0).draw()
    source = torch.Generator().manual_seed(0)
    for _ in range(6):  # tokens are hidden in half of the steps only
        model(batch, source).total.backward()
    assert [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0] == []
