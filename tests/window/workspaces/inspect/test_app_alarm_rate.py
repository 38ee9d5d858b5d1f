"""The allowed rate of false alarms in the Inspect workspace: it moves the limit, and follows it."""

from __future__ import annotations

import numpy as np
import pytest
from app_helpers import POINT_LIMIT, SphereDetector, dented_sphere, loader, open_and_wait, open_window, save_ply

from app.state.session import Session
from sedir_core.evidence.limits import Calibration, object_limits


def scores() -> dict[str, np.ndarray]:
    """Of two kinds of part; the stored limit of a ball is the detector's."""
    random = np.random.default_rng(0)
    drawn = {name: np.exp(random.normal(0, 0.3, 24)) for name in ("ball", "marble")}
    factor = POINT_LIMIT / object_limits(drawn, 0.05)["ball"]
    return {name: factor * values for name, values in drawn.items()}


class KeepingDetector(SphereDetector):
    """Knows what its limit rests on."""

    def calibration(self) -> Calibration:
        return Calibration(0.05, scores(), {})


@pytest.fixture
def keeping(qtbot, settings, tmp_path):
    with open_window(qtbot, Session(loader(KeepingDetector()), tmp_path / "run"), settings, tmp_path) as window:
        yield window


@pytest.fixture
def slight(tmp_path):
    """1.5 times the limit."""
    return save_ply(tmp_path / "slight.ply", dented_sphere(depth=0.06).points)


def test_the_rate_of_the_training_is_shown_with_what_it_rests_on(qtbot, keeping, slight):
    open_and_wait(qtbot, keeping, slight)
    alarms = keeping.page.alarms
    assert alarms.rate.isVisible() and alarms.rate.value() == pytest.approx(5.0)
    assert alarms.note.text() == "of ball, from 24 held-out good scans"
    assert not alarms.back.isVisible()
    assert alarms.rate.lineEdit().textMargins().left() > 0  # or the number sticks to the frame


def test_how_sure_the_limit_is_stands_beside_it(qtbot, settings, tmp_path, slight):
    class Sure(KeepingDetector):
        def calibration(self) -> Calibration:
            drawn = scores()
            return Calibration(0.05, drawn, {}, dict.fromkeys(drawn, np.repeat(np.arange(6), 4)))

    with open_window(qtbot, Session(loader(Sure()), tmp_path / "run"), settings, tmp_path) as window:
        open_and_wait(qtbot, window, slight)
        low, high = Sure().calibration().interval("ball")
        assert f"{100 * low:.0f} to {100 * high:.0f} % of this" in window.page.alarms.note.text()


def test_fewer_allowed_alarms_move_the_line_and_the_verdict(qtbot, keeping, slight):
    (entry,) = open_and_wait(qtbot, keeping, slight)
    assert entry.verdict == "ng"
    keeping.page.alarms.rate.setValue(0.1)
    assert keeping.session.get(entry.id).verdict == "ok"
    assert keeping.session.limit > 1.4
    assert keeping.page.colour_bar._limit == keeping.session.limit
    assert "extrapolated" in keeping.page.alarms.note.text()
    keeping.page.alarms.back.click()
    assert keeping.session.get(entry.id).verdict == "ng"
    assert keeping.page.alarms.rate.value() == pytest.approx(5.0)


def test_dragging_the_line_says_the_rate_that_follows(qtbot, keeping, slight):
    open_and_wait(qtbot, keeping, slight)
    keeping.session.set_limit(0.9)
    assert keeping.page.alarms.rate.value() > 5.0
    keeping.session.set_limit(1.2)
    assert keeping.page.alarms.rate.value() < 5.0


def test_another_kind_of_part_keeps_its_own_limit(qtbot, keeping, slight, dented_file):
    first, second = open_and_wait(qtbot, keeping, slight, dented_file)
    keeping.session.set_category("marble")
    with qtbot.waitSignal(keeping.model.batch_finished, timeout=20_000):
        keeping.model.inspect_again([second.id])
    keeping.session.show(first.id)
    keeping.session.set_limit(1.5)
    assert keeping.session.limit_of(keeping.session.get(second.id)) == 1.0
    keeping.session.show(second.id)
    assert keeping.session.limit == 1.0
    assert "another model" in keeping.page.alarms.note.text()  # the sphere's limit is not the marble's


def test_a_model_that_keeps_no_scores_says_so(qtbot, window, slight):
    open_and_wait(qtbot, window, slight)
    assert not window.page.alarms.rate.isVisible()
    assert "train it again" in window.page.alarms.note.text()
