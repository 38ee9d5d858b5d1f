"""The surface that the network expects of a category: how far points lie from it, and points on it. [O]

It follows from identity and place alone (`models.implicit`), without a look at the normal surface.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from sedir_core.models.folds import folds_without
from sedir_core.models.implicit import CELLS, ImplicitSurface
from sedir_core.runtime import torch_generator
from sedir_core.types import DoubleArray

MOST_POINTS = 40_000
N_STARTS = 3  # at each corner of the finest cells
N_STEPS = 4  # towards the zero level
ON_LEVEL = 0.002  # radii
STEEPEST = 0.25  # least squared slope that a step is divided by

Distances = Callable[[DoubleArray], DoubleArray]
"""Of points (n, 3) in a category's frame the signed distances (n,) from its good surface, NaN where nobody knows."""


def distances_by(surface: ImplicitSurface, category: int, unseen_by: int | None = None) -> Distances:
    """The mean of the folds that know a place. unseen_by: a training part, by whose own fold nothing is said."""
    asked = folds_without(unseen_by)
    device = next(surface.buffers()).device

    @torch.no_grad()
    def distances(points: DoubleArray) -> DoubleArray:
        said, known = surface(category, torch.from_numpy(points).to(device))
        told, count = said.double().cpu().numpy()[asked], known.cpu().numpy()[asked]
        total = np.where(count, told, 0.0).sum(axis=0)
        return np.where(count.any(axis=0), total / np.maximum(count.sum(axis=0), 1), np.nan)

    return distances


def zero_level(surface: ImplicitSurface, category: int) -> DoubleArray:
    """(m, 3) points of the surface that the network expects of a category, in its frame."""
    corners = surface.corners_of(category)
    random = torch.rand((N_STARTS, *corners.shape), generator=torch_generator("cpu", 0, "zero level")).to(corners)
    start = (corners + CELLS[-1] * (random - 0.5)).flatten(0, 1)
    with torch.no_grad():
        near = _mean_distance(surface, category, start).abs() < CELLS[-1]
    start = start[near]
    places = start
    for _ in range(N_STEPS):
        places = places.detach().requires_grad_(True)
        distance = _mean_distance(surface, category, places)
        (slope,) = torch.autograd.grad(distance.sum(), places)
        squared = slope.square().sum(dim=1).clamp_min(STEEPEST)
        places = places.detach() - (distance.detach() / squared)[:, None] * slope
    with torch.no_grad():
        on = _mean_distance(surface, category, places).abs() < ON_LEVEL
    on &= (places - start).norm(dim=1) < 2 * CELLS[-1]
    return np.asarray(places[on][:MOST_POINTS].cpu().numpy())


def _mean_distance(surface: ImplicitSurface, category: int, places: torch.Tensor) -> torch.Tensor:
    """Infinite where no fold knows it."""
    said, known = surface(category, places)
    mean = torch.where(known, said, 0.0).sum(dim=0) / known.sum(dim=0).clamp_min(1)
    return torch.where(known.any(dim=0), mean, torch.inf)
