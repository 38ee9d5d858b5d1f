"""From a local token back to points, so that a rebuilt feature can be shown as a surface (method section 6)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class PatchDecoder(nn.Module):
    """An MLP from a token to `n_points` points of its neighbourhood, in units of the neighbourhood's radius.

    The radius is the distance of the farthest neighbour; the centre is the origin.
    """

    def __init__(self, token_width: int, n_points: int = 32, hidden: int = 256) -> None:
        super().__init__()
        self.n_points = n_points
        self.layers = nn.Sequential(
            nn.Linear(token_width, hidden),
            nn.GELU(),
            nn.Linear(hidden, hidden),
            nn.GELU(),
            nn.Linear(hidden, 3 * n_points),
        )

    def forward(self, tokens: Tensor) -> Tensor:
        """(..., c) -> (..., n_points, 3)."""
        points: Tensor = self.layers(tokens)
        return points.reshape(*tokens.shape[:-1], self.n_points, 3)


def chamfer_distance(a: Tensor, b: Tensor) -> Tensor:
    """Mean nearest distance from a to b plus from b to a, for each set: (..., n, 3) and (..., m, 3) -> (...).

    Distances, not their squares (the L1 form of Point-MAE), and computed as differences: a² + b² - 2ab loses the
    small ones in float32.
    """
    squared = (a.unsqueeze(-2) - b.unsqueeze(-3)).square().sum(-1)
    nearest_b, nearest_a = squared.amin(-1), squared.amin(-2)
    tiny = torch.finfo(squared.dtype).tiny  # the root's slope at 0 is infinite
    return nearest_b.clamp(min=tiny).sqrt().mean(-1) + nearest_a.clamp(min=tiny).sqrt().mean(-1)
