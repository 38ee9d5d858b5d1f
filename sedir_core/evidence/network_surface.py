"""The good surface of a category as the network expects it, from identity and place alone (`models.implicit`). [O]

Nothing here uses the normal surface.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from sedir_core.evidence.numbers import NETWORK_SURFACE
from sedir_core.evidence.probes import Probes
from sedir_core.models.implicit import ImplicitSurface
from sedir_core.runtime import torch_generator
from sedir_core.types import DoubleArray

_UNKNOWN = 1e3  # radii: as far as where no fold knows anything


class NetworkSurface:
    """The output of some folds of the network for one category; all points are in its frame."""

    def __init__(self, surface: ImplicitSurface, category: int, folds: Sequence[int]) -> None:
        self._surface, self._category = surface, category
        self._folds = slice(folds[0], folds[-1] + 1)  # one of them, or all
        self._device = next(surface.buffers()).device

    def distances(self, points: DoubleArray) -> DoubleArray:
        """Signed distances (n,) of points (n, 3), averaged over folds: positive outside, NaN where no fold knows."""
        with torch.no_grad():
            distance, known = self._said(self._tensor(points))
        return np.where(known.cpu().numpy(), distance.double().cpu().numpy(), np.nan)

    def toward(self, points: DoubleArray) -> tuple[DoubleArray, DoubleArray]:
        """Signed distance (n,) to the zero level, by linear extrapolation, and unit normals (n, 3) there.

        See `geometry.elastic.Toward`.
        """
        distance, known, slope = self._sloped(self._tensor(points))
        steepness = slope.norm(dim=1).clamp_min(NETWORK_SURFACE.steepest**0.5)
        along = np.where(known.cpu().numpy(), (-distance / steepness).double().cpu().numpy(), np.nan)
        return along, np.asarray((slope / steepness[:, None]).cpu().numpy())

    @cached_property
    def points(self) -> DoubleArray:
        """(m, 3) points of the expected surface, in random order."""
        corners, cell = self._surface.starts_of(self._category)
        generator = torch_generator("cpu", 0, "zero level")
        random = torch.rand((NETWORK_SURFACE.starts, *corners.shape), generator=generator).to(corners)
        start = (corners + cell * (random - 0.5)).flatten(0, 1)
        with torch.no_grad():
            start = start[self._said(start)[0].abs() < cell]
        places = start
        for _ in range(NETWORK_SURFACE.steps):
            distance, _, slope = self._sloped(places)
            places = (
                places - (distance / slope.square().sum(dim=1).clamp_min(NETWORK_SURFACE.steepest))[:, None] * slope
            )
        with torch.no_grad():
            on = self._said(places)[0].abs() < NETWORK_SURFACE.on_level
        on &= (places - start).norm(dim=1) < 2 * cell
        found = places[on]
        order = torch.randperm(len(found), generator=generator)
        return np.asarray(found[order.to(found.device)][: NETWORK_SURFACE.points].cpu().numpy())

    @cached_property
    def probes(self) -> Probes | None:
        """Places where a scan is expected; None if there is hardly any surface, as after a few steps of training."""
        points = self.points[: NETWORK_SURFACE.probes]
        return Probes(points, self.toward(points)[1]) if len(points) >= NETWORK_SURFACE.least_probes else None

    def _tensor(self, points: DoubleArray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(points)).to(self._device)

    def _said(self, places: Tensor) -> tuple[Tensor, Tensor]:
        """(n,) mean distances, _UNKNOWN where no fold knows, and whether any does."""
        said, known = self._surface(self._category, places, self._folds)
        mean = torch.where(known, said, 0.0).sum(dim=0) / known.sum(dim=0).clamp_min(1)
        return torch.where(known.any(dim=0), mean, _UNKNOWN), known.any(dim=0)

    def _sloped(self, places: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The same with the gradient (n, 3) of the distances."""
        places = places.detach().requires_grad_(True)
        with torch.enable_grad():
            distance, known = self._said(places)
            (slope,) = torch.autograd.grad(distance.sum(), places)
        return distance.detach(), known, slope
