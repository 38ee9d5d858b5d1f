"""R3D-AD: its sizes, its schedule, its losses and Patch-Gen, against what the published code computes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from known_weights import fill, waves

from sedir_core.geometry.tree import PointTree
from sedir_core.models.pseudo_defects import patch_gen, viewpoints
from sedir_core.models.r3dad import R3dad

UNUSED_BRANCH = 198_016
"""The published encoder's log-variance, which nothing reads: left out here."""
STEP = torch.tensor([100])


def n_parameters(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.fixture(scope="module")
def network() -> R3dad:
    network = R3dad().eval()
    fill(network.encoder, "r3dad/encoder.")
    fill(network.net, "r3dad/diffusion.net.")
    return network


@pytest.fixture
def points() -> torch.Tensor:
    return waves(np.sin, 1, 64, 3)


@pytest.fixture
def noise() -> torch.Tensor:
    return waves(np.cos, 1, 64, 3)


def test_it_has_the_published_number_of_parameters() -> None:
    whole = R3dad()
    assert n_parameters(whole.encoder) + UNUSED_BRANCH == 579_712
    assert n_parameters(whole.net) == 995_608
    assert n_parameters(whole) + UNUSED_BRANCH == 1_575_320


def test_the_schedule_is_the_published_one() -> None:
    schedule = R3dad().schedule
    assert schedule.kept[[0, 99, 199]].tolist() == pytest.approx([0.9999, 0.283141, 0.006122], abs=1e-6)
    assert schedule.sigmas[[0, 1, 99, 199]].tolist() == pytest.approx([0, 0.008822, 0.157076, 0.223571], abs=1e-6)


def test_the_code_of_a_cloud_is_the_published_one(network: R3dad, points: torch.Tensor) -> None:
    code = network.encoder(points)[0]
    assert code[:3].tolist() == pytest.approx([0.22806, -0.08144, 0.09542], abs=2e-5)
    assert code.sum().item() == pytest.approx(5.0717, abs=2e-4)
    assert code.norm().item() == pytest.approx(3.2135, abs=2e-4)


def test_the_noise_that_it_sees_is_the_published_one(network: R3dad, points: torch.Tensor) -> None:
    seen = network.noise_in(points, STEP, network.encoder(points)).flatten()
    assert seen[:3].tolist() == pytest.approx([0.14246, 0.90899, 1.12497], abs=5e-5)
    assert seen.sum().item() == pytest.approx(29.1876, abs=1e-3)


def test_both_losses_are_the_published_ones(network: R3dad, points: torch.Tensor, noise: torch.Tensor) -> None:
    assert network.noise_loss(points, noise, STEP).item() == pytest.approx(0.17790, abs=1e-5)
    clean = points.clone()
    clean[0, :8] += 0.1
    assert network.displacement_loss(points, clean, noise, STEP).item() == pytest.approx(0.10754, abs=1e-5)


def test_patch_gen_moves_the_nearest_points_all_one_way() -> None:
    random = torch.Generator().manual_seed(0)
    sphere = 0.5 * torch.nn.functional.normalize(torch.randn(2_048, 3, generator=random), dim=1)
    seen_from = viewpoints()
    assert len(seen_from) == 26
    for scale in (0.1, -0.1):
        moved = patch_gen(sphere, seen_from[3], 128, scale, random)
        lengths = moved.offsets.norm(dim=1)
        chosen = lengths > 0
        assert int(chosen.sum()) == 128
        assert float(lengths.max()) < 0.1
        assert float(lengths[chosen].mean()) == pytest.approx(0.05, abs=0.01)
        away = sphere[chosen] - seen_from[3]
        assert bool(((moved.offsets[chosen] * away).sum(dim=1) * scale > 0).all())
        order = away.norm(dim=1).argsort()
        assert bool((lengths[chosen][order].diff() <= 1e-6).all())


def test_drawings_come_nearer_to_the_part_as_it_learns() -> None:
    torch.manual_seed(0)
    random = torch.Generator().manual_seed(0)
    ellipsoid = torch.nn.functional.normalize(torch.randn(2_000, 3, generator=random), dim=1)
    ellipsoid = ellipsoid * torch.tensor([1.0, 0.6, 0.4])
    network = R3dad()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    tree = PointTree(ellipsoid.numpy())

    def away() -> float:
        drawing = network.eval().draw(ellipsoid[None, :200], torch.Generator().manual_seed(1))[0]
        return float(tree.nearest(drawing.numpy())[0].mean())

    before = away()
    network.train()
    for _ in range(120):
        picked = torch.randint(2_000, (8, 128), generator=random)
        noise = torch.randn(8, 128, 3, generator=random)
        loss = network.noise_loss(ellipsoid[picked], noise, torch.randint(1, 201, (8,), generator=random))
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(network.parameters(), 10.0)
        optimizer.step()
    assert away() < 0.85 * before
