"""The mutable state of a training, and its checkpoint.

Omitting any part breaks exact resumption, which a test shows for each.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.optim import AdamW

from sedir_core.config import TrainingConfig
from sedir_core.documents import parse_json
from sedir_core.errors import BadRun
from sedir_core.runtime import generator, torch_generator

LAST_FALL = 0.8  # share of the training [R]: 800 of 1000 epochs
HELD, LOWEST = 0.01, 1e-3  # PO3AD's [R]: 10 of 1001 epochs, then down to a thousandth


class Order:
    """Scan and cached sampling at each position of an epoch: a new permutation every epoch."""

    def __init__(self, n_scans: int, n_samplings: int, generator: torch.Generator) -> None:
        self.generator = generator
        self.n_samplings = n_samplings
        self.scans = torch.zeros(n_scans, dtype=torch.int64)
        self.samplings = torch.zeros(n_scans, dtype=torch.int64)

    def shuffle(self) -> None:
        """Draw the next epoch."""
        n_scans = len(self.scans)
        self.scans = torch.randperm(n_scans, generator=self.generator)
        self.samplings = torch.randint(self.n_samplings, (n_scans,), generator=self.generator)

    def at(self, places: range) -> list[tuple[int, int]]:
        """(scan, sampling) at those positions of the epoch."""
        return [(int(self.scans[place]), int(self.samplings[place])) for place in places]


@dataclass
class TrainingProgress:
    """Counters of a checkpoint. `step` counts finished steps and determines epoch, position and learning rate.

    sums: of the current epoch's losses. means: of the last complete epoch's. seconds: training time over all sessions.
    """

    step: int = 0
    seconds: float = 0.0
    sums: dict[str, float] = field(default_factory=dict)
    means: dict[str, float] = field(default_factory=dict)


class TrainingState:
    """Network, optimiser, generators, scan order and progress of one training."""

    def __init__(
        self, objective: nn.Module, n_scans: int, n_samplings: int, cfg: TrainingConfig, device: torch.device
    ) -> None:
        self.objective = objective.to(device)
        self.device = device
        self.parameters = [parameter for parameter in objective.parameters() if parameter.requires_grad]
        self.optimizer = AdamW(self.parameters, lr=cfg.learning_rate, weight_decay=cfg.weight_decay, fused=True)
        self.noise = torch.Generator(device=device)
        self.order = Order(n_scans, n_samplings, torch_generator("cpu", cfg.seed, "order"))
        self.progress = TrainingProgress()
        self._seed = cfg.seed

    def reseed(self, position: int) -> None:
        """Seed the generators for one scan by the seed, the step and its position in the batch.

        Thus no generator state needs saving, and the assignment of scans to processes does not matter.
        """
        drawn = generator(self._seed, "step", self.progress.step, position).integers(2**62, size=2)
        torch.manual_seed(int(drawn[0]))  # dropout does not accept a generator
        self.noise.manual_seed(int(drawn[1]))

    def tensors(self) -> dict[str, Tensor]:
        """The checkpoint's tensors by prefixed name."""
        found = {f"objective.{name}": tensor for name, tensor in self.objective.state_dict().items()}
        for index, slots in self.optimizer.state_dict()["state"].items():
            found |= {f"optimizer.{index}.{name}": tensor for name, tensor in slots.items()}
        found |= {"order.scans": self.order.scans, "order.samplings": self.order.samplings}
        found["random.order"] = self.order.generator.get_state()
        return found

    def meta(self) -> dict[str, str]:
        """The checkpoint's notes: device and progress. Floats survive JSON exactly."""
        return {"device": self.device.type, "progress": json.dumps(vars(self.progress))}

    def restore(self, tensors: Mapping[str, Tensor], meta: Mapping[str, str]) -> None:
        """Restore the state saved in `tensors` and `meta`.

        Raises BadRun if they belong to another device, network or number of scans.
        """
        if meta.get("device") != self.device.type:
            where = meta.get("device", "unknown")
            raise BadRun("checkpoint", f"was trained on {where}, not {self.device.type}", f"use --device {where}")
        try:
            self._restore(tensors, meta)
        except torch.OutOfMemoryError:
            raise
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise BadRun(
                "checkpoint", f"does not fit this training: {error}", "train again in another folder"
            ) from error

    def _restore(self, tensors: Mapping[str, Tensor], meta: Mapping[str, str]) -> None:
        if len(tensors["order.scans"]) != len(self.order.scans):
            raise ValueError(f"{len(tensors['order.scans'])} scans then, {len(self.order.scans)} now")
        progress = _progress(meta["progress"])
        slots: dict[int, dict[str, Tensor]] = {}
        for key, tensor in _under("optimizer.", tensors).items():
            index, _, name = key.partition(".")
            slots.setdefault(int(index), {})[name] = tensor
        self._refuse_odd(tensors, slots)
        self.objective.load_state_dict(_under("objective.", tensors))
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": slots})
        self.order.scans, self.order.samplings = tensors["order.scans"], tensors["order.samplings"]
        self.order.generator.set_state(tensors["random.order"])
        self.progress = progress

    def _refuse_odd(self, tensors: Mapping[str, Tensor], slots: Mapping[int, Mapping[str, Tensor]]) -> None:
        """Reject values that torch would accept silently. Raises ValueError."""
        for name, tensor in tensors.items():
            if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
                raise ValueError(f"{name} holds NaN or infinity")
        for index, slot in slots.items():
            shape = self.parameters[index].shape if 0 <= index < len(self.parameters) else None
            if any(tensor.numel() > 1 and tensor.shape != shape for tensor in slot.values()):
                raise ValueError(f"the optimiser's state of parameter {index} has another shape")
        scans, samplings = tensors["order.scans"], tensors["order.samplings"]
        drawn = bool(scans.any())  # all zeros before the first epoch
        if drawn and not torch.equal(scans.sort().values, torch.arange(len(self.order.scans))):
            raise ValueError("the order of the scans is not a permutation")
        if samplings.shape != scans.shape or not bool(((samplings >= 0) & (samplings < self.order.n_samplings)).all()):
            raise ValueError("the order of the samplings is invalid")


def _progress(text: str) -> TrainingProgress:
    found = TrainingProgress(**parse_json(text))
    sums = [*found.sums.values(), *found.means.values(), found.seconds]
    if type(found.step) is not int or found.step < 0 or not all(isinstance(x, int | float) for x in sums):
        raise ValueError("its progress is invalid")
    if not all(math.isfinite(x) for x in sums):
        raise ValueError("its progress is not finite")
    return found


def learning_rate(cfg: TrainingConfig, step: int, n_steps: int) -> float:
    """The rate of step 0..n_steps-1, by the configured schedule."""
    if cfg.schedule == "step":
        return cfg.learning_rate * (1.0 if step < LAST_FALL * n_steps else 0.1)
    if cfg.schedule == "constant":
        return cfg.learning_rate
    if cfg.schedule == "late-cosine":
        done = max(0.0, (step / n_steps - HELD) / (1.0 - HELD))
        return cfg.learning_rate * (LOWEST + (1.0 - LOWEST) * 0.5 * (1.0 + math.cos(math.pi * done)))
    return cfg.learning_rate * 0.5 * (1.0 + math.cos(math.pi * step / n_steps))


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
