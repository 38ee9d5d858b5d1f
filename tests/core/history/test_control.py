"""Control charts against cases worked by hand."""

from __future__ import annotations

from datetime import timedelta

import pytest
from history_helpers import DAY

from sedir_core.history.control import LEAST, run_chart, share_chart, spread, western_electric
from sedir_core.history.records import ChartPoint, Tally


def rules(*zones: float) -> dict[int, tuple[int, ...]]:
    """zones: in sigmas from the centre; the centre is 10 and sigma 2."""
    return western_electric([10 + 2 * zone for zone in zones], 10.0, 2.0)


def sample(number: int, share: float | None, ng: bool = False) -> ChartPoint:
    return ChartPoint(f"{number:032x}", DAY + timedelta(hours=number), "ball", "A", share, "ng" if ng else "ok")


def tally(number: int, ng: bool = False, lot: str = "A") -> Tally:
    return Tally(DAY + timedelta(hours=number), lot, 1, int(ng))


def test_rule_1_one_beyond_three_sigma() -> None:
    assert rules(0.5, 3.1, -0.5, -3.1) == {1: (1,), 3: (1,)}
    assert rules(3.0) == {}  # on the line is not beyond


def test_rule_2_two_of_three_beyond_two_sigma_on_one_side() -> None:
    assert rules(2.1, -0.5, 2.1) == {2: (2,)}
    assert rules(2.1, -2.1, 0.5) == {}
    assert rules(2.1, -0.5, -0.5, 2.1) == {}  # two of four
    assert rules(2.1, 2.1, 0.1) == {1: (2,)}  # the value that breaks it is beyond itself


def test_rule_3_four_of_five_beyond_one_sigma_on_one_side() -> None:
    assert rules(1.1, 1.1, -0.1, 1.1, 1.1) == {4: (3,)}
    assert rules(1.1, 1.1, -1.1, -1.1, 1.1) == {}
    assert rules(-1.1, -1.1, -1.1, -1.1) == {3: (3,)}


def test_rule_4_eight_in_a_row_on_one_side() -> None:
    assert rules(*[0.1] * 8) == {7: (4,)}
    assert rules(*[0.1] * 7, -0.1, 0.1) == {}
    assert rules(*[-0.1] * 9) == {7: (4,), 8: (4,)}


def test_one_value_can_break_several_rules() -> None:
    assert rules(*[0.5] * 5, 2.5, 0.5, 3.5)[7] == (1, 2, 4)


def test_without_spread_there_is_no_alarm() -> None:
    assert western_electric([1.0] * 30 + [2.0], 1.0, 0.0) == {}


def test_sigma_comes_from_the_moving_range() -> None:
    centre, sigma = spread([10.0, 12.0, 11.0, 13.0])  # ranges 2, 1, 2
    assert centre == 11.5
    assert sigma == pytest.approx(5 / 3 / 1.128)


def test_the_share_of_ng_and_its_limits() -> None:
    # 100 parts of lot A with 10 NG, 25 of lot B with 10: centre 20/125 = 0.16.
    # A: 3 sqrt(0.16 * 0.84 / 100) = 0.10998; B: 3 sqrt(0.16 * 0.84 / 25) = 0.21996.
    tallies = [tally(i, i < 10, "A") for i in range(100)] + [tally(i, i < 10, "B") for i in range(25)]
    chart = share_chart(tallies, "lot")
    first, second = chart.groups
    assert chart.centre == pytest.approx(0.16)
    assert (first.low, first.high) == pytest.approx((0.05002, 0.26998), abs=1e-5)
    assert (second.low, second.high) == pytest.approx((0.0, 0.37996), abs=1e-5)
    assert (first.share, first.out) == (0.1, False)
    assert (second.share, second.out) == (0.4, True)


def test_groups_by_hour_and_day_come_in_order() -> None:
    tallies = [tally(i) for i in range(49)]
    assert [group.n for group in share_chart(tallies, "hour").groups] == [1] * 49
    days = share_chart(tallies, "day").groups
    assert [group.name for group in days] == sorted(group.name for group in days)
    assert sum(group.n for group in days) == 49


def test_no_inspections_make_an_empty_chart() -> None:
    assert share_chart([], "lot").groups == ()
    assert run_chart([]).samples == ()


def test_a_drift_of_good_parts_is_found_and_a_defect_is_none() -> None:
    steady = [sample(i, 0.5 + 0.01 * (i % 2)) for i in range(60)]
    defect = [sample(60, 4.0, ng=True)]
    drift = [sample(61 + i, 0.52 + 0.01 * i) for i in range(8)]
    assert run_chart(steady + defect).alarms == {}
    alarms = run_chart(steady + defect + drift).alarms
    assert min(alarms) > 61
    assert 4 in alarms[68]


def test_too_few_good_parts_say_nothing() -> None:
    chart = run_chart([sample(i, 0.5 + 0.01 * (i % 2)) for i in range(LEAST - 1)])
    assert (chart.centre, chart.alarms) == (None, {})


def test_a_sample_without_a_score_is_left_out() -> None:
    assert len(run_chart([sample(1, None), sample(2, 0.5)]).samples) == 1
