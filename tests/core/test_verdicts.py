"""The rule of verdicts: NG above the limit, else uncertain where there is a doubt, else OK; no number is never OK."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sedir_core.commands.console import Failing
from sedir_core.detectors.relimit import relimit
from sedir_core.types import NO_SCORE, Detection, Scan

NOT_FINITE = (math.nan, math.inf, -math.inf)


def detection(score: float = 0.5, threshold: float = 1.0, uncertain: bool = False) -> Detection:
    return Detection(
        np.zeros(80, np.float32), score, threshold, 1.0, "ball", 1.0, uncertain, "round", np.zeros((8, 3)),
        np.zeros(4, np.float32),
    )  # fmt: skip


def test_the_rule() -> None:
    assert detection(0.5).verdict == "ok"
    assert detection(1.5).verdict == "ng"
    assert detection(0.5, uncertain=True).verdict == "uncertain"
    assert detection(1.5, uncertain=True).verdict == "ng"


@pytest.mark.parametrize("score", NOT_FINITE)
def test_a_score_that_is_no_finite_number_is_never_ok(score: float) -> None:
    found = detection(score)
    assert found.verdict != "ok"
    assert found.uncertain
    assert NO_SCORE in found.reason


@pytest.mark.parametrize("threshold", NOT_FINITE)
def test_a_limit_that_is_no_finite_number_makes_nothing_ok(threshold: float) -> None:
    assert detection(0.5, threshold).verdict != "ok"
    assert detection(0.5, threshold).uncertain


def test_another_limit_does_not_heal_a_score_that_is_none() -> None:
    scan = Scan(np.random.default_rng(0).normal(size=(80, 3)), "ball")
    assert relimit(scan, detection(math.nan), 1000.0).verdict == "uncertain"
    assert replace(detection(), threshold=math.inf).verdict == "uncertain"


@pytest.mark.parametrize(
    ("found", "asked", "fails"),
    [
        (detection(1.5), Failing(ng=True, uncertain=False), True),
        (detection(1.5), Failing(ng=False, uncertain=True), False),
        (detection(1.5, uncertain=True), Failing(ng=False, uncertain=True), True),
        (detection(0.5, uncertain=True), Failing(ng=True, uncertain=False), False),
        (detection(0.5, uncertain=True), Failing(ng=False, uncertain=True), True),
        (detection(math.nan), Failing(ng=True, uncertain=False), True),
        (detection(math.nan), Failing(ng=False, uncertain=False), False),
        (detection(0.5), Failing(ng=True, uncertain=True), False),
    ],
)
def test_what_ends_a_command_with_a_status_of_its_own(found: Detection, asked: Failing, fails: Any) -> None:
    assert asked.on(found.verdict, found.uncertain, found.measured) == fails
