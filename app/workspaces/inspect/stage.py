"""The centre of the Inspect workspace: the two views, with tools above and scales and readouts below."""

from __future__ import annotations

import numpy as np
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QVBoxLayout,
    QWidget,
)

from app.state.entries import Beside, Entry
from app.state.session import Session
from app.state.settings import Settings
from app.views.colour_bar import ColourBar
from app.views.deviation_bar import DeviationBar
from app.views.layers import Layer, ShownLengths, deviation_of
from app.views.linked_clouds import LinkedClouds
from app.views.zone_drawing import DrawnZone
from app.widgets.theme import Theme
from app.workspaces.inspect import wording
from app.workspaces.inspect.alarm_rate import AlarmRate
from app.workspaces.inspect.bands import Bands
from app.workspaces.inspect.between import Between, comparable
from app.workspaces.inspect.kept_sections import KeptSections
from app.workspaces.inspect.measured_list import MeasuredList
from app.workspaces.inspect.region_panel import RegionPanel
from app.workspaces.inspect.regions import Regions
from app.workspaces.inspect.section_panel import Deviated, SectionPanel
from app.workspaces.inspect.stage_bars import BlendBar, Readout, ScaleRow, ViewBar
from app.workspaces.inspect.tolerance_box import ToleranceBox
from app.workspaces.inspect.tools import Tool, Tools
from app.workspaces.inspect.view_actions import LOOK_SETTINGS, ViewActions, look_of
from sedir_core.types import Tolerance, ZonePlace
from sedir_core.units import symbol

LOW_PX = 430
"""Height below which the colour scale is reduced."""


class ScanViews(QWidget):
    """Shows one entry; follows the view settings and the tools."""

    def __init__(self, session: Session, settings: Settings, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._settings = session, settings
        self.clouds = LinkedClouds(theme)
        self.colour_bar, self.deviation_bar = ColourBar(theme), DeviationBar(theme)
        self.bands = Bands(session, settings, self)
        self.between = Between(self)
        self.tolerance = ToleranceBox(self.bands)
        self.blend = BlendBar()
        self._line = False
        self._instead: ShownLengths | None = None
        self._layer = self.clouds.layer  # to go back to after line mode
        self.tools = Tools(self.clouds, session, self)
        self.actions_of_views = ViewActions(settings, self.clouds, self.tools, self)
        self.sections = KeptSections(self)
        self.section = SectionPanel(theme, settings, self.sections)
        self.regions = Regions(session, settings, self)
        self.region_panel = RegionPanel(self.regions, theme)
        self.readout, self.measured = Readout(), MeasuredList()
        self._bar = ViewBar(self.actions_of_views)
        self._scale = ScaleRow([self.colour_bar, self.deviation_bar])
        self._scale.add(1, self.tolerance)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(5)
        column.addWidget(self._bar)
        column.addWidget(self.clouds, 1)
        for part in (self.readout, self.measured, self.blend, self.section, self.region_panel, self._scale):
            column.addWidget(part)
        self.blend.blended.connect(self.clouds.set_blend)
        self.clouds.layer_changed.connect(self._show_scale)
        self.clouds.beside_changed.connect(self._on_beside_changed)
        self.bands.changed.connect(self._on_bands_changed)
        self.between.changed.connect(self._on_bands_changed)
        self.tolerance.against.toggled.connect(self._on_bands_changed)
        self.deviation_bar.band_set.connect(self._set_band)
        session.compared_changed.connect(self.show_compared)
        self.tools.changed.connect(self._follow_tools)
        self.readout.clear_wanted.connect(self.tools.clear)
        self.readout.keep_wanted.connect(self.tools.keep)
        self.measured.removal_wanted.connect(self.tools.drop)
        self.region_panel.pick_wanted.connect(lambda: self.tools.use(Tool.PICK))
        self.region_panel.add_wanted.connect(self._add_region)
        self.region_panel.draw_wanted.connect(self.tools.use)
        self.clouds.region_drawn.connect(self._on_region_drawn)
        session.tolerances_changed.connect(self._follow_tools)
        self.section.cut_wanted.connect(self.tools.cut)
        self.section.keep_wanted.connect(self._keep_section)
        self.section.plane_set.connect(self.tools.set_plane)
        self.section.measure_wanted.connect(self._follow_tools)
        self.section.camera_wanted.connect(lambda: self.section.face(self.clouds.pose))
        self.section.plot.row_clicked.connect(self.tools.pick_row)
        settings.changed.connect(self._on_setting_changed)
        session.unit_changed.connect(lambda _: self._tell(session.current_entry))
        session.unit_changed.connect(self._show_scale)
        self.clouds.set_look(look_of(settings))
        self.set_theme(theme)
        self._follow_tools()

    def set_theme(self, theme: Theme) -> None:
        for part in (
            self.clouds, self.colour_bar, self.deviation_bar, self.section, self.region_panel, self.actions_of_views,
            self._bar,
        ):  # fmt: skip
            part.set_theme(theme)

    def add_beside_scale(self, rate: AlarmRate) -> None:
        """Add a widget that belongs to the limit in the colour scale."""
        self._scale.add(0, rate)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        for bar in (self.colour_bar, self.deviation_bar):
            bar.set_low(event.size().height() < LOW_PX)
        self.section.set_room(event.size().height())
        self._share_room()

    def show_line(self, on: bool) -> None:
        """Show the scan alone, without tools and scales, its defects hot: missing material deviates by nothing."""
        if on != self._line:
            self._layer = self.clouds.layer if on else self._layer
            self.clouds.set_layer(Layer.HEAT if on else self._layer)
        self._line = on
        self._bar.setVisible(not on)
        self.clouds.set_alone(on)
        self._show_scale()
        self._follow_tools()

    def _share_room(self) -> None:
        """In a low window the scale makes room for the section and the regions."""
        crowded = self.height() < LOW_PX and (self.tools.section_shown or self.tools.regions_shown)
        self._scale.setVisible(not self._line and not crowded)

    @property
    def stops(self) -> list[QWidget]:
        """Tab order; the views are added when built."""
        return [
            *self._bar.buttons,
            *(view.stop for view in self.clouds.views),
            *self.measured.stops,
            self.blend.slider,
            *self.section.stops,
            *self.region_panel.stops,
            self.colour_bar,
            self.deviation_bar,
            *self.tolerance.stops,
        ]

    def show_entry(self, entry: Entry | None) -> None:
        """Show this scan as far as it has been processed."""
        self._tell(entry)
        self._show_deviation(entry)
        self.clouds.show_entry(entry, _colour_limit(entry))
        self.show_compared()
        self._show_scale()
        self.tools.show_entry(entry)

    def _tell(self, entry: Entry | None) -> None:
        """Set the unit of lengths and defects over the views."""
        unit = self._session.unit
        lengths = wording.lengths_of(None if entry is None else entry.detection, unit)
        self.clouds.tell_with(
            lengths.factor,
            lambda length: f"{length:g} {symbol(lengths.unit)}".rstrip(),
            lambda defect, found: wording.callout_text(defect, found, unit),
        )

    def _show_scale(self, *_: object) -> None:
        """Show the legend of the left view's layer."""
        entry, layer = self._session.current_entry, self.clouds.layer
        deviation = self._deviated(entry)
        lengths = layer is Layer.DEVIATION and entry is not None and deviation is not None
        if lengths and entry is not None and deviation is not None:
            self.deviation_bar.show_deviation(deviation.values, deviation.scale, deviation.unit)
            self.tolerance.show_entry(entry, self._session.unit)
        else:
            raw = None if entry is None else entry.raw
            self.colour_bar.show_detection(raw, self._session.limit, look_of(self._settings))
        self._scale.show_scale(1 if lengths else 0)
        self.blend.setVisible(layer is Layer.BOTH and not self._line)

    def _show_deviation(self, entry: Entry | None) -> None:
        if self.against is None:
            self.between.forget()
        else:
            self.between.compare(entry, self.against, self.bands.rigid)
        if entry is not None:
            values = self.between.values
            if values is None:
                self._instead = None
            elif self._instead is None or self._instead.values is not values:
                self._instead = ShownLengths(values)
            self.clouds.set_deviation(self.bands.scale_in_scan(entry), self.bands.rigid, self._instead)

    @property
    def against(self) -> Entry | None:
        """The scan at the right, if the current one is to be compared with it and can be."""
        current, other = self._session.current_entry, self._session.get(self._session.compared)
        wanted = self.tolerance.against.isChecked() and self.clouds.beside is Beside.SCAN
        return other if wanted and other is not current and comparable(current, other) else None

    def _on_bands_changed(self, *_: object) -> None:
        self._show_deviation(self._session.current_entry)
        self.show_compared()
        self._show_scale()
        self._follow_tools()

    def _set_band(self, band: Tolerance | None) -> None:
        if (entry := self._session.current_entry) is not None:
            self.bands.set(entry, band)

    # The scan beside the current one

    def _on_beside_changed(self, beside: Beside) -> None:
        """Comparing needs a second scan: the last good one of its category, until the user selects one."""
        if beside is Beside.SCAN and self._session.get(self._session.compared) is None:
            self._session.compare(self._good_one())
        self.show_compared()

    def _good_one(self) -> int | None:
        """The last other scan of this category that is OK, or else the last other one."""
        current = self._session.current_entry
        others = [entry for entry in self._session.entries if entry is not current and entry.scan_known]
        alike = [entry for entry in others if _kind(entry) == _kind(current)] or others
        return next((entry.id for entry in reversed(alike) if entry.verdict == "ok"), alike[-1].id if alike else None)

    def show_compared(self) -> None:
        """Show the other scan in the same kind of colours, and both results as text."""
        current, other = self._session.current_entry, self._session.get(self._session.compared)
        self.tolerance.against.setVisible(self.clouds.beside is Beside.SCAN)
        self.tolerance.against.setEnabled(comparable(current, other))
        self._show_deviation(current)
        scale = None if other is None else self.bands.scale_in_scan(other)
        self.clouds.show_compared(other, _colour_limit(other), scale)
        name = "" if current is None or current.scan is None else current.scan.name
        if self.clouds.beside is not Beside.SCAN:
            self.clouds.set_notes(name, "")
            return
        unit = self._session.unit
        right = "press B to pin the current scan here" if other is None else wording.compared_text(other, unit)
        left = name if current is None else wording.compared_text(current, unit, other)
        if self.against is not None and self.clouds.layer is Layer.DEVIATION:
            left += f" · from {self.against.stem}"
        self.clouds.set_notes(left, right)

    def _follow_tools(self) -> None:
        kept = self.tools.kept(self._session.current_entry)
        can_keep = self.tools.measurement is not None and self.tools.measurement not in kept
        self.readout.say("" if self._line else self.tools.readout, bool(self.tools.probes), can_keep)
        self.measured.show_measured(kept)
        self.measured.setVisible(bool(kept) and not self._line)
        self.section.setVisible(self.tools.section_shown and not self._line)
        if self.tools.section_shown:
            entry, unit = self._session.current_entry, self._session.unit
            self.section.show_section(entry, self.tools.plane, self._session.limit, unit, self._deviated(entry))
            rows = [probe.row for probe in self.tools.probes if probe.row is not None]
            self.section.plot.show_dimension(rows, self.tools.length)
        self._show_regions()
        self._share_room()

    def _show_regions(self) -> None:
        """Draw all regions while their panel is open, otherwise the failing ones."""
        entry, shown = self._session.current_entry, self.tools.regions_shown and not self._line
        self.region_panel.setVisible(shown)
        if shown:
            self.region_panel.show_entry(entry, self._session.unit, self.tools.picked_place is not None)
        raw = None if entry is None else entry.raw
        drawn = [
            DrawnZone(zone.name, zone.place, zone.out(raw.to_unit), zone.use == "ignore")
            for zone in (() if raw is None else raw.zones)
            if raw is not None and zone.place is not None and (shown or zone.out(raw.to_unit))
        ]
        self.clouds.show_zones(drawn)

    def _keep_section(self, name: str) -> None:
        if self.tools.plane is not None:
            self.sections.keep(self.tools.plane, name)

    def _add_region(self) -> None:
        entry, place = self._session.current_entry, self.tools.picked_place
        if entry is not None and place is not None and self.regions.ready(entry):
            self.regions.add_ball(entry, place, self.bands.of(entry))

    def _on_region_drawn(self, place: ZonePlace | None) -> None:
        """A region that was drawn is ignored unless the user chooses otherwise in the list."""
        entry = self._session.current_entry
        if place is not None and entry is not None and self.regions.ready(entry):
            self.regions.add(entry, place, "ignore")
            self.tools.use(Tool.LOOK)

    def _deviated(self, entry: Entry | None) -> Deviated | None:
        """The deviation of that scan in the display unit."""
        values = deviation_of(entry, self.bands.rigid)
        if self.between.values is not None and self.against is not None and entry is self._session.current_entry:
            values = self.between.values
        if entry is None or values is None:
            return None
        words = wording.lengths_of(entry.raw, self._session.unit)
        return Deviated(np.float32(words.factor) * values, self.bands.scale(entry), symbol(words.unit))

    def _on_setting_changed(self, name: str) -> None:
        if name in LOOK_SETTINGS:
            self.clouds.set_look(look_of(self._settings))
            self._show_scale()
            self._follow_tools()


def _colour_limit(entry: Entry | None) -> float:
    """The middle of the calibrated scale: the model's limit, regardless of the operator's."""
    return 1.0 if entry is None or entry.raw is None else entry.raw.point_threshold


def _kind(entry: Entry | None) -> str:
    return "" if entry is None or entry.raw is None else entry.raw.category
