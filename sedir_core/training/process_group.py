"""Several processes that train one model together, as `torchrun` starts them: who they are and how they agree.

Each takes its share of every batch; gradients, losses and what is remembered of the batch are added up over all, so
that the weights stay the same everywhere. One process alone is a group of one, which never waits.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
from torch import Tensor
from torch import distributed as dist

from sedir_core.errors import DeviceUnavailable

# The others wait while the first encodes the scans. A process that died is noticed at once, whatever this says.
LONGEST_WAIT = timedelta(hours=12)

T = TypeVar("T")


@dataclass(frozen=True)
class ProcessGroup:
    """Process `rank` of `size`; the one of rank 0 leads: it alone writes."""

    rank: int
    size: int
    device: torch.device

    @property
    def leads(self) -> bool:
        """Whether this process writes the run."""
        return self.rank == 0

    def share(self, batch: Sequence[T]) -> Sequence[T]:
        """This process's part of a batch; it may be empty."""
        return batch[self.rank :: self.size]

    def add(self, values: Tensor) -> Tensor:
        """The sum over all processes, in place."""
        if self.size > 1:
            dist.all_reduce(values)
        return values

    def whole(self, mine: Tensor, n_rows: int) -> Tensor:
        """The rows (n_rows, ...) of the whole batch, from the rows of every process's share."""
        if self.size == 1:
            return mine
        rows = mine.new_zeros(n_rows, *mine.shape[1:])
        own = rows[self.rank :: self.size]
        own.copy_(mine[: len(own)])
        return self.add(rows)

    def agree(self, wish: bool) -> bool:
        """True everywhere if any process wishes so."""
        return wish if self.size == 1 else bool(self.add(torch.tensor(float(wish), device=self.device)) > 0)

    @contextmanager
    def leader_first(self) -> Iterator[None]:
        """The block runs in the leader, then in the others, which find in the cache what it computed."""
        if not self.leads:
            self.agree(False)
        yield
        if self.leads:
            self.agree(False)


ALONE = ProcessGroup(0, 1, torch.device("cpu"))


def started_together() -> bool:
    """Has a launcher such as torchrun started several processes of this program?"""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def own_device(wanted: str) -> str:
    """Every process of one host takes a GPU of its own, unless the device was named."""
    if started_together() and torch.cuda.is_available() and wanted in ("auto", "cuda"):
        return f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
    return wanted


@contextmanager
def joined(device: torch.device) -> Iterator[ProcessGroup]:
    """The group this process belongs to, by the variables that torchrun sets; left when the block ends.

    Raises DeviceUnavailable on a device whose processes cannot talk to each other.
    """
    if not started_together():
        yield ProcessGroup(0, 1, device)
        return
    if device.type not in ("cpu", "cuda"):
        raise DeviceUnavailable(str(device), "several processes cannot train on it together", "use --device cpu")
    if device.type == "cuda":
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=LONGEST_WAIT)
    try:
        yield ProcessGroup(dist.get_rank(), dist.get_world_size(), device)
    finally:
        dist.destroy_process_group()
