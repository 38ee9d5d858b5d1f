"""Distributed training with processes started by `torchrun`.

Each process computes a share of every batch; gradients, losses and stored batch data are summed over all, so that the
weights stay identical. A single process is a group of one, without communication.
"""

from __future__ import annotations

import logging
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

log = logging.getLogger(__name__)

# The others wait while the first encodes the scans. A dead process is noticed at once regardless.
LONGEST_WAIT = timedelta(hours=12)

T = TypeVar("T")


@dataclass(frozen=True)
class ProcessGroup:
    """Process `rank` of `size`; rank 0 is the leader, the only one that writes."""

    rank: int
    size: int
    device: torch.device

    @property
    def leads(self) -> bool:
        """Whether this is the leader."""
        return self.rank == 0

    def share(self, batch: Sequence[T]) -> Sequence[T]:
        """This process's part of a batch; it may be empty."""
        return batch[self.rank :: self.size]

    def add(self, values: Tensor) -> Tensor:
        """The sum over all processes, in place. Raises DeviceUnavailable if one of them is gone."""
        if self.size > 1:
            try:
                dist.all_reduce(values)
            except torch.OutOfMemoryError:
                raise
            except RuntimeError as error:  # gloo and NCCL have no other class for a lost connection
                log.warning("%s", error)
                what, hint = "another process of this training ended", "continue it with --resume"
                raise DeviceUnavailable("torchrun", what, hint) from error
        return values

    def whole(self, mine: Tensor, n_rows: int) -> Tensor:
        """Gather the rows (n_rows, ...) of the whole batch from all processes."""
        if self.size == 1:
            return mine
        rows = mine.new_zeros(n_rows, *mine.shape[1:])
        own = rows[self.rank :: self.size]
        own.copy_(mine[: len(own)])
        return self.add(rows)

    def agree(self, wish: bool) -> bool:
        """Logical OR over all processes."""
        return wish if self.size == 1 else bool(self.add(torch.tensor(float(wish), device=self.device)) > 0)

    @contextmanager
    def leader_first(self) -> Iterator[None]:
        """Run the block in the leader first, then in the others, which find its results in the cache."""
        if not self.leads:
            self.agree(False)
        yield
        if self.leads:
            self.agree(False)


ALONE = ProcessGroup(0, 1, torch.device("cpu"))


def started_together() -> bool:
    """Whether a launcher such as torchrun has started several processes."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def own_device(wanted: str) -> str:
    """Assign each process of a host its own GPU, unless the device was given."""
    if started_together() and torch.cuda.is_available() and wanted in ("auto", "cuda"):
        return f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
    return wanted


@contextmanager
def joined(device: torch.device) -> Iterator[ProcessGroup]:
    """Join the process group defined by torchrun's variables, and leave it when the block ends.

    Raises DeviceUnavailable on a device without communication between processes.
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
