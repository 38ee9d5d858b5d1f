"""Fits the expected token at each place of each category, before the network is trained. [O]

The network's training visits a place once per epoch; here every step samples places from all scans.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from sedir_core.models.cfgt import BASE
from sedir_core.models.sedir import SeDiR
from sedir_core.models.steps import take_steps
from sedir_core.runtime import torch_generator
from sedir_core.training.material import SamplingBank
from sedir_core.types import Report, Stop

BATCH, LEARNING_RATE, WEIGHT_DECAY = 2_048, 2e-3, 1e-3
_TINY = 1e-6


def fit_expectation(
    network: SeDiR, bank: SamplingBank, n_steps: int, seed: int, fitted: bool, report: Report, stop: Stop
) -> None:
    """Fit it in place and freeze it; no effect if the network reads the scan itself. Raises Cancelled.

    Minimises the mean distance rather than its square: groups cut by the boundary of a scan are few but far off.
    fitted: it is already in the checkpoint of a resumed training.
    """
    if network.rebuilt_from != "identity":
        return
    if fitted:
        network.expectation.requires_grad_(False)
        return
    device = next(network.parameters()).device
    scans = [(tokens, label) for turns, label in zip(bank.tokens, bank.categories, strict=True) for tokens in turns]
    features = torch.cat([tokens.features[BASE, 0] for tokens, _ in scans]).to(device)
    centers = torch.cat([tokens.centers[0] for tokens, _ in scans]).to(device)
    counts = torch.tensor([tokens.centers.shape[1] for tokens, _ in scans])
    labels = torch.tensor([label for _, label in scans]).repeat_interleave(counts).to(device)
    expectation, random = network.expectation, torch_generator("cpu", seed, "expectation")
    expectation.mean.copy_(features.mean(dim=0))
    expectation.spread.copy_(features.std(dim=0) + _TINY)
    optimizer = torch.optim.AdamW(expectation.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=n_steps)
    n_categories = len(expectation.who)

    def next_loss() -> Tensor:
        picked = torch.randint(len(features), (BATCH,), generator=random).to(device)
        certain = F.one_hot(labels[picked], n_categories).to(features.dtype)
        away = (network.expected(certain, centers[picked, None])[:, 0] - features[picked]) / expectation.spread
        return (away.square().mean(dim=1) + _TINY).sqrt().mean()

    take_steps(n_steps, optimizer, schedule, next_loss, "learn what to expect", report, stop)
    expectation.requires_grad_(False)
