"""The contrastive buffer and losses, against cases worked by hand."""

from __future__ import annotations

import math

import pytest
import torch

from sedir_core.models.c3l import ContrastiveBuffer, cosine_loss, supervised_contrastive_loss


def test_buffer_forgets_the_oldest():
    buffer = ContrastiveBuffer(3, 1)
    for i in range(5):
        buffer.push(torch.tensor([[float(i)]]), torch.tensor([i]))
    tokens, categories = buffer.filled()
    assert sorted(categories.tolist()) == [2, 3, 4]
    assert torch.equal(tokens[:, 0], categories.float())


def test_buffer_takes_a_batch_larger_than_itself():
    buffer = ContrastiveBuffer(2, 1)
    buffer.push(torch.arange(5.0)[:, None], torch.arange(5))
    assert sorted(buffer.filled()[1].tolist()) == [3, 4]


def test_buffer_gives_only_what_was_put_in():
    buffer = ContrastiveBuffer(8, 4)
    buffer.push(torch.ones(2, 4), torch.tensor([1, 2]))
    assert buffer.filled()[1].tolist() == [1, 2]


def test_buffer_travels_with_the_state():
    buffer, restored = ContrastiveBuffer(4, 2), ContrastiveBuffer(4, 2)
    buffer.push(torch.randn(3, 2, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 1, 0]))
    restored.load_state_dict(buffer.state_dict())
    for ours, theirs in zip(restored.filled(), buffer.filled(), strict=True):
        assert torch.equal(ours, theirs)


def test_buffer_holds_no_graph():
    buffer = ContrastiveBuffer(4, 2)
    buffer.push(torch.ones(1, 2, requires_grad=True) * 2, torch.tensor([0]))
    assert not buffer.filled()[0].requires_grad


def test_contrastive_loss_of_a_case_worked_by_hand():
    z = torch.tensor([[1.0, 0.0]])
    others = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    # Logits at temperature 0.5 are 2, 0, -2; the positives are the first two.
    total = math.exp(2) + 1 + math.exp(-2)
    expected = -((2 - math.log(total)) + (0 - math.log(total))) / 2
    found = supervised_contrastive_loss(z, torch.tensor([7]), others, torch.tensor([7, 7, 3]), 0.5)
    assert found.item() == pytest.approx(expected, rel=1e-5)


def test_contrastive_loss_without_positives_is_zero_and_has_a_gradient():
    z = torch.tensor([[1.0, 0.0]], requires_grad=True)
    loss = supervised_contrastive_loss(z, torch.tensor([1]), torch.eye(2), torch.tensor([0, 2]), 0.07)
    loss.backward()
    assert loss.item() == 0.0
    assert torch.equal(z.grad, torch.zeros(1, 2))


def test_contrastive_loss_of_an_empty_buffer_is_zero():
    z = torch.tensor([[1.0, 0.0]], requires_grad=True)
    loss = supervised_contrastive_loss(z, torch.tensor([1]), torch.empty(0, 2), torch.empty(0).long(), 0.07)
    loss.backward()
    assert loss.item() == 0.0


def test_contrastive_loss_falls_towards_its_own_category():
    others, categories = torch.eye(2), torch.tensor([0, 1])
    near, far = (supervised_contrastive_loss(z[None], torch.tensor([0]), others, categories, 0.07) for z in others)
    assert near < 0.01 < 10 < far


def test_cosine_loss_is_the_mean_of_both_scales():
    base = torch.tensor([[[1.0, 0.0]]])
    fine, coarse = torch.tensor([[[0.0, 3.0]]]), torch.tensor([[[-2.0, 0.0]]])
    assert cosine_loss(torch.stack((fine, base, coarse))).item() == pytest.approx((1 + 2) / 2)
