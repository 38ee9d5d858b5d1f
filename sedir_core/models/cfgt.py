"""Coarse-to-Fine Global Tokenization: three token sequences in, who the object is out (paper section 3.1).

The order of the resolutions is everywhere (fine, base, coarse) = (k/2, k, 2k).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sedir_core.models.layers import EncoderLayer, initial_normal, position_mlp

FINE, BASE, COARSE = 0, 1, 2
GlobalToken = Literal["cfgt", "act", "mean", "max", "none"]
"""What the identity is made of: all of eq. 5, the context token alone, the mean or maximum of the base tokens (the
paper's table 7); or no identity at all, and a single resolution (table 4 without CFGT)."""


def overall_width(width: int, global_token: GlobalToken) -> int:
    """The width of what classifier and projector see."""
    return 4 * width if global_token == "cfgt" else width


@dataclass(frozen=True)
class Tokenized:
    """encoded (3, B, N, d); position (B, N, d) of the centres; identity z (B, d), of length 1; logits (B, C);
    context (B, d), the encoded ACT. Without a global token the three resolutions are the base one, and the context the
    mean of its tokens."""

    encoded: Tensor
    position: Tensor
    identity: Tensor
    logits: Tensor
    context: Tensor


class CoarseToFineTokenizer(nn.Module):
    """One shared encoder over the three resolutions, an adaptive context token (ACT) on the base one.

    jitter_scale, jitter_probability: of the feature jitter, see `jitter`. global_token: see `GlobalToken`.
    """

    def __init__(
        self,
        width: int,
        depth: int,
        heads: int,
        feedforward: int,
        dropout: float,
        token_width: int,
        n_categories: int,
        jitter_scale: float,
        jitter_probability: float,
        global_token: GlobalToken = "cfgt",
    ) -> None:
        super().__init__()
        self.jitter_scale, self.jitter_probability = jitter_scale, jitter_probability
        self.global_token = global_token
        self.input = nn.Linear(token_width, width)
        self.position = position_mlp(max(1, width // 2), width, nn.ReLU)
        if global_token != "none":
            self.context_token = nn.Parameter(initial_normal(torch.empty(1, width), 0.02))
        self.layers = nn.ModuleList(EncoderLayer(width, heads, feedforward, dropout) for _ in range(depth))
        overall = overall_width(width, global_token)
        self.classifier = nn.Linear(overall, n_categories)
        # The hidden width is not published; 4d brings the parameter count within 0.3 % of the paper's.
        if global_token != "none":
            self.projector = nn.Sequential(
                nn.Linear(overall, 4 * width), nn.LayerNorm(4 * width), nn.GELU(), nn.Linear(4 * width, width)
            )

    def forward(self, features: Tensor, centers: Tensor, generator: torch.Generator | None = None) -> Tokenized:
        """features (3, B, N, c), centers (B, N, 3). Jitter needs training mode and a generator on their device."""
        if self.training and generator is not None:
            features = jitter(features, self.jitter_scale, self.jitter_probability, generator)
        position = self.position(centers)
        if self.global_token == "none":
            base = self._encode(self.input(features[BASE]), position)
            mean = base.mean(1)
            same = base.expand(3, *base.shape)
            return Tokenized(same, position, F.normalize(mean, dim=1), self.classifier(mean), mean)
        tokens = self.input(features)
        fine, coarse = self._encode(torch.cat((tokens[FINE], tokens[COARSE])), position.repeat(2, 1, 1)).chunk(2)
        with_context = self._encode(self._prepend(tokens[BASE]), F.pad(position, (0, 0, 1, 0)))
        context, base = with_context[:, 0], with_context[:, 1:]
        overall = self._overall(fine, base, coarse, context)
        identity = F.normalize(self.projector(overall), dim=1)
        return Tokenized(torch.stack((fine, base, coarse)), position, identity, self.classifier(overall), context)

    def _overall(self, fine: Tensor, base: Tensor, coarse: Tensor, context: Tensor) -> Tensor:
        match self.global_token:
            case "act":
                return context
            case "mean":
                return base.mean(1)
            case "max":
                return base.amax(1)
            case _:
                return torch.cat((fine.mean(1), base.mean(1), coarse.mean(1), context), 1)  # (B, 4d), eq. 5

    def _prepend(self, tokens: Tensor) -> Tensor:
        context = self.context_token.to(tokens.dtype).expand(len(tokens), 1, -1)
        return torch.cat((context, tokens), 1)

    def _encode(self, tokens: Tensor, position: Tensor) -> Tensor:
        for layer in self.layers:
            tokens = layer(tokens, position)
        return tokens


def jitter(features: Tensor, scale: float, probability: float, generator: torch.Generator) -> Tensor:
    """Gaussian noise in proportion to each token's length: n(0, 1) · ‖token‖₂ / c · scale, as UniAD and MC3D-AD.

    features (..., c). With `probability`, one draw for all of them; otherwise they come back unchanged.
    """
    if torch.rand((), generator=generator, device=features.device) >= probability:
        return features
    noise = torch.randn(features.shape, generator=generator, device=features.device, dtype=features.dtype)
    strength: Tensor = torch.linalg.vector_norm(features, dim=-1, keepdim=True) * (scale / features.shape[-1])
    return features + noise * strength
