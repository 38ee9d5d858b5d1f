"""What a training will take is added up from what its steps took."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_run import TinyRun

from sedir_core.config import override, preset
from sedir_core.training import pace as pacing
from sedir_core.training.events import EpochEvent
from sedir_core.training.measure import measure_pace
from sedir_core.training.pace import Pace, estimate, keep_pace, pace_of, read_pace

ONE_EACH = Pace(
    align_s=1, encode_s=1, step_s=1, draw_s=1, held_out_s=1, held_out_view_s=1, memory_bytes=1000, sampling_bytes=1
)


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(pacing, "writable_folders", lambda: {"cache": tmp_path / "cache"})


def test_every_stage_counts_as_often_as_it_is_done() -> None:
    config = preset("tiny", training={"epochs": 5, "samplings": 2, "views": 3, "held_out": 4, "patch_steps": 7})
    found = estimate(ONE_EACH, config, n_scans=10)
    assert found.seconds == pacing.STARTING_S + 10 + 10 * 5 + 5 * 10 + 7 + 40 + 80
    assert found.memory_bytes == 1000 + 50


def test_a_real_training_is_taken_apart(tiny: TinyRun) -> None:
    config = preset("tiny", training={"epochs": 15})
    found = pace_of(tiny.events, config, 6, 10)
    took = tiny.events[-1].time - tiny.events[0].time
    assert 0.3 * took < estimate(found, config, 6).seconds - pacing.STARTING_S < 1.5 * took
    assert found.memory_bytes > 50e6
    assert found.held_out_view_s == 0


def test_a_training_that_was_cut_short_measures_nothing(tiny: TinyRun) -> None:
    cut = [event for event in tiny.events if not isinstance(event, EpochEvent)]
    with pytest.raises(ValueError, match="did not finish"):
        pace_of(cut, preset("tiny"), 6, 10)


def test_a_measured_pace_is_kept_by_device_and_sizes(tmp_path: Path) -> None:
    config = preset("tiny")
    assert read_pace(config, "cpu") is None
    keep_pace(config, "cpu", ONE_EACH)
    assert read_pace(override(config, training={"epochs": 99, "seed": 3}), "cpu") == ONE_EACH
    assert read_pace(config, "cuda:0") is None
    assert read_pace(override(config, network={"width": 64}), "cpu") is None


def test_a_damaged_pace_is_measured_again(tmp_path: Path) -> None:
    keep_pace(preset("tiny"), "cpu", ONE_EACH)
    (file,) = (tmp_path / "cache" / "paces").iterdir()
    file.write_text('{"align_s": -1}')
    assert read_pace(preset("tiny"), "cpu") is None


def test_a_network_for_each_category_is_measured_like_the_others() -> None:
    config = preset("tiny", "po3ad", training={"epochs": 50})
    found = measure_pace(config, "cpu")
    assert found.step_s > 0
    assert found.held_out_s > 0
    few, many = (estimate(found, config, n).seconds for n in (4, 8))
    assert many - few == pytest.approx(few - pacing.STARTING_S)
