"""Sparse grids: a table of cells finds the same corners as a search among them."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from sedir_core.models import implicit
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
