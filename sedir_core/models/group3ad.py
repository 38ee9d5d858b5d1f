"""After Group3AD: a projector that draws groups of points into clusters which lie far apart (Zhu et al., ACM MM 2024).

No code of it was ever published; both losses are of the alignment-and-uniformity family (Wang & Isola 2020) [O].
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

HIDDEN, WIDTH = 512, 256  # [O]
N_CLUSTERS = 32  # [O]
READ_BACK_WEIGHT = 0.1  # [O]
SPREAD = 2.0  # the exponent of uniformity, as Wang & Isola take it


class GroupLosses(NamedTuple):
    """Scalars."""

    align: Tensor
    uniform: Tensor
    read_back: Tensor
    total: Tensor


class Projector(nn.Module):
    """Tokens (n, c) to unit vectors (n, 256)."""

    def __init__(self, token_width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(token_width, HIDDEN), nn.BatchNorm1d(HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, WIDTH)
        )

    def forward(self, tokens: Tensor) -> Tensor:
        return F.normalize(self.layers(tokens), dim=1)


class GroupObjective(nn.Module):
    """The projector with a way back to the tokens, so that it cannot throw the geometry away."""

    def __init__(self, token_width: int) -> None:
        super().__init__()
        self.projector, self.read_back = Projector(token_width), nn.Linear(WIDTH, token_width)

    def forward(self, tokens: Tensor, clusters: Tensor) -> GroupLosses:
        """tokens (n, c), clusters (n,) indices. Clusters that no token of the step belongs to have no say."""
        projected = self.projector(tokens)
        centres = cluster_centres(projected, clusters)
        present = torch.bincount(clusters, minlength=len(centres)) > 0
        align = alignment(projected, centres[clusters])
        uniform = uniformity(centres[present])
        back = (1 - F.cosine_similarity(self.read_back(projected), tokens, dim=1)).mean()
        return GroupLosses(align, uniform, back, align + uniform + READ_BACK_WEIGHT * back)


def alignment(projected: Tensor, centres: Tensor) -> Tensor:
    """Mean squared distance of each vector (n, d) to its cluster's centre (n, d): 0 to 4."""
    return (projected - centres).square().sum(dim=1).mean()


def uniformity(centres: Tensor) -> Tensor:
    """log of the mean over pairs of exp(-2 d²), of centres (K, d): 0 where all are one, the lower the farther apart."""
    if len(centres) < 2:
        return centres.new_zeros(())
    squared = (centres[:, None] - centres[None]).square().sum(dim=2)
    pairs = ~torch.eye(len(centres), dtype=torch.bool, device=centres.device)
    return torch.log(torch.exp(-SPREAD * squared[pairs]).mean())


def cluster_centres(projected: Tensor, clusters: Tensor, n_clusters: int = N_CLUSTERS) -> Tensor:
    """(K, d) unit means of the vectors (n, d) of each cluster; zero where a cluster has none."""
    chosen = F.one_hot(clusters, n_clusters).to(projected.dtype)
    return F.normalize(chosen.T @ projected, dim=1)


@torch.no_grad()
def k_means(projected: Tensor, start: Tensor, rounds: int = 20) -> Tensor:
    """(n,) the cluster of each unit vector (n, d), from centres (K, d) that were there before.

    A cluster that loses all its vectors keeps its centre: labels are carried over from one call to the next.
    """
    centres = start
    clusters = (projected @ centres.T).argmax(dim=1)
    for _ in range(rounds):
        means = cluster_centres(projected, clusters, len(start))
        empty = means.norm(dim=1, keepdim=True) == 0
        centres = torch.where(empty, centres, means)
        again = (projected @ centres.T).argmax(dim=1)
        if torch.equal(again, clusters):
            break
        clusters = again
    return clusters
