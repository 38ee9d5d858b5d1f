"""The page before a scan is open: how to begin is whole, down to what a window of 800 by 500 leaves it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QEvent
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QScrollArea
from pytestqt.qtbot import QtBot

from app.widgets import theme
from app.widgets.tokens import LIGHT
from app.workspaces.inspect.empty_state import InspectIntro

SMALLEST = (380, 385)
"""What a window of 800 by 500 leaves."""


def set_text(app: QApplication, size_pt: float) -> None:
    theme.apply(app, replace(LIGHT, text_pt=size_pt))


@pytest.fixture
def intro(qtbot: QtBot) -> InspectIntro:
    widget = InspectIntro(LIGHT)
    qtbot.addWidget(widget)
    return widget


def show(qtbot: QtBot, intro: InspectIntro, size: tuple[int, int]) -> None:
    intro.resize(*size)
    intro.show()
    qtbot.waitExposed(intro)
    settle(intro)


def settle(intro: InspectIntro) -> None:
    """Layouts that were asked for are made now."""
    for _ in range(4):
        QApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest.value)
    intro.repaint()


def scrolling(intro: InspectIntro) -> QScrollArea:
    (area,) = intro.findChildren(QScrollArea)
    return area


def buttons(intro: InspectIntro) -> list[QPushButton]:
    return [button for button in intro.findChildren(QPushButton) if not button.isHidden()]


def whole(intro: InspectIntro, button: QPushButton) -> bool:
    corners = button.mapTo(intro, button.rect().topLeft()), button.mapTo(intro, button.rect().bottomRight())
    return all(intro.rect().contains(corner) for corner in corners)


def legible(button: QPushButton) -> bool:
    return button.width() >= button.sizeHint().width() and button.height() >= button.sizeHint().height()


@pytest.mark.parametrize("size", [(900, 600), (420, 420), SMALLEST], ids=str)
@pytest.mark.parametrize("watched", ["", "incoming"])
def test_every_action_is_whole(qtbot: QtBot, intro: InspectIntro, size: tuple[int, int], watched: str) -> None:
    intro.show_watched(watched)
    show(qtbot, intro, size)
    for button in buttons(intro):
        assert whole(intro, button), button.text()
        assert legible(button), button.text()


@pytest.mark.parametrize("family", ["", "Serif", "Monospace"])
@pytest.mark.parametrize("size_pt", [9, 13, 18, 26])
def test_with_any_font_each_action_is_whole_or_can_be_scrolled_to(
    qtbot: QtBot, qapp: QApplication, intro: InspectIntro, size_pt: int, family: str
) -> None:
    set_text(qapp, size_pt)
    if family:
        qapp.setFont(QFont(family, size_pt))
    show(qtbot, intro, SMALLEST)
    for button in buttons(intro):
        assert legible(button), button.text()
        scrolling(intro).ensureWidgetVisible(button, 0, 0)
        assert whole(intro, button) or button.width() > intro.width(), button.text()


def test_nothing_scrolls_in_the_smallest_window(qtbot: QtBot, intro: InspectIntro) -> None:
    show(qtbot, intro, SMALLEST)
    bars = scrolling(intro).verticalScrollBar(), scrolling(intro).horizontalScrollBar()
    assert [bar.maximum() for bar in bars] == [0, 0]


def test_larger_text_takes_the_room_of_the_picture(qtbot: QtBot, qapp: QApplication, intro: InspectIntro) -> None:
    show(qtbot, intro, (520, 420))
    before = left_out(intro)
    set_text(qapp, 16)
    settle(intro)
    assert len(left_out(intro)) > len(before)
    assert all(whole(intro, button) for button in buttons(intro))


def test_what_was_left_out_returns_with_the_room(qtbot: QtBot, intro: InspectIntro) -> None:
    show(qtbot, intro, SMALLEST)
    assert left_out(intro)
    intro.resize(900, 700)
    settle(intro)
    assert left_out(intro) == []


def test_the_actions_stay_whole_when_watching_begins(qtbot: QtBot, intro: InspectIntro) -> None:
    show(qtbot, intro, SMALLEST)
    intro.show_watched("scans of the third line, first shift, as they come")
    settle(intro)
    assert all(whole(intro, button) for button in buttons(intro))
    intro.show_watched("")
    settle(intro)
    assert len(buttons(intro)) == 5
    assert all(whole(intro, button) for button in buttons(intro))


def left_out(intro: InspectIntro) -> list[QLabel]:
    return [label for label in intro.findChildren(QLabel) if label.isHidden()]
