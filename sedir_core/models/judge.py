"""Two small layers that say from the channels of evidence at a place, and around it, whether it looks damaged. [O]"""

from __future__ import annotations

import torch
from torch import Tensor, nn

HIDDEN, DROPOUT = 32, 0.3
FARTHEST = 5.0  # spreads from the mean of what was learned from: no feature says more


class Judge(nn.Module):
    """Features (n, f) -> logits (n,)."""

    mean: Tensor
    spread: Tensor

    def __init__(self, n_features: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(n_features))
        self.register_buffer("spread", torch.ones(n_features))
        self.layers = nn.Sequential(
            nn.Linear(n_features, HIDDEN),
            nn.GELU(),
            nn.Dropout(DROPOUT),
            nn.Linear(HIDDEN, HIDDEN),
            nn.GELU(),
            nn.Dropout(DROPOUT),
            nn.Linear(HIDDEN, 1),
        )

    def forward(self, features: Tensor) -> Tensor:
        """(n, f) -> (n,)."""
        return self.of_scaled(self.scaled(features))

    def scaled(self, features: Tensor) -> Tensor:
        """(n, f) in spreads from the mean, once for all that is learned from them."""
        return ((features - self.mean) / self.spread).clamp(-FARTHEST, FARTHEST)

    def of_scaled(self, scaled: Tensor) -> Tensor:
        """(n, f) -> (n,)."""
        logits: Tensor = self.layers(scaled).squeeze(-1)
        return logits
