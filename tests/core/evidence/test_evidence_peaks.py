"""How high channels rise on good parts: it is parts that say how parts differ, not how often they were sampled."""

from __future__ import annotations

import numpy as np
import pytest

from sedir_core.evidence.numbers import PEAKS
from sedir_core.evidence.peaks import learn_peaks
from sedir_core.types import DoubleArray

N = 4_000


def risen(heights: list[float]) -> list[dict[str, DoubleArray]]:
    return [{"offset_8": np.full(N, np.exp(height))} for height in heights]


def test_samplings_of_few_parts_say_no_more_than_these() -> None:
    heights = [0.0, 0.0, 0.0, 1.5, 1.5, 1.5]
    of_two = learn_peaks(risen(heights), [0, 0, 0, 1, 1, 1])["offset_8"]
    of_six = learn_peaks(risen(heights), range(6))["offset_8"]
    assert of_two.spread > of_six.spread > PEAKS.prior_spread
    assert of_two.mean == pytest.approx(of_six.mean)


def test_more_samplings_of_the_same_parts_change_nothing() -> None:
    once = learn_peaks(risen([0.1, 0.3, 0.2]), range(3))["offset_8"]
    often = learn_peaks(risen([0.1, 0.3, 0.2] * 5), [0, 1, 2] * 5)["offset_8"]
    assert often.spread == pytest.approx(once.spread)


def test_an_only_part_has_the_usual_spread() -> None:
    assert learn_peaks(risen([0.0, 0.0]), [0, 0])["offset_8"].spread == pytest.approx(PEAKS.prior_spread)
