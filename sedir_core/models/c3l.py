"""Category-Conditioned Contrastive Learning: recent identities and the losses that use them (section 3.2)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sedir_core.models.cfgt import BASE, COARSE, FINE


class ContrastiveBuffer(nn.Module):
    """First in, first out: the last `size` pairs of identity and category. Its state is saved with the weights."""

    tokens: Tensor
    categories: Tensor
    count: Tensor

    def __init__(self, size: int, width: int) -> None:
        super().__init__()
        self.register_buffer("tokens", torch.zeros(size, width))
        self.register_buffer("categories", torch.zeros(size, dtype=torch.long))
        self.register_buffer("count", torch.zeros((), dtype=torch.long))

    def push(self, identity: Tensor, category: Tensor) -> None:
        """Store identities (B, d), detached, with their categories (B,); the oldest make room."""
        size = len(self.tokens)
        identity, category = identity[-size:], category[-size:]
        slots = (int(self.count) + torch.arange(len(identity), device=self.tokens.device)) % size
        self.tokens[slots] = identity.detach().to(self.tokens.dtype)
        self.categories[slots] = category
        self.count += len(identity)

    def filled(self) -> tuple[Tensor, Tensor]:
        """Copies of what is stored: tokens (n, d) and categories (n,), n <= size, in no particular order."""
        stored = min(int(self.count), len(self.tokens))
        return self.tokens[:stored].clone(), self.categories[:stored].clone()


def supervised_contrastive_loss(
    identity: Tensor, category: Tensor, others: Tensor, other_categories: Tensor, temperature: float
) -> Tensor:
    """Mean over the batch of -mean_p log softmax(z·others / temperature)_p over the positives p.

    identity (B, d) and others (n, d) of length 1, categories (B,) and (n,). A sample without positives counts 0.
    Source: Khosla et al. 2020, eq. 2 (the mean outside the logarithm).
    """
    if len(others) == 0:
        return identity.sum() * 0.0
    positive = category[:, None] == other_categories[None]
    log_share = F.log_softmax(identity.float() @ others.float().T / temperature, dim=1)
    per_sample = -(log_share * positive).sum(1) / positive.sum(1).clamp(min=1)
    return per_sample.mean()


def cosine_loss(encoded: Tensor) -> Tensor:
    """1 - cosine between base tokens and their fine and coarse counterparts, averaged; encoded (3, B, N, d), eq. 4."""
    others = encoded[[FINE, COARSE]]
    return (1.0 - F.cosine_similarity(others, encoded[BASE].unsqueeze(0), dim=-1)).mean()
