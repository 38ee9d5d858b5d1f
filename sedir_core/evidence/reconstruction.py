"""What the network rebuilt, as points, without a look at the normal surface.

Where it rebuilds from identity and place, all of the good part: the zero level of its signed distance [O]. Else the
points of patches that are decoded from rebuilt tokens (method section 6 [O]). What is expected of the category, in the
scan's own shape, is another surface (`measuring`).
"""

from __future__ import annotations

import numpy as np
import torch

from sedir_core.geometry.tree import PointTree
from sedir_core.models.implicit import CELLS, ImplicitSurface
from sedir_core.types import DoubleArray

MOST_POINTS = 40_000
N_STEPS = 4  # towards the zero level
ON_LEVEL = 0.002  # radii


def decoded_points(patches: DoubleArray, centres: DoubleArray, points: DoubleArray, k: int) -> DoubleArray:
    """(m, 3) the points of decoded patches about the centres (N, 3) of their groups.

    patches: (N, M, 3) in units of their radius. points: (n, 3) the scan that was grouped, k at a time.
    """
    radii = PointTree(points).nearest_k(centres, k)[0][:, -1]
    decoded = (patches * radii[:, None, None] + centres[:, None]).reshape(-1, 3)
    return np.asarray(decoded[:: max(1, len(decoded) // MOST_POINTS)])


def zero_level(surface: ImplicitSurface, category: int) -> DoubleArray:
    """(m, 3) points of the surface that the network expects of a category, in its frame."""
    start = surface.corners_of(category)
    with torch.no_grad():
        near = _mean_distance(surface, category, start).abs() < CELLS[-1]
    start = start[near]
    places = start
    for _ in range(N_STEPS):
        places = places.detach().requires_grad_(True)
        distance = _mean_distance(surface, category, places)
        (slope,) = torch.autograd.grad(distance.sum(), places)
        squared = slope.square().sum(dim=1).clamp_min(0.25)
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
