"""The baseline beyond its known answers."""

from __future__ import annotations

import pytest
import torch

from sedir_core.models import mc3dad
from sedir_core.models.mc3dad import MC3DAD, geometry_variation, hidden_tokens


@pytest.fixture(scope="module")
def centers() -> torch.Tensor:
    return torch.randn(60, 3, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("highest", [True, False])
def test_mask_hides_two_fifths_from_one_end(highest):
    variation = torch.randperm(11, generator=torch.Generator().manual_seed(1)).double()
    hidden = hidden_tokens(variation, highest)
    assert sorted(variation[hidden].tolist()) == ([7, 8, 9, 10] if highest else [0, 1, 2, 3])


def test_variation_does_not_depend_on_the_row_blocks(centers, monkeypatch):
    whole = geometry_variation(centers)
    monkeypatch.setattr(mc3dad, "_ROWS_AT_ONCE", 7)
    torch.testing.assert_close(geometry_variation(centers), whole)


def test_variation_has_no_unit(centers):
    torch.testing.assert_close(geometry_variation(centers * 50), geometry_variation(centers), rtol=1e-5, atol=1e-6)


def test_variation_of_coincident_centres_is_finite():
    assert torch.isfinite(geometry_variation(torch.zeros(8, 3))).all()


def test_hidden_tokens_do_not_reach_the_others_as_keys():
    network = MC3DAD(16, 32, 1, 4, 48).eval()
    source = torch.Generator().manual_seed(2)
    features, places = torch.randn(1, 10, 16, generator=source), torch.randn(1, 10, 3, generator=source)
    hidden = torch.zeros(1, 10, dtype=torch.bool)
    hidden[:, 3] = True
    changed = features.clone()
    changed[:, 3] += 5.0
    before, after = (network.encode(f, places, hidden) for f in (features, changed))
    others = ~hidden[0]
    torch.testing.assert_close(before[:, others], after[:, others])


def test_batch_of_two_equals_two_of_one():
    network = MC3DAD(16, 32, 2, 4, 48).eval()
    source = torch.Generator().manual_seed(3)
    features, places = torch.randn(2, 10, 16, generator=source), torch.randn(2, 10, 3, generator=source)
    alone = torch.cat([network(features[i : i + 1], places[i : i + 1]) for i in range(2)])
    torch.testing.assert_close(network(features, places), alone, rtol=1e-4, atol=1e-5)
