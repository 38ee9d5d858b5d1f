"""What the style sheet draws, measured on the pixels: lists whose chosen line can be read."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QComboBox, QListWidget, QWidget

from app.widgets import theme as themes
from app.widgets.theme import DARK, LIGHT, Theme


@pytest.fixture(params=[LIGHT, DARK], ids=lambda theme: theme.name)
def theme(request, qapp) -> Theme:
    themes.apply(QApplication.instance(), request.param)
    return request.param


def test_the_chosen_line_of_a_drop_down_list_can_be_read(qtbot, theme):
    combo = QComboBox()
    combo.addItems(["bottle", "bowl", "bracket"])
    qtbot.addWidget(combo)
    with qtbot.waitExposed(combo):
        combo.show()
    combo.showPopup()
    view = combo.view()
    qtbot.waitUntil(view.isVisible)
    view.setCurrentIndex(view.model().index(1, 0))
    assert text_contrast(view.viewport(), view.visualRect(view.model().index(1, 0))) >= 4.5
    combo.hidePopup()


def test_the_chosen_line_of_a_list_can_be_read(qtbot, theme):
    lines = QListWidget()
    lines.addItems(["one", "two"])
    qtbot.addWidget(lines)
    with qtbot.waitExposed(lines):
        lines.show()
    lines.setCurrentRow(1)
    assert text_contrast(lines.viewport(), lines.visualItemRect(lines.item(1))) >= 4.5


def text_contrast(widget: QWidget, area) -> float:
    """Between the ground of a part of a widget, its commonest colour, and the colour farthest from it."""
    picture = widget.grab(area).toImage().convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(picture.constBits(), np.uint8).reshape(picture.height(), picture.bytesPerLine())
    # Without the frame of the line: only its text may stand out.
    pixels = rows[2:-2, : 3 * picture.width()].reshape(-1, 3)
    colours, counts = np.unique(pixels, axis=0, return_counts=True)
    light = luminance(colours)
    ground = light[counts.argmax()]
    ratios = (np.maximum(light, ground) + 0.05) / (np.minimum(light, ground) + 0.05)
    return float(ratios.max())


def luminance(colours: np.ndarray) -> np.ndarray:
    """WCAG's relative luminance of (n, 3) sRGB."""
    share = colours / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])
