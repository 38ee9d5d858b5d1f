"""One camera for views beside each other: where it is, where it flies, and that none is left behind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, Signal

from app.state.entries import Entry
from app.state.shapes import Triple
from app.views.camera import START_DIRECTION, CameraPose, fitting_distance, home, towards
from app.views.flight import Flight
from app.views.view_cube import SIDES
from sedir_core.types import DoubleArray

if TYPE_CHECKING:
    from app.views.cloud import CloudView

FOCUS_ROOM = 1.8  # enough surroundings to recognise where a defect is
ENOUGH = 20_000  # points that locate a part
MIN_FOCUS_SHARE, MOST_FOCUS_SHARE = 0.5, 0.8  # of the part's radius: closer, one sees points instead of a part


class SharedCamera(QObject):
    """views: set once they exist, and emptied before they go; the first one leads."""

    arrived = Signal()  # at the end of a flight

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.views: Sequence[CloudView] = ()
        self.at_home = True
        """Whether the camera is where it was put, rather than where the user moved it."""
        self._entry: Entry | None = None
        self._flight = Flight(self)
        self._flight.moved.connect(self._set_pose)
        self._flight.landed.connect(self._land)

    def aim_at(self, entry: Entry | None) -> None:
        """What is shown; the camera itself stays."""
        self._entry = entry

    @property
    def pose(self) -> CameraPose:
        """Where the camera is."""
        return self.views[0].pose if self.views else self._home()

    def stop(self) -> None:
        """End a flight where it is."""
        self._flight.stop()

    def reset(self) -> None:
        """The whole part, from the front right."""
        self._flight.stop()
        self.at_home = True
        pose = self._home()
        for view in self.views:
            view.set_pose(pose, moving=False)

    def look_from(self, side: str) -> None:
        """Fly to one of the six sides of the view cube, showing the whole part."""
        self.at_home = False
        if self.views:
            self._flight.start(self.views[0].pose, self._whole(SIDES[side]))

    def follow(self, leader: CloudView, follower: CloudView) -> None:
        """The user has turned one view; the other one follows."""
        self._flight.stop()
        self.at_home = False
        follower.set_pose(leader.pose)

    def fly_to(self, low: DoubleArray, high: DoubleArray, way: DoubleArray | None = None) -> None:
        """Fly to a box, given by two corners (3,) around the shape's origin. way: as in `towards`."""
        if not self.views:
            return
        shape = None if self._entry is None else self._entry.shape
        radius = 1.0 if shape is None else shape.radius
        reach = FOCUS_ROOM * float(np.linalg.norm(high - low)) / 2
        reach = min(max(reach, MIN_FOCUS_SHARE * radius), MOST_FOCUS_SHARE * radius)
        self.at_home = False
        self._flight.start(self.views[0].pose, towards((low + high) / 2, self._distance(reach), way))

    def _set_pose(self, pose: CameraPose) -> None:
        for view in self.views:
            view.set_pose(pose)

    def _land(self) -> None:
        for view in self.views:
            view.settle()
        self.arrived.emit()

    def _home(self) -> CameraPose:
        """The initial view: facing the strongest defect, otherwise from the front right."""
        front = None if self._entry is None else self._entry.front
        return self._whole(START_DIRECTION if front is None else front)

    def _whole(self, direction: Triple) -> CameraPose:
        shape = None if self._entry is None else self._entry.shape
        points = np.empty((0, 3), np.float32) if shape is None else shape.head(ENOUGH).without_strays().points
        view = self.views[0] if self.views else None
        aspect = view.width() / max(view.height(), 1) if view else 1.0
        return home(points, view.view_angle_deg if view else 30.0, aspect, direction)

    def _distance(self, radius: float) -> float:
        view = self.views[0]
        return fitting_distance(radius, view.view_angle_deg, view.width() / max(view.height(), 1))
