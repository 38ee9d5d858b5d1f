"""Geometry-Guided Decoder: tokens rebuilt from the identity, led by local geometry (section 3.3, figure 4)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sedir_core.models.layers import HIDDEN_KEY_BIAS, Attention, Dropout

GeometricPrior = Literal["bias", "mask", "gate", "none"]
"""How local geometry reaches the decoder: as a bias on the logits, or as the paper's table 6 tries it otherwise, by
hiding the most varied tokens or by scaling what is read of them; or not at all (table 4 without GGD)."""
HIDDEN_SHARE, CURVATURE_WEIGHT = 0.4, 10.0  # of the mask, as in MC3D-AD


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


class GeometricGate(nn.Module):
    """A factor between 0 and 1 per token from the same numbers, for the values that attention reads."""

    def __init__(self, hidden: int = 32) -> None:
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(2, hidden), nn.ReLU(), nn.Linear(hidden, 1))

    def forward(self, geometry: Tensor) -> Tensor:
        """geometry (B, N, 2) -> (B, N, 1)."""
        return torch.sigmoid(self.mlp(normalise_per_instance(geometry)))


def geometric_mask(geometry: Tensor) -> Tensor:
    """(B, N) a bias that hides the 40 % of the tokens with the highest Δn + 10 Δκ; geometry (B, N, 2)."""
    variation = geometry[..., 0] + CURVATURE_WEIGHT * geometry[..., 1]
    highest = variation.topk(int(HIDDEN_SHARE * variation.shape[1]), dim=1).indices
    return torch.zeros_like(variation).scatter(1, highest, HIDDEN_KEY_BIAS)


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

    def forward(
        self,
        query: Tensor,
        encoded: Tensor,
        previous: Tensor,
        position: Tensor,
        bias: Tensor | None,
        gate: Tensor | None = None,
    ) -> Tensor:
        """All (B, N, d), bias (B, N) on the keys, gate (B, N, 1) on the values; positions go to keys, not values."""
        values = (encoded, previous) if gate is None else (encoded * gate, previous * gate)
        a = self.norm1(query + self.dropout(self.from_encoded(query, encoded + position, values[0], bias)))
        b = self.norm2(a + self.dropout(self.from_previous(a, previous + position, values[1], bias)))
        hidden = self.dropout(F.relu(self.linear1(torch.cat((a, b), -1))))
        out: Tensor = self.norm3(b + self.dropout(self.linear2(hidden)))
        return out


class GeometryGuidedDecoder(nn.Module):
    """From the identity back to the local features of every token.

    conditioned: whether there is an identity to be led by; else positions alone ask, as in MC3D-AD.
    """

    def __init__(
        self,
        width: int,
        depth: int,
        heads: int,
        feedforward: int,
        dropout: float,
        token_width: int,
        geometric_prior: GeometricPrior = "bias",
        conditioned: bool = True,
    ) -> None:
        super().__init__()
        self.geometric_prior, self.conditioned = geometric_prior, conditioned
        if geometric_prior == "bias":
            self.geometric_bias = GeometricBias()
        elif geometric_prior == "gate":
            self.geometric_gate = GeometricGate()
        self.layers = nn.ModuleList(DecoderLayer(width, heads, feedforward, dropout) for _ in range(depth))
        self.output = nn.Linear(width, token_width)

    def forward(self, identity: Tensor, encoded: Tensor, position: Tensor, geometry: Tensor) -> Tensor:
        """identity (B, d); encoded (base resolution) and position (B, N, d); geometry (B, N, 2) -> (B, N, c)."""
        bias, gate = self._guidance(geometry)
        # Without the position all N outputs would be equal.
        query = identity[:, None] + position if self.conditioned else position
        rebuilt = encoded
        for layer in self.layers:
            rebuilt = layer(query, encoded, rebuilt, position, bias, gate)
        out: Tensor = self.output(rebuilt)
        return out

    def _guidance(self, geometry: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """The bias on keys and the gate on values that the geometric prior gives."""
        match self.geometric_prior:
            case "bias":
                return self.geometric_bias(geometry), None
            case "mask":
                return geometric_mask(geometry), None
            case "gate":
                return None, self.geometric_gate(geometry)
            case _:
                return None, None
