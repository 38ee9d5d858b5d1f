"""Networks from a run's tensors: names, shapes and types are compared before any memory is taken for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import torch
from torch import Tensor, nn

_M = TypeVar("_M", bound=nn.Module)


def restored(make: Callable[[], _M], tensors: Mapping[str, Tensor], device: torch.device) -> _M:
    """The module that `make` builds with exactly these weights, frozen, in evaluation mode, on `device`.

    Raises ValueError where a name, shape or type differs: a configuration from a stranger may claim any size.
    """
    with torch.device("meta"):  # shapes without memory, and without moving torch's generator
        module = make()
    expected = module.state_dict()
    if expected.keys() != tensors.keys():
        odd = sorted(expected.keys() ^ tensors.keys())
        raise ValueError(f"{len(odd)} tensors are missing or too many, first {odd[0]!r}")
    for name, own in expected.items():
        given = tensors[name]
        if (given.shape, given.dtype) != (own.shape, own.dtype):
            raise ValueError(f"{name} is {tuple(given.shape)} {given.dtype}, expected {tuple(own.shape)} {own.dtype}")
    module.load_state_dict(dict(tensors), assign=True)
    return module.eval().requires_grad_(False).to(device)
