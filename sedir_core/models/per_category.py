"""One network for each category, trained as one objective: what a step does not touch stays as it is, exactly."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class GoodParts:
    """The good parts of one category, aligned, in radii: points and unit normals, each (m_i, 3).

    changes: (m_i,) how fast the surface changes around each point.
    """

    points: tuple[Tensor, ...]
    normals: tuple[Tensor, ...]
    changes: tuple[Tensor, ...]

    def to(self, device: torch.device | str) -> GoodParts:
        """The same on another device."""
        return GoodParts(*(tuple(one.to(device) for one in of) for of in (self.points, self.normals, self.changes)))

    def draw(self, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """At most `count` random points (n, 3) of a random part, their normals (n, 3) and changes (n,)."""
        part = int(torch.randint(len(self.points), (1,), generator=generator, device=generator.device))
        few = torch.randperm(len(self.points[part]), generator=generator, device=generator.device)[:count]
        return self.points[part][few], self.normals[part][few], self.changes[part][few]


class Trainee(Protocol):
    """A module whose `loss` is trained; its `network` is kept."""

    network: nn.Module

    def loss(self, parts: GoodParts, generator: torch.Generator) -> Mapping[str, Tensor]:
        """Scalars, with a "total"."""
        ...


class PerCategory(nn.Module):
    """trainees: one for each category, all made by `make`."""

    def __init__(self, n_categories: int, make: Callable[[], nn.Module]) -> None:
        super().__init__()
        self.trainees = nn.ModuleList(make() for _ in range(n_categories))

    def forward(self, parts: GoodParts, category: Tensor, generator: torch.Generator) -> Mapping[str, Tensor]:
        """The losses of the category (1,) that the parts belong to."""
        trainee: Trainee = self.trainees[int(category)]  # type: ignore[assignment]
        return trainee.loss(parts, generator)

    @property
    def networks(self) -> list[nn.Module]:
        """What is kept, in the order of the categories."""
        return [one.network for one in self.trainees]  # type: ignore[misc]
