"""State of the 3D tools: what a click does, the picked points, and the section plane."""

from __future__ import annotations

from enum import Enum

import numpy as np
from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication

from app.state.entries import Entry
from app.state.session import Session
from app.views.linked_clouds import LinkedClouds
from app.views.outlines import OutlineTool
from app.views.picking import Probe
from app.views.section import CuttingPlane, across_axis
from app.widgets.numbers import on_screen
from app.workspaces.inspect import wording
from app.workspaces.inspect.measurements import Measurement, diameter, face_to_face, point_to_point
from sedir_core.evidence.wording import of_limit
from sedir_core.types import Defect, DoubleArray

DETAIL = 0.01
"""Precision of a picked point's coordinates, as a share of the part's radius."""
ACROSS = 0.7
"""Cosine: a section this near to a defect's face would run along it and show nothing of its depth."""


class Tool(Enum):
    """LOOK turns the camera and selects defects by their callouts; the others also pick points.

    FACES: measures between the faces of two points. DIAMETER: of the cylinder at a point. BOX, LASSO and PLANE draw a
    region over the scan.
    """

    LOOK = "look"
    PICK = "pick"
    MEASURE = "measure"
    FACES = "faces"
    DIAMETER = "diameter"
    BOX = "box"
    LASSO = "lasso"
    PLANE = "plane"


IN_TWO = (Tool.MEASURE, Tool.FACES)
"""Tools that need two points."""
OUTLINES = {Tool.BOX: OutlineTool.BOX, Tool.LASSO: OutlineTool.LASSO, Tool.PLANE: OutlineTool.PLANE}
TO_DRAW = {
    Tool.BOX: "Drag a rectangle over the scan; the region reaches through the part.",
    Tool.LASSO: "Draw around the region; it reaches through the part.",
    Tool.PLANE: "Drag a line across the scan; the region is the smaller side.",
}
WANTED = {
    Tool.PICK: "a point",
    Tool.MEASURE: "the first point",
    Tool.FACES: "a point of the first face",
    Tool.DIAMETER: "a point of the round surface",
}
WANTED_NEXT = {Tool.MEASURE: "the second point", Tool.FACES: "a point of the second face"}
NOT_FOUND = {
    Tool.FACES: "No flat face around one of the two points. Click closer to the centre of a face.",
    Tool.DIAMETER: "No round surface around that point.",
}


class Tools(QObject):
    """State of the tools. Emits `changed` after every change, for the readout and the actions."""

    changed = Signal()

    def __init__(self, clouds: LinkedClouds, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._clouds, self._session = clouds, session
        self._entry: Entry | None = None
        self.tool = Tool.LOOK
        self.plane: CuttingPlane | None = None
        self.probes: list[Probe] = []
        self.regions_shown = False
        self.measurement: Measurement | None = None  # result of the picked points
        self._measured_with = Tool.PICK  # the tool that picked them, which may no longer be active
        self._kept: dict[int, tuple[Measurement, ...]] = {}  # by entry
        clouds.point_clicked.connect(self._add)
        session.unit_changed.connect(self._measure)

    def show_entry(self, entry: Entry | None) -> None:
        """A different scan clears the points but keeps the plane, since parts of a kind are cut alike."""
        other = (None if entry is None else entry.id) != (None if self._entry is None else self._entry.id)
        self._entry = entry
        if other:
            self.clear()
        else:
            self._tell()

    def use(self, tool: Tool) -> None:
        """Activate a tool; picked points stay."""
        if tool is self.tool:
            return
        app = QApplication.instance()
        assert app is not None
        # Esc first of all leaves the tool, wherever the focus is.
        (app.removeEventFilter if tool is Tool.LOOK else app.installEventFilter)(self)
        self.tool = tool
        self._clouds.set_outlining(OUTLINES.get(tool))
        if tool is not Tool.LOOK and tool not in OUTLINES:
            self._measured_with = tool
        if tool in (Tool.FACES, Tool.DIAMETER) or (len(self.probes) > 1 and tool is Tool.PICK):
            self.probes = []
        self._clouds.set_aiming(tool is not Tool.LOOK and tool not in OUTLINES)
        self._measure()

    def clear(self) -> None:
        """Clear the picked points."""
        self.probes = []
        self._measure()

    def kept(self, entry: Entry | None) -> tuple[Measurement, ...]:
        """The saved measurements of that scan."""
        return () if entry is None else self._kept.get(entry.id, ())

    def keep(self) -> None:
        """Save the current measurement for the scan's report."""
        if self._entry is not None and self.measurement is not None and self.measurement not in self.kept(self._entry):
            self._kept[self._entry.id] = (*self.kept(self._entry), self.measurement)
            self.changed.emit()

    def drop(self, index: int) -> None:
        """Delete a saved measurement of the current scan."""
        if self._entry is not None:
            kept = self.kept(self._entry)
            self._kept[self._entry.id] = kept[:index] + kept[index + 1 :]
            self.changed.emit()

    def pick_row(self, row: int) -> None:
        """Pick a point of the scan as if clicked, with the tool in use."""
        if self._entry is None or self._entry.scan is None:
            return
        probe = Probe(self._entry.scan.points[row], row)
        if self.tool in (Tool.LOOK, *OUTLINES):
            self.probes, self._measured_with = [probe], Tool.PICK
            self._measure()
        else:
            self._add(probe)

    @property
    def section_shown(self) -> bool:
        return self.plane is not None

    def show_section(self, on: bool) -> None:
        """Show a section perpendicular to x, or to y where the defect faces along x; or hide it."""
        if on:
            defect = self._defect_of_interest()
            along_x = defect is not None and defect.axes is not None and abs(defect.axes[2, 0]) > ACROSS
            self.cut(across_axis(1 if along_x else 0))
        else:
            self.set_plane(None)

    def show_regions(self, on: bool) -> None:
        """Show or hide the regions; their tools end with them."""
        self.regions_shown = on
        if not on and self.tool in OUTLINES:
            self.use(Tool.LOOK)
        self.changed.emit()

    @property
    def picked_place(self) -> DoubleArray | None:
        """(3,) of the picked point of the scan."""
        return next((probe.place for probe in self.probes if probe.row is not None), None)

    def cut(self, plane: CuttingPlane) -> None:
        """A plane of that direction through the selected defect, else the strongest one, else the centre."""
        self.set_plane(plane.at(float(plane.normal @ self._of_interest())))

    def set_plane(self, plane: CuttingPlane | None) -> None:
        self.plane = plane
        self._clouds.show_plane(plane)
        self.changed.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        if isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape and self._clouds.isActiveWindow():
            if event.type() is QEvent.Type.ShortcutOverride:
                event.accept()
                return True
            if event.type() is QEvent.Type.KeyPress:
                self.use(Tool.LOOK)
                return True
        return super().eventFilter(watched, event)

    @property
    def readout(self) -> str:
        """The picked points' result, or an instruction; may be empty."""
        if self.tool in TO_DRAW:
            return f"{TO_DRAW[self.tool]} Esc leaves the tool."
        if self.measurement is not None:
            return on_screen(self.measurement.words)
        if len(self.probes) == 2 or (self.probes and self._measured_with is Tool.DIAMETER):
            return NOT_FOUND.get(self._measured_with, "")
        if self.probes and self.tool not in IN_TWO:
            return self._point_text(self.probes[0])
        if self.tool is Tool.LOOK:
            return ""
        what = WANTED_NEXT[self.tool] if self.probes else WANTED[self.tool]
        return f"Click {what}, in either view. Esc leaves the tool."

    def _defect_of_interest(self) -> Defect | None:
        """The selected one, else the strongest."""
        found = None if self._entry is None else self._entry.detection
        if found is None or not found.defects:
            return None
        return found.defects[min(self._session.selection.defect or 0, len(found.defects) - 1)]

    def _of_interest(self) -> DoubleArray:
        """The highest-scoring point of a defect, around the shape's origin, (3,)."""
        entry, defect = self._entry, self._defect_of_interest()
        found = None if entry is None else entry.detection
        if entry is None or entry.shape is None or entry.scan is None or found is None or defect is None:
            return np.zeros(3)
        hottest = defect.members[int(np.argmax(found.point_scores[defect.members]))]
        return np.asarray(entry.scan.points[hottest] - entry.shape.origin)

    def _add(self, probe: Probe) -> None:
        goes_on = self.tool in IN_TWO and len(self.probes) == 1
        self.probes = [*self.probes, probe] if goes_on else [probe]
        self._measure()

    def _measure(self, *_: object) -> None:
        """Recompute from the picked points."""
        self.measurement = self._measured()
        self._tell()

    def _measured(self) -> Measurement | None:
        entry = self._entry
        if entry is None or entry.scan is None or entry.shape is None or not self.probes:
            return None
        if self._measured_with is Tool.DIAMETER:
            return diameter(entry, self.probes[0], self._text)
        if len(self.probes) < 2:
            return None
        if self._measured_with is Tool.FACES:
            return face_to_face(entry, self.probes, self._text)
        return point_to_point(self.probes, self._text)

    def _text(self, length: float) -> str:
        """Format a length in the defects' unit."""
        found = None if self._entry is None else self._entry.raw
        shape = None if self._entry is None else self._entry.shape
        like = DETAIL * (1.0 if shape is None else shape.radius)
        return wording.lengths_of(found, self._session.unit).text(length, like)

    @property
    def length(self) -> str:
        """The measured value between two points, or ""."""
        return self.measurement.value if len(self.probes) == 2 and self.measurement is not None else ""

    def _tell(self, *_: object) -> None:
        self._clouds.show_probes(self.probes, self.length)
        self.changed.emit()

    def _point_text(self, probe: Probe) -> str:
        place = "  ".join(f"{axis} {self._coordinate(v)}" for axis, v in zip("xyz", probe.place, strict=True))
        unit = f" {self._session.unit}" if self._session.unit else ""
        if probe.row is None:
            return f"{place}{unit}   ·   on the {self._beside()}"
        found = None if self._entry is None else self._entry.detection
        if found is None:
            return f"{place}{unit}"
        score = float(found.point_scores[probe.row])
        if np.isnan(score):
            return f"{place}{unit}   ·   not evaluated"
        limit = found.point_threshold
        share = f" ({of_limit(score / limit)})" if limit > 0 else ""
        inside = [rank for rank, defect in enumerate(found.defects, 1) if probe.row in defect.members]
        where = f"defect {inside[0]}" if inside else "no defect"
        return f"{place}{unit}   ·   score {score:.3g}{share}   ·   {where}"

    def _beside(self) -> str:
        beside = self._clouds.beside
        return (beside if self._entry is None else self._entry.shown_as(beside)).value.lower()

    def _coordinate(self, value: float) -> str:
        shape = None if self._entry is None else self._entry.shape
        return wording.number(value, DETAIL * (1.0 if shape is None else shape.radius))
