"""Two 3D views with one camera: the scan with its heat on the left, what the model thinks is normal on the right.

VTK is loaded only when `build` is called; what should be shown before that waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QWidget

from app.entries import Entry
from app.shapes import Shape
from app.views.camera import Pose, fitting_distance, home, towards
from app.views.colours import Look, Rgb
from app.views.flight import Flight
from app.views.layers import Composer, Layer, far, plain
from app.views.marks import Mark
from app.views.pane import Pane
from app.views.picking import Probe
from app.views.section import Plane, corners, in_slab
from app.views.turns import Turns
from app.widgets.theme import Theme
from sedir_core.types import Defect, Detection, FloatArray

if TYPE_CHECKING:
    from app.views.cloud import CloudView

FOCUS_ROOM = 1.8  # what is around a defect says where it is
ENOUGH = 20_000  # points that say where a part is
MIN_FOCUS_SHARE = 0.5  # of the part's radius: nearer, one sees points instead of a part
MOST_NUMBERED = 5
"""Defects with a frame; more would hide the part. The others are dots."""
OUTSIDE_DIM = 0.38
"""Brightness of points that the section plane does not touch."""


class LinkedClouds(QWidget):
    """Shows a scan, its detection and the chosen defect; `built` once the graphics are there."""

    built = Signal()
    layer_changed = Signal()
    arrived = Signal()  # at the defect that was chosen
    defect_clicked = Signal(int)  # its callout
    point_clicked = Signal(object)  # Probe, where `set_aiming` asked for points

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._left: CloudView | None = None
        self._right: CloudView | None = None
        self._entry: Entry | None = None
        self._chosen: int | None = None
        self._at_home = True  # nobody has moved the camera
        self._colour_limit = 1.0
        self._layer, self._look, self._blend = Layer.HEAT, Look(), 0.5
        self._composer = Composer()
        self._plane: Plane | None = None
        self._probes: tuple[Sequence[Probe], str] = ((), "")
        self._aiming = False
        self._flight = Flight(self)
        self._flight.moved.connect(self._set_pose)
        self._flight.landed.connect(self._land)
        self._splitter = QSplitter(childrenCollapsible=False)
        self._left_pane, self._right_pane = Pane("Scan"), Pane("Reconstruction")
        self._splitter.addWidget(self._left_pane)
        self._splitter.addWidget(self._right_pane)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._splitter)

    # Life

    def build(self) -> None:
        """Create the 3D views. Blocks for the time the graphics driver needs."""
        from app.views.cloud import CloudView

        turns = Turns(self)
        self._left, self._right = CloudView(turns), CloudView(turns)
        self._left_pane.set_view(self._left)
        self._right_pane.set_view(self._right)
        for view, other in ((self._left, self._right), (self._right, self._left)):
            view.moved.connect(lambda view=view, other=other: self._follow(view, other))
            view.clicked.connect(lambda place, view=view: self._on_clicked(view, place))
        self.set_theme(self._theme)
        self.set_look(self._look)
        self.set_aiming(self._aiming)
        self.reset_camera()
        for view in self.views:
            view.prepare()
        self.built.emit()

    @property
    def views(self) -> tuple[CloudView, ...]:
        """Left and right, or nothing before `build`."""
        return (self._left, self._right) if self._left and self._right else ()

    def close_views(self) -> None:
        """End the animation and release the graphics, left before right."""
        self._flight.stop()
        views = self.views
        self._left = self._right = None
        for view in views:
            view.close_view()

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        for view in self.views:
            view.set_background(theme.view_bottom, theme.view_top)
        self._show_drawings()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        if self._at_home:
            self.reset_camera()

    # Content

    @property
    def layer(self) -> Layer:
        return self._layer

    def set_layer(self, layer: Layer) -> None:
        """What the left view shows of the scan."""
        self._layer = layer
        self._show_all()
        self.layer_changed.emit()

    def set_look(self, look: Look) -> None:
        """Colour map and scale, depth shading, size of points."""
        self._look = look
        for view in self.views:
            view.set_look(look)
        self._show_all()

    def set_blend(self, share: float) -> None:
        """How much of the reconstruction `Layer.BOTH` shows, 0..1: that share of its points, the rest the scan's."""
        self._blend = share
        if self._layer is Layer.BOTH:
            self._show_all()

    def swap(self) -> None:
        """Exchange left and right."""
        self._splitter.insertWidget(0, self._splitter.widget(1))

    def show_entry(self, entry: Entry | None, colour_limit: float = 1.0) -> None:
        """Show a scan, without heat where there is no detection yet. Another scan gets a fresh camera.

        colour_limit: the point score in the middle of the scale; the calibrated limit, whatever the operator set.
        """
        old, self._entry, self._colour_limit = self._entry, entry, colour_limit
        self._chosen = None
        same_shape = _shape(entry) is _shape(old)
        if not same_shape or _scores(entry) is not _scores(old):
            self._show_all()
        else:
            self._show_drawings()
        if not same_shape:
            self.reset_camera()

    def choose_defect(self, index: int | None) -> None:
        """Highlight a defect and fly to it; None highlights nothing and stays."""
        if index is None and self._chosen is None:
            return
        self._chosen = index
        self._show_drawings()
        if self._detection is not None and index is not None:
            self._fly_to(self._detection.defects[index])

    def show_plane(self, plane: Plane | None) -> None:
        """Cut here: what the plane does not touch goes dim. None ends that."""
        self._plane = plane
        self._show_all()

    def show_probes(self, probes: Sequence[Probe], length: str) -> None:
        """Picked points, and what the line between two of them says."""
        self._probes = probes, length
        self._show_drawings()

    def set_aiming(self, on: bool) -> None:
        """Whether a click picks a point."""
        self._aiming = on
        for view in self.views:
            view.set_aiming(on)

    def finish(self) -> None:
        """Draw all points now, as a picture to be saved needs."""
        for view in self.views:
            view.finish()

    @property
    def far(self) -> float:
        """The distance at the end of the scale of `Layer.DIFFERENCE`."""
        return far(_shape(self._entry))

    @property
    def _detection(self) -> Detection | None:
        return None if self._entry is None else self._entry.detection

    @property
    def _radius(self) -> float:
        shape = _shape(self._entry)
        return 1.0 if shape is None else shape.radius

    @property
    def _origin(self) -> NDArray[np.float64]:
        shape = _shape(self._entry)
        return np.zeros(3) if shape is None else shape.origin

    def _show_all(self) -> None:
        if self._left is None or self._right is None:
            return
        surface = None if self._entry is None else self._entry.surface
        picture = self._composer.picture(self._entry, self._layer, self._look, self._colour_limit, self._blend)
        self._left.show_shape(*self._dimmed(*picture))
        self._right.show_shape(*self._dimmed(surface, plain(surface)))
        self._left_pane.set_title(self._layer.value)
        name = "" if self._entry is None or self._entry.scan is None else self._entry.scan.name
        self._left_pane.set_note(name + self._missing())
        self._right_pane.set_note("" if surface is None else "the expected surface")
        self._show_drawings()

    def _missing(self) -> str:
        if self._layer is Layer.TRUTH and self._entry is not None and self._entry.scan is not None:
            return "" if self._entry.scan.labels is not None else " · no ground truth is known for it"
        return ""

    def _dimmed(self, shape: Shape | None, colours: Rgb) -> tuple[Shape | None, Rgb]:
        if shape is None or self._plane is None:
            return shape, colours
        outside = ~in_slab(shape, self._plane)
        colours = colours.copy()
        colours[outside] = (colours[outside] * OUTSIDE_DIM).astype(np.uint8)
        return shape, colours

    def _show_drawings(self) -> None:
        """Everything that Qt paints over the points."""
        marks = self._defect_marks()
        probes, length = self._probes
        places = np.array([probe.place - self._origin for probe in probes]).reshape(-1, 3)
        shape, accent = _shape(self._entry), self._theme.view_accent
        square = None if self._plane is None or shape is None else corners(shape, self._plane)
        for view in self.views:
            view.plane.show_plane(square, accent)
            view.marks.show_marks(marks, self._theme.view_ink, accent)
            view.probes.show_probes(places, length, accent)

    def _defect_marks(self) -> list[Mark]:
        found = self._detection
        margin = 0.012 * self._radius
        marks = []
        for index, defect in enumerate(found.defects if found is not None else ()):
            low, high = self._bounds(defect)
            chosen = index == self._chosen
            label = str(index + 1) if chosen or index < MOST_NUMBERED else None
            marks.append(Mark(low - margin, high + margin, label, chosen, _peak(defect, found)))
        return marks

    def _bounds(self, defect: Defect) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        half = defect.extent / 2
        if self._entry is None or self._entry.scan is None:
            return defect.centroid - self._origin - half, defect.centroid - self._origin + half
        members = self._entry.scan.points[defect.members] - self._origin
        return members.min(axis=0), members.max(axis=0)

    # The mouse

    def _on_clicked(self, view: CloudView, place: QPointF) -> None:
        callout = view.marks.at(place)
        if not self._aiming:
            if callout is not None:
                self.defect_clicked.emit(callout)
        elif (probe := self._probe(view, view.point_at(place))) is not None:
            self.point_clicked.emit(probe)

    def _probe(self, view: CloudView, index: int | None) -> Probe | None:
        """The point of the scan or of the reconstruction with that index in what the view shows."""
        entry, shape = self._entry, view.shape
        if index is None or shape is None or entry is None or entry.shape is None or entry.scan is None:
            return None
        row = int(shape.rows[index])
        of_scan = view is self._left and row < len(entry.scan)  # the blend numbers the reconstruction after the scan
        if of_scan:
            return Probe(entry.scan.points[row], row)
        return Probe(shape.points[index].astype(np.float64) + shape.origin, None)

    # Camera

    @property
    def pose(self) -> Pose:
        """Where the camera is."""
        return self.views[0].pose if self.views else self._home()

    def reset_camera(self) -> None:
        """The whole part, from the front right."""
        self._flight.stop()
        self._at_home = True
        pose = self._home()
        for view in self.views:
            view.set_pose(pose, moving=False)

    def _follow(self, leader: CloudView, follower: CloudView) -> None:
        self._flight.stop()
        self._at_home = False
        follower.set_pose(leader.pose)

    def _set_pose(self, pose: Pose) -> None:
        for view in self.views:
            view.set_pose(pose)

    def _home(self) -> Pose:
        shape = _shape(self._entry)
        points = np.empty((0, 3), np.float32) if shape is None else shape.head(ENOUGH).without_strays().points
        view = self.views[0] if self.views else None
        aspect = view.width() / max(view.height(), 1) if view else 1.0
        return home(points, view.view_angle_deg if view else 30.0, aspect)

    def _distance(self, radius: float) -> float:
        view = self.views[0]
        return fitting_distance(radius, view.view_angle_deg, view.width() / max(view.height(), 1))

    def _fly_to(self, defect: Defect) -> None:
        if not self.views:
            return
        low, high = self._bounds(defect)
        reach = FOCUS_ROOM * float(np.linalg.norm(high - low)) / 2
        reach = min(max(reach, MIN_FOCUS_SHARE * self._radius), 0.8 * self._radius)
        self._at_home = False
        self._flight.start(self.views[0].pose, towards((low + high) / 2, self._distance(reach)))

    def _land(self) -> None:
        for view in self.views:
            view.settle()
        self.arrived.emit()


def _peak(defect: Defect, found: Detection | None) -> str:
    limit = 0.0 if found is None else found.point_threshold
    return f"{100 * defect.peak / limit:.0f} %" if limit > 0 else ""


def _shape(entry: Entry | None) -> Shape | None:
    return None if entry is None else entry.shape


def _scores(entry: Entry | None) -> FloatArray | None:
    return None if entry is None or entry.detection is None else entry.detection.point_scores
