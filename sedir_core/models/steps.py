"""Small networks that are fitted beside the one that is trained: a fixed number of steps, each on a fresh batch."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from sedir_core.errors import Cancelled
from sedir_core.types import Report, Stop

REPORT_EVERY = 25


def take_steps(
    n_steps: int,
    optimizer: Optimizer,
    schedule: LRScheduler,
    next_loss: Callable[[], Tensor],
    doing: str,
    report: Report,
    stop: Stop,
) -> None:
    """Descend so often. next_loss: the loss of a batch that it draws. doing: in words. Raises Cancelled."""
    for step in range(n_steps):
        if stop():
            raise Cancelled
        if step % REPORT_EVERY == 0:
            report(step / n_steps, doing)
        loss = next_loss()
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        optimizer.step()
        schedule.step()
