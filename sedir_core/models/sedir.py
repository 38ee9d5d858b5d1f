"""SeDiR assembled: identify first (CFGT), rebuild accordingly (GGD), and the objective both are trained with (C3L)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sedir_core.models.c3l import ContrastiveBuffer, cosine_loss, supervised_contrastive_loss
from sedir_core.models.cfgt import BASE, CoarseToFineTokenizer, GlobalToken
from sedir_core.models.expectation import Expectation, RebuiltFrom
from sedir_core.models.ggd import GeometricPrior, GeometryGuidedDecoder


@dataclass(frozen=True)
class Tokens:
    """What the frozen local encoder and the surface say of B aligned scans of N groups each.

    features (3, B, N, c) fine, base, coarse; centers (B, N, 3), longest radius about 1;
    geometry (B, N, 2) = (Δn, Δκ), the mean variations of normal and curvature around each centre, not normalised.
    """

    features: Tensor
    centers: Tensor
    geometry: Tensor

    def __post_init__(self) -> None:
        batch_tokens = self.features.shape[1:3]
        if self.features.ndim != 4 or self.features.shape[0] != 3:
            raise ValueError(f"features must be (3, B, N, c), got {tuple(self.features.shape)}")
        if self.centers.shape != (*batch_tokens, 3) or self.geometry.shape != (*batch_tokens, 2):
            raise ValueError(
                f"centers and geometry must be (B, N, 3) and (B, N, 2) with B, N = {tuple(batch_tokens)}, "
                f"got {tuple(self.centers.shape)} and {tuple(self.geometry.shape)}"
            )

    def to(self, device: torch.device | str) -> Tokens:
        """The same on another device."""
        return Tokens(self.features.to(device), self.centers.to(device), self.geometry.to(device))


@dataclass(frozen=True)
class Rebuilt:
    """rebuilt (B, N, c), to compare with `Tokens.features[1]`; encoded (3, B, N, d); identity (B, d); logits (B, C)."""

    rebuilt: Tensor
    encoded: Tensor
    identity: Tensor
    logits: Tensor


class Losses(NamedTuple):
    """Scalars, not yet weighted; `total` is the weighted sum to descend."""

    rec: Tensor
    scl: Tensor
    cls: Tensor
    cos: Tensor
    total: Tensor


class SeDiR(nn.Module):
    """The trained network. Deterministic in evaluation mode; jitter only in training, from the generator given."""

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
        geometric_prior: GeometricPrior = "bias",
        rebuilt_from: RebuiltFrom = "scan",
    ) -> None:
        super().__init__()
        self.width = width
        self.rebuilt_from = rebuilt_from
        if rebuilt_from == "identity":
            self.expectation = Expectation(width, feedforward, token_width, n_categories)
        self.tokenizer = CoarseToFineTokenizer(
            width,
            depth,
            heads,
            feedforward,
            dropout,
            token_width,
            n_categories,
            jitter_scale,
            jitter_probability,
            global_token,
        )
        self.decoder = GeometryGuidedDecoder(
            width, depth, heads, feedforward, dropout, token_width, geometric_prior, global_token != "none"
        )
        if rebuilt_from == "identity":  # nothing is added to what is expected before something was learned
            nn.init.zeros_(self.decoder.output.weight)
            nn.init.zeros_(self.decoder.output.bias)

    def forward(self, tokens: Tokens, generator: torch.Generator | None = None) -> Rebuilt:
        """Identify and rebuild. Without a generator there is no jitter."""
        who = self.tokenizer(tokens.features, tokens.centers, generator)
        if self.rebuilt_from == "scan":
            rebuilt = self.decoder(who.identity, who.encoded[BASE], who.position, tokens.geometry)
        else:
            expected = self.expected(who.logits.detach().softmax(-1), tokens.centers)
            read = self.tokenizer.input(expected)
            rebuilt = expected + self.decoder(who.identity, read, who.position, tokens.geometry)
        return Rebuilt(rebuilt, who.encoded, who.identity, who.logits)

    def expected(self, probabilities: Tensor, centers: Tensor) -> Tensor:
        """probabilities (B, C), centers (B, N, 3) -> (B, N, c).

        Without a global token nobody knows who it is: the place alone lets expect.
        """
        expected: Tensor = self.expectation(probabilities * self.decoder.conditioned, centers)
        return expected


class SedirObjective(nn.Module):
    """L = L_rec + λ_scl L_scl + λ_cls L_cls + λ_cos L_cos (eq. 9 and 12), with the buffer L_scl compares against."""

    def __init__(
        self,
        network: SeDiR,
        supervised_contrastive: float,
        classification: float,
        cosine: float,
        temperature: float,
        buffer_size: int,
    ) -> None:
        super().__init__()
        self.network = network
        self.buffer = ContrastiveBuffer(buffer_size, network.width)
        self.weights = (supervised_contrastive, classification, cosine)
        self.temperature = temperature
        self._fresh: list[tuple[Tensor, Tensor]] = []

    def forward(self, tokens: Tokens, category: Tensor, generator: torch.Generator | None = None) -> Losses:
        """category (B,) int64. In training mode the identities are kept until `settle` puts them into the buffer."""
        out: Rebuilt = self.network(tokens, generator)
        rec = F.mse_loss(out.rebuilt.float(), tokens.features[BASE].float())
        scl = supervised_contrastive_loss(out.identity, category, *self.buffer.filled(), self.temperature)
        cls = F.cross_entropy(out.logits.float(), category)
        cos = cosine_loss(out.encoded.float())
        if self.training:
            self._fresh.append((out.identity.detach(), category))
        total = rec + sum(weight * loss for weight, loss in zip(self.weights, (scl, cls, cos), strict=True))
        return Losses(rec, scl, cls, cos, total)

    def settle(self, whole: Callable[[Tensor], Tensor]) -> None:
        """The step is over: its identities enter the buffer. whole: rows of this process to those of the batch."""
        width = self.network.width
        identities = [identity for identity, _ in self._fresh] or [self.buffer.tokens.new_zeros(0, width)]
        categories = [category for _, category in self._fresh] or [self.buffer.categories.new_zeros(0)]
        self._fresh.clear()
        self.buffer.push(whole(torch.cat(identities).to(self.buffer.tokens.dtype)), whole(torch.cat(categories)))
