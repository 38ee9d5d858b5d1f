"""What is expected of a token by who the part is and where the token lies, before anybody looks at the scan. [O]

The published decoder reads the scan's own tokens, so a defect is copied into its own reconstruction. Tokens that know
nothing but identity and place cannot carry one: attention among them rebuilds the good part.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

RebuiltFrom = Literal["scan", "identity"]
"""What the decoder's attention reads: the scan's own encoded tokens [P], or what identity and place let expect [O]."""
N_OCTAVES = 6  # of the place's sines: from the whole part down to a thirty-second of its radius
PLACE_WIDTH = 3 + 6 * N_OCTAVES


class Expectation(nn.Module):
    """A token for each place from the identity and the place alone."""

    def __init__(self, width: int, feedforward: int) -> None:
        super().__init__()
        self.mlp = nn.Sequential(
            nn.Linear(width + PLACE_WIDTH, feedforward),
            nn.GELU(),
            nn.Linear(feedforward, feedforward),
            nn.GELU(),
            nn.Linear(feedforward, width),
        )

    def forward(self, identity: Tensor, centers: Tensor) -> Tensor:
        """identity (B, d), centers (B, N, 3) -> (B, N, d)."""
        places = sines_of(centers).to(identity.dtype)
        who = identity[:, None].expand(-1, centers.shape[1], -1)
        out: Tensor = self.mlp(torch.cat((who, places), -1))
        return out


def sines_of(centers: Tensor) -> Tensor:
    """(B, N, 3) -> (B, N, PLACE_WIDTH): plain coordinates would blur what is small (Tancik et al. 2020)."""
    octaves = torch.pi * 2.0 ** torch.arange(N_OCTAVES, device=centers.device, dtype=centers.dtype)
    angles = (centers[..., None] * octaves).flatten(-2)
    return torch.cat((centers, angles.sin(), angles.cos()), -1)
