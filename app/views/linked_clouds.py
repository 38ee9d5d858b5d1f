"""Two 3D views with one camera: the scan with its heatmap on the left, what the model considers normal on the right.

VTK is loaded by `build`; content set before that is shown afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QWidget

from app.state.entries import Beside, Entry
from app.state.shapes import Shape
from app.views.camera import CameraPose
from app.views.colours import Look
from app.views.defect_marks import bounds, defect_marks
from app.views.facing import side_of
from app.views.layer_notes import what_is_blue, why_empty, why_missing
from app.views.layers import NOTHING, Composer, Layer, Picture, ShownLengths, Wanted, missing_marked, plain
from app.views.laying import Laying
from app.views.outlines import OutlineTool, region_of
from app.views.pane import Pane
from app.views.picking import Probe
from app.views.section import CuttingPlane, corners
from app.views.section_dimming import dimmed
from app.views.shared_camera import SharedCamera
from app.views.turns import Turns
from app.views.zone_drawing import DrawnZone
from app.widgets.theme import Theme
from sedir_core.drawing.deviation_scale import DeviationScale
from sedir_core.types import Defect, Detection, DoubleArray, FloatArray

if TYPE_CHECKING:
    from app.views.cloud import CloudView

LEAST_PANE_PX = 230
"""If two views would each be narrower than this, only one is shown."""
TELLING = 20_000
"""Points used to decide whether a place is behind the part."""


class LinkedClouds(QWidget):
    """Shows a scan, its detection and the chosen defect; emits `built` once the 3D views exist."""

    built = Signal()
    layer_changed = Signal()
    beside_changed = Signal(object)  # Beside: what the right view should show
    arrived = Signal()  # at the chosen defect
    defect_clicked = Signal(int)  # its callout
    point_clicked = Signal(object)  # Probe, where `set_aiming` asked for points
    region_drawn = Signal(object)  # ZonePlace, where `set_outlining` asked for one, or None if nothing was enclosed

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._left: CloudView | None = None
        self._right: CloudView | None = None
        self._entry: Entry | None = None
        self._chosen: int | None = None
        self._wanted = Wanted()
        self._compared: tuple[Entry | None, Wanted] = (None, Wanted())
        self._composer, self._other_composer = Composer(), Composer()
        self._laying = Laying()
        self._notes = ("", "")
        self._plane: CuttingPlane | None = None
        self._probes: tuple[Sequence[Probe], str] = ((), "")
        self._zones: Sequence[DrawnZone] = ()
        self._aiming = False
        self._outlining: OutlineTool | None = None
        self._single = False  # the user chose a single view
        self._alone = False  # there is no room for two
        self._unit: tuple[float, Callable[[float], str]] = (1.0, str)
        self._words: Callable[[Defect, Detection], str] = lambda defect, found: ""
        self._camera = SharedCamera(self)
        self._camera.arrived.connect(self.arrived)
        self._splitter = QSplitter(childrenCollapsible=False)
        self._left_pane, self._right_pane = Pane(Layer.HEAT.value), Pane(Beside.EXPECTED.value)
        self._splitter.addWidget(self._left_pane)
        self._splitter.addWidget(self._right_pane)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._splitter)

    # Lifecycle

    def build(self) -> None:
        """Create the 3D views. Blocks while the graphics driver starts."""
        from app.views.cloud import CloudView

        turns = Turns(self)
        self._left, self._right = CloudView(turns), CloudView(turns)
        self._camera.views = self.views
        self._left_pane.set_view(self._left)
        self._right_pane.set_view(self._right)
        for view, pane in ((self._left, self._left_pane), (self._right, self._right_pane)):
            view.focused.connect(pane.show_focus)
        for view, other in ((self._left, self._right), (self._right, self._left)):
            view.moved.connect(lambda view=view, other=other: self._camera.follow(view, other))
            view.clicked.connect(lambda place, view=view: self._on_clicked(view, place))
        self._left.outliner.drawn.connect(self._on_drawn)
        self.set_theme(self._theme)
        self.set_look(self._wanted.look)
        self.set_aiming(self._aiming)
        self.set_outlining(self._outlining)
        self.reset_camera()
        self._right.cube.show(False)
        for view in self.views:
            view.prepare()
        self.built.emit()

    @property
    def views(self) -> tuple[CloudView, ...]:
        """Left and right; empty before `build`."""
        return (self._left, self._right) if self._left and self._right else ()

    def close_views(self) -> None:
        """Stop the animation and release the graphics, left before right."""
        self._camera.stop()
        views = self.views
        self._left = self._right = None
        self._camera.views = ()
        for view in views:
            view.close_view()

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        for view in self.views:
            view.set_background(theme.view_bottom, theme.view_top)
        self._show_drawings()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        self._show_panes()
        if self._camera.at_home:
            self.reset_camera()

    # Content

    @property
    def single(self) -> bool:
        """Whether the user chose a single view; a narrow window shows one regardless."""
        return self._single

    def set_single(self, on: bool) -> None:
        """Show the scan alone, or with the expected surface beside it."""
        self._single = on
        self._show_panes()

    def set_alone(self, on: bool) -> None:
        """Force a single view, whatever the user's setting."""
        self._alone = on
        self._show_panes()

    def _show_panes(self) -> None:
        fits = self.width() >= 2 * LEAST_PANE_PX + self._splitter.handleWidth()
        self._right_pane.setVisible(fits and not self._single and not self._alone)

    @property
    def layer(self) -> Layer:
        return self._wanted.layer

    def set_layer(self, layer: Layer) -> None:
        """What the left view shows of the scan."""
        self._want(layer=layer)
        self.layer_changed.emit()

    @property
    def beside(self) -> Beside:
        return self._wanted.beside

    def set_beside(self, beside: Beside) -> None:
        """What the right view shows."""
        if beside is not self.beside:
            self._want(beside=beside)
            self.beside_changed.emit(beside)

    def set_deviation(self, scale: DeviationScale, rigid: bool, instead: ShownLengths | None = None) -> None:
        """How deviations are coloured. scale: in the scan's unit. rigid: keep the smooth part-to-part variation.

        instead: other lengths for the left view, such as the deviation from the scan at the right.
        """
        if (scale, rigid, instead) != (self._wanted.scale, self._wanted.rigid, self._wanted.instead):
            self._want(scale=scale, rigid=rigid, instead=instead)

    def set_look(self, look: Look) -> None:
        """Colour map and scale, depth shading, size of points."""
        for view in self.views:
            view.set_look(look)
        self._want(look=look)

    def _want(self, **changes: object) -> None:
        self._wanted = replace(self._wanted, **changes)  # type: ignore[arg-type]  # checked by the dataclass
        self._show_all()

    def set_blend(self, share: float) -> None:
        """Share of the reconstruction's points in `Layer.BOTH`, 0..1; the rest are the scan's."""
        self._wanted = replace(self._wanted, blend=share)
        if self.layer is Layer.BOTH:
            self._show_all()

    def swap(self) -> None:
        """Exchange left and right."""
        right = self._splitter.widget(1)
        assert right is not None
        self._splitter.insertWidget(0, right)

    def show_entry(self, entry: Entry | None, colour_limit: float = 1.0) -> None:
        """Show a scan, without heatmap while there is no detection. A different scan resets the camera.

        colour_limit: the point score at the middle of the scale: the calibrated limit, whatever the operator set.
        """
        old, self._entry = self._entry, entry
        self._camera.aim_at(entry)
        other_limit = colour_limit != self._wanted.limit
        self._wanted = replace(self._wanted, limit=colour_limit)
        self._chosen = None
        if _drawn(entry) != _drawn(old) or other_limit:
            self._show_all()
        else:
            self._show_drawings()
        judged = entry is not None and old is not None and entry.front != old.front
        if _points(entry) is not _points(old) or (self._camera.at_home and judged):
            self.reset_camera()

    def show_compared(self, entry: Entry | None, colour_limit: float, scale: DeviationScale | None) -> None:
        """Set the scan shown on the right for `Beside.SCAN`, with its own limit and unit."""
        old, self._compared = self._compared, (entry, Wanted(limit=colour_limit, scale=scale))
        if self.beside is Beside.SCAN and (_drawn(entry) != _drawn(old[0]) or old[1] != self._compared[1]):
            self._show_all()

    def set_notes(self, left: str, right: str) -> None:
        """Text after the titles of the views."""
        self._notes = left, right
        self._say()

    def choose_defect(self, index: int | None) -> None:
        """Highlight a defect and fly to it; None clears the highlight and keeps the camera."""
        if index is None and self._chosen is None:
            return
        self._chosen = index
        self._show_drawings()
        if self._detection is not None and index is not None:
            defect = self._detection.defects[index]
            low, high = bounds(self._entry, defect)
            shape = None if self._entry is None else self._entry.shape
            way = None if shape is None or not len(shape) else side_of(shape, defect, (low + high) / 2)
            self._camera.fly_to(low, high, way)

    def tell_with(
        self, factor: float, length: Callable[[float], str], words: Callable[[Defect, Detection], str]
    ) -> None:
        """factor: from scan coordinates to the display unit. length: formats a length in that unit.

        words: text of a defect's callout after its number.
        """
        self._unit, self._words = (factor, length), words
        self._show_drawings()

    def show_plane(self, plane: CuttingPlane | None) -> None:
        """Dim all points outside this section plane; None ends the section."""
        self._plane = plane
        self._show_all()

    def show_zones(self, zones: Sequence[DrawnZone]) -> None:
        """Overlay regions of the part."""
        self._zones = zones
        self._show_drawings()

    def show_probes(self, probes: Sequence[Probe], length: str) -> None:
        """Picked points, and the label of the line between two of them."""
        self._probes = probes, length
        self._show_drawings()

    def set_aiming(self, on: bool) -> None:
        """Whether a click picks a point."""
        self._aiming = on
        for view in self.views:
            view.set_aiming(on)

    def set_outlining(self, kind: OutlineTool | None) -> None:
        """What the mouse draws over the scan; None turns the camera again."""
        self._outlining = kind
        if self._left is not None:
            self._left.outliner.use(kind)

    def finish(self) -> None:
        """Draw all points now, as for a picture to be saved."""
        for view in self.views:
            view.finish()

    @property
    def _detection(self) -> Detection | None:
        return None if self._entry is None else self._entry.detection

    @property
    def _origin(self) -> NDArray[np.float64]:
        shape = _shape(self._entry)
        return np.zeros(3) if shape is None else shape.origin

    def _show_all(self) -> None:
        if self._left is None or self._right is None:
            return
        self._left.show_picture(dimmed(self._composer.picture(self._entry, self._wanted), self._plane))
        self._right.show_picture(dimmed(self._picture_beside(), self._plane))
        self._say()
        self._show_drawings()

    def _picture_beside(self) -> Picture:
        if self.beside is Beside.SCAN:
            entry, own = self._compared
            like = replace(self._wanted, limit=own.limit, scale=own.scale, beside=Beside.EXPECTED, instead=None)
            picture = self._other_composer.picture(entry, like)
            return (
                picture
                if picture.shape is None
                else replace(picture, shape=self._laying.laid(picture.shape, entry, self._entry))
            )
        surface = None if self._entry is None else self._entry.surfaces.get(self._entry.shown_as(self.beside))
        if surface is None:
            return NOTHING
        return Picture(surface, missing_marked(surface) if self.layer is Layer.DEVIATION else plain)

    def _say(self) -> None:
        """Titles and notes of both views."""
        beside = self.beside if self._entry is None else self._entry.shown_as(self.beside)
        self._left_pane.set_title(self.layer.value)
        self._right_pane.set_title(beside.value)
        self._left_pane.set_note(self._notes[0] + why_missing(self._entry, self._wanted))
        self._right_pane.set_note(
            self._notes[1] + what_is_blue(self._entry, self._wanted) + why_empty(self._entry, self._wanted)
        )
        for view, title in zip(self.views, (self.layer.value, beside.value), strict=False):
            view.name(title)

    def _show_drawings(self) -> None:
        """Update everything that Qt paints over the points."""
        marks = defect_marks(self._entry, self._chosen, self._words)
        probes, length = self._probes
        places = np.array([probe.place - self._origin for probe in probes]).reshape(-1, 3)
        shape, accent = _shape(self._entry), self._theme.view_accent
        square = None if self._plane is None or shape is None else corners(shape, self._plane)
        for view in self.views:
            own = view is self._left or self.beside is not Beside.SCAN  # a different scan has different defects
            view.plane.show_plane(square, accent)
            view.zones.show_zones(self._zones if own else (), self._origin, (accent, self._theme.view_warning))
            view.marks.show_marks(marks if own else [], self._theme.view_ink, accent)
            view.marks.set_surface(*_telling(shape))
            view.scale_bar.set_unit(*self._unit, self._theme.view_ink)
            view.probes.show_probes(places if own else places[:0], length if own else "", accent)

    # The mouse

    def _on_clicked(self, view: CloudView, place: QPointF) -> None:
        callout = view.marks.at(place)
        if (side := view.cube.at(place)) is not None:
            self.look_from(side)
        elif not self._aiming:
            if callout is not None:
                self.defect_clicked.emit(callout)
        elif (probe := self._probe(view, view.point_at(place))) is not None:
            self.point_clicked.emit(probe)

    def _on_drawn(self, drawn: DoubleArray) -> None:
        sight = None if self._left is None else self._left.sight
        if self._outlining is not None and sight is not None:
            self.region_drawn.emit(region_of(self._outlining, drawn, sight))

    def _probe(self, view: CloudView, index: int | None) -> Probe | None:
        """The point of the scan, or of the surface beside it, with that index in the view's picture."""
        entry, shape = self._entry, view.shape
        if index is None or shape is None or entry is None or entry.shape is None or entry.scan is None:
            return None
        if view is self._right and self.beside is Beside.SCAN:
            return None  # lengths between two different scans are meaningless
        row = int(shape.rows[index])
        of_scan = view is self._left and row < len(entry.scan)  # in a blend, the scan's points come first
        if of_scan:
            return Probe(entry.scan.points[row], row)
        return Probe(shape.points[index].astype(np.float64) + shape.origin, None)

    # Camera

    @property
    def pose(self) -> CameraPose:
        """Where the camera is."""
        return self._camera.pose

    def reset_camera(self) -> None:
        """The whole part, from the front right."""
        self._camera.reset()

    def look_from(self, side: str) -> None:
        """Fly to one of the six sides of the view cube, showing the whole part."""
        self._camera.look_from(side)


def _telling(shape: Shape | None) -> tuple[FloatArray, float]:
    """Points for the occlusion test, and their spacing."""
    if shape is None:
        return np.empty((0, 3), np.float32), 0.0
    few = shape.head(TELLING)
    return few.points, few.spacing


def _shape(entry: Entry | None) -> Shape | None:
    return None if entry is None else entry.shape


def _points(entry: Entry | None) -> FloatArray | None:
    return None if entry is None or entry.shape is None else entry.shape.points


def _drawn(entry: Entry | None) -> tuple[int, ...]:
    """The parts of an entry that are drawn, to detect changes."""
    if entry is None:
        return ()
    scores = None if entry.detection is None else entry.detection.point_scores
    return tuple(id(part) for part in (entry.shape, *entry.surfaces.values(), scores))
