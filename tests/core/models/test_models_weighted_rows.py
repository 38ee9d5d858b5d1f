"""Weighted sums of rows: the gradient is PyTorch's own."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from sedir_core.models.weighted_rows import weighted_rows


def asked(n_rows: int = 30, width: int = 3, n: int = 200, k: int = 8) -> tuple[Tensor, Tensor, Tensor]:
    random = torch.Generator().manual_seed(0)
    table = torch.randn(n_rows, width, generator=random).requires_grad_()
    return table, torch.randint(n_rows - 1, (n, k), generator=random), torch.rand(n, k, generator=random)


def gradient(summed: Tensor, table: Tensor) -> Tensor:
    (found,) = torch.autograd.grad((summed * torch.linspace(-1, 1, summed.shape[1])).square().sum(), table)
    return found


def test_sums_and_gradient_are_those_of_an_embedding_bag() -> None:
    table, found, weights = asked()
    ours, theirs = (
        weighted_rows(table, found, weights),
        F.embedding_bag(found, table, None, mode="sum", per_sample_weights=weights),
    )
    assert torch.equal(ours, theirs)
    assert torch.allclose(gradient(ours, table), gradient(theirs, table), rtol=1e-5)


def test_a_row_that_nobody_asked_for_learns_nothing() -> None:
    table, found, weights = asked()
    assert not gradient(weighted_rows(table, found, weights), table)[-1].any()


def test_the_gradient_is_the_same_on_any_number_of_threads() -> None:
    table, found, weights = asked(n=20_000)
    threads, gradients = torch.get_num_threads(), []
    try:
        for n in (1, 2):
            torch.set_num_threads(n)
            gradients.append(gradient(weighted_rows(table, found, weights), table))
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(*gradients)
