"""Frames and callouts of defects over a 3D view; no callout ever stands on another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen

from app.views.overlay import Overlay

EDGES = ((0, 1), (1, 3), (3, 2), (2, 0), (4, 5), (5, 7), (7, 6), (6, 4), (0, 4), (1, 5), (2, 6), (3, 7))
DARK = "#101317"
GAP_PX = 6.0
DOT_PX = 3.0
PADDING_PX = 6.0
# Where a callout may stand, in steps of its own size from the middle of its frame's top edge: above, then around.
TRIES = ((0, 0), (1, 0), (-1, 0), (0, -1), (1, -1), (-1, -1), (2, 0), (-2, 0), (0, -2), (2, -1), (-2, -1))


@dataclass(frozen=True)
class Mark:
    """A box, low and high corner (3,) around the shape's origin; `label` None makes it a dot.

    detail: what the callout says after the number, such as the defect's peak.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    label: str | None
    chosen: bool
    detail: str = ""

    @property
    def corners(self) -> NDArray[np.float64]:
        ends = (self.low, self.high)
        return np.array([(ends[x][0], ends[y][1], ends[z][2]) for x in (0, 1) for y in (0, 1) for z in (0, 1)])


class Marks:
    """Drawn over one view, the strongest defect first: where two callouts compete for a place, the first gets it."""

    def __init__(self, overlay: Overlay) -> None:
        self._overlay = overlay
        self._marks: list[Mark] = []
        self._ink, self._accent = "#ffffff", "#ffffff"
        overlay.drawings.append(self)

    def show_marks(self, marks: list[Mark], ink: str, accent: str) -> None:
        self._marks, self._ink, self._accent = marks, ink, accent
        self._overlay.update()

    def at(self, place: QPointF) -> int | None:
        """Index of the mark whose callout is there; a dot answers too."""
        for index, room in self.callouts().items():
            if room.contains(place):
                return index
        for index, mark in enumerate(self._marks):
            if mark.label is None and (seen := self._overlay.seen(mark.corners)) is not None:
                middle = QPointF(float(seen[:, 0].mean()), float(seen[:, 1].mean()))
                if (middle - place).manhattanLength() <= 2 * DOT_PX:
                    return index
        return None

    def callouts(self) -> dict[int, QRectF]:
        """Where each callout stands, in the widget's pixels; those that are out of the picture are left out."""
        bold, plain = QFontMetricsF(self._font(bold=True)), QFontMetricsF(self._font(bold=False))
        taken: dict[int, QRectF] = {}
        for index in sorted(range(len(self._marks)), key=lambda index: not self._marks[index].chosen):
            mark = self._marks[index]
            if mark.label is None or (seen := self._overlay.seen(mark.corners)) is None:
                continue
            width = bold.horizontalAdvance(mark.label) + 2 * PADDING_PX
            width += plain.horizontalAdvance(mark.detail) + PADDING_PX if mark.detail else 0.0
            height = bold.height() + 4
            anchor = QPointF(float(seen[:, 0].mean()), float(seen[:, 1].min()) - GAP_PX - height / 2)
            for right, down in TRIES:
                middle = anchor + QPointF(right * (width + 3), down * (height + 3))
                room = QRectF(middle.x() - width / 2, middle.y() - height / 2, width, height)
                room = _inside(room, QRectF(self._overlay.rect()).adjusted(4, 4, -4, -4))
                if not any(room.adjusted(-1, -1, 1, 1).intersects(other) for other in taken.values()):
                    taken[index] = room
                    break
        return taken

    def paint(self, painter: QPainter, overlay: Overlay) -> None:
        for mark in self._marks:
            seen = overlay.seen(mark.corners)
            if seen is None:
                continue
            colour = QColor(self._accent if mark.chosen else self._ink)
            if mark.label is None:
                paint_dot(painter, QPointF(float(seen[:, 0].mean()), float(seen[:, 1].mean())), colour, DOT_PX)
                continue
            colour.setAlphaF(1.0 if mark.chosen else 0.5)
            painter.setPen(QPen(colour, 2.0 if mark.chosen else 1.0))
            painter.drawLines([QLineF(*seen[a, :2].tolist(), *seen[b, :2].tolist()) for a, b in EDGES])
        for index, room in self.callouts().items():
            self._paint_callout(painter, self._marks[index], room)

    def _paint_callout(self, painter: QPainter, mark: Mark, room: QRectF) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._accent if mark.chosen else self._ink))
        painter.drawRoundedRect(room, 4, 4)
        painter.setPen(QColor(DARK))
        inside = room.adjusted(PADDING_PX, 0, -PADDING_PX, 0)
        side = Qt.AlignmentFlag.AlignLeft if mark.detail else Qt.AlignmentFlag.AlignHCenter
        painter.setFont(self._font(bold=True))
        painter.drawText(inside, int(side | Qt.AlignmentFlag.AlignVCenter), mark.label or "")
        painter.setFont(self._font(bold=False))
        painter.drawText(inside, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), mark.detail)

    def _font(self, bold: bool) -> QFont:
        font = QFont(self._overlay.font())
        font.setBold(bold)
        return font


def paint_dot(painter: QPainter, middle: QPointF, colour: QColor, radius_px: float) -> None:
    """A dot with a dark rim, which shows on every ground."""
    painter.setPen(QPen(QColor(DARK), 1.0))
    painter.setBrush(colour)
    painter.drawEllipse(middle, radius_px, radius_px)


def _inside(room: QRectF, whole: QRectF) -> QRectF:
    x = min(max(room.left(), whole.left()), max(whole.right() - room.width(), whole.left()))
    y = min(max(room.top(), whole.top()), max(whole.bottom() - room.height(), whole.top()))
    return QRectF(x, y, room.width(), room.height())
