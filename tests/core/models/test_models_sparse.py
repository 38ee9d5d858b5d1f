"""Convolutions on occupied voxels equal torch's dense ones there."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from sedir_core.models.sparse import Level, SparseConvolution, backwards

SIDE = 8


@pytest.fixture
def level() -> Level:
    random = torch.Generator().manual_seed(0)
    voxels = torch.randint(SIDE, (150, 3), generator=random)
    batch = torch.randint(2, (150, 1), generator=random)
    return Level.of(torch.cat((batch, voxels), dim=1))[0]


def dense(level: Level, features: Tensor) -> Tensor:
    grid = torch.zeros(2, SIDE, SIDE, SIDE, features.shape[1])
    grid[tuple(level.coords.T)] = features
    return grid.permute(0, 4, 1, 2, 3)


def weights(layer: SparseConvolution, size: int) -> Tensor:
    width_in, width_out = layer.kernel.shape[1:]
    return layer.kernel.reshape(size, size, size, width_in, width_out).permute(4, 3, 0, 1, 2)


def at(level: Level, grid: Tensor, stride: int = 1) -> Tensor:
    batch, x, y, z = level.coords.T
    return grid.permute(0, 2, 3, 4, 1)[batch, x // stride, y // stride, z // stride]


@pytest.mark.parametrize("size", [3, 5])
def test_a_convolution_of_odd_size_equals_the_dense_one(level: Level, size: int) -> None:
    features, layer = torch.randn(len(level), 4), SparseConvolution(4, 6, size**3)
    expected = at(level, F.conv3d(dense(level, features), weights(layer, size), padding=size // 2))
    assert torch.allclose(layer(features, level.around(size), len(level)), expected, atol=1e-5)


def test_a_strided_convolution_equals_the_dense_one(level: Level) -> None:
    features, layer = torch.randn(len(level), 4), SparseConvolution(4, 6, 8)
    coarse, pairs = level.coarser()
    expected = at(coarse, F.conv3d(dense(level, features), weights(layer, 2), stride=2), stride=2)
    assert coarse.stride == 2
    assert torch.allclose(layer(features, pairs, len(coarse)), expected, atol=1e-5)


def test_a_transposed_convolution_equals_the_dense_one(level: Level) -> None:
    coarse, pairs = level.coarser()
    features, layer = torch.randn(len(coarse), 4), SparseConvolution(4, 6, 8)
    grid = torch.zeros(2, SIDE // 2, SIDE // 2, SIDE // 2, 4)
    batch, x, y, z = coarse.coords.T
    grid[batch, x // 2, y // 2, z // 2] = features
    kernel = layer.kernel.reshape(2, 2, 2, 4, 6).permute(3, 4, 0, 1, 2)
    expected = at(level, F.conv_transpose3d(grid.permute(0, 4, 1, 2, 3), kernel, stride=2))
    assert torch.allclose(layer(features, backwards(pairs), len(level)), expected, atol=1e-5)


def test_its_gradients_are_those_of_the_dense_one(level: Level) -> None:
    features, layer = torch.randn(len(level), 4, requires_grad=True), SparseConvolution(4, 6, 27)
    goal = torch.randn(len(level), 6)
    by_hand = torch.autograd.grad((layer(features, level.around(3), len(level)) * goal).sum(), (features, layer.kernel))
    grid = F.conv3d(dense(level, features), weights(layer, 3), padding=1)
    by_torch = torch.autograd.grad((at(level, grid) * goal).sum(), (features, layer.kernel))
    for one, other in zip(by_hand, by_torch, strict=True):
        assert torch.allclose(one, other, atol=1e-4)


@pytest.mark.parametrize("shift", [(3, -2, 5), (-600, 700, 0)])
def test_moving_by_whole_voxels_changes_nothing(level: Level, shift: tuple[int, int, int]) -> None:
    features, layer = torch.randn(len(level), 4), SparseConvolution(4, 6, 27)
    moved = level.coords + torch.tensor([0, *shift])
    there, rows = Level.of(moved)
    again = torch.empty_like(features)
    again[rows] = features
    out = layer(again, there.around(3), len(there))[rows]
    assert torch.allclose(out, layer(features, level.around(3), len(level)), atol=1e-6)


def test_points_of_one_voxel_become_one_row() -> None:
    level, rows = Level.of(torch.tensor([[0, 5, 5, 5], [0, -1, 2, 3], [0, 5, 5, 5]]))
    assert len(level) == 2
    assert rows[0] == rows[2] != rows[1]
    assert level.coords[rows].tolist() == [[0, 5, 5, 5], [0, -1, 2, 3], [0, 5, 5, 5]]


def test_voxels_that_no_key_can_name_are_refused() -> None:
    with pytest.raises(ValueError, match="from the origin"):
        Level.of(torch.tensor([[0, 40_000, 0, 0]]))
