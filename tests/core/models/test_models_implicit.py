"""Sparse grids: a table of cells finds the same corners as a search among them."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from sedir_core.models import implicit
from sedir_core.models.folds import FOLDS
from sedir_core.models.implicit import ImplicitSurface


def ball(n_points: int, seed: int = 0) -> Tensor:
    points = torch.randn(n_points, 3, dtype=torch.double, generator=torch.Generator().manual_seed(seed))
    return points / points.norm(dim=1, keepdim=True)


def learned() -> ImplicitSurface:
    surface = ImplicitSurface.around([[ball(2_000), ball(500), ball(50), ball(2_000, seed=1)]])
    for grid in surface.grids_of(0):
        grid.codes.random_(-100, 100, generator=torch.Generator().manual_seed(2))
    return surface


@pytest.mark.parametrize("reach", [1.0, 3.0, 16.0], ids=["on it", "beside it", "far off"])
def test_a_table_and_a_search_find_the_same(reach: float, monkeypatch: pytest.MonkeyPatch) -> None:
    surface, points = learned(), reach * ball(1_000, seed=3)
    looked_up = surface(0, points)
    monkeypatch.setattr(implicit, "_LARGEST_BOX", 0)
    searched = learned()
    searched.load_state_dict(surface.state_dict())
    for one, other in zip(looked_up, searched(0, points), strict=True):
        assert torch.equal(one, other)


def test_other_corners_are_found_after_they_have_changed() -> None:
    surface, points = learned(), ball(100, seed=3)
    before = surface(0, points)[1]
    for grid in surface.grids_of(0):
        grid.corners.fill_(0)
    assert before.any() and not surface(0, points)[1].any()


@pytest.mark.parametrize("n_levels", [2, 3], ids=["an earlier run", "a new one"])
def test_a_state_says_how_many_levels_it_has(n_levels: int) -> None:
    surface = ImplicitSurface.around([[ball(50)] * FOLDS] * 2, n_levels)
    again = ImplicitSurface.restorable(surface.state_dict())
    again.load_state_dict(surface.state_dict())
    points = ball(100, seed=3)
    assert torch.equal(again(1, points)[0], surface(1, points)[0])


@pytest.mark.parametrize("name", ["grids.0.3.corners", "grids.1.0.corners", "grids.0"])
def test_levels_too_many_or_missing_are_refused(name: str) -> None:
    state = ImplicitSurface.around([[ball(50)] * FOLDS]).state_dict()
    with pytest.raises((KeyError, ValueError)):
        ImplicitSurface.restorable({**state, name: torch.zeros(1, dtype=torch.int32)})


def test_the_finest_cells_are_those_that_hold_points_alone() -> None:
    point = torch.full((1, 3), 0.01, dtype=torch.double)
    *_, finer, finest = ImplicitSurface.around([[point] * FOLDS]).grids_of(0)
    assert [len(one.corners) for one in (finer, finest)] == [4**3, 2**3]
