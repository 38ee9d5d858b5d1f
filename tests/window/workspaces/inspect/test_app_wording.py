"""How results are put into words on the screen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.workspaces.inspect.wording import callout_text, defect_words, rests_text, score_text, share_text
from sedir_core.evidence.defects import verdict_reason
from sedir_core.types import Defect, Detection

CRACK = Defect(
    np.zeros(3), np.ones(3), 2.0, 15.0, np.arange(3), "gap or crack", -0.8, -0.4, np.array([12.0, 2.0, 0.4]), np.eye(3),
    "at the rim",
)  # fmt: skip
FOUND = Detection(
    np.zeros(3, np.float32), 2.0, 1.0, 1.0, "cup", 1.0, False, "", np.zeros((1, 3)), np.zeros(1, np.float32), (CRACK,),
    unit="mm",
)  # fmt: skip


@pytest.mark.parametrize(
    ("shares", "text"),
    [
        ({"network": 0.02, "surface": 0.98}, "Rests on the surface (98 %) and the network (2 %)"),
        ({"network": 0.001, "surface": 0.999}, "Rests on the surface alone"),
        ({"network": 1.0}, "Rests on the network alone"),
        ({}, ""),
    ],
)
def test_what_a_verdict_rests_on_is_named_with_its_share(shares: dict[str, float], text: str) -> None:
    assert rests_text(replace(FOUND, rests_on=shares)) == text


def test_card_and_callout_tell_a_crack_by_its_length() -> None:
    words = defect_words(1, CRACK, FOUND, "")
    assert words.title == ("Gap or crack", "12.0 mm long")
    assert words.below == ("15.0 mm²", "12.0 × 2.0 × 0.4 mm", "at the rim")
    assert callout_text(CRACK, FOUND, "") == "gap or crack, 12.0 mm long"


def test_a_defect_of_no_known_kind_is_told_by_its_peak() -> None:
    unknown = replace(CRACK, kind=None, size=None)
    assert defect_words(1, unknown, FOUND, "").title == ("200 % of the point limit",)
    assert callout_text(unknown, FOUND, "") == "200 %"


def test_one_defect_has_one_percentage() -> None:
    found = replace(FOUND, object_score=11.05, reason=verdict_reason(11.05, 1.0, (CRACK,)))
    assert score_text(found) == "more than 10 times the limit" and score_text(found) in found.reason
    assert share_text(replace(FOUND, object_score=1e6)) == "> 10×"
