"""How a batch's pace and remaining time are told."""

from __future__ import annotations

import pytest

from app.jobs.pace import REMEMBERED, Throughput, duration


def test_nothing_is_said_before_two_scans_were_timed():
    pace = Throughput()
    for moment in (0.0, 1.0):
        pace.tick(moment)
        assert pace.text(9) == ""
    pace.tick(2.0)
    assert pace.text(90) == "1.0 s each · 2 min left"
    assert pace.text(0) == ""


def test_only_the_latest_scans_count():
    pace = Throughput()
    for number in range(50):
        pace.tick(number * 10.0)
    for number in range(REMEMBERED + 1):
        pace.tick(500.0 + 0.5 * number)
    assert pace.each_s == pytest.approx(0.5)
    pace.reset()
    assert pace.each_s is None


def test_quick_scans_are_told_by_the_second():
    pace = Throughput()
    for number in range(5):
        pace.tick(number * 0.02)
    assert pace.text(100) == "50 a second · 2 s left"


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.1, "1 s"), (59, "59 s"), (61, "1 min"), (3599, "1 h 0 min"), (7500, "2 h 5 min")]
)
def test_durations_are_as_exact_as_they_are_of_use(seconds, words):
    assert duration(seconds) == words
