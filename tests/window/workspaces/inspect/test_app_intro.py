"""The page before a scan is open: how to begin is whole, down to what a window of 800 by 500 leaves it."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from app.widgets.tokens import LIGHT
from app.workspaces.inspect.empty_state import InspectIntro


@pytest.mark.parametrize("size", [(900, 600), (420, 420), (380, 385)], ids=str)
@pytest.mark.parametrize("watched", ["", "incoming"])
def test_every_action_is_whole(qtbot: QtBot, size: tuple[int, int], watched: str) -> None:
    intro = InspectIntro(LIGHT)
    qtbot.addWidget(intro)
    intro.show_watched(watched)
    intro.resize(*size)
    intro.show()
    qtbot.waitExposed(intro)
    for button in intro.findChildren(QPushButton):
        if button.isVisible():
            corners = button.mapTo(intro, button.rect().topLeft()), button.mapTo(intro, button.rect().bottomRight())
            assert all(intro.rect().contains(corner) for corner in corners), button.text()
            assert button.width() >= button.sizeHint().width(), button.text()
            assert button.height() >= button.sizeHint().height(), button.text()
