"""Measures of separation: scikit-learn's numbers, hand-worked cases, honest intervals."""

from __future__ import annotations

import numpy as np
import pytest
from blobs import blobs
from sklearn.metrics import davies_bouldin_score, silhouette_score

from sedir_core.evaluation.ice_style import HIGHER_IS_BETTER, better, category_style
from sedir_core.evaluation.separation import neighbour_purity, rank_correlation, separation, unit

LABELS = np.repeat(np.arange(4), 15)


def measured(spread: float, seed: int = 0):
    tokens = blobs(LABELS, spread)
    return tokens, separation(tokens, LABELS, tokens[::5], LABELS[::5], seed)


def test_the_values_are_those_of_scikit_learn() -> None:
    tokens, found = measured(0.3)
    assert found["silhouette"].value == pytest.approx(silhouette_score(unit(tokens), LABELS), abs=1e-6)
    assert found["davies_bouldin"].value == pytest.approx(davies_bouldin_score(unit(tokens), LABELS), abs=1e-6)


def test_distant_blobs_are_perfectly_separate() -> None:
    _, found = measured(0.01)
    assert found["silhouette"].value > 0.9
    assert found["davies_bouldin"].value < 0.1
    assert (found["knn_purity"].value, found["probe_accuracy"].value, found["cross_category_share"].value) == (1, 1, 0)


def test_pure_noise_is_at_chance() -> None:
    labels = np.repeat(np.arange(2), 150)
    tokens = np.random.default_rng(3).normal(size=(300, 8)).astype(np.float32)
    found = separation(tokens, labels, tokens[::-1] + 0.01, labels, 0)  # neighbours carry the other label
    assert abs(found["silhouette"].value) < 0.02
    assert found["knn_purity"].value == pytest.approx(0.5, abs=0.06)
    assert found["probe_accuracy"].value == pytest.approx(0.5, abs=0.1)
    assert found["cross_category_share"].value > 0.9


def test_purity_of_a_hand_worked_line() -> None:
    # The sample at 10.6 lies among the others; it spoils one of the two neighbours of everybody else.
    tokens = np.array([[0], [1], [10.6], [10], [11], [12]], np.float32)
    assert neighbour_purity(tokens, np.array([0, 0, 0, 1, 1, 1]), k=2).tolist() == [0.5, 0.5, 0, 0.5, 0.5, 0.5]


def test_small_categories_can_be_pure() -> None:
    tokens = np.array([[0], [1], [10], [11]], np.float32)
    assert neighbour_purity(tokens, np.array([0, 0, 1, 1])).tolist() == [1, 1, 1, 1]


def test_duplicates_do_not_count_themselves_as_neighbours() -> None:
    tokens = np.array([[0], [0], [5], [5.1]], np.float32)
    assert neighbour_purity(tokens, np.array([0, 1, 0, 1])).tolist() == [0, 0, 0, 0]


def test_the_only_sample_of_a_category_has_no_purity() -> None:
    tokens = np.array([[0], [1], [2]], np.float32)
    labels = np.array([0, 0, 1])
    assert np.isnan(neighbour_purity(tokens, labels)).tolist() == [False, False, True]
    assert np.isfinite(separation(tokens + 1, labels, tokens + 1, labels, 0)["knn_purity"].value)


def test_intervals_enclose_the_value_and_narrow_with_more_samples() -> None:
    wide, narrow = (
        separation(blobs(labels, 0.35), labels, blobs(labels, 0.35), labels, 0)
        for labels in (np.repeat(np.arange(3), 8), np.repeat(np.arange(3), 120))
    )
    for found in (wide, narrow):
        for one in (found["silhouette"], found["knn_purity"], found["davies_bouldin"]):
            assert one.low <= one.value <= one.high
    assert narrow["knn_purity"].high - narrow["knn_purity"].low < wide["knn_purity"].high - wide["knn_purity"].low


def test_a_seed_fixes_every_number() -> None:
    assert measured(0.3, 7)[1] == measured(0.3, 7)[1]
    assert measured(0.3, 7)[1] != measured(0.3, 8)[1]


def test_the_length_of_tokens_does_not_matter() -> None:
    tokens = blobs(LABELS, 0.3)
    found = [separation(t, LABELS, t, LABELS, 0)["silhouette"].value for t in (tokens, 50 * tokens)]
    assert found[0] == pytest.approx(found[1], abs=1e-5)


def test_too_little_data_is_undefined_and_not_zero() -> None:
    tokens = np.eye(3, dtype=np.float32)
    found = separation(tokens, np.arange(3), tokens, np.arange(3), 0)
    assert np.isnan([found[name].value for name in ("silhouette", "davies_bouldin", "probe_accuracy")]).all()
    assert found["cross_category_share"].value == 0


@pytest.mark.parametrize(
    ("a", "b", "rho"),
    [
        ([1, 2, 3, 4], [8, 6, 4, 2], -1),
        ([1, 2, 3], [1, 3, 2], 0.5),
        ([1, 2], [2, 1], np.nan),
        ([1, 1, 1], [1, 2, 3], np.nan),
    ],
)
def test_rank_correlation_by_hand(a, b, rho) -> None:
    assert rank_correlation(np.array(a, float), np.array(b, float)) == pytest.approx(rho, nan_ok=True)


def test_the_better_one_depends_on_the_measure() -> None:
    assert [better(name, [2.0, 1.0]) == 0 for name in HIGHER_IS_BETTER] == list(HIGHER_IS_BETTER.values())
    assert better("silhouette", [1.0, 1.0]) is None
    assert better("silhouette", [0.2, 1.0, 0.5]) == 1
    assert better("silhouette", [float("nan"), 1.0]) is None


def test_28_categories_look_different() -> None:
    assert len({category_style(i) for i in range(28)}) == 28
