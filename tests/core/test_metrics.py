"""The measures against hand-worked cases and against scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from sedir_core.metrics import aupr, auroc, mean


def bools(*values: int) -> np.ndarray:
    return np.array(values, bool)


def floats(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def test_auroc_counts_the_pairs_in_the_right_order() -> None:
    # positives 0.8 and 0.35, negatives 0.4 and 0.1: three of the four pairs are in order
    assert auroc(bools(0, 0, 1, 1), floats(0.1, 0.4, 0.35, 0.8)) == 0.75


def test_auroc_counts_a_tie_as_half() -> None:
    # pairs (2 > 1) 1, (2 = 2) 1/2, (1 = 1) 1/2, (1 < 2) 0
    assert auroc(bools(1, 1, 0, 0), floats(2, 1, 1, 2)) == 0.5


def test_auroc_of_equal_scores_is_one_half() -> None:
    assert auroc(bools(1, 0, 1, 0, 0), floats(3, 3, 3, 3, 3)) == 0.5


def test_aupr_hand_worked() -> None:
    # ranks + - + -: precision 1 at recall 1/2, then 2/3 at recall 1
    assert aupr(bools(1, 0, 1, 0), floats(4, 3, 2, 1)) == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)


def test_aupr_takes_equal_scores_together() -> None:
    # one cut holds everything: its precision is the share of positives
    assert aupr(bools(1, 0, 0, 0), floats(1, 1, 1, 1)) == 0.25


@pytest.mark.parametrize("measure", [auroc, aupr])
@pytest.mark.parametrize("labels", [bools(1, 1), bools(0, 0), bools()])
def test_one_class_alone_is_undefined(measure, labels) -> None:
    assert math.isnan(measure(labels, floats(*range(len(labels)))))


@pytest.mark.parametrize("measure", [auroc, aupr])
def test_a_point_that_was_not_evaluated_ranks_below_all_others(measure) -> None:
    labels = bools(1, 0, 1, 0)
    assert measure(labels, floats(4, -1e30, math.nan, 2)) == measure(labels, floats(4, 2, 1, 3))


@pytest.mark.parametrize("measure", [auroc, aupr])
def test_different_lengths_are_refused(measure) -> None:
    with pytest.raises(ValueError, match="labels and scores"):
        measure(bools(1, 0), floats(1))


@pytest.mark.parametrize("measure", [auroc, aupr])
def test_order_of_storage_changes_nothing(measure) -> None:
    rng = np.random.default_rng(3)
    labels, scores = rng.random(500) < 0.2, rng.integers(0, 9, 500).astype(np.float32)
    pick = rng.permutation(500)
    assert measure(labels[pick], scores[pick]) == measure(labels, scores)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.booleans(), st.integers(-4, 4)), min_size=2, max_size=80))
def test_agrees_with_scikit_learn_where_both_classes_exist(pairs: list[tuple[bool, int]]) -> None:
    labels = np.array([label for label, _ in pairs])
    scores = np.array([score / 3 for _, score in pairs], np.float32)
    if labels.all() or not labels.any():
        assert math.isnan(auroc(labels, scores))
        return
    assert auroc(labels, scores) == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)
    assert aupr(labels, scores) == pytest.approx(average_precision_score(labels, scores), abs=1e-12)


def test_agrees_with_scikit_learn_on_a_million_points() -> None:
    rng = np.random.default_rng(0)
    labels = rng.random(1_000_000) < 0.01
    scores = (rng.standard_normal(1_000_000) + labels).round(3).astype(np.float32)
    assert auroc(labels, scores) == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)
    assert aupr(labels, scores) == pytest.approx(average_precision_score(labels, scores), abs=1e-12)


def test_mean_leaves_undefined_values_out() -> None:
    assert mean([0.5, math.nan, 1.0]) == 0.75


def test_mean_of_nothing_defined_is_undefined() -> None:
    assert math.isnan(mean([math.nan]))
