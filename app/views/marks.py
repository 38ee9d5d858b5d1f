"""Marks over a 3D view: frames and numbers of defects, painted by Qt, sharp at every scale and never on each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QLineF, QObject, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app.views.camera import Pose, project

EDGES = ((0, 1), (1, 3), (3, 2), (2, 0), (4, 5), (5, 7), (7, 6), (6, 4), (0, 4), (1, 5), (2, 6), (3, 7))
DARK = "#101317"
GAP_PX = 6.0
DOT_PX = 3.0
# Where a number may stand, in steps of its own size from the middle of its frame's top edge: above, then around.
TRIES = ((0, 0), (1, 0), (-1, 0), (0, -1), (1, -1), (-1, -1), (2, 0), (-2, 0), (0, -2), (2, -1), (-2, -1))


@dataclass(frozen=True)
class Mark:
    """A box, low and high corner (3,) around the shape's origin; `label` None makes it a dot."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    label: str | None
    chosen: bool

    @property
    def corners(self) -> NDArray[np.float64]:
        ends = (self.low, self.high)
        return np.array([(ends[x][0], ends[y][1], ends[z][2]) for x in (0, 1) for y in (0, 1) for z in (0, 1)])


class Marks(QWidget):
    """A transparent layer over the view `over`; the mouse goes through it."""

    def __init__(self, over: QWidget) -> None:
        super().__init__(over)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._marks: list[Mark] = []
        self._ink, self._accent = "#ffffff", "#ffffff"
        self._pose: Pose | None = None
        self._view_angle_deg = 30.0
        over.installEventFilter(self)
        self.setGeometry(over.rect())

    def show_marks(self, marks: list[Mark], ink: str, accent: str) -> None:
        """The strongest first: where two numbers compete for a place, the first gets it."""
        self._marks, self._ink, self._accent = marks, ink, accent
        self.update()

    def set_camera(self, pose: Pose, view_angle_deg: float) -> None:
        self._pose, self._view_angle_deg = pose, view_angle_deg
        self.update()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        if event.type() is QEvent.Type.Resize:
            self.setGeometry(self.parentWidget().rect())
        return super().eventFilter(watched, event)

    def numbers(self) -> dict[str, QRectF]:
        """Where each number stands, in the widget's pixels; those that are out of the picture are left out."""
        metrics = QFontMetricsF(self._font())
        taken: dict[str, QRectF] = {}
        for mark in sorted(self._marks, key=lambda mark: not mark.chosen):
            if mark.label is None or (seen := self._seen(mark.corners)) is None:
                continue
            width, height = metrics.horizontalAdvance(mark.label) + 12, metrics.height() + 4
            anchor = QPointF(float(seen[:, 0].mean()), float(seen[:, 1].min()) - GAP_PX - height / 2)
            for right, down in TRIES:
                middle = anchor + QPointF(right * (width + 3), down * (height + 3))
                room = QRectF(middle.x() - width / 2, middle.y() - height / 2, width, height)
                room = _inside(room, QRectF(self.rect()).adjusted(4, 4, -4, -4))
                if not any(room.adjusted(-1, -1, 1, 1).intersects(other) for other in taken.values()):
                    taken[mark.label] = room
                    break
        return taken

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for mark in self._marks:
            seen = self._seen(mark.corners)
            if seen is None:
                continue
            colour = QColor(self._accent if mark.chosen else self._ink)
            if mark.label is None:
                _paint_dot(painter, seen, colour)
                continue
            colour.setAlphaF(1.0 if mark.chosen else 0.5)
            painter.setPen(QPen(colour, 2.0 if mark.chosen else 1.0))
            painter.drawLines([QLineF(*seen[a, :2].tolist(), *seen[b, :2].tolist()) for a, b in EDGES])
        chosen = {mark.label for mark in self._marks if mark.chosen}
        for label, room in self.numbers().items():
            self._paint_number(painter, label, room, label in chosen)

    def _paint_number(self, painter: QPainter, label: str, room: QRectF, chosen: bool) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._accent if chosen else self._ink))
        painter.drawRoundedRect(room, 4, 4)
        painter.setPen(QColor(DARK))
        painter.setFont(self._font())
        painter.drawText(room, int(Qt.AlignmentFlag.AlignCenter), label)

    def _seen(self, places: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """Pixels of these places; None if one is behind the camera or all are out of the picture."""
        if self._pose is None:
            return None
        seen = project(places, self._pose, self._view_angle_deg, self.width(), self.height())
        x, y = seen[:, 0], seen[:, 1]
        outside = x.max() < 0 or x.min() > self.width() or y.max() < 0 or y.min() > self.height()
        return None if outside or (seen[:, 2] <= 0).any() else seen

    def _font(self) -> QFont:
        font = QFont(self.font())
        font.setBold(True)
        return font


def _paint_dot(painter: QPainter, seen: NDArray[np.float64], colour: QColor) -> None:
    painter.setPen(QPen(QColor(DARK), 1.0))
    painter.setBrush(colour)
    painter.drawEllipse(QPointF(float(seen[:, 0].mean()), float(seen[:, 1].mean())), DOT_PX, DOT_PX)


def _inside(room: QRectF, whole: QRectF) -> QRectF:
    x = min(max(room.left(), whole.left()), max(whole.right() - room.width(), whole.left()))
    y = min(max(room.top(), whole.top()), max(whole.bottom() - room.height(), whole.top()))
    return QRectF(x, y, room.width(), room.height())
