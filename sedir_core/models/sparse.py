"""Convolutions on occupied voxels alone: gather, multiply, put back, shift by shift.

A level holds the occupied voxels of a batch; what is next to what is found once by binary search and shared by all
layers of the level. Within one shift every voxel has at most one partner, so nothing is ever added up in an order that
could vary. Coordinates of a level are multiples of its stride, as in MinkowskiEngine (Choy et al. 2019).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, cast

import torch
from torch import Tensor, nn

from sedir_core.models.layers import initial_normal

_BITS = 16  # of each coordinate in a key
_LIMIT = 2 ** (_BITS - 1) - 256  # room for the widest kernel's shifts
Pairs = Sequence[tuple[Tensor, Tensor]]
"""For each shift of a kernel: rows of the input, and the rows of the output that they belong to, (m,) each."""


@dataclass(frozen=True)
class Level:
    """Occupied voxels: coords (n, 4) int64, batch, x, y, z, sorted by their keys (n,). stride: of x, y, z."""

    coords: Tensor
    keys: Tensor
    stride: int = 1

    @classmethod
    def of(cls, coords: Tensor, stride: int = 1) -> tuple[Level, Tensor]:
        """The level of coordinates (m, 4), repeated or not, and the row (m,) of each in it.

        Raises ValueError beyond 32,000 voxels from the origin.
        """
        if len(coords) and int(coords[:, 1:].abs().max()) > _LIMIT:
            raise ValueError(f"voxels lie more than {_LIMIT} from the origin")
        keys, rows = torch.unique(_keys(coords), return_inverse=True)
        return cls(_unkeyed(keys), keys, stride), rows

    def __len__(self) -> int:
        return len(self.keys)

    def coarser(self) -> tuple[Level, Pairs]:
        """The level of twice the stride, and the pairs of a 2³ convolution that leads there."""
        step = 2 * self.stride
        coarse = self.coords.clone()
        coarse[:, 1:] = torch.div(coarse[:, 1:], step, rounding_mode="floor") * step
        found, parents = Level.of(coarse, step)
        place = (self.coords[:, 1:] - coarse[:, 1:]) // self.stride
        child = (place[:, 0] * 2 + place[:, 1]) * 2 + place[:, 2]
        rows = torch.arange(len(self), device=self.keys.device)
        return found, [(rows[child == k], parents[child == k]) for k in range(8)]

    def around(self, size: int) -> Pairs:
        """The pairs of a convolution of odd size within the level, shifts in the order of x, y, z."""
        reach = size // 2
        everyone = torch.arange(len(self), device=self.keys.device)
        pairs: list[tuple[Tensor, Tensor]] = []
        shifts = list(product(range(-reach, reach + 1), repeat=3))
        for shift in shifts[: len(shifts) // 2]:
            wanted = self.keys + _key_step(shift, self.stride)
            place = torch.searchsorted(self.keys, wanted).clamp(max=len(self) - 1)
            there = self.keys[place] == wanted
            pairs.append((place[there], everyone[there]))
        # The other half of the shifts are these, turned round.
        return [*pairs, (everyone, everyone), *backwards(pairs)[::-1]]


class SparseConvolution(nn.Module):
    """Weights (shifts, in, out); which voxels meet comes with the pairs."""

    def __init__(self, width_in: int, width_out: int, shifts: int, bias: bool = False) -> None:
        super().__init__()
        self.kernel = nn.Parameter(torch.empty(shifts, width_in, width_out))
        self.bias = nn.Parameter(torch.zeros(width_out)) if bias else None
        initial_normal(self.kernel, (2 / (shifts * width_out)) ** 0.5)  # Kaiming's, by fan-out

    def forward(self, features: Tensor, pairs: Pairs, n_out: int) -> Tensor:
        """(n_in, in) -> (n_out, out)."""
        out = _gather_scatter(features, self.kernel, pairs, n_out)
        return out if self.bias is None else out + self.bias


class _GatherScatter(torch.autograd.Function):
    """Keeps the features, not what was gathered of them: a surface voxel has ten neighbours."""

    @staticmethod
    def forward(ctx: Any, features: Tensor, kernel: Tensor, pairs: Pairs, n_out: int) -> Tensor:
        ctx.save_for_backward(features, kernel)
        ctx.pairs = pairs
        out = features.new_zeros(n_out, kernel.shape[2])
        for (source, target), weight in zip(pairs, kernel, strict=True):
            if len(source):
                out.index_add_(0, target, features.index_select(0, source) @ weight)
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor, None, None]:
        features, kernel = ctx.saved_tensors
        (gradient,) = gradients
        of_features = torch.zeros_like(features) if ctx.needs_input_grad[0] else None
        of_kernel = torch.zeros_like(kernel)
        for k, (source, target) in enumerate(ctx.pairs):
            if len(source):
                rows = gradient.index_select(0, target)
                of_kernel[k] = features.index_select(0, source).T @ rows
                if of_features is not None:
                    of_features.index_add_(0, source, rows @ kernel[k].T)
        return of_features, of_kernel, None, None


_gather_scatter = cast(Callable[[Tensor, Tensor, Pairs, int], Tensor], _GatherScatter.apply)


def backwards(pairs: Pairs) -> Pairs:
    """The pairs of the transposed convolution."""
    return [(target, source) for source, target in pairs]


def _keys(coords: Tensor) -> Tensor:
    batch, x, y, z = (coords[:, i] for i in range(4))
    half = 2 ** (_BITS - 1)
    keys: Tensor = (((batch << _BITS) + x + half << _BITS) + y + half << _BITS) + z + half
    return keys


def _unkeyed(keys: Tensor) -> Tensor:
    mask, half = 2**_BITS - 1, 2 ** (_BITS - 1)
    columns = [keys >> 3 * _BITS, *(((keys >> shift * _BITS) & mask) - half for shift in (2, 1, 0))]
    return torch.stack(columns, dim=1)


def _key_step(shift: Sequence[int], stride: int) -> int:
    x, y, z = shift
    return ((x * stride << _BITS) + y * stride << _BITS) + z * stride
