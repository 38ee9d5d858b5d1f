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

from app.views.camera import Pose, between, fitting_distance, home, place, towards
from app.views.colours import SURFACE, Rgb, heat
from app.widgets.theme import Theme
from sedir_core.types import Defect, Detection, FloatArray, Scan

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


_NOTHING = (np.empty((0, 3), np.float32), np.empty((0, 3), np.uint8))


class LinkedClouds(QWidget):
    """Shows a scan, its detection and the chosen defect; `built` once the graphics are there."""

    built = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._left: CloudView | None = None
        self._right: CloudView | None = None
        self._scan: Scan | None = None
        self._detection: Detection | None = None
        self._chosen: int | None = None
        self._at_home = True  # nobody has moved the camera
        self._colour_limit = 1.0
        self._layer = Layer.HEAT
        self._origin = np.zeros(3)
        self._radius = 1.0
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
        self._show_boxes()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        if self._at_home:
            self.reset_camera()

    # Content

    def set_layer(self, layer: Layer) -> None:
        """What the left view shows of the scan."""
        self._layer = layer
        self._left_pane.set_title(layer.value)
        self._show_all()

    def swap(self) -> None:
        """Exchange left and right."""
        self._splitter.insertWidget(0, self._splitter.widget(1))

    def show_result(self, scan: Scan | None, detection: Detection | None, colour_limit: float = 1.0) -> None:
        """Show a scan, grey where there is no detection yet. Another scan gets a fresh camera.

        colour_limit: the point score in the middle of the scale; the calibrated limit, whatever the operator set.
        """
        another = scan is not self._scan
        if not another and detection is self._detection:
            return
        same_scores = not another and _scores(detection) is _scores(self._detection)
        self._scan, self._detection, self._chosen, self._colour_limit = scan, detection, None, colour_limit
        if same_scores:
            self._show_boxes()
            return
        if another:
            self._origin, self._radius = place(scan)
        self._show_all()
        if another:
            self.reset_camera()

    def choose_defect(self, index: int | None) -> None:
        """Highlight a defect and fly to it; None highlights nothing and stays."""
        if index is None and self._chosen is None:
            return
        self._chosen = index
        self._show_boxes()
        if self._detection is not None and index is not None:
            self._fly_to(self._detection.defects[index])

    def reset_camera(self) -> None:
        """The whole part, from the front right."""
        self._flight.stop()
        self._at_home = True
        self._set_pose(self._home())
        for view in self.views:
            view.settle()

    def _show_all(self) -> None:
        if self._left is None or self._right is None:
            return
        self._left.show_points(*self._left_cloud())
        self._right.show_points(*self._surface())
        self._left_pane.set_note("" if self._scan is None else self._scan.name)
        self._right_pane.set_note("" if self._detection is None else "the expected surface")
        self._show_boxes()

    def _left_cloud(self) -> tuple[NDArray[np.float32], Rgb]:
        """What the left view shows: the scan in the chosen layer's colours, and for `BOTH` the surface with it."""
        if self._scan is None:
            return _NOTHING
        keep = self._scan.finite
        points = self._local(self._scan.points[keep])
        if self._detection is None or self._layer is Layer.PLAIN:
            return points, np.full((len(points), 3), SURFACE, np.uint8)
        colours = heat(self._detection.point_scores, self._colour_limit)[keep]
        if self._layer is Layer.HEAT:
            return points, colours
        surface, grey = self._surface()
        return np.concatenate([points, surface]), np.concatenate([colours, grey])

    def _surface(self) -> tuple[NDArray[np.float32], Rgb]:
        if self._detection is None:
            return _NOTHING
        surface = self._local(self._detection.reconstruction)
        return surface, np.full((len(surface), 3), SURFACE, np.uint8)

    def _show_boxes(self) -> None:
        from_defects = self._detection.defects if self._detection is not None else ()
        if not self.views:
            return
        from app.views.cloud import Box

        margin = 0.012 * self._radius
        boxes = []
        for index, defect in enumerate(from_defects):
            low, high = self._bounds(defect)
            boxes.append(Box(low - margin, high + margin, str(index + 1), index == self._chosen))
        for view in self.views:
            view.show_boxes(boxes, self._theme.view_ink, self._theme.view_accent)

    def _bounds(self, defect: Defect) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        assert self._scan is not None
        members = self._scan.points[defect.members] - self._origin
        return members.min(axis=0), members.max(axis=0)

    def _local(self, points: NDArray[np.float64]) -> NDArray[np.float32]:
        # Georeferenced coordinates lose centimetres as float32; around the part's own centre they do not.
        return (points - self._origin).astype(np.float32)

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
        return home(self._distance(self._radius))

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


def _scores(detection: Detection | None) -> FloatArray | None:
    return None if detection is None else detection.point_scores


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
