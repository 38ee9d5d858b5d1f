"""Dropout: what it keeps, on average and exactly, and that a seed repeats it."""

from __future__ import annotations

import pytest
import torch

from sedir_core.models.layers import Dropout


def test_the_share_of_what_is_dropped_is_as_asked() -> None:
    torch.manual_seed(0)
    out = Dropout(0.1)(torch.ones(400, 500))
    assert float((out == 0).float().mean()) == pytest.approx(0.1, abs=0.003)
    assert out.unique().tolist() == pytest.approx([0.0, 1 / 0.9], rel=1e-4)


def test_the_mean_stays() -> None:
    torch.manual_seed(0)
    assert float(Dropout(0.3)(torch.ones(500, 500)).mean()) == pytest.approx(1.0, abs=0.005)


def test_neighbours_are_dropped_independently() -> None:
    torch.manual_seed(0)
    gone = (Dropout(0.5)(torch.ones(100_003)) == 0).float()
    for apart in (1, 2, 3, 4, 8):
        pair = torch.stack([gone[:-apart], gone[apart:]])
        assert abs(float(torch.corrcoef(pair)[0, 1])) < 0.02


def test_the_global_seed_repeats_it_and_moves_on() -> None:
    x = torch.ones(7, 11)
    torch.manual_seed(3)
    first, second = Dropout(0.4)(x), Dropout(0.4)(x)
    torch.manual_seed(3)
    assert torch.equal(Dropout(0.4)(x), first)
    assert not torch.equal(first, second)


def test_evaluation_changes_nothing() -> None:
    x = torch.randn(5, 3)
    assert Dropout(0.5).eval()(x) is x
    assert Dropout(0.0)(x) is x


def test_gradients_pass_where_values_do() -> None:
    torch.manual_seed(0)
    x = torch.randn(50, 3, requires_grad=True)
    out = Dropout(0.2)(x)
    (gradient,) = torch.autograd.grad(out.sum(), x)
    assert torch.equal(gradient == 0, out == 0)


def test_half_precision_stays_half() -> None:
    assert Dropout(0.2)(torch.ones(8, 4, dtype=torch.bfloat16)).dtype is torch.bfloat16


@pytest.mark.parametrize("share", [-0.1, 1.0])
def test_shares_out_of_range_are_refused(share: float) -> None:
    with pytest.raises(ValueError, match="dropout"):
        Dropout(share)
