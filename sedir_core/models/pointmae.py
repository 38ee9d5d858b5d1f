"""The frozen local encoder φ: Point-MAE's mini-PointNet and first transformer blocks (method section 1).

Names of parameters are the official checkpoint's, without its `module.` and `MAE_encoder.` prefixes.
`nested` gives the three resolutions at once: neighbourhoods are prefixes of one sorted list, so everything that
depends on single points is computed once, and what depends on the set enters through a running maximum.
"""

from __future__ import annotations

from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sedir_core.models.layers import position_mlp

_ROWS_AT_ONCE = {"cpu": 2_048}  # point rows in flight: on a CPU they should stay in its cache
_ROWS_AT_ONCE_ELSEWHERE = 262_144


class LocalEncoder(nn.Module):
    """Point-MAE up to the LayerNorm-ed output of its block `depth` (the reference uses the fourth of twelve)."""

    def __init__(self, width: int = 384, hidden: int = 128, heads: int = 6, depth: int = 4) -> None:
        super().__init__()
        self.width, self.depth = width, depth
        self.encoder = MiniPointNet(width, hidden)
        self.pos_embed = position_mlp(hidden, width, nn.GELU)
        self.blocks = nn.ModuleDict({"blocks": nn.ModuleList(Block(width, heads) for _ in range(depth))})
        self.norm = nn.LayerNorm(width)

    def forward(self, groups: Tensor, centers: Tensor) -> Tensor:
        """groups (B, N, K, 3) minus their centre, centers (B, N, 3), longest radius 1 -> tokens (B, N, c)."""
        batch, n_groups = groups.shape[:2]
        return self.contextualise(self.encoder(groups.flatten(0, 1)).reshape(batch, n_groups, -1), centers)

    def nested(self, groups: Tensor, centers: Tensor, sizes: tuple[int, int, int]) -> Tensor:
        """Tokens of three resolutions, (3, B, N, c), equal to three calls of `forward` in evaluation mode.

        groups (B, N, K, 3), minus their centre and sorted by distance; sizes ascending, the last at most K.
        """
        batch, n_groups = groups.shape[:2]
        tokens = self.encoder.nested(groups.flatten(0, 1), sizes).reshape(len(sizes) * batch, n_groups, -1)
        together = self.contextualise(tokens, centers.repeat(len(sizes), 1, 1))
        return together.reshape(len(sizes), batch, n_groups, -1).to(groups.dtype)

    def layered(self, groups: Tensor, centers: Tensor, levels: tuple[int, ...]) -> Tensor:
        """The normed outputs of several depths side by side, (B, N, len(levels) * c), as Reg3D-AD reads Point-MAE.

        levels: ascending numbers of blocks passed, from 0. Otherwise as `forward`.
        """
        batch, n_groups = groups.shape[:2]
        tokens = self.encoder(groups.flatten(0, 1)).reshape(batch, n_groups, -1)
        position = self.pos_embed(centers)
        passed, found = 0, []
        for level in levels:
            for block in list(cast(nn.ModuleList, self.blocks["blocks"]))[passed:level]:
                tokens = block(tokens + position)
            passed = level
            found.append(self.norm(tokens))
        return torch.cat(found, -1)

    def contextualise(self, tokens: Tensor, centers: Tensor) -> Tensor:
        """The blocks: each sees the tokens plus the position embedding of their centres, (B, N, c) -> (B, N, c)."""
        position = self.pos_embed(centers)
        for block in cast(nn.ModuleList, self.blocks["blocks"]):
            tokens = block(tokens + position)
        normed: Tensor = self.norm(tokens)
        return normed


class MiniPointNet(nn.Module):
    """One token per group: two shared layers, a maximum, two more that see it, a maximum."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.first_conv = _SharedLayers(3, hidden, 2 * hidden)
        self.second_conv = _SharedLayers(4 * hidden, 4 * hidden, width)

    def forward(self, groups: Tensor) -> Tensor:
        """groups (G, K, 3) -> (G, c). Trains; in evaluation mode it is `nested` with a single size."""
        if not self.training:
            return self.nested(groups, (groups.shape[1],))[0]
        n_groups, size = groups.shape[:2]
        local = self.first_conv(groups.flatten(0, 1))
        whole = local.view(n_groups, size, -1).amax(1).repeat_interleave(size, 0)
        tokens: Tensor = self.second_conv(torch.cat((whole, local), 1)).view(n_groups, size, -1).amax(1)
        return tokens

    def nested(self, groups: Tensor, sizes: tuple[int, ...]) -> Tensor:
        """One token per group and prefix: groups (G, K, 3), ascending sizes -> (len(sizes), G, c). Evaluation mode."""
        if self.training:
            raise RuntimeError("prefixes share batch statistics only in evaluation mode")
        if list(sizes) != sorted(set(sizes)) or not 0 < sizes[0] <= sizes[-1] <= groups.shape[1]:
            raise ValueError(f"sizes must ascend and fit into {groups.shape[1]} points, got {sizes}")
        layers = self._folded()
        rows = _ROWS_AT_ONCE.get(groups.device.type, _ROWS_AT_ONCE_ELSEWHERE)
        chunks = torch.split(groups[:, : sizes[-1]], max(1, rows // sizes[-1]))
        return torch.cat([_nested_tokens(chunk, sizes, layers) for chunk in chunks], 1)

    def _folded(self) -> _Folded:
        weight, bias = self.second_conv.folded()
        whole, local = weight.chunk(2, 1)  # Point-MAE concatenates (maximum, point)
        return _Folded(self.first_conv.folded(), self.first_conv.last(), whole, (local, bias), self.second_conv.last())


_Layer = tuple[Tensor, Tensor]  # weight (out, in), bias (out,)


class _SharedLayers(nn.Sequential):
    """Convolution of width one, BatchNorm, ReLU, convolution: stored as Point-MAE does, run as matrix products."""

    def __init__(self, width_in: int, hidden: int, width_out: int) -> None:
        super().__init__(
            nn.Conv1d(width_in, hidden, 1), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Conv1d(hidden, width_out, 1)
        )

    def forward(self, points: Tensor) -> Tensor:
        """(rows, in) -> (rows, out)."""
        return F.linear(F.relu(self[1](F.linear(points, *_matrix(self[0])))), *self.last())

    def last(self) -> _Layer:
        return _matrix(self[3])

    def folded(self) -> _Layer:
        """The first convolution with the BatchNorm's running statistics folded in."""
        norm = cast(nn.BatchNorm1d, self[1])
        weight, bias = _matrix(self[0])
        gain = norm.weight * torch.rsqrt(cast(Tensor, norm.running_var) + norm.eps)
        return weight * gain[:, None], (bias - cast(Tensor, norm.running_mean)) * gain + norm.bias


def _matrix(module: nn.Module) -> _Layer:
    conv = cast(nn.Conv1d, module)
    return conv.weight.squeeze(-1), cast(Tensor, conv.bias)


class _Folded(NamedTuple):
    """The mini-PointNet with BatchNorm folded in and its third layer split into its two inputs."""

    first: _Layer
    second: _Layer
    third_whole: Tensor
    third_local: _Layer
    fourth: _Layer


def _nested_tokens(groups: Tensor, sizes: tuple[int, ...], layers: _Folded) -> Tensor:
    n_groups, largest = groups.shape[:2]
    points = F.linear(F.linear(groups.reshape(-1, 3), *layers.first).relu_(), *layers.second)
    local = F.linear(points, *layers.third_local).view(n_groups, largest, -1)
    points = points.view(n_groups, largest, -1)
    tokens: list[Tensor] = []
    start, maximum = 0, points[:, 0]
    for size in sizes:
        start, maximum = size, torch.maximum(maximum, points[:, start:size].amax(1))
        joined = (local[:, :size] + F.linear(maximum, layers.third_whole).unsqueeze(1)).relu_()
        tokens.append(F.linear(joined.flatten(0, 1), *layers.fourth).view(n_groups, size, -1).amax(1))
    return torch.stack(tokens)


class Block(nn.Module):
    """Pre-norm transformer block of Point-MAE (ViT's)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn = _SelfAttention(width, heads)
        self.mlp = _Mlp(width, 4 * width)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, N, c) -> (B, N, c)."""
        tokens = tokens + self.attn(self.norm1(tokens))
        rest: Tensor = self.mlp(self.norm2(tokens))
        return tokens + rest


class _SelfAttention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.proj = nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        q, k, v = self.qkv(tokens).view(*tokens.shape[:2], 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed: Tensor = self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))
        return mixed


class _Mlp(nn.Module):
    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, tokens: Tensor) -> Tensor:
        out: Tensor = self.fc2(F.gelu(self.fc1(tokens)))
        return out
