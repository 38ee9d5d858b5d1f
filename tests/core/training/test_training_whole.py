"""One bar for a whole training: it never runs back, and says how long the rest takes."""

from __future__ import annotations

from itertools import pairwise

import pytest

from sedir_core.config import preset
from sedir_core.training.events import AnyEvent, StageEvent, StepEvent
from sedir_core.training.whole import SHARES, STEPS, Whole

STAGES = {
    "align": ("align cup", "align gear"),
    "encode": ("encode cup",),
    "expect": ("learn what to expect",),
    STEPS: (),
    "surface": ("learn good surfaces",),
    "calibrate": ("calibrate cup", "plant defects into cup", "calibrate gear", "learn to judge"),
}


def stage(name: str, fraction: float, time: float) -> StageEvent:
    return StageEvent(stage=name, fraction=fraction, time=time)


def step(done: float, time: float) -> StepEvent:
    return StepEvent(epoch=1, step=round(1000 * done), n_steps=1000, losses={}, lr=0.1, eta_seconds=0.0, time=time)


def a_training(seconds: float) -> list[AnyEvent]:
    """One that takes what trainings usually do."""
    events: list[AnyEvent] = []
    began = 0.0
    for kind, share in SHARES.items():
        names = STAGES[kind]
        for at in range(20):
            now = began + seconds * share * at / 20
            events.append(stage(names[at * len(names) // 20], at / 20, now) if names else step(at / 20, now))
        began += seconds * share
    return events


def test_the_bar_grows_with_the_time_and_tells_the_rest() -> None:
    whole = Whole(preset("desktop"))
    seen = []
    for event in a_training(1000.0):
        whole.add(event)
        seen.append(whole.fraction)
        assert whole.fraction == pytest.approx(event.time / 1000, abs=1e-6)
        if whole.left_s is not None:
            assert whole.left_s == pytest.approx(1000 - event.time, abs=1e-3)
    assert all(before < after for before, after in pairwise(seen))
    assert whole.left_s is not None


def test_a_clock_set_back_makes_no_negative_rest() -> None:
    whole = Whole(preset("desktop"))
    for event in a_training(1000.0):
        late = event.time > 500
        whole.add(event.model_copy(update={"time": event.time - 3600.0 * late}))
        assert whole.left_s is None or whole.left_s == pytest.approx(1000 - event.time, rel=0.1, abs=5)


def test_nothing_is_said_of_the_rest_before_something_is_known() -> None:
    whole = Whole(preset("desktop"))
    whole.add(stage("align cup", 0.0, 0.0))
    assert whole.left_s is None


def test_a_resumed_training_does_not_count_what_was_done_before() -> None:
    whole = Whole(preset("desktop"))
    for event in a_training(1000.0)[:70]:
        whole.add(event)
    before = whole.fraction
    whole.add(stage("align cup", 0.0, 5000.0))
    assert whole.fraction < before
    whole.add(step(0.5, 5010.0))
    whole.add(step(0.75, 5020.0))
    passed = SHARES["align"] + 0.25 * SHARES[STEPS]
    left = 0.25 * SHARES[STEPS] + SHARES["surface"] + SHARES["calibrate"]
    assert whole.left_s == pytest.approx(20 * left / passed)


def test_stages_that_a_method_lacks_count_for_nothing() -> None:
    whole = Whole(preset("desktop"))
    whole.add(stage("align cup", 0.5, 1.0))
    whole.add(stage("remember cup", 0.5, 2.0))
    most = SHARES["align"] + SHARES["calibrate"]
    assert whole.fraction == pytest.approx((SHARES["align"] + 0.5 * SHARES["calibrate"]) / most)


def test_more_epochs_take_more_of_the_bar() -> None:
    usual, long = preset("desktop"), preset("desktop", training={"epochs": 250})
    fractions = []
    for config in (usual, long):
        whole = Whole(config)
        whole.add(step(1.0, 1.0))
        fractions.append(whole.fraction)
    assert fractions[0] < 0.5 < fractions[1]
