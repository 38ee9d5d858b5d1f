"""The shared attention: what it computes, whichever kernel runs."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from sedir_core.models.layers import HIDDEN_KEY_BIAS, Attention, EncoderLayer, biased_attention


@pytest.fixture
def heads() -> list[torch.Tensor]:
    source = torch.Generator().manual_seed(1)
    return [torch.randn(2, 4, 24, 8, generator=source, requires_grad=True) for _ in range(3)]


def test_key_bias_equals_an_additive_mask(heads):
    bias = torch.randn(2, 24, generator=torch.Generator().manual_seed(2))
    expected = F.scaled_dot_product_attention(*heads, attn_mask=bias[:, None, None].expand(2, 4, 24, 24))
    torch.testing.assert_close(biased_attention(*heads, bias), expected, rtol=1e-5, atol=1e-6)


def test_key_bias_gets_the_gradient_of_an_additive_mask(heads):
    bias = torch.randn(2, 24, generator=torch.Generator().manual_seed(2), requires_grad=True)
    masked = F.scaled_dot_product_attention(*heads, attn_mask=bias[:, None, None].expand(2, 4, 24, 24))
    expected = torch.autograd.grad(masked.square().sum(), [bias, *heads])
    found = torch.autograd.grad(biased_attention(*heads, bias).square().sum(), [bias, *heads])
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_hidden_keys_have_no_influence(heads):
    q, k, v = heads
    hidden = torch.zeros(2, 24)
    hidden[:, 12:] = HIDDEN_KEY_BIAS
    without = F.scaled_dot_product_attention(q, k[:, :, :12], v[:, :, :12])
    torch.testing.assert_close(biased_attention(q, k, v, hidden), without, rtol=1e-5, atol=1e-6)


def test_attention_equals_torch_s_own():
    theirs = torch.nn.MultiheadAttention(32, 4, batch_first=True)
    ours = Attention(32, 4)
    ours.load_state_dict(theirs.state_dict())
    q, k, v = torch.randn(3, 2, 10, 32, generator=torch.Generator().manual_seed(3))
    torch.testing.assert_close(ours(q, k, v), theirs(q, k, v, need_weights=False)[0], rtol=1e-5, atol=1e-6)


def test_values_do_not_carry_the_position():
    layer = EncoderLayer(16, 2, 32, 0.0)
    tokens, position = torch.randn(2, 1, 6, 16, generator=torch.Generator().manual_seed(4))
    same_place = position[:, :1].expand(-1, 6, -1)
    # One position for all shifts every logit of a query by the same amount only through the queries and keys;
    # with the tokens equal as well, nothing of it may reach the output.
    equal = tokens[:, :1].expand(-1, 6, -1)
    torch.testing.assert_close(layer(equal, same_place), layer(equal, torch.zeros_like(equal)))


def test_width_must_fit_the_heads():
    with pytest.raises(ValueError, match="heads"):
        Attention(10, 4)
