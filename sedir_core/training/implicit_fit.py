"""The signed distance of every category's good surface, learned from its aligned training parts. [O]

Points of good scans are displaced along their normals by known lengths, which are the distances there, unless another
face of the part is nearer; such points are dropped. The absolute error is minimised, so that the noise of single scans
averages out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import cycle

import numpy as np
import torch
from torch import Tensor, nn

from sedir_core.evidence.aligned_parts import mean_shape
from sedir_core.evidence.fitted_parts import FittedParts
from sedir_core.evidence.training_numbers import SURFACE_FIT
from sedir_core.geometry.tree import PointTree
from sedir_core.models.folds import FOLDS, taught_by
from sedir_core.models.implicit import LEVELS, ImplicitSurface
from sedir_core.models.steps import take_steps
from sedir_core.runtime import generator, torch_generator
from sedir_core.types import DoubleArray, Report, Stop

BATCH = 12_000  # displaced points per step, equally many from every category
POOL = 300_000  # displaced points of each category and fold, at most: no more than are drawn


def fit_implicit(
    all_fitted: Mapping[str, FittedParts],
    n_steps: int,
    seed: int,
    device: torch.device,
    report: Report,
    stop: Stop,
    start: ImplicitSurface | None = None,
) -> ImplicitSurface:
    """One surface for all categories, frozen. Raises Cancelled.

    start: the surfaces of a model that is extended by further categories; they and the decoder stay unchanged.
    """
    torch.manual_seed(seed)
    clouds = [folds_of(fitted) for fitted in all_fitted.values()]
    n_levels = len(LEVELS if start is None else start.levels)
    surface = ImplicitSurface.around([[torch.from_numpy(points) for points in folds] for folds in clouds], n_levels)
    known = 0
    if start is not None:
        known = len(start.grids)
        surface.decoders.load_state_dict(start.decoders.state_dict())
        surface.grids = nn.ModuleList([*start.grids, *surface.grids])
    surface = surface.to(device)
    count, turn = max(1, BATCH // len(clouds)), cycle(range(FOLDS))
    size = min(POOL, math.ceil(n_steps / FOLDS) * count)
    pools = [
        [_displaced(points, fitted, size, generator(seed, "implicit", name, fold)) for fold, points in enumerate(folds)]
        for (name, fitted), folds in zip(all_fitted.items(), clouds, strict=True)
    ]
    random = torch_generator("cpu", seed, "implicit")
    fresh = [grid for i in range(len(pools)) for grid in surface.grids_of(known + i)]
    features = [grid.begin(random) for grid in fresh]
    decoders = [] if start is not None else list(surface.decoders.parameters())
    rates = [SURFACE_FIT.grid_rate, SURFACE_FIT.decoder_rate]
    groups = [{"params": own, "lr": rate} for own, rate in zip((features, decoders), rates, strict=True)]
    optimizer = torch.optim.Adam(groups, eps=1e-12, fused=True)  # the tables of all categories are most of a step
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rates, total_steps=n_steps, pct_start=0.1)

    def next_loss() -> Tensor:
        fold = next(turn)
        errors = [_error(surface, known + i, fold, each[fold], count, random, device) for i, each in enumerate(pools)]
        return torch.stack(errors).mean()

    take_steps(n_steps, optimizer, schedule, next_loss, "learn good surfaces", report, stop)
    for grid in fresh:
        grid.settle()
    return surface.eval().requires_grad_(False)


def folds_of(fitted: FittedParts) -> list[DoubleArray]:
    """Points (n, 3) of the training parts that each fold learns from, in the mean shape of these parts.

    Held-out samplings of part i are judged by the fold that has not seen it, see `folds_without`. The first fold learns
    from one half of a single part and is asked about the other half, from which the other folds learn.
    """
    if fitted.single:
        return [fitted.others[0].surface.points] + (FOLDS - 1) * [fitted.unseen[0]]
    folds = [taught_by(fitted.parts, fold) for fold in range(FOLDS)]
    return [np.concatenate([mean_shape(parts)(one, one.points) for one in parts]) for parts in folds]


def _displaced(
    points: DoubleArray, fitted: FittedParts, size: int, random: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """At most `size` places (m, 3) near the points, and their signed distances (m,) from it, positive outside."""
    normals, tree = fitted.whole.surface.normals, fitted.whole.surface.tree
    some = random.integers(len(points), size=size)
    kind, sign = random.random(size), random.uniform(-1, 1, size)
    lengths = np.where(kind < SURFACE_FIT.shares[1], SURFACE_FIT.far, SURFACE_FIT.farthest) * sign
    lengths = np.where(kind < SURFACE_FIT.shares[0], SURFACE_FIT.near * random.normal(size=size), lengths)
    places = points[some] + lengths[:, None] * normals[tree.nearest(points[some])[1]]
    clear = (
        SURFACE_FIT.nearer * np.abs(lengths) - SURFACE_FIT.within
    )  # no other face may be nearer than this; none can be after a small displacement
    alone, own = np.ones(size, bool), PointTree(points)
    for lowest, highest in (
        (0.0, SURFACE_FIT.nearer * SURFACE_FIT.far),
        (SURFACE_FIT.nearer * SURFACE_FIT.far, SURFACE_FIT.nearer * SURFACE_FIT.farthest),
    ):
        asked = np.flatnonzero((clear >= lowest) & (clear < highest))
        alone[asked] = own.nearest(places[asked], highest)[0] > clear[asked]
    return torch.from_numpy(places[alone]), torch.from_numpy(lengths[alone].astype(np.float32))


def _error(
    surface: ImplicitSurface,
    category: int,
    fold: int,
    pool: tuple[Tensor, Tensor],
    count: int,
    random: torch.Generator,
    device: torch.device,
) -> Tensor:
    places, lengths = pool
    picked = torch.randint(len(places), (count,), generator=random)
    wanted = lengths[picked].to(device)
    found: Tensor = surface(category, places[picked].to(device), slice(fold, fold + 1))[0][0]
    error: Tensor = (found - wanted).abs() / (SURFACE_FIT.sharpest + SURFACE_FIT.slope * wanted.abs())
    return error.mean()
