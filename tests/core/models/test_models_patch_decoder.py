"""Chamfer distance by hand, and a decoder that can learn a patch."""

from __future__ import annotations

import pytest
import torch

from sedir_core.models.patch_decoder import PatchDecoder, chamfer_distance


def test_chamfer_of_a_case_worked_by_hand():
    a = torch.tensor([[0.0, 0, 0], [1, 0, 0]])
    b = torch.tensor([[0.0, 0, 0], [0, 3, 0], [1, 0, 0]])
    assert chamfer_distance(a, b).item() == pytest.approx(0 + (0 + 3 + 0) / 3)


def test_chamfer_ignores_order_and_repeats():
    points = torch.randn(4, 10, 3, generator=torch.Generator().manual_seed(0))
    twice = torch.cat((points.flip(1), points), 1)
    torch.testing.assert_close(chamfer_distance(points, twice), torch.zeros(4), rtol=0, atol=1e-6)


def test_chamfer_of_equal_sets_has_a_finite_gradient():
    points = torch.zeros(1, 3, 3, requires_grad=True)
    chamfer_distance(points, torch.zeros(1, 3, 3)).sum().backward()
    assert torch.isfinite(points.grad).all()


def test_decoder_learns_patches():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        decoder, tokens, patches = PatchDecoder(8, 16, 32), torch.randn(4, 8), torch.rand(4, 20, 3)
    optimizer = torch.optim.Adam(decoder.parameters(), lr=1e-2)
    losses = []
    for _ in range(60):
        loss = chamfer_distance(decoder(tokens), patches).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


def test_shape_follows_the_tokens():
    assert PatchDecoder(8, 5)(torch.zeros(2, 7, 8)).shape == (2, 7, 5, 3)
