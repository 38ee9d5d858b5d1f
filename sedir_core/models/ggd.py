"""Geometry-Guided Decoder: tokens rebuilt from the identity, led by local geometry (section 3.3, figure 4)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sedir_core.models.layers import Attention, Dropout


class GeometricBias(nn.Module):
    """A scalar per token from its normal and curvature variation: a two-layer MLP, times a learnable strength λ_geo."""

    def __init__(self, hidden: int = 32) -> None:
        super().__init__()
        # The last layer has no bias: the softmax over keys cancels a constant.
        self.mlp = nn.Sequential(nn.Linear(2, hidden), nn.ReLU(), nn.Linear(hidden, 1, bias=False))
        self.strength = nn.Parameter(torch.ones(()))

    def forward(self, geometry: Tensor) -> Tensor:
        """geometry (B, N, 2) = (Δn, Δκ) in any unit, normalised here per instance -> (B, N)."""
        bias: Tensor = self.mlp(normalise_per_instance(geometry)).squeeze(-1)
        return self.strength * bias


def normalise_per_instance(geometry: Tensor) -> Tensor:
    """Mean 0 and deviation 1 over each instance's tokens, (B, N, 2) -> (B, N, 2); a constant becomes 0."""
    centred = geometry - geometry.mean(1, keepdim=True)
    deviation = centred.square().mean(1, keepdim=True).sqrt()
    return centred / deviation.clamp(min=1e-6)


class DecoderLayer(nn.Module):
    """a = z + attention(z, encoded); b = a + attention(a, previous); next = b + FFN([a; b]), each normed."""

    def __init__(self, width: int, heads: int, feedforward: int, dropout: float) -> None:
        super().__init__()
        self.from_encoded, self.from_previous = Attention(width, heads), Attention(width, heads)
        self.linear1, self.linear2 = nn.Linear(2 * width, feedforward), nn.Linear(feedforward, width)
        self.norm1, self.norm2, self.norm3 = nn.LayerNorm(width), nn.LayerNorm(width), nn.LayerNorm(width)
        self.dropout = Dropout(dropout)

    def forward(self, query: Tensor, encoded: Tensor, previous: Tensor, position: Tensor, bias: Tensor) -> Tensor:
        """All (B, N, d), bias (B, N); positions go to keys, not values."""
        a = self.norm1(query + self.dropout(self.from_encoded(query, encoded + position, encoded, bias)))
        b = self.norm2(a + self.dropout(self.from_previous(a, previous + position, previous, bias)))
        hidden = self.dropout(F.relu(self.linear1(torch.cat((a, b), -1))))
        out: Tensor = self.norm3(b + self.dropout(self.linear2(hidden)))
        return out


class GeometryGuidedDecoder(nn.Module):
    """From the identity back to the local features of every token."""

    def __init__(self, width: int, depth: int, heads: int, feedforward: int, dropout: float, token_width: int) -> None:
        super().__init__()
        self.geometric_bias = GeometricBias()
        self.layers = nn.ModuleList(DecoderLayer(width, heads, feedforward, dropout) for _ in range(depth))
        self.output = nn.Linear(width, token_width)

    def forward(self, identity: Tensor, encoded: Tensor, position: Tensor, geometry: Tensor) -> Tensor:
        """identity (B, d); encoded (base resolution) and position (B, N, d); geometry (B, N, 2) -> (B, N, c)."""
        bias = self.geometric_bias(geometry)
        query = identity[:, None] + position  # without the position all N outputs would be equal
        rebuilt = encoded
        for layer in self.layers:
            rebuilt = layer(query, encoded, rebuilt, position, bias)
        out: Tensor = self.output(rebuilt)
        return out
