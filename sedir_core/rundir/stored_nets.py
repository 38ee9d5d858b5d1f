"""Restores networks from a run's tensors: names, shapes and types are checked before memory is allocated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import torch
from torch import Tensor, nn

_M = TypeVar("_M", bound=nn.Module)


def restored(make: Callable[[], _M], tensors: Mapping[str, Tensor], device: torch.device) -> _M:
    """The module built by `make` with exactly these weights, frozen, in evaluation mode, on `device`.

    Raises ValueError if a name, shape or type differs: an untrusted configuration may claim any size.
    """
    with torch.device("meta"):  # meta tensors: shapes without memory, and without advancing torch's generator
        module = make()
    expected = module.state_dict()
    if expected.keys() != tensors.keys():
        odd = sorted(expected.keys() ^ tensors.keys())
        raise ValueError(f"{len(odd)} tensors are missing or unexpected, first {odd[0]!r}")
    for name, own in expected.items():
        given = tensors[name]
        if (given.shape, given.dtype) != (own.shape, own.dtype):
            raise ValueError(f"{name} is {tuple(given.shape)} {given.dtype}, expected {tuple(own.shape)} {own.dtype}")
    module.load_state_dict(dict(tensors), assign=True)
    return module.eval().requires_grad_(False).to(device)


def rounded(net: _M) -> _M:
    """The same network with its weights as a run keeps them: what is learned after that holds when it is restored."""
    with torch.no_grad():
        for values in net.state_dict().values():
            if values.is_floating_point():
                values.copy_(values.half())
    return net


def halved(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """As a run keeps the weights of a `rounded` network: without loss, in half the space."""
    return {name: value.half() if value.is_floating_point() else value for name, value in tensors.items()}


def widened(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The inverse of `halved`; runs of older versions keep their weights in full."""
    return {name: value.float() if value.dtype == torch.float16 else value for name, value in tensors.items()}
