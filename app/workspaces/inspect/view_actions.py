"""Every command of the 3D views, for the View menu and the bar above the views."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from app.state.entries import Beside
from app.state.settings import POINT_SIZES, Settings
from app.views.colours import Look
from app.views.layers import Layer
from app.views.linked_clouds import LinkedClouds
from app.views.view_cube import SIDES
from app.widgets.theme import Theme, icon
from app.workspaces.inspect.tools import Tool, Tools
from sedir_core.drawing.colour_maps import MAPS

LOOK_SETTINGS = ("colour_map", "per_scan_scale", "depth_shading", "point_size")


def look_of(settings: Settings) -> Look:
    """The point style from the settings."""
    return Look(
        settings.colour_map if settings.colour_map in MAPS else Look().colour_map,
        settings.per_scan_scale,
        {"auto": None, "on": True, "off": False}[settings.depth_shading],
        settings.point_size / 100,
    )


class ViewActions(QObject):
    """Owned by the page. `needs_scan` actions require a scan in the views."""

    def __init__(self, settings: Settings, clouds: LinkedClouds, tools: Tools, parent: QWidget) -> None:
        super().__init__(parent)
        self._settings, self._clouds, self._tools, self._owner = settings, clouds, tools, parent
        self._icons: list[tuple[QAction, str]] = []
        self.reset = self._action("Reset Camera", clouds.reset_camera, "R", "fit-to-screen-outline")
        self.layers = [
            self._action(layer.value, partial(clouds.set_layer, layer), str(key)) for key, layer in enumerate(Layer, 1)
        ]
        _make_choice(self.layers, list(Layer).index(clouds.layer))
        self.besides = [self._action(beside.value, partial(clouds.set_beside, beside)) for beside in Beside]
        _make_choice(self.besides, list(Beside).index(clouds.beside))
        clouds.beside_changed.connect(self._follow_beside)
        self.sides = [self._action(side, partial(clouds.look_from, side)) for side in SIDES]
        self.swap = self._action("Swap Sides", clouds.swap, "S", "swap-horizontal")
        self.single = self._action("One View", self._toggle_single, "V", "dock-window")
        self.single.setCheckable(True)
        self.section = self._action("Section Plane", self._toggle_section, "X", "square-opacity")
        self.regions = self._action("Regions and Tolerances", self._toggle_regions, "T", "selection-marker")
        self.pick = self._action("Pick a Point", lambda: self._use(Tool.PICK), "P", "crosshairs-gps")
        self.measure = self._action("Measure a Distance", lambda: self._use(Tool.MEASURE), "M", "ruler")
        self.faces = self._action("Measure Two Faces", lambda: self._use(Tool.FACES), "A", "angle-acute")
        self.diameter = self._action("Measure a Diameter", lambda: self._use(Tool.DIAMETER), "I", "diameter-variant")
        self.clear = self._action("Clear Picked Points", tools.clear, "C", "eraser")
        shorts = ((self.section, "Section"), (self.regions, "Regions"), (self.pick, "Pick"), (self.measure, "Measure"))
        for action in (self.faces, self.diameter):
            action.setCheckable(True)
        for action, short in shorts:
            action.setCheckable(True)
            action.setIconText(short)
        self.maps = self._choices(list(MAPS.values()), list(MAPS), "colour_map")
        scales = ("Calibrated: the Same for Every Scan", "Of Each Scan Alone")
        self.scales = self._choices(scales, (False, True), "per_scan_scale")
        self.shading = self._action("Depth Shading", self._toggle_shading, "D")
        self.shading.setCheckable(True)
        self.larger = self._action("Larger Points", lambda: self._resize_points(1), "Ctrl++")
        self.smaller = self._action("Smaller Points", lambda: self._resize_points(-1), "Ctrl+-")
        self.needs_scan = [
            *self.sides, self.reset, self.section, self.regions, self.pick, self.measure, self.faces, self.diameter,
            self.clear,
        ]  # fmt: skip
        tools.changed.connect(self._follow)
        settings.changed.connect(self._follow)  # a method rather than a lambda: Qt disconnects it with the window
        self._follow()

    def fill(self, menu: QMenu) -> None:
        """Fill the 3D views' part of the View menu."""
        menu.addAction(self.reset)
        menu.addMenu("Look From").addActions(self.sides)
        menu.addSeparator()
        menu.addActions(self.layers)
        menu.addMenu("Right View").addActions(self.besides)
        menu.addActions([self.swap, self.single])
        menu.addSeparator()
        menu.addActions([self.section, self.regions, self.pick])
        menu.addActions([self.measure, self.faces, self.diameter, self.clear])
        menu.addSeparator()
        self.fill_look(menu)
        menu.addSeparator()

    def fill_look(self, menu: QMenu) -> None:
        """Fill a menu with colours and sizes."""
        for title, choices in (("Colour Map", self.maps), ("Colour Scale", self.scales)):
            inner = menu.addMenu(title)
            inner.addActions(choices)
        menu.addActions([self.shading, self.larger, self.smaller])

    def set_theme(self, theme: Theme) -> None:
        for action, name in self._icons:
            action.setIcon(icon(name, theme.quiet))

    def _toggle_single(self) -> None:
        self._settings.single_view = not self._settings.single_view

    def _toggle_section(self) -> None:
        self._tools.show_section(not self._tools.section_shown)

    def _toggle_regions(self) -> None:
        self._tools.show_regions(not self._tools.regions_shown)

    def _use(self, tool: Tool) -> None:
        self._tools.use(Tool.LOOK if self._tools.tool is tool else tool)

    def _toggle_shading(self) -> None:
        self._settings.depth_shading = "on" if self.shading.isChecked() else "off"

    def _resize_points(self, steps: int) -> None:
        self._settings.point_size = POINT_SIZES[min(max(self._size_at + steps, 0), len(POINT_SIZES) - 1)]

    @property
    def _size_at(self) -> int:
        """Index of the nearest of POINT_SIZES."""
        return min(range(len(POINT_SIZES)), key=lambda at: abs(POINT_SIZES[at] - self._settings.point_size))

    def _follow(self, *_: object) -> None:
        """Update checked and enabled states from settings and tools."""
        self._clouds.set_single(self._settings.single_view)
        self.single.setChecked(self._settings.single_view)
        self.larger.setEnabled(self._size_at < len(POINT_SIZES) - 1)
        self.smaller.setEnabled(self._size_at > 0)
        self.section.setChecked(self._tools.section_shown)
        self.regions.setChecked(self._tools.regions_shown)
        self.pick.setChecked(self._tools.tool is Tool.PICK)
        for action, tool in (
            (self.measure, Tool.MEASURE), (self.faces, Tool.FACES), (self.diameter, Tool.DIAMETER),
        ):  # fmt: skip
            action.setChecked(self._tools.tool is tool)
        self.shading.setChecked(look_of(self._settings).depth_shading is True)

    def _follow_beside(self, beside: Beside) -> None:
        self.besides[list(Beside).index(beside)].setChecked(True)

    def _choices(self, titles: Sequence[str], values: Sequence[object], name: str) -> list[QAction]:
        """Exclusive actions for the values of a setting."""
        now = getattr(self._settings, name)
        made = [
            self._action(title, partial(setattr, self._settings, name, value))
            for title, value in zip(titles, values, strict=True)
        ]
        _make_choice(made, values.index(now) if now in values else 0)
        return made

    def _action(self, text: str, run: Callable[[], object], keys: str = "", picture: str = "") -> QAction:
        action = QAction(text, self._owner)
        action.triggered.connect(lambda: run())  # drops the `checked` argument
        if keys:
            action.setShortcut(QKeySequence(keys))
            action.setToolTip(f"{text} ({keys})")
        if picture:
            self._icons.append((action, picture))
        return action


def _make_choice(actions: list[QAction], chosen: int) -> None:
    group = QActionGroup(actions[0])
    for index, action in enumerate(actions):
        action.setCheckable(True)
        action.setChecked(index == chosen)
        group.addAction(action)
