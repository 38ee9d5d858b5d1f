"""A tolerance judges beside the learned limit, in the model's unit, and says where and by how much."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from measured_ball import LENIENT, MeasuringDetector
from roundness import RoundnessDetector, ball

from sedir_core.config import ScoringConfig
from sedir_core.detectors.relimit import relimit
from sedir_core.errors import BadConfig
from sedir_core.evidence.tolerance import under_tolerance
from sedir_core.tolerances import parse_tolerance, tolerance_text
from sedir_core.types import Scan, Tolerance

DENT = 0.1  # metres; 100 mm


@pytest.fixture(scope="module")
def dented() -> Scan:
    return Scan(ball(DENT), "ball")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.3", Tolerance(-0.3, 0.3)),
        (" 2 ", Tolerance(-2.0, 2.0)),
        ("-0.2,0.4", Tolerance(-0.2, 0.4)),
        ("-0.2, 0", Tolerance(-0.2, 0.0)),
        ("", None),
        ("  ", None),
    ],
)
def test_a_tolerance_is_read_as_people_write_it(text: str, expected: Tolerance | None) -> None:
    assert parse_tolerance(text) == expected


@pytest.mark.parametrize("text", ["x", "1,2", "-1,0,1", "-0.3", "nan", "inf", "-inf,1", "0.3 mm", ","])
def test_what_is_no_tolerance_is_refused(text: str) -> None:
    with pytest.raises(BadConfig, match="is not a tolerance"):
        parse_tolerance(text)
    with pytest.raises(ValueError, match="is not a tolerance"):
        ScoringConfig(tolerance=text)


@pytest.mark.parametrize(
    ("tolerance", "text"), [(Tolerance(-0.3, 0.3), "±0.3 mm"), (Tolerance(-0.25, 0.4), "−0.25 to 0.4 mm")]
)
def test_a_tolerance_is_written_as_people_read_it(tolerance: Tolerance, text: str) -> None:
    assert tolerance_text(tolerance, "mm") == text


def test_without_a_tolerance_the_limit_alone_judges(dented: Scan) -> None:
    found = MeasuringDetector().detect(dented)
    assert (found.verdict, found.out_of_tolerance, found.defects) == ("ok", False, ())


@pytest.mark.parametrize(("tolerance", "verdict"), [("50", "ng"), ("-50,500", "ng"), ("150", "ok"), ("-150,1", "ok")])
def test_it_is_in_the_unit_of_the_model_and_each_side_has_its_own(dented: Scan, tolerance: str, verdict: str) -> None:
    assert MeasuringDetector(tolerance=tolerance).detect(dented).verdict == verdict


def test_a_part_within_tolerance_can_still_be_over_the_limit(dented: Scan) -> None:
    found = MeasuringDetector(limit=1.0, tolerance="150").detect(dented)
    assert (found.verdict, found.out_of_tolerance) == ("ng", False)
    assert found.reason.endswith("within the tolerance of ±150 mm")


def test_the_reason_says_by_how_much_and_to_which_side(dented: Scan) -> None:
    reason = MeasuringDetector(tolerance="50").detect(dented).reason
    assert "out of the tolerance of ±50 mm: " in reason
    said = reason.partition(": ")[2]
    assert said.endswith(" mm too little as a local mean")
    assert float(said.split()[0]) == pytest.approx(1000 * DENT, rel=0.1)


def test_what_is_out_of_tolerance_is_a_defect_where_it_is(dented: Scan) -> None:
    (defect,) = MeasuringDetector(tolerance="50").detect(dented).defects
    pressed = np.flatnonzero(np.linalg.norm(dented.points - ball(0.0), axis=1) > DENT / 2)
    shared = np.intersect1d(defect.members, pressed)
    assert len(shared) > 0.9 * max(len(defect.members), len(pressed))
    assert defect.kind == "dent" and defect.depth == pytest.approx(-DENT, rel=0.1)


@pytest.mark.parametrize("tolerance", ["0,0", "0", "0,500"])
def test_where_nothing_is_allowed_every_deviation_is_out_and_nothing_overflows(dented: Scan, tolerance: str) -> None:
    found = MeasuringDetector(tolerance=tolerance).detect(dented)  # warnings are errors
    pressed = np.flatnonzero(np.linalg.norm(dented.points - ball(0.0), axis=1) > DENT / 2)
    assert any(np.isin(pressed, defect.members).mean() > 0.9 for defect in found.defects)


def test_a_defect_above_the_limit_is_not_listed_twice(dented: Scan) -> None:
    limited = MeasuringDetector(limit=1.0).detect(dented)
    both = under_tolerance(dented, replace(limited, threshold=1.0, point_threshold=1.0), Tolerance(-50, 50))
    regions = (both.defects[0],)
    named = under_tolerance(dented, replace(both, regions=regions), Tolerance(-50, 50))
    assert len(named.defects) == 1


def test_lifting_it_gives_the_detection_of_before(dented: Scan) -> None:
    plain = MeasuringDetector().detect(dented)
    back = under_tolerance(dented, under_tolerance(dented, plain, Tolerance(-50, 50)), None)
    assert (back.verdict, back.reason, back.defects) == (plain.verdict, plain.reason, plain.defects)


def test_another_limit_keeps_what_the_tolerance_said(dented: Scan) -> None:
    raw = MeasuringDetector(tolerance="50").detect(dented)
    moved = relimit(dented, raw, 2.0)
    assert moved.verdict == "ng" and len(moved.defects) == 1
    assert moved.tolerance == raw.tolerance and moved.threshold == 2 * LENIENT
    assert moved.reason.partition(";")[2] == raw.reason.partition(";")[2]


def test_one_flying_point_is_not_out_of_tolerance() -> None:
    points = ball()
    middle = points.mean(axis=0)
    points[7] = middle + 1.2 * (points[7] - middle)
    assert MeasuringDetector(tolerance="50").detect(Scan(points, "ball")).verdict == "ok"


def test_a_model_that_expects_no_surface_has_no_lengths_to_judge(dented: Scan) -> None:
    found = RoundnessDetector().detect(dented)
    with pytest.raises(BadConfig, match="no expected surface"):
        under_tolerance(dented, found, Tolerance(-1, 1))
    assert under_tolerance(dented, found, None).verdict == "ng"
