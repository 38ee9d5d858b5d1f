"""What is expected of a token by who the part is and where the token lies, before anybody looks at the scan. [O]

The published decoder reads the scan's own tokens, so a defect is copied into its own reconstruction. Tokens that know
nothing but identity and place cannot carry one: attention among them rebuilds the good part.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from sedir_core.models.layers import initial_normal

RebuiltFrom = Literal["scan", "identity"]
"""What the decoder's attention reads: the scan's own encoded tokens [P], or what identity and place let expect [O]."""
N_OCTAVES = 6  # of the place's sines: from the whole part down to a thirty-second of its radius
PLACE_WIDTH = 3 + 6 * N_OCTAVES


class Expectation(nn.Module):
    """A token for each place from the place and from what the part was taken for alone.

    who: (C, d) one vector a category. mean, spread: (c,) of the tokens that it was fitted to.
    """

    mean: Tensor
    spread: Tensor

    def __init__(self, width: int, feedforward: int, token_width: int, n_categories: int) -> None:
        super().__init__()
        self.who = nn.Parameter(initial_normal(torch.empty(n_categories, width)))
        self.register_buffer("mean", torch.zeros(token_width))
        self.register_buffer("spread", torch.ones(token_width))
        self.mlp = nn.Sequential(
            nn.Linear(width + PLACE_WIDTH, feedforward),
            nn.GELU(),
            nn.Linear(feedforward, feedforward),
            nn.GELU(),
            nn.Linear(feedforward, token_width),
        )

    def forward(self, probabilities: Tensor, centers: Tensor) -> Tensor:
        """probabilities (B, C) of the categories, centers (B, N, 3) -> (B, N, c)."""
        places = sines_of(centers).to(probabilities.dtype)
        who = (probabilities @ self.who)[:, None].expand(-1, centers.shape[1], -1)
        out: Tensor = self.mlp(torch.cat((who, places), -1)) * self.spread + self.mean
        return out


def sines_of(centers: Tensor) -> Tensor:
    """(B, N, 3) -> (B, N, PLACE_WIDTH): plain coordinates would blur what is small (Tancik et al. 2020)."""
    octaves = torch.pi * 2.0 ** torch.arange(N_OCTAVES, device=centers.device, dtype=centers.dtype)
    angles = (centers[..., None] * octaves).flatten(-2)
    return torch.cat((centers, angles.sin(), angles.cos()), -1)
