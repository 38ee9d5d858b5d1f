"""Two 3D views with one camera: the scan with its heat on the left, what the model thinks is normal on the right.

VTK is loaded only when `build` is called; what should be shown before that waits.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEasingCurve, Qt, QVariantAnimation, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QSplitter, QVBoxLayout, QWidget

from app.session import Entry
from app.shapes import Shape
from app.views.camera import Pose, between, fitting_distance, home, towards
from app.views.colours import SURFACE, TRUTH, Rgb, heat
from app.views.marks import Mark
from app.widgets.theme import Theme
from sedir_core.types import Defect, Detection, FloatArray

if TYPE_CHECKING:
    from app.views.cloud import CloudView

FLIGHT_MS = 450
FOCUS_ROOM = 1.8  # what is around a defect says where it is
MIN_FOCUS_SHARE = 0.2  # of the part's radius


class Layer(Enum):
    """What the view of the scan shows; the value is its title."""

    HEAT = "Scan"
    PLAIN = "Scan without heat"
    BOTH = "Scan over reconstruction"
    DIFFERENCE = "Distance to the reconstruction"
    TRUTH = "Ground truth"


MOST_NUMBERED = 5
"""Defects with a frame; more would hide the part. The others are dots."""
FAR_SHARE = 0.05
"""Of the part's radius: about where the scale of the difference ends."""
_NO_COLOURS: Rgb = np.empty((0, 3), np.uint8)


class LinkedClouds(QWidget):
    """Shows a scan, its detection and the chosen defect; `built` once the graphics are there."""

    built = Signal()
    layer_changed = Signal()
    arrived = Signal()  # at the defect that was chosen

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._left: CloudView | None = None
        self._right: CloudView | None = None
        self._entry: Entry | None = None
        self._chosen: int | None = None
        self._at_home = True  # nobody has moved the camera
        self._colour_limit = 1.0
        self._layer = Layer.HEAT
        self._blend = 0.5
        self._mixed: tuple[Shape, Shape, float, Shape] | None = None  # of which two, the blend, and the mixture
        self._flight = QVariantAnimation(self, startValue=0.0, endValue=1.0, duration=FLIGHT_MS)
        self._flight.setEasingCurve(QEasingCurve.Type.InOutCubic)
        self._route: tuple[Pose, Pose] | None = None
        self._flight.valueChanged.connect(self._fly)
        self._flight.finished.connect(self._land)
        self._splitter = QSplitter(childrenCollapsible=False)
        self._left_pane, self._right_pane = _Pane("Scan"), _Pane("Reconstruction")
        self._splitter.addWidget(self._left_pane)
        self._splitter.addWidget(self._right_pane)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._splitter)

    # Life

    def build(self) -> None:
        """Create the 3D views. Blocks for the time the graphics driver needs."""
        from app.views.cloud import CloudView

        self._left, self._right = CloudView(), CloudView()
        self._left_pane.set_view(self._left)
        self._right_pane.set_view(self._right)
        self._left.moved.connect(lambda: self._follow(self._left, self._right))
        self._right.moved.connect(lambda: self._follow(self._right, self._left))
        self.set_theme(self._theme)
        self._show_all()
        self.reset_camera()
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
        self._show_marks()

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
            self._show_marks()
        if not same_shape:
            self.reset_camera()

    def choose_defect(self, index: int | None) -> None:
        """Highlight a defect and fly to it; None highlights nothing and stays."""
        if index is None and self._chosen is None:
            return
        self._chosen = index
        self._show_marks()
        if self._detection is not None and index is not None:
            self._fly_to(self._detection.defects[index])

    def reset_camera(self) -> None:
        """The whole part, from the front right."""
        self._flight.stop()
        self._at_home = True
        self._set_pose(self._home())
        for view in self.views:
            view.settle()

    def finish(self) -> None:
        """Draw all points now, as a picture to be saved needs."""
        for view in self.views:
            view.finish()

    @property
    def far(self) -> float:
        """The distance at the end of the scale of `Layer.DIFFERENCE`: depends on the part's size, on no defect."""
        return round_length(FAR_SHARE * self._radius)

    @property
    def _detection(self) -> Detection | None:
        return None if self._entry is None else self._entry.detection

    @property
    def _radius(self) -> float:
        shape = _shape(self._entry)
        return 1.0 if shape is None else shape.radius

    def _show_all(self) -> None:
        if self._left is None or self._right is None:
            return
        surface = None if self._entry is None else self._entry.surface
        self._left.show_shape(*self._left_picture(surface))
        self._right.show_shape(surface, _plain(surface))
        self._left_pane.set_title(self._layer.value)
        name = "" if self._entry is None or self._entry.scan is None else self._entry.scan.name
        self._left_pane.set_note(name + self._missing())
        self._right_pane.set_note("" if surface is None else "the expected surface")
        self._show_marks()

    def _missing(self) -> str:
        if self._layer is Layer.TRUTH and self._entry is not None and self._entry.scan is not None:
            return "" if self._entry.scan.labels is not None else " · no ground truth is known for it"
        return ""

    def _left_picture(self, surface: Shape | None) -> tuple[Shape | None, Rgb]:
        """What the left view shows: the scan in the chosen layer's colours, and for `BOTH` the surface with it."""
        shape, entry = _shape(self._entry), self._entry
        if shape is None or entry is None or entry.scan is None:
            return None, _NO_COLOURS
        if self._layer is Layer.TRUTH and entry.scan.labels is not None:
            colours = _plain(shape)
            colours[entry.scan.labels[shape.rows]] = TRUTH
            return shape, colours
        if entry.detection is None or surface is None or self._layer in (Layer.PLAIN, Layer.TRUTH):
            return shape, _plain(shape)
        if self._layer is Layer.DIFFERENCE and entry.difference is not None:
            return shape, heat(entry.difference[shape.rows], self.far / 2)
        colours = heat(entry.detection.point_scores[shape.rows], self._colour_limit)
        if self._layer is not Layer.BOTH:
            return shape, colours
        if self._mixed is None or self._mixed[0] is not shape or self._mixed[1:3] != (surface, self._blend):
            self._mixed = shape, surface, self._blend, mix(shape, surface, self._blend)
        mixed = self._mixed[3]
        return mixed, np.concatenate([colours, _plain(surface)])[mixed.rows]

    def _show_marks(self) -> None:
        defects = self._detection.defects if self._detection is not None else ()
        margin = 0.012 * self._radius
        marks = []
        for index, defect in enumerate(defects):
            low, high = self._bounds(defect)
            chosen = index == self._chosen
            label = str(index + 1) if chosen or index < MOST_NUMBERED else None
            marks.append(Mark(low - margin, high + margin, label, chosen))
        for view in self.views:
            view.show_marks(marks, self._theme.view_ink, self._theme.view_accent)

    def _bounds(self, defect: Defect) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        shape = _shape(self._entry)
        origin = np.zeros(3) if shape is None else shape.origin
        half = defect.extent / 2
        if self._entry is None or self._entry.scan is None:
            return defect.centroid - origin - half, defect.centroid - origin + half
        members = self._entry.scan.points[defect.members] - origin
        return members.min(axis=0), members.max(axis=0)

    # Camera

    def _follow(self, leader: CloudView | None, follower: CloudView | None) -> None:
        if leader is not None and follower is not None:
            self._flight.stop()
            self._at_home = False
            follower.set_pose(leader.pose)

    def _set_pose(self, pose: Pose) -> None:
        for view in self.views:
            view.set_pose(pose)

    def _home(self) -> Pose:
        shape = _shape(self._entry)
        points = np.empty((0, 3), np.float32) if shape is None else shape.points
        view = self.views[0] if self.views else None
        aspect = view.width() / max(view.height(), 1) if view else 1.0
        return home(points, view.view_angle_deg if view else 30.0, aspect)

    def _distance(self, radius: float) -> float:
        if not self.views:
            return 3.0 * radius
        view = self.views[0]
        return fitting_distance(radius, view.view_angle_deg, view.width() / max(view.height(), 1))

    def _fly_to(self, defect: Defect) -> None:
        if not self.views:
            return
        low, high = self._bounds(defect)
        reach = FOCUS_ROOM * float(np.linalg.norm(high - low)) / 2
        reach = min(max(reach, MIN_FOCUS_SHARE * self._radius), 0.8 * self._radius)
        self._route = self.views[0].pose, towards((low + high) / 2, self._distance(reach))
        self._at_home = False
        self._flight.stop()
        self._flight.start()

    def _fly(self, share: float) -> None:
        if self._route is not None:
            self._set_pose(between(*self._route, share))

    def _land(self) -> None:
        for view in self.views:
            view.settle()
        self.arrived.emit()


def mix(scan: Shape, surface: Shape, share: float) -> Shape:
    """That share of the surface's points and the rest of the scan's. rows: into the scan's points, then the surface's.

    As even subsets: see-through points would have to be sorted for every frame, and half of them looks the same.
    """
    n_scan, n_surface = round((1 - share) * len(scan)), round(share * len(surface))
    rows = np.concatenate([np.arange(n_scan), len(scan) + np.arange(n_surface)])
    order = np.random.default_rng(0).permutation(len(rows))
    points = np.concatenate([scan.points[:n_scan], surface.points[:n_surface]])[order]
    normals = np.concatenate([scan.normals[:n_scan], surface.normals[:n_surface]])[order]
    spacing = max(scan.head(n_scan).spacing if n_scan else 0.0, surface.head(n_surface).spacing if n_surface else 0.0)
    return Shape(points, normals, rows[order], spacing, scan.origin, scan.radius)


def round_length(length: float) -> float:
    """The nearest of 1, 2 or 5 times a power of ten."""
    power = 10.0 ** np.floor(np.log10(length))
    return float(min((power * step for step in (1, 2, 5, 10)), key=lambda value: abs(np.log(value / length))))


def _plain(shape: Shape | None) -> Rgb:
    return np.full((0 if shape is None else len(shape), 3), SURFACE, np.uint8)


def _shape(entry: Entry | None) -> Shape | None:
    return None if entry is None else entry.shape


def _scores(entry: Entry | None) -> FloatArray | None:
    return None if entry is None or entry.detection is None else entry.detection.point_scores


class _Pane(QFrame):
    """A titled frame around a view; before the graphics are there it says so."""

    def __init__(self, title: str) -> None:
        super().__init__(objectName="pane")
        self._title = QLabel(title, objectName="paneTitle")
        self._note = QLabel("", objectName="quiet")
        self._note.setTextFormat(Qt.TextFormat.PlainText)
        # A long file name must not push the view wider.
        self._note.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._body = QVBoxLayout()
        self._waiting = QLabel("Preparing the 3D view…", objectName="paneWaiting")
        bar = QHBoxLayout()
        bar.setContentsMargins(12, 7, 12, 7)
        bar.addWidget(self._title)
        bar.addSpacing(6)
        bar.addWidget(self._note, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(1, 0, 1, 1)
        layout.setSpacing(0)
        layout.addLayout(bar)
        layout.addWidget(self._waiting, 1)
        self.setMinimumSize(180, 180)

    def set_view(self, view: QWidget) -> None:
        layout = self.layout()
        assert layout is not None
        layout.replaceWidget(self._waiting, view)
        self._waiting.deleteLater()

    def set_title(self, text: str) -> None:
        self._title.setText(text)

    def set_note(self, text: str) -> None:
        self._note.setText(text)
