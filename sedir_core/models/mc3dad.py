"""The baseline MC3D-AD: a UniAD-style encoder-decoder over one resolution of tokens (method section 8).

Parameters are named as in its public code, without what nothing reads there (learned queries, class head).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sedir_core.models.layers import HIDDEN_KEY_BIAS, Attention, EncoderLayer, position_mlp

HIDDEN_SHARE = 0.4
"""Of the tokens, that the mask hides as keys."""
_CURVATURE_WEIGHT = 10.0
_RADIUS_IN_SPACINGS = 7.0
_ROWS_AT_ONCE = 512


@dataclass(frozen=True)
class MaskableTokens:
    """B scans of N groups: features (B, N, c), centers (B, N, 3), variation (B, N), see `geometry_variation`."""

    features: Tensor
    centers: Tensor
    variation: Tensor

    def hidden(self, highest: bool) -> Tensor:
        """The mask of every scan, (B, N) bool."""
        return torch.stack([hidden_tokens(row, highest) for row in self.variation])

    def to(self, device: torch.device | str) -> MaskableTokens:
        """The same on another device."""
        return MaskableTokens(self.features.to(device), self.centers.to(device), self.variation.to(device))


class BaselineLosses(NamedTuple):
    """Scalars; nothing but the reconstruction is trained."""

    rec: Tensor
    total: Tensor


class MC3DAD(nn.Module):
    """Rebuilds tokens of width c; the residual is the anomaly score."""

    def __init__(
        self,
        token_width: int = 384,
        width: int = 256,
        depth: int = 4,
        heads: int = 8,
        feedforward: int = 1024,
        dropout: float = 0.1,
        position_hidden: int = 128,
    ) -> None:
        super().__init__()
        self.pos_embed = position_mlp(position_hidden, width, nn.GELU)
        self.transformer = _Transformer(width, depth, heads, feedforward, dropout)
        self.input_proj, self.output_proj = nn.Linear(token_width, width), nn.Linear(width, token_width)

    def forward(self, features: Tensor, centers: Tensor, hidden: Tensor | None = None) -> Tensor:
        """features (B, N, c), centers (B, N, 3), hidden (B, N) bool: not seen as keys -> rebuilt (B, N, c)."""
        position = self.pos_embed(centers)
        memory = self.encode(features, centers, hidden)
        out: Tensor = self.output_proj(self.transformer.decoder(memory, position, _bias(hidden, features)))
        return out

    def encode(self, features: Tensor, centers: Tensor, hidden: Tensor | None = None) -> Tensor:
        """The encoder's output, (B, N, d); its mean over N is what the ICE analysis looks at."""
        tokens: Tensor = self.input_proj(features)
        memory: Tensor = self.transformer.encoder(tokens, self.pos_embed(centers), _bias(hidden, features))
        return memory


class BaselineObjective(nn.Module):
    """The mean squared error, behind a mask that is drawn anew at every step: most or least varied, even odds."""

    def __init__(self, network: MC3DAD) -> None:
        super().__init__()
        self.network = network

    def forward(
        self, tokens: MaskableTokens, category: Tensor, generator: torch.Generator | None = None
    ) -> BaselineLosses:
        """category: ignored, the baseline is trained without it."""
        coin = torch.rand((), generator=generator, device=tokens.features.device)
        rebuilt = self.network(tokens.features, tokens.centers, tokens.hidden(bool(coin < 0.5)))
        rec = F.mse_loss(rebuilt.float(), tokens.features.float())
        return BaselineLosses(rec, rec)


class _Transformer(nn.Module):
    def __init__(self, width: int, depth: int, heads: int, feedforward: int, dropout: float) -> None:
        super().__init__()
        self.encoder = _Encoder(width, depth, heads, feedforward, dropout)
        self.decoder = _Decoder(width, depth, heads, feedforward, dropout)


class _Encoder(nn.Module):
    def __init__(self, width: int, depth: int, heads: int, feedforward: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.ModuleList(EncoderLayer(width, heads, feedforward, dropout, dropout) for _ in range(depth))

    def forward(self, tokens: Tensor, position: Tensor, bias: Tensor | None) -> Tensor:
        for layer in self.layers:
            tokens = layer(tokens, position, bias)
        return tokens


class _Decoder(nn.Module):
    def __init__(self, width: int, depth: int, heads: int, feedforward: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.ModuleList(DecoderLayer(width, heads, feedforward, dropout) for _ in range(depth))
        self.norm = nn.LayerNorm(width)

    def forward(self, memory: Tensor, position: Tensor, bias: Tensor | None) -> Tensor:
        out = memory
        for layer in self.layers:
            out = layer(memory, out, position, bias)
        normed: Tensor = self.norm(out)
        return normed


class DecoderLayer(nn.Module):
    """The position embedding asks the memory, then the previous layer; the mask hides keys of the memory only."""

    def __init__(self, width: int, heads: int, feedforward: int, dropout: float) -> None:
        super().__init__()
        self.self_attn, self.multihead_attn = Attention(width, heads, dropout), Attention(width, heads, dropout)
        self.linear1, self.linear2 = nn.Linear(width, feedforward), nn.Linear(feedforward, width)
        self.norm1, self.norm2, self.norm3 = nn.LayerNorm(width), nn.LayerNorm(width), nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, memory: Tensor, previous: Tensor, position: Tensor, bias: Tensor | None) -> Tensor:
        """All (B, N, d), bias (B, N) or none -> (B, N, d)."""
        asked = self.self_attn(position, memory + position, memory, bias)
        t = self.norm1(position + self.dropout(asked))
        asked = self.multihead_attn(t + position, previous + position, previous)
        t = self.norm2(t + self.dropout(asked))
        out: Tensor = self.norm3(t + self.dropout(self.linear2(self.dropout(F.relu(self.linear1(t))))))
        return out


def geometry_variation(centers: Tensor) -> Tensor:
    """Normal variation + 10 · curvature variation around each centre, computed on the centres alone.

    centers (N, 3), N >= 4, any unit -> (N,) float64. The radius is 7 mean spacings, normals point away from the
    centroid, angles are in radians, the means include the centre itself. The reference takes the spacing of a
    random 1,000 centres where there are more; this takes all, and is deterministic.
    """
    points = centers.double()
    radius = _RADIUS_IN_SPACINGS * _spacing(points)
    normals, curvature = _surface(points, radius)
    outward = torch.sign(((points - points.mean(0)) * normals).sum(1, keepdim=True))
    normals = torch.where(outward < 0, -normals, normals)
    variation = []
    for rows in _row_blocks(points):
        near = (torch.cdist(points[rows], points, compute_mode=_EXACT) <= radius).double()
        angles = torch.arccos((normals[rows] @ normals.T).clamp(-1.0, 1.0))
        changes = angles + _CURVATURE_WEIGHT * (curvature[rows, None] - curvature).abs()
        variation.append((near * changes).sum(1) / near.sum(1))
    return torch.cat(variation)


def hidden_tokens(variation: Tensor, highest: bool) -> Tensor:
    """The mask: True for the int(0.4 N) tokens of highest, or lowest, variation; (N,) -> (N,) bool.

    Tokens that tie are taken in the order of their indices.
    """
    order = torch.argsort(variation, descending=highest, stable=True)
    chosen = order[: int(HIDDEN_SHARE * len(variation))]
    return torch.zeros_like(variation, dtype=torch.bool).index_fill(0, chosen, True)


_EXACT = "donot_use_mm_for_euclid_dist"


def _row_blocks(points: Tensor) -> tuple[Tensor, ...]:
    return torch.split(torch.arange(len(points), device=points.device), _ROWS_AT_ONCE)


def _bias(hidden: Tensor | None, like: Tensor) -> Tensor | None:
    return None if hidden is None else hidden.to(like.dtype) * HIDDEN_KEY_BIAS


def _spacing(points: Tensor) -> Tensor:
    nearest = []
    for rows in _row_blocks(points):
        distance = torch.cdist(points[rows], points, compute_mode=_EXACT)
        nearest.append(distance.scatter(1, rows[:, None], torch.inf).amin(1))
    return torch.cat(nearest).mean()


def _surface(points: Tensor, radius: Tensor) -> tuple[Tensor, Tensor]:
    """Unit normals (N, 3), either sign, and curvature λ1 / (λ1 + λ2 + λ3) (N,) of the neighbours within the radius."""
    covariances = []
    outer = points[:, :, None] * points[:, None]
    for rows in _row_blocks(points):
        near = (torch.cdist(points[rows], points, compute_mode=_EXACT) <= radius).double()
        share = near / near.sum(1, keepdim=True)
        mean = share @ points
        covariances.append((share @ outer.flatten(1)).view(-1, 3, 3) - mean[:, :, None] * mean[:, None])
    values, vectors = torch.linalg.eigh(torch.cat(covariances))
    return vectors[:, :, 0], values[:, 0].clamp(min=0.0) / values.sum(1).clamp(min=torch.finfo(values.dtype).tiny)
