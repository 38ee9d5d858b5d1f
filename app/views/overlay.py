"""What Qt paints over a 3D view: sharp at every scale, never hidden by points, transparent to the mouse."""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from app.views.camera import CameraPose, project


class Drawing(Protocol):
    """Something that can be painted over a view."""

    def paint(self, painter: QPainter, overlay: Overlay) -> None: ...


class Overlay(QWidget):
    """A layer over the widget `over`, transparent to the mouse. Its drawings are painted in order."""

    def __init__(self, over: QWidget) -> None:
        super().__init__(over)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.drawings: list[Drawing] = []
        self._pose: CameraPose | None = None
        self._view_angle_deg = 30.0
        over.installEventFilter(self)
        self.setGeometry(over.rect())

    def set_camera(self, pose: CameraPose, view_angle_deg: float) -> None:
        self._pose, self._view_angle_deg = pose, view_angle_deg
        self.update()

    def seen(self, places: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """(n, 3) places around the shape's origin as pixels and depth; None if one is behind the camera or all are
        out of the picture."""
        if self._pose is None:
            return None
        seen = project(places, self._pose, self._view_angle_deg, self.width(), self.height())
        x, y = seen[:, 0], seen[:, 1]
        outside = x.max() < 0 or x.min() > self.width() or y.max() < 0 or y.min() > self.height()
        return None if outside or (seen[:, 2] <= 0).any() else seen

    def axes(self) -> NDArray[np.float64] | None:
        """(3, 3): right, up and towards the viewer; None before there is a camera."""
        if self._pose is None:
            return None
        towards = np.subtract(self._pose.position, self._pose.focus)
        towards = towards / max(float(np.linalg.norm(towards)), 1e-12)
        right = np.cross(self._pose.up, towards)
        right = right / max(float(np.linalg.norm(right)), 1e-12)
        return np.stack([right, np.cross(towards, right), towards])

    def length_of_pixel(self) -> float | None:
        """In the scan's coordinates, where the camera looks at; None before there is a camera."""
        if self._pose is None or self.height() <= 0:
            return None
        away = float(np.linalg.norm(np.subtract(self._pose.position, self._pose.focus)))
        return 2 * away * math.tan(math.radians(self._view_angle_deg / 2)) / self.height()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        if event.type() is QEvent.Type.Resize and isinstance(watched, QWidget):
            self.setGeometry(watched.rect())
        return super().eventFilter(watched, event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for drawing in self.drawings:
            drawing.paint(painter, self)
