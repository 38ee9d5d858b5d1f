"""PO3AD: its size, its displacement, its loss and its head, against what the published code computes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from known_weights import fill, waves

from sedir_core.models.po3ad import ONE_BLOCK, Po3ad, offset_head, offset_loss, offset_scores
from sedir_core.models.pseudo_defects import cover, move_along, move_patch, norm_as

POINTS = torch.tensor([[0, 0, 0], [0.1, 0, 0], [0.2, 0, 0], [0, 0.4, 0]])
NORMALS = torch.tensor([[0, 0, 1.0], [0, 0, -1], [0.6, 0, 0.8], [1, 0, 0]])
MOVES = torch.tensor([[0, 0, 0.1], [0, 0, 0.075], [0.03, 0, 0.04], [0, 0, 0]])


def n_parameters(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def sphere(n: int = 2_000) -> torch.Tensor:
    return torch.nn.functional.normalize(torch.randn(n, 3, generator=torch.Generator().manual_seed(0)), dim=1)


def test_it_has_the_published_number_of_parameters() -> None:
    whole = Po3ad()
    assert n_parameters(whole) == 37_858_901
    assert n_parameters(whole.backbone) == 37_857_216
    assert n_parameters(whole.linear_offset) == 1_685


def test_the_small_one_has_three_million() -> None:
    assert n_parameters(Po3ad(0.04, 16, ONE_BLOCK, ONE_BLOCK)) == pytest.approx(2.90e6, rel=0.002)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_patch_moves_as_published(sign: int) -> None:
    moved = move_patch(POINTS, NORMALS, torch.arange(4), POINTS[0], sign * 0.1)
    assert torch.allclose(moved.offsets, sign * MOVES, atol=1e-6)
    assert torch.equal(moved.points, POINTS + moved.offsets)


def test_our_variant_follows_the_normals_sign() -> None:
    moved = move_along(POINTS, NORMALS, torch.arange(4), POINTS[0], 0.1)
    assert moved.offsets[1].tolist() == pytest.approx([0, 0, -0.075])


def test_patches_cover_a_cloud_and_the_last_takes_the_rest() -> None:
    owner = cover(torch.rand(2_050, 3), torch.Generator().manual_seed(0))
    assert torch.bincount(owner).tolist() == [32] * 63 + [34]


def test_one_patch_of_a_cloud_is_moved_and_nothing_else() -> None:
    points = sphere()
    moved = norm_as(points, points, torch.Generator().manual_seed(1))
    lengths = moved.offsets.norm(dim=1)
    assert 0 < int((lengths > 0).sum()) <= 2_000 // 64
    assert 0.03 < float(lengths.max()) <= 0.12


def test_the_loss_is_the_published_one() -> None:
    predicted = torch.tensor([[0.1, 0, 0], [0, 0.2, 0], [0, 0, 0], [0.05, -0.05, 0.1]])
    target = torch.tensor([[0.1, 0, 0], [0, 0.1, 0], [0, 0, 0], [0, 0, 0]])
    assert float(offset_loss(predicted, target)) == pytest.approx(-0.425, abs=1e-5)


def test_the_head_computes_what_the_published_one_does() -> None:
    head = fill(offset_head(), "po3ad/linear_offset.")
    out = head(waves(np.sin, 5, 32))
    assert out[0].tolist() == pytest.approx([0.86783, -1.41467, -0.25234], abs=2e-5)
    assert float(offset_scores(out).mean()) == pytest.approx(2.55645, abs=2e-5)


def test_points_of_one_voxel_get_one_offset_and_clouds_do_not_meet() -> None:
    torch.manual_seed(0)
    network = Po3ad(0.1, 8, ONE_BLOCK, ONE_BLOCK).eval()
    first, second = sphere(400), 0.5 * sphere(300)
    together = network([first, second])
    assert torch.allclose(together, torch.cat((network([first]), network([second]))), atol=1e-6)
    voxels = torch.floor(first / 0.1)
    same = (voxels == voxels[0]).all(dim=1)
    assert torch.equal(together[:400][same], together[:1].expand(int(same.sum()), 3))


def test_it_learns_to_see_a_moved_patch() -> None:
    torch.manual_seed(0)
    network = Po3ad(0.08, 8, ONE_BLOCK, ONE_BLOCK)
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    random, points = torch.Generator().manual_seed(0), sphere(1_500)
    losses = []
    for _ in range(60):
        moved = norm_as(points, points, random)
        loss = offset_loss(network([moved.points]), moved.offsets)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        losses.append(loss.item())
    assert np.mean(losses[-10:]) < 0.5 * np.mean(losses[:5])
