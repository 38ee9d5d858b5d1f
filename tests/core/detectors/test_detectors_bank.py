"""The memory bank: which entries are kept, and what is far from them."""

from __future__ import annotations

import numpy as np
import pytest

from sedir_core.detectors.bank import MemoryBank, choose_entries, greedy_k_centre
from sedir_core.detectors.memory_bank import PatchDistances, weighted_maximum
from sedir_core.detectors.peer_features import Patches
from sedir_core.errors import Cancelled


def owned(entries: np.ndarray) -> MemoryBank:
    return MemoryBank(entries.astype(np.float32), np.zeros(len(entries), dtype=np.int64))


def test_each_entry_is_the_farthest_from_those_before() -> None:
    line = np.array([[0.0], [1.0], [2.0], [10.0], [4.0]], dtype=np.float32)
    assert greedy_k_centre(line, 4, start=0).tolist() == [0, 3, 4, 2]


def test_duplicates_are_kept_once() -> None:
    twice = np.repeat(np.array([[0.0, 0.0], [3.0, 4.0]], dtype=np.float32), 5, axis=0)
    assert greedy_k_centre(twice, 6, start=0).tolist() == [0, 5]


def test_no_feature_is_farther_than_twice_the_best_radius() -> None:
    """Gonzalez's guarantee, against the best of many random choices."""
    random = np.random.default_rng(0)
    cloud = random.normal(size=(300, 4)).astype(np.float32)

    def radius(chosen: np.ndarray) -> float:
        return float(owned(cloud[chosen]).nearest(cloud)[0].max())

    best = min(radius(random.permutation(300)[:12]) for _ in range(300))
    assert radius(greedy_k_centre(cloud, 12, 0)) <= 2 * best


def test_a_projection_keeps_far_clusters_apart() -> None:
    random = np.random.default_rng(0)
    middles = 20 * random.normal(size=(6, 200))
    features = np.repeat(middles, 50, axis=0) + random.normal(size=(300, 200))
    owners = np.repeat(np.arange(6), 50)
    bank = choose_entries(features.astype(np.float32), owners, 6, 16, random)
    assert sorted(bank.owners.tolist()) == list(range(6))


def test_a_stop_ends_the_choice() -> None:
    cloud = np.random.default_rng(0).normal(size=(200, 3)).astype(np.float32)
    with pytest.raises(Cancelled):
        greedy_k_centre(cloud, 100, 0, stop=lambda: True)


@pytest.mark.parametrize("width", [3, 40])
def test_the_nearest_entry_is_found_in_few_and_many_dimensions(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sedir_core.detectors.bank.DISTANCES_AT_ONCE", 500)
    random = np.random.default_rng(0)
    entries, features = random.normal(size=(70, width)), random.normal(size=(90, width))
    distances, index = owned(entries).nearest(features.astype(np.float32))
    table = np.linalg.norm(features[:, None] - entries, axis=2)
    assert np.array_equal(index, table.argmin(axis=1))
    assert distances == pytest.approx(table.min(axis=1), rel=1e-5)


def test_a_part_can_be_forgotten_unless_it_is_the_only_one() -> None:
    bank = MemoryBank(np.eye(3, dtype=np.float32), np.array([0, 1, 1]))
    assert bank.without(1).owners.tolist() == [0]
    assert len(bank.without(0).without(1)) == 2


def test_the_weighted_score_is_the_formula_s() -> None:
    bank = owned(np.array([[0.0, 0, 0], [0, 2, 0], [0, 0, 5], [9, 9, 9]]))
    patches = Patches(np.array([[1.0, 0, 0], [0, 0.1, 0]], dtype=np.float32), np.arange(2))
    distances, entries = bank.nearest(patches.features)
    found = weighted_maximum(PatchDistances(patches, distances, entries), bank)
    root = np.sqrt(3)
    others = np.exp(np.sqrt(1 + 4) / root) + np.exp(np.sqrt(1 + 25) / root)
    assert found == pytest.approx(1 - np.exp(1 / root) / others, rel=1e-6)


def test_a_weight_needs_no_exponential_of_its_own() -> None:
    bank = owned(1e6 * np.eye(4))
    patches = Patches(np.full((1, 4), -1e6, dtype=np.float32), np.arange(1))
    distances, entries = bank.nearest(patches.features)
    assert np.isfinite(weighted_maximum(PatchDistances(patches, distances, entries), bank))
