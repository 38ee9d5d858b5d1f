"""The middle of the Inspect workspace: the two views with their tools above and what they tell below."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QSizePolicy,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.entries import Entry
from app.session import Session
from app.settings import Settings
from app.views.colour_bar import ColourBar
from app.views.layers import Layer
from app.views.linked_clouds import LinkedClouds
from app.widgets.theme import Theme, icon
from app.workspaces.inspect.section_panel import SectionPanel
from app.workspaces.inspect.tools import Tools
from app.workspaces.inspect.view_actions import LOOK_SETTINGS, ViewActions, look_of


class Stage(QWidget):
    """Shows one entry; follows the settings of the views and the tools."""

    def __init__(self, session: Session, settings: Settings, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._settings = session, settings
        self.clouds = LinkedClouds(theme)
        self.colour_bar = ColourBar(theme)
        self.blend = BlendBar()
        self.tools = Tools(self.clouds, session, self)
        self.actions_of_views = ViewActions(settings, self.clouds, self.tools, self)
        self.section = SectionPanel(theme, settings)
        self.readout = Readout()
        self._bar = ViewBar(self.actions_of_views)
        scale = QFrame(objectName="panel")
        self._scale = QVBoxLayout(scale)
        self._scale.setContentsMargins(0, 6, 0, 6)
        self._scale.addWidget(self.colour_bar)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(7)
        column.addWidget(self._bar)
        column.addWidget(self.clouds, 1)
        for part in (self.readout, self.blend, self.section, scale):
            column.addWidget(part)
        self.blend.blended.connect(self.clouds.set_blend)
        self.clouds.layer_changed.connect(self._show_scale)
        self.tools.changed.connect(self._follow_tools)
        self.readout.clear_wanted.connect(self.tools.clear)
        self.section.cut_wanted.connect(self.tools.cut)
        self.section.plane_set.connect(self.tools.set_plane)
        self.section.camera_wanted.connect(lambda: self.section.face(self.clouds.pose))
        self.section.plot.row_clicked.connect(self.tools.pick_row)
        settings.changed.connect(self._on_setting_changed)
        session.unit_changed.connect(self._show_scale)
        self.clouds.set_look(look_of(settings))
        self.set_theme(theme)
        self._follow_tools()

    def set_theme(self, theme: Theme) -> None:
        for part in (self.clouds, self.colour_bar, self.section, self.actions_of_views, self._bar):
            part.set_theme(theme)

    def add_below_scale(self, widget: QWidget) -> None:
        """Something that belongs to the colour scale."""
        self._scale.addWidget(widget)

    def show_entry(self, entry: Entry | None) -> None:
        """What is known of this scan so far."""
        raw = None if entry is None else entry.raw
        self.clouds.show_entry(entry, 1.0 if raw is None else raw.point_threshold)
        self._show_scale()
        self.tools.show_entry(entry)

    def _show_scale(self, *_: object) -> None:
        """The legend of what the left view shows."""
        entry, layer, look = self._session.current_entry, self.clouds.layer, look_of(self._settings)
        if layer is Layer.DIFFERENCE and entry is not None and entry.difference is not None:
            self.colour_bar.show_distances(entry.difference, self.clouds.far, look, self._session.unit)
        else:
            self.colour_bar.show_detection(entry.raw if entry is not None else None, self._session.limit, look)
        self.blend.setVisible(layer is Layer.BOTH)

    def _follow_tools(self) -> None:
        self.readout.say(self.tools.readout, bool(self.tools.probes))
        self.section.setVisible(self.tools.section_shown)
        if self.tools.section_shown:
            self.section.show_section(
                self._session.current_entry, self.tools.plane, self._session.limit, self._session.unit
            )

    def _on_setting_changed(self, name: str) -> None:
        if name in LOOK_SETTINGS:
            self.clouds.set_look(look_of(self._settings))
            self._show_scale()
            self._follow_tools()


class ViewBar(QFrame):
    """The tools as buttons, and everything about looks behind one."""

    def __init__(self, actions: ViewActions) -> None:
        super().__init__(objectName="viewBar")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        layers = QMenu(self)
        layers.addActions(actions.layers)
        self._layer = _menu_button("", layers, "What the left view shows (1 to 5)")
        row.addWidget(self._layer)
        for action in (actions.swap, actions.reset):
            row.addWidget(_button(action))
        row.addStretch()
        for action in (actions.pick, actions.measure, actions.section):
            row.addWidget(_button(action))
        row.addStretch()
        look = QMenu(self)
        actions.fill_look(look)
        self._look = _menu_button("Look", look, "Colours, depth, size of points, and the unit")
        row.addWidget(self._look)
        for action in actions.layers:
            action.toggled.connect(lambda on, action=action: self._layer.setText(action.text()) if on else None)
        self._layer.setText(next(action.text() for action in actions.layers if action.isChecked()))

    def set_theme(self, theme: Theme) -> None:
        self._layer.setIcon(icon("layers-outline", theme.quiet))
        self._look.setIcon(icon("palette-outline", theme.quiet))


class Readout(QFrame):
    """What was picked or measured, to be read and copied."""

    clear_wanted = Signal()

    def __init__(self) -> None:
        super().__init__(objectName="panel")
        self.text = QLabel()
        self.text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._copy = QToolButton(text="Copy", autoRaise=True)
        self._clear = QToolButton(text="Clear", autoRaise=True, toolTip="Forget the picked points (C)")
        self._copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.text.text()))
        self._clear.clicked.connect(self.clear_wanted)
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 4, 8, 4)
        row.addWidget(self.text, 1)
        row.addWidget(self._copy)
        row.addWidget(self._clear)

    def say(self, text: str, picked: bool) -> None:
        """picked: it is about points, not about what to do."""
        self.text.setText(text)
        self.text.setToolTip(text)
        self.setVisible(bool(text))
        self._copy.setVisible(picked)
        self._clear.setVisible(picked)


class BlendBar(QWidget):
    """How much of the reconstruction is laid over the scan."""

    blended = Signal(float)  # share of the reconstruction, 0..1

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.slider = QSlider(Qt.Orientation.Horizontal, maximum=100, value=50)
        self.slider.setAccessibleName("Blend of scan and reconstruction")
        self.slider.valueChanged.connect(lambda value: self.blended.emit(value / 100))
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 0, 14, 0)
        row.addWidget(QLabel("Scan", objectName="quiet"))
        row.addWidget(self.slider, 1)
        row.addWidget(QLabel("Reconstruction", objectName="quiet"))


def _button(action: QAction) -> QToolButton:
    button = QToolButton(autoRaise=True)
    button.setDefaultAction(action)
    button.setToolButtonStyle(
        Qt.ToolButtonStyle.ToolButtonTextBesideIcon if action.isCheckable() else Qt.ToolButtonStyle.ToolButtonIconOnly
    )
    return button


def _menu_button(text: str, menu: QMenu, tip: str) -> QToolButton:
    button = QToolButton(text=text, toolTip=tip, autoRaise=True, objectName="menuButton")
    button.setMenu(menu)
    button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    return button
