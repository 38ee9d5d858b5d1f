"""The local encoder: nested resolutions are the naive ones, and tokens are what they should be."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from sedir_core.models import pointmae
from sedir_core.models.pointmae import LocalEncoder

SIZES = (8, 16, 32)


def naive_tokens(encoder: LocalEncoder, groups: Tensor) -> Tensor:
    """Point-MAE's mini-PointNet as it is written there: convolutions, BatchNorm, concatenation."""
    first, second = encoder.encoder.first_conv, encoder.encoder.second_conv
    points = groups.transpose(1, 2)
    local = first[3](torch.relu(first[1](first[0](points))))
    both = torch.cat((local.amax(2, keepdim=True).expand_as(local), local), 1)
    return second[3](torch.relu(second[1](second[0](both)))).amax(2)


@pytest.fixture(scope="module")
def encoder() -> LocalEncoder:
    """An encoder whose BatchNorm has seen data, so that folding it matters."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = LocalEncoder(48, 16, 4, 2)
        made.train()
        for _ in range(5):
            made(torch.randn(1, 20, 12, 3) * 0.3 + 0.1, torch.randn(1, 20, 3))
    return made.eval()


@pytest.fixture(scope="module")
def scan() -> tuple[Tensor, Tensor]:
    source = torch.Generator().manual_seed(1)
    groups = torch.randn(2, 30, 32, 3, generator=source) * 0.2
    order = groups.norm(dim=-1).argsort(dim=-1)
    return groups.gather(2, order[..., None].expand_as(groups)), torch.randn(2, 30, 3, generator=source)


@torch.inference_mode()
def test_tokens_equal_point_mae_s_formula(encoder, scan):
    groups = scan[0][0]
    expected = naive_tokens(encoder, groups)
    torch.testing.assert_close(encoder.encoder(groups), expected, rtol=0, atol=1e-5 * float(expected.abs().max()))


@torch.inference_mode()
def test_nested_equals_one_evaluation_per_size(encoder, scan):
    groups, centers = scan
    nested = encoder.nested(groups, centers, SIZES)
    for tokens, size in zip(nested, SIZES, strict=True):
        expected = encoder.contextualise(torch.stack([naive_tokens(encoder, one[:, :size]) for one in groups]), centers)
        torch.testing.assert_close(tokens, expected, rtol=0, atol=1e-5 * float(expected.abs().max()))


@torch.inference_mode()
def test_size_of_the_chunks_changes_nothing(encoder, scan, monkeypatch):
    whole = encoder.nested(*scan, SIZES)
    monkeypatch.setattr(pointmae, "_ROWS_AT_ONCE", {"cpu": 100})
    torch.testing.assert_close(encoder.nested(*scan, SIZES), whole, rtol=1e-5, atol=1e-6)


@torch.inference_mode()
def test_batch_of_two_equals_two_of_one(encoder, scan):
    groups, centers = scan
    single = [encoder.nested(groups[i : i + 1], centers[i : i + 1], SIZES) for i in range(2)]
    torch.testing.assert_close(encoder.nested(groups, centers, SIZES), torch.cat(single, 1), rtol=1e-4, atol=1e-5)


@torch.inference_mode()
def test_order_of_points_and_groups_changes_nothing_else(encoder, scan):
    groups, centers = scan
    turned = encoder(groups.flip(1, 2), centers.flip(1)).flip(1)
    torch.testing.assert_close(turned, encoder(groups, centers), rtol=1e-4, atol=1e-5)


@torch.inference_mode()
def test_bf16_stays_near(encoder, scan):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = encoder.nested(*scan, SIZES)
    exact = encoder.nested(*scan, SIZES)
    assert rough.dtype == torch.float32
    assert (rough - exact).abs().mean() < 0.05 * exact.abs().mean()


def test_training_mode_trains_every_parameter(scan):
    made = LocalEncoder(48, 16, 4, 2).train()
    made(*scan).square().mean().backward()
    assert all(parameter.grad is not None for parameter in made.parameters())


def test_prefixes_are_refused_while_statistics_move(encoder, scan):
    with pytest.raises(RuntimeError, match="evaluation"):
        LocalEncoder(48, 16, 4, 2).train().nested(*scan, SIZES)


@pytest.mark.parametrize("sizes", [(16, 8, 32), (8, 8, 32), (0, 8, 32), (8, 16, 33)])
def test_sizes_must_be_prefixes(encoder, scan, sizes):
    with pytest.raises(ValueError, match="ascend"):
        encoder.nested(*scan, sizes)


@torch.inference_mode()
def test_layers_side_by_side_end_with_the_last_block_s(encoder, scan):
    groups, centers = scan
    layered = encoder.layered(groups, centers, (0, 1, 2))
    assert layered.shape == (2, 30, 3 * 48)
    torch.testing.assert_close(layered[..., 96:], encoder(groups, centers))
    torch.testing.assert_close(layered[..., :48], encoder.norm(encoder.encoder(groups.flatten(0, 1))).view(2, 30, 48))
