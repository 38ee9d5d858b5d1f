"""Point-MAE's masked auto-encoder, which IMRNet trains on one category: patches are hidden and rebuilt from the others.

Parameters are named as in Point-MAE's self-supervised checkpoint, without `MAE_encoder.`.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from sedir_core.models.layers import position_mlp
from sedir_core.models.pointmae import Block, LocalEncoder

DROP_PATH = 0.1  # of the last block of each stack, rising from 0 [R]


class MaskedAutoencoder(LocalEncoder):
    """Rebuilds hidden patches of `patch_size` points, relative to their centres.

    depth, decoder_depth: blocks of the encoder, which sees visible patches alone, and of the decoder. width, hidden,
    heads: as in `LocalEncoder`.
    """

    def __init__(
        self,
        width: int = 384,
        hidden: int = 128,
        heads: int = 6,
        depth: int = 12,
        decoder_depth: int = 4,
        patch_size: int = 64,
    ) -> None:
        super().__init__(width, hidden, heads, depth)
        self.patch_size = patch_size
        self.mask_token = nn.Parameter(torch.zeros(1, 1, width))
        self.decoder_pos_embed = position_mlp(hidden, width, nn.GELU)
        self.MAE_decoder = _Decoder(width, heads, decoder_depth)
        self.increase_dim = nn.Sequential(nn.Conv1d(width, 3 * patch_size, 1))
        nn.init.trunc_normal_(self.mask_token, std=0.02)

    def encode(self, groups: Tensor, centers: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """groups (B, N, K, 3) minus their centres (B, N, 3) -> normed tokens (B, N, c) of all of them.

        generator: draws what drop path leaves out in training.
        """
        batch, n_groups = groups.shape[:2]
        tokens = self.encoder(groups.flatten(0, 1)).reshape(batch, n_groups, -1)
        blocks = cast(nn.ModuleList, self.blocks["blocks"])
        normed: Tensor = self.norm(_through(blocks, tokens, self.pos_embed(centers), self.training, generator))
        return normed

    def rebuild(
        self, groups: Tensor, centers: Tensor, hidden: Tensor, generator: torch.Generator | None = None
    ) -> Tensor:
        """The patches (B, M, K, 3) where `hidden` (N,) is true, each relative to its centre, from the others."""
        visible = self.encode(groups[:, ~hidden], centers[:, ~hidden], generator)
        batch, n_hidden = len(groups), int(hidden.sum())
        tokens = torch.cat((visible, self.mask_token.expand(batch, n_hidden, -1)), dim=1)
        places = torch.cat((centers[:, ~hidden], centers[:, hidden]), dim=1)
        blocks = self.MAE_decoder.blocks
        decoded = _through(blocks, tokens, self.decoder_pos_embed(places), self.training, generator)[:, -n_hidden:]
        points: Tensor = self.increase_dim(self.MAE_decoder.norm(decoded).transpose(1, 2))
        return points.transpose(1, 2).reshape(batch, n_hidden, self.patch_size, 3)

    def loss(self, groups: Tensor, centers: Tensor, hidden: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Chamfer-L2 of the hidden patches."""
        return chamfer_l2(self.rebuild(groups, centers, hidden, generator), groups[:, hidden]).mean()


class _Decoder(nn.Module):
    def __init__(self, width: int, heads: int, depth: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width)


def chamfer_l2(a: Tensor, b: Tensor) -> Tensor:
    """Mean squared nearest distance from a to b plus from b to a: (..., n, 3) and (..., m, 3) -> (...)."""
    squared = (a.unsqueeze(-2) - b.unsqueeze(-3)).square().sum(-1)
    return squared.amin(-1).mean(-1) + squared.amin(-2).mean(-1)


def _through(
    blocks: nn.ModuleList, tokens: Tensor, position: Tensor, training: bool, generator: torch.Generator | None
) -> Tensor:
    """The position is added before every block; in training a branch is left out now and then, the last most often."""
    for i, one in enumerate(blocks):
        block = cast(Block, one)
        share = DROP_PATH * i / max(len(blocks) - 1, 1) if training and generator is not None else 0.0
        tokens = tokens + position
        tokens = tokens + _kept(block.attn(block.norm1(tokens)), share, generator)
        tokens = tokens + _kept(block.mlp(block.norm2(tokens)), share, generator)
    return tokens


def _kept(branch: Tensor, share: float, generator: torch.Generator | None) -> Tensor:
    if not share:
        return branch
    kept = torch.rand(len(branch), generator=generator, device=branch.device) >= share
    return branch * (kept / (1 - share)).view(-1, 1, 1)
