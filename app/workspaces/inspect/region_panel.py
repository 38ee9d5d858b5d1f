"""The regions of a part: what each is for, its tolerance, and the current scan's deviation there."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QFileDialog,
    QFrame,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.state.entries import Entry, Failure
from app.widgets.elided import Elided
from app.widgets.theme import Theme, icon
from app.workspaces.inspect import wording
from app.workspaces.inspect.region_bar import RegionBar
from app.workspaces.inspect.regions import Regions
from sedir_core.errors import BadConfig
from sedir_core.tolerances import parse_tolerance, tolerance_text
from sedir_core.types import Detection, Tolerance, Zone, ZoneUse
from sedir_core.units import symbol

COLUMNS = ("Region", "Use", "Tolerance", "Size", "Local means", "")
NAME, USE, ALLOWED, SIZE, MEASURED, STATE = range(len(COLUMNS))
USES: dict[ZoneUse, str] = {"tolerance": "Own tolerance", "only": "Of interest", "ignore": "Ignored"}
FILES = "Regions (*.toml)"
NO_REGIONS = "Draw what to ignore or to look at alone, or give the surroundings of a point a tolerance of their own."
FIXED = ~Qt.ItemFlag.ItemIsEditable
LEAST_PX, MOST_PX = 118, 196


class RegionPanel(QFrame):
    """`add_wanted` requests a region at the picked point, `pick_wanted` and `draw_wanted` a tool."""

    add_wanted = Signal()
    draw_wanted = Signal(object)  # Tool
    pick_wanted = Signal()
    wrong = Signal(str, object)  # location, Failure

    def __init__(self, regions: Regions, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self._regions, self._theme = regions, theme
        self._entry: Entry | None = None
        self._unit = ""
        self._picked = False
        self.table = QTableWidget(0, len(COLUMNS))
        self.table.setAccessibleName("Regions and their use")
        self.table.setHorizontalHeaderLabels(COLUMNS)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setTabKeyNavigation(False)
        self.table.verticalHeader().hide()
        self.table.setFrameShape(QFrame.Shape.NoFrame)
        header = self.table.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
        self.hint = Elided("quiet")
        self.bar = RegionBar(theme)
        self.add, self.remove, self.draw = self.bar.at_point, self.bar.remove, self.bar.draw
        for tool, button in self.draw.items():
            button.clicked.connect(lambda _=False, tool=tool: self.draw_wanted.emit(tool))
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 10, 8)
        column.setSpacing(6)
        column.addWidget(self.bar)
        column.addWidget(self.hint)
        column.addWidget(self.table, 1)
        self.setMinimumHeight(LEAST_PX)
        self.setMaximumHeight(MOST_PX)
        self.add.clicked.connect(lambda: (self.add_wanted if self._picked else self.pick_wanted).emit())
        self.remove.clicked.connect(self._remove)
        self.bar.load.clicked.connect(self._load)
        self.bar.save.clicked.connect(self._save)
        self.table.itemChanged.connect(self._on_edited)
        self.table.itemSelectionChanged.connect(self._enable)

    @property
    def stops(self) -> list[QWidget]:
        """Tab order."""
        return [*self.bar.buttons, self.table]

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.bar.set_theme(theme)
        self.show_entry(self._entry, self._unit, self._picked)

    def show_entry(self, entry: Entry | None, unit: str, picked: bool) -> None:
        """unit: the user's name of the scan unit. picked: whether a point of the scan is picked."""
        self._entry, self._unit, self._picked = entry, unit, picked
        zones, row = self._listed(entry), self.table.currentRow()
        with QSignalBlocker(self.table):
            self.table.setRowCount(len(zones))
            for index, zone in enumerate(zones):
                self._fill(index, zone)
            self.table.setCurrentCell(min(row, len(zones) - 1), NAME)
        self._enable()

    def _listed(self, entry: Entry | None) -> tuple[Zone, ...]:
        """The category's regions, then the rest of the part; for a past inspection, those in force then."""
        if entry is None or entry.raw is None or entry.raw.expected is None:
            return ()
        if entry.past is not None:
            return measured_zones(entry.raw)
        part = self._regions.of(entry)
        return (Zone("", None, None),) if part is None else (*part.zones, Zone("", part.elsewhere, None))

    def _fill(self, row: int, zone: Zone) -> None:
        assert self._entry is not None and self._entry.raw is not None
        found, past = self._entry.raw, self._entry.past is not None
        zones = measured_zones(found)
        known = (past or self._regions.ready(self._entry)) and row < len(zones)
        measured = zones[row] if known else None
        state = "" if measured is None else _state(measured, found.to_unit)
        for column, text in enumerate((*self._texts(zone, measured), state)):
            item = QTableWidgetItem(text)
            if past or _is_fixed(column, zone):
                item.setFlags(item.flags() & FIXED)
            if column == STATE and state:
                colour = self._theme.ok if state == "OK" else self._theme.ng
                item.setForeground(QColor(colour))
                item.setIcon(icon("check-circle" if state == "OK" else "alert-octagon", colour))
            self.table.setItem(row, column, item)
        if past or not zone.name:
            self.table.removeCellWidget(row, USE)
        else:
            self.table.setCellWidget(row, USE, self._choice(row, zone))

    def _choice(self, row: int, zone: Zone) -> QComboBox:
        """What the region is for."""
        choice = QComboBox(accessibleName=f"Use of {zone.name}")
        choice.addItems(list(USES.values()))
        choice.setCurrentIndex(list(USES).index(zone.use))
        choice.activated.connect(lambda index: self._set_use(row, list(USES)[index]))
        return choice

    def _set_use(self, row: int, use: ZoneUse) -> None:
        if self._entry is not None:
            self._regions.change(self._entry, row, use=use, tolerance=None)

    def _texts(self, zone: Zone, measured: Zone | None) -> tuple[str, str, str, str, str]:
        """Name, use, tolerance, size and deviation; the last two if the current scan has a result."""
        assert self._entry is not None
        lengths = wording.lengths_of(self._entry.raw, self._unit)
        counts = zone.tolerance if zone.name or measured is None else measured.tolerance
        allowed = "any" if counts is None else tolerance_text(counts, lengths.unit)
        if zone.use != "tolerance":
            allowed = "as elsewhere" if zone.use == "only" else ""
        use = USES[zone.use] if zone.name else ""
        size = ""
        if measured is not None and measured.place is not None:
            half = measured.place.half
            size = f"radius {lengths.text(float(half[0]))}" if measured.place.rounded else lengths.size(2 * half)
        span = "not evaluated" if zone.use == "ignore" else "…" if measured is None else _span(measured, lengths)
        rest = "Elsewhere" if self.table.rowCount() > 1 else "Whole part"
        return zone.name or rest, use, allowed, size, span

    def _enable(self) -> None:
        ready, part = self._regions.ready(self._entry), self._regions.of(self._entry)
        rows = 0 if part is None else len(part.zones)
        for button in (self.add, *self.draw.values()):
            button.setEnabled(ready)
        self.bar.load.setEnabled(ready)
        self.remove.setEnabled(ready and 0 <= self.table.currentRow() < rows)
        self.bar.save.setEnabled(part is not None)
        self.hint.say(_hint(self._entry, rows))

    def _remove(self) -> None:
        if self._entry is not None:
            self._regions.remove(self._entry, self.table.currentRow())

    def _load(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "Open regions", "", FILES)
        if name and self._entry is not None:
            self._regions.take(self._entry, Path(name))

    def _save(self) -> None:
        name, _ = QFileDialog.getSaveFileName(self, "Save regions", "regions.toml", FILES)
        if name and self._entry is not None:
            self._regions.give(self._entry, Path(name))

    def _on_edited(self, item: QTableWidgetItem) -> None:
        entry, part = self._entry, self._regions.of(self._entry)
        if entry is None:
            return
        zones = () if part is None else part.zones
        row, text = item.row(), item.text().strip()
        try:
            if item.column() == NAME:
                self._rename(entry, zones, row, text)
            elif item.column() == SIZE:
                self._resize(entry, zones[row], row, text)
            elif row == len(zones):
                self._regions.set_elsewhere(entry, read_tolerance(text))
            else:
                self._regions.change(entry, row, tolerance=read_tolerance(text))
        except BadConfig as error:
            self.wrong.emit(error.where, Failure.of(error))
            self.show_entry(entry, self._unit, self._picked)

    def _rename(self, entry: Entry, zones: tuple[Zone, ...], row: int, text: str) -> None:
        if not text or any(zone.name == text for index, zone in enumerate(zones) if index != row):
            raise BadConfig(text or "A region", "region names must be unique", "choose another")
        self._regions.change(entry, row, name=text)

    def _resize(self, entry: Entry, zone: Zone, row: int, text: str) -> None:
        assert entry.raw is not None and zone.place is not None
        shown = entry.raw.zones[row].place if self._regions.ready(entry) else None
        wanted = read_length(text.removeprefix("radius"), symbol(wording.lengths_of(entry.raw, self._unit).unit))
        if shown is None or wanted is None:
            raise BadConfig(text or "A region", "is not a radius", "a number above 0")
        factor = wanted / (wording.lengths_of(entry.raw, self._unit).factor * float(shown.half[0]))
        self._regions.change(entry, row, place=replace(zone.place, half=factor * zone.place.half))


def measured_zones(found: Detection) -> tuple[Zone, ...]:
    """The regions with the scan's deviations there; without regions the whole part."""
    return found.zones or (Zone("", found.tolerance, None, *found.deviation_range),)


def rate_text(share: float) -> str:
    """`3 %`, `0.4 %`, `less than 0.1 %`."""
    if share < 0.001:
        return "less than 0.1 %"
    return f"{100 * share:.1f} %" if share < 0.02 else f"{100 * share:.0f} %"


def read_tolerance(text: str) -> Tolerance | None:
    """Parses `0.3`, `±0.3 mm`, `−0.2 to 0.4 mm`, `any`. Raises BadConfig."""
    plain = text.lower().replace("−", "-").replace("±", "").replace(" to ", ",").strip()
    while plain and not plain[-1].isdigit() and plain != "any":
        plain = plain[:-1].rstrip()
    if not plain and text:
        raise BadConfig("Tolerance", f"{text!r} is not a tolerance", "0.3, -0.2,0.4 or any")
    return None if plain == "any" else parse_tolerance(plain, "Tolerance")


def read_length(text: str, unit: str) -> float | None:
    """Parses a positive length, with or without unit; None for anything else."""
    try:
        found = float(text.removesuffix(unit).strip().replace(",", ""))
    except ValueError:
        return None
    return found if 0 < found < math.inf else None


def _state(measured: Zone, to_unit: float) -> str:
    """Whether the region is in tolerance; None without a tolerance or a deviation."""
    if measured.out(to_unit):
        return "NG"
    return "" if measured.tolerance is None or math.isnan(measured.lowest) else "OK"


def _is_fixed(column: int, zone: Zone) -> bool:
    """The rest of the part has only a tolerance, only a region with its own has one, and only a ball has a radius."""
    round_one = zone.place is not None and zone.place.rounded
    return {
        NAME: not zone.name,
        ALLOWED: zone.use != "tolerance",
        SIZE: not round_one,
    }.get(column, True)


def _span(zone: Zone, lengths: wording.LengthWording) -> str:
    if math.isnan(zone.lowest) or math.isnan(zone.highest):
        return "not measured"
    like = max(abs(zone.lowest), abs(zone.highest))
    low, high = (("+" if end > 0 else "") + lengths.bare(end, like) for end in (zone.lowest, zone.highest))
    return f"{low} to {high} {symbol(lengths.unit)}".rstrip()


def _hint(entry: Entry | None, rows: int) -> str:
    if entry is None or entry.raw is None:
        return ""
    if entry.raw.expected is None:
        return "This model does not measure deviations."
    if entry.past is not None:
        return "As it was judged at the time."
    if rows:
        return f"For every {entry.raw.category}. Double-click a value to change it."
    return _false_alarms(entry) or NO_REGIONS


def _false_alarms(entry: Entry) -> str:
    """Share of good parts that the whole part's tolerance calls NG, estimated from held-out training scans."""
    found, known = entry.raw, None if entry.model is None else entry.model.calibration
    if found is None or found.tolerance is None or known is None or found.from_one_side:
        return ""
    rate = known.rate_of(found.tolerance, found.category)
    if rate is None:
        return ""
    n_scans = known.n_scans(found.category)
    return f"Calls about {rate_text(rate)} of good parts NG, by {n_scans} held-out good scans."
