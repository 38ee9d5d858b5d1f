"""A network comes back from its tensors exactly, and whatever does not fit is refused before memory is taken."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from sedir_core.rundir.stored_nets import restored

CPU = torch.device("cpu")


def make() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))


def test_weights_come_back_frozen_without_moving_the_generator() -> None:
    stored, before = make().state_dict(), torch.get_rng_state()
    module = restored(make, stored, CPU)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(value, stored[name]) for name, value in module.state_dict().items())
    assert not module.training
    assert not any(parameter.requires_grad for parameter in module.parameters())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"0.weight": torch.zeros(4, 2)}, "expected"),
        ({"0.weight": torch.zeros(4, 3, dtype=torch.int64)}, "expected"),
        ({"0.weight": torch.zeros(4, 3, dtype=torch.float64)}, "expected"),
        ({"9.weight": torch.zeros(1)}, "missing or unexpected"),
    ],
)
def test_a_wrong_name_shape_or_type_is_refused(change: dict[str, Tensor], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        restored(make, make().state_dict() | change, CPU)


def test_a_claim_of_a_terabyte_takes_no_memory() -> None:
    with pytest.raises(ValueError, match="expected"):
        restored(lambda: nn.Linear(10**6, 10**6), {"weight": torch.zeros(2, 2), "bias": torch.zeros(2)}, CPU)
