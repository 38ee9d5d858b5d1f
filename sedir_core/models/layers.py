"""The transformer pieces that CFGT, GGD and MC3D-AD share: one attention with a bias per key, one post-norm layer."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

HIDDEN_KEY_BIAS = -1e4
"""Added to a logit, leaves exactly no weight in the softmax; unlike -inf it is safe in every kernel and gradient."""

_BIAS_COLUMNS = 8  # one for the bias, seven zeros: fused GPU kernels want head widths that are multiples of eight


def initial_normal(values: Tensor, std: float = 1.0) -> Tensor:
    """Values of any shape, drawn anew. Those without memory stay as they are: PyTorch would load its compiler for them,
    which takes two seconds of everybody who opens a run."""
    return values if values.is_meta else nn.init.normal_(values, std=std)


def position_mlp(hidden: int, width: int, activation: type[nn.Module]) -> nn.Sequential:
    """Two-layer embedding of centres, (..., 3) -> (..., width); its layers are named `0` and `2`, as in Point-MAE."""
    return nn.Sequential(nn.Linear(3, hidden), activation(), nn.Linear(hidden, width))


class Attention(nn.Module):
    """Multi-head attention with an optional scalar bias per key; parameters are named as in `nn.MultiheadAttention`.

    dropout: on the attention weights, while training. Zero lets fused kernels run, some four times faster on a CPU.
    """

    def __init__(self, width: int, heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"width {width} is not a multiple of {heads} heads")
        self.heads, self.dropout = heads, dropout
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = nn.Linear(width, width)
        nn.init.xavier_uniform_(self.in_proj_weight)
        nn.init.zeros_(self.out_proj.bias)

    def forward(self, query: Tensor, key: Tensor, value: Tensor, key_bias: Tensor | None = None) -> Tensor:
        """query (B, Q, d), key and value (B, K, d), key_bias (B, K) added to every query's logits -> (B, Q, d)."""
        width = self.out_proj.in_features
        if query is key:  # one product does for both
            parts, widths = [query, value], [2 * width, width]
        else:
            parts, widths = [query, key, value], [width] * 3
        weights, biases = torch.split(self.in_proj_weight, widths), torch.split(self.in_proj_bias, widths)
        projected = [F.linear(x, w, b) for x, w, b in zip(parts, weights, biases, strict=True)]
        q, k, v = (
            rows.reshape(*rows.shape[:2], self.heads, -1).transpose(1, 2)
            for whole in projected
            for rows in torch.split(whole, width, dim=-1)
        )
        mixed = biased_attention(q, k, v, key_bias, self.dropout if self.training else 0.0)
        out: Tensor = self.out_proj(mixed.transpose(1, 2).flatten(2))
        return out


def biased_attention(q: Tensor, k: Tensor, v: Tensor, key_bias: Tensor | None, dropout: float = 0.0) -> Tensor:
    """softmax(q kᵀ / √e + key_bias) v for heads (B, h, Q or K, e) and a bias (B, K).

    The bias rides along as one more column of the keys against a column of ones in the queries: the same logits,
    but no (Q, K) mask, so the fused kernels stay usable in training too (three times faster on a CPU).
    """
    if key_bias is None:
        return F.scaled_dot_product_attention(q, k, v, dropout_p=dropout)
    width = q.shape[-1]
    scale = width**-0.5
    bias = F.pad((key_bias / scale).to(k.dtype)[..., None], (0, _BIAS_COLUMNS - 1))  # (B, K, columns)
    ones = F.pad(q.new_ones(1), (0, _BIAS_COLUMNS - 1))
    wider_q = torch.cat((q, ones.expand(*q.shape[:-1], -1)), -1)
    wider_k = torch.cat((k, bias[:, None].expand(-1, k.shape[1], -1, -1)), -1)
    wider_v = F.pad(v, (0, _BIAS_COLUMNS))
    mixed = F.scaled_dot_product_attention(wider_q, wider_k, wider_v, dropout_p=dropout, scale=scale)
    return mixed[..., :width]


class Dropout(nn.Module):
    """As `nn.Dropout`, from the same global generator, but on a CPU with 16 random bits for an element instead of 64.

    torch's own takes a tenth of a training step there.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        if not 0.0 <= share < 1.0:
            raise ValueError(f"dropout must be in [0, 1), got {share}")
        self.share = share

    def forward(self, x: Tensor) -> Tensor:
        """x of any shape; itself outside training."""
        if not self.training or self.share == 0.0:
            return x
        if x.device.type != "cpu":
            return F.dropout(x, self.share)
        levels = 1 << 16
        dropped = round(self.share * levels)
        drawn = torch.empty(-(-x.numel() // 4), dtype=torch.int64, device=x.device).random_(-(1 << 63), None)
        drawn = drawn.view(torch.int16)[: x.numel()].view(x.shape)
        # Straight to numbers: on a CPU, whatever writes or reads truth values takes several times as long.
        kept = torch.ge(drawn, dropped - levels // 2, out=torch.empty_like(x))
        return x * kept.mul_(levels / (levels - dropped))


class EncoderLayer(nn.Module):
    """Post-norm transformer layer whose queries and keys carry the position, its values do not (MC3D-AD's).

    attention_dropout: as in `Attention`; `dropout` is for the branches and the hidden layer.
    """

    def __init__(
        self, width: int, heads: int, feedforward: int, dropout: float, attention_dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.self_attn = Attention(width, heads, attention_dropout)
        self.linear1, self.linear2 = nn.Linear(width, feedforward), nn.Linear(feedforward, width)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.dropout = Dropout(dropout)

    def forward(self, tokens: Tensor, position: Tensor, key_bias: Tensor | None = None) -> Tensor:
        """tokens, position (B, N, d); key_bias (B, N) -> (B, N, d)."""
        placed = tokens + position
        tokens = self.norm1(tokens + self.dropout(self.self_attn(placed, placed, tokens, key_bias)))
        hidden = self.dropout(F.relu(self.linear1(tokens)))
        out: Tensor = self.norm2(tokens + self.dropout(self.linear2(hidden)))
        return out
