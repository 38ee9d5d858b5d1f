"""A defect is one sentence, with the length that tells most of its kind, in the model's unit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sedir_core.evidence.wording import defect_sentence, deviation_text, measure_text
from sedir_core.types import Defect, Detection

DEFECT = Defect(
    np.zeros(3), np.ones(3), 2.0, 0.000155, np.arange(3), "dent", -0.00042, -0.0002,
    np.array([0.012, 0.002, 0.0004]), np.eye(3), "at the rim",
)  # fmt: skip
FOUND = Detection(
    np.zeros(3, np.float32), 2.0, 1.0, 1.0, "cup", 1.0, False, "", np.zeros((1, 3)), np.zeros(1, np.float32),
    (DEFECT,), unit="mm", to_unit=1000.0,
)  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("dent", "dent, 0.420 mm deep, 155 mm², at the rim"),
        ("bump", "bump, 0.420 mm high, 155 mm², at the rim"),
        ("extra material", "extra material, 0.420 mm high, 155 mm², at the rim"),
        ("missing material", "missing material, up to 0.420 mm, 155 mm², at the rim"),
        ("displaced region", "displaced region, by 0.420 mm, 155 mm², at the rim"),
        ("gap or crack", "gap or crack, 12.0 mm long, at the rim"),
        (None, "departure, 155 mm², at the rim"),
    ],
)
def test_each_kind_has_its_measure(kind, sentence: str) -> None:
    assert defect_sentence(replace(DEFECT, kind=kind), FOUND) == sentence


def test_without_lengths_the_area_is_left() -> None:
    unmeasured = replace(DEFECT, kind="gap or crack", depth=float("nan"), size=None, place="")
    assert defect_sentence(unmeasured, FOUND) == "gap or crack, 155 mm²"
    assert measure_text(unmeasured, str) == ""


def test_an_unknown_unit_leaves_the_numbers() -> None:
    assert defect_sentence(DEFECT, replace(FOUND, unit="unknown", to_unit=1.0)).startswith("dent, 0.000420 deep, ")


@pytest.mark.parametrize(("length", "text"), [(0.42, "0.420 mm too much"), (-0.31, "0.310 mm too little")])
def test_a_deviation_says_its_side(length: float, text: str) -> None:
    assert deviation_text(length, "mm") == text
