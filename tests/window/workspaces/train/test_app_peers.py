"""Peers in the window: chosen like every method, given the category, their drawings and words complete."""

from __future__ import annotations

from app.workspaces.train.estimate_line import MEMORISES, EstimateLine
from app.workspaces.train.settings_panel import METHOD_WORDS
from sedir_core.config import METHODS, preset


def test_every_method_can_be_chosen() -> None:
    assert set(METHOD_WORDS) == set(METHODS)


def test_a_peer_needs_no_estimate(qtbot) -> None:
    line = EstimateLine()
    qtbot.addWidget(line)
    line.show_for(preset("desktop", "template"), "cpu", 8)
    assert line.text.text() == MEMORISES
    assert line.measure.isHidden()
    line.show_for(preset("desktop"), "cpu", 8)
    assert line.text.text() != MEMORISES
