"""After IMRNet: the masked auto-encoder is Point-MAE's, and rounds of hiding and rebuilding do what they should."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from known_weights import fill, waves
from torch import Tensor

from sedir_core.config import ImrnetConfig
from sedir_core.detectors.imrnet import changing_points, masks, patches_of, rebuild
from sedir_core.geometry.sampling import farthest_points
from sedir_core.geometry.tree import PointTree
from sedir_core.models.imrnet import MaskedAutoencoder, chamfer_l2

HIDDEN = (1, 4, 6, 9, 12, 15)
CFG = ImrnetConfig(points=512, patches=24, patch_size=32)


def sphere(n: int = 512) -> np.ndarray:
    points = np.random.default_rng(0).normal(size=(n, 3))
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)


class Copier(MaskedAutoencoder):
    """Rebuilds patches by looking at a cloud."""

    def __init__(self, cloud: np.ndarray) -> None:
        super().__init__(24, 8, 2, 1, 1, CFG.patch_size)
        self.cloud = cloud

    def rebuild(
        self, groups: Tensor, centers: Tensor, hidden: Tensor, generator: torch.Generator | None = None
    ) -> Tensor:
        return torch.from_numpy(patches_of(self.cloud, centers[0, hidden].numpy(), self.patch_size))[None]


@pytest.mark.parametrize(("size", "count"), [(64, 29_043_392), (32, 29_006_432)])
def test_it_has_point_mae_s_number_of_parameters(size: int, count: int) -> None:
    assert sum(one.numel() for one in MaskedAutoencoder(patch_size=size).parameters()) == count


def test_its_tokens_and_its_loss_are_the_known_ones() -> None:
    network = fill(MaskedAutoencoder(), "pointmae/")
    assert isinstance(network, MaskedAutoencoder)
    groups = (0.1 * waves(np.sin, 1, 16, 64, 3, scale=0.37).double()).float()
    centres = waves(np.cos, 1, 16, 3, scale=1.3)
    hidden = torch.zeros(16, dtype=torch.bool)
    hidden[list(HIDDEN)] = True
    visible = network.encode(groups[:, ~hidden], centres[:, ~hidden])
    assert visible.shape == (1, 10, 384)
    assert visible.sum().item() == pytest.approx(-10.5512, abs=2e-3)
    assert visible[0, 0, :3].tolist() == pytest.approx([1.71075, -2.25891, 0.33670], abs=5e-5)
    assert network.loss(groups, centres, hidden).item() == pytest.approx(2.80200, abs=5e-5)


def test_chamfer_of_a_set_with_itself_is_nothing_and_squares_are_added_both_ways() -> None:
    points = torch.randn(9, 3)
    assert chamfer_l2(points, points).item() == 0
    assert chamfer_l2(torch.zeros(1, 3), torch.tensor([[3.0, 4.0, 0.0]])).item() == pytest.approx(50)


def test_the_hidden_share_is_the_published_one_and_every_patch_is_hidden_once() -> None:
    random = torch.Generator().manual_seed(0)
    assert [int(one.sum()) for one in masks(16, ImrnetConfig(masks="random"), random)] == [6, 6, 6]
    for n in (16, 23, 128):
        rounds = masks(n, ImrnetConfig(), random)
        assert np.logical_or.reduce(rounds).all()
        assert all(0 < one.sum() < n for one in rounds)


def test_a_perfect_rebuilder_changes_nothing() -> None:
    points = sphere()
    centres = points[farthest_points(points, CFG.patches)]
    found = rebuild(Copier(points), points, centres, CFG, torch.Generator().manual_seed(0))
    assert PointTree(found).nearest(points)[0].max() < 1e-5


def test_one_that_knows_only_good_parts_takes_a_bulge_away() -> None:
    good = sphere()
    bulged = good.copy()
    inside = good[:, 2] > 0.9
    bulged[inside] *= 1.15
    centres = bulged[farthest_points(bulged, CFG.patches)]
    found = rebuild(Copier(good), bulged, centres, CFG, torch.Generator().manual_seed(0))
    away = PointTree(found).nearest(bulged)[0]
    assert away[inside].min() > np.quantile(away[~inside], 0.99)


def test_half_of_the_samples_lie_where_the_surface_changes() -> None:
    points = np.random.default_rng(0).uniform(-1, 1, size=(4_000, 3)) * (1, 1, 0)
    changes = np.where(points[:, 0] > 0.4, 1.0, 0.0)
    chosen = points[changing_points(points, changes, 400)]
    assert len(chosen) == 400
    assert (chosen[:, 0] > 0.4).mean() > 1.5 * (points[:, 0] > 0.4).mean()


def test_it_learns_to_rebuild_a_part() -> None:
    torch.manual_seed(0)
    network = MaskedAutoencoder(24, 8, 2, 2, 1, 32)
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3)
    points, random = sphere(), torch.Generator().manual_seed(0)
    centres = points[farthest_points(points, 24)]
    groups, places = (torch.from_numpy(one)[None] for one in (patches_of(points, centres, 32), centres))
    losses = []
    for _ in range(120):
        hidden = torch.zeros(24, dtype=torch.bool)
        hidden[torch.randperm(24, generator=random)[:10]] = True
        loss = network.loss(groups, places, hidden, random)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        losses.append(loss.item())
    assert np.mean(losses[-10:]) < 0.3 * losses[0]
