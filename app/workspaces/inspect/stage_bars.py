"""The bars around the two views: tools above, scale, readout and blend factor below."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QGuiApplication, QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QSizePolicy,
    QSlider,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.widgets.fitting_bar import KEPT, FittingBar
from app.widgets.plain_text import PlainLabel, plain_tip
from app.widgets.theme import Theme, icon
from app.workspaces.inspect.alarm_rate import AlarmRate
from app.workspaces.inspect.tolerance_box import ToleranceBox
from app.workspaces.inspect.view_actions import ViewActions

WIDE_PX = 520
"""Width from which there is room beside the colour scale."""


class ViewBar(FittingBar):
    """The tools as buttons, and one menu for all display options."""

    def __init__(self, actions: ViewActions) -> None:
        super().__init__()
        layers = QMenu(self)
        layers.addActions(actions.layers)
        self._layer = self.add_menu("", layers, "What the left view shows (1 to 5)", KEPT)
        self._layer.setAccessibleName("What the left view shows")
        beside = QMenu(self)
        beside.addActions(actions.besides)
        self._beside = self.add_menu("", beside, "What the right view shows", 1)
        self._beside.setAccessibleName("What the right view shows")
        for action in (actions.swap, actions.single, actions.reset):
            self.add(action, 0)
        self.row.addStretch()
        for action in (actions.pick, actions.section, actions.regions):
            self.add(action, 1)
        measures = QMenu(self)
        measures.addActions([actions.measure, actions.faces, actions.diameter, actions.clear])
        self._lengths = self.add_menu("Measure", measures, "Distances, angles and diameters", 1)
        look = QMenu(self)
        actions.fill_look(look)
        self._look = self.add_menu("Look", look, "Colours, depth, size of points, and the unit", 2)
        for button, choices in ((self._layer, actions.layers), (self._beside, actions.besides)):
            for action in choices:
                action.toggled.connect(
                    lambda on, button=button, action=action: button.setText(action.text()) if on else None
                )
            button.setText(next(action.text() for action in choices if action.isChecked()))

    def set_theme(self, theme: Theme) -> None:
        self._layer.setIcon(icon("layers-outline", theme.quiet))
        self._beside.setIcon(icon("compare", theme.quiet))
        self._lengths.setIcon(icon("ruler", theme.quiet))
        self._look.setIcon(icon("palette-outline", theme.quiet))


class ScaleRow(QFrame):
    """One of two scales with the controls of its limits beside it, or below it if narrow."""

    def __init__(self, scales: Sequence[QWidget]) -> None:
        super().__init__()
        self.setObjectName("panel")
        self._box = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._box.setContentsMargins(0, 5, 0, 5)
        self._box.setSpacing(0)
        self._scales, self._sides = _Fitting(scales), _Fitting([])
        self._box.addWidget(self._scales, 1)
        self._box.addWidget(self._sides)
        self._boxes: list[AlarmRate | ToleranceBox] = []

    def add(self, place: int, box: AlarmRate | ToleranceBox) -> None:
        """Add the controls of the scale with that index."""
        self._boxes.append(box)
        # Separate pages: a box that shows itself must not cover the box of the other scale.
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(box)
        self._sides.insertWidget(place, page)

    def show_scale(self, place: int) -> None:
        self._scales.setCurrentIndex(place)
        self._sides.setCurrentIndex(place)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        wide = event.size().width() >= WIDE_PX
        across, down = QBoxLayout.Direction.LeftToRight, QBoxLayout.Direction.TopToBottom
        self._box.setDirection(across if wide else down)
        for box in self._boxes:
            box.stand(upright=wide)


class _Fitting(QStackedWidget):
    """As small as the current page rather than as the largest."""

    def __init__(self, parts: Sequence[QWidget]) -> None:
        super().__init__()
        for part in parts:
            self.addWidget(part)
        self.currentChanged.connect(lambda _: self.updateGeometry())

    def sizeHint(self) -> QSize:  # noqa: N802
        shown = self.currentWidget()
        return super().sizeHint() if shown is None else shown.sizeHint().boundedTo(shown.maximumSize())

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        shown = self.currentWidget()
        return super().minimumSizeHint() if shown is None else shown.minimumSizeHint().expandedTo(shown.minimumSize())


class Readout(QFrame):
    """Readout of picked points and measurements, copyable."""

    clear_wanted = Signal()
    keep_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("panel")
        self.text = PlainLabel()
        self.text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.keep = QToolButton(text="Keep", autoRaise=True, toolTip="Save this measurement for the report")
        self._copy = QToolButton(text="Copy", autoRaise=True)
        self._clear = QToolButton(text="Clear", autoRaise=True, toolTip="Clear the picked points (C)")
        self.keep.clicked.connect(self.keep_wanted)
        self._copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.text.text()))
        self._clear.clicked.connect(self.clear_wanted)
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 4, 8, 4)
        row.addWidget(self.text, 1)
        row.addWidget(self.keep)
        row.addWidget(self._copy)
        row.addWidget(self._clear)

    def say(self, text: str, picked: bool, can_keep: bool) -> None:
        """picked: the text describes points rather than what to do. can_keep: it is a measurement not saved yet."""
        self.text.setText(text)
        self.text.setToolTip(plain_tip(text))
        self.setVisible(bool(text))
        self._copy.setVisible(picked)
        self.keep.setVisible(can_keep)
        self._clear.setVisible(picked)


class BlendBar(QWidget):
    """Blend factor between scan and expected surface."""

    blended = Signal(float)  # share of the expected surface, 0..1

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.slider = QSlider(Qt.Orientation.Horizontal, maximum=100, value=50)
        self.slider.setAccessibleName("Blend of scan and expected surface")
        self.slider.valueChanged.connect(lambda value: self.blended.emit(value / 100))
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 0, 14, 0)
        row.addWidget(QLabel("Scan", objectName="quiet"))
        row.addWidget(self.slider, 1)
        row.addWidget(QLabel("Expected", objectName="quiet"))
