"""The bar draws what events say, and only where someone looks."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from sedir_core.config import preset
from sedir_core.training.events import EpochEvent, FailedEvent, StageEvent, StepEvent
from sedir_core.training.progress import ProgressBar, clock


def drawn(terminal: bool) -> str:
    """Half of the steps in a minute; what follows them takes more than they do."""
    screen = io.StringIO()
    with ProgressBar(preset("desktop"), Console(file=screen, force_terminal=terminal, width=120)) as bar:
        bar.show(StepEvent(epoch=1, step=0, n_steps=20, losses={}, lr=1e-3, eta_seconds=0.0, time=0.0))
        bar.show(StepEvent(epoch=2, step=10, n_steps=20, losses={"rec": 0.9}, lr=1e-3, eta_seconds=1.0, time=60.0))
        bar.show(
            EpochEvent(epoch=2, n_epochs=3, losses={"rec": 0.125}, lr=1e-3, eta_seconds=75.0, steps_per_second=1.0)
        )
    return screen.getvalue()


def test_a_terminal_sees_epoch_share_of_the_whole_time_left_and_losses() -> None:
    text = drawn(terminal=True)
    assert all(part in text for part in ("epoch 2", "14%", "6:18 left", "rec 0.125"))


def test_a_file_gets_nothing() -> None:
    assert drawn(terminal=False).strip() == ""


def test_a_stage_is_shown_with_the_share_of_the_whole() -> None:
    screen = io.StringIO()
    with ProgressBar(preset("desktop"), Console(file=screen, force_terminal=True, width=120)) as bar:
        bar.show(StageEvent(stage="align bracket", fraction=0.25))
    assert all(part in screen.getvalue() for part in ("align bracket", "3%"))


def test_a_failure_is_shown() -> None:
    screen = io.StringIO()
    with ProgressBar(preset("desktop"), Console(file=screen, force_terminal=True, width=120)) as bar:
        bar.show(FailedEvent(kind="bug", message="boom"))
    assert "failed" in screen.getvalue()


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (75.4, "1:15"), (3700, "1:01:40")])
def test_durations_read_as_people_write_them(seconds: float, text: str) -> None:
    assert clock(seconds) == text
