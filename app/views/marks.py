"""Defect callouts over a 3D view: they do not overlap, and those of hidden places look hidden."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen

from app.views.overlay import Overlay

EDGES = ((0, 1), (1, 3), (3, 2), (2, 0), (4, 5), (5, 7), (7, 6), (6, 4), (0, 4), (1, 5), (2, 6), (3, 7))
DARK = "#101317"
DOT_PX = 3.5
PADDING_PX = 7.0
LEADER_PX = 34.0
"""Distance from the place to the centre of its callout."""
TOP_PX, BOTTOM_PX, SIDE_PX = 38.0, 6.0, 6.0
"""Margin at the edges of a view and around its caption that callouts keep clear of."""
# Candidate positions of a callout, in steps of its own size from the preferred one, nearest first.
TRIES = (
    (0, 0), (0, -1), (0, 1), (1, 0), (-1, 0), (1, -1), (-1, -1), (1, 1), (-1, 1), (0, -2), (0, 2), (2, 0), (-2, 0),
    (0, -3), (0, 3), (0, -4), (0, 4), (1, -2), (-1, -2), (1, 2), (-1, 2), (1, -3), (-1, -3), (1, 3), (-1, 3), (0, -5),
    (0, 5), (0, -6), (0, 6),
)  # fmt: skip
BEHIND_SPACINGS, BEHIND_SHARE = 3.0, 0.06
"""A place is hidden if the surface is nearer by this much: in spacings of the tested points, and in part radii."""


@dataclass(frozen=True)
class Mark:
    """A box, low and high corner (3,) around the shape's origin, along its axes; `label` None makes it a dot.

    axes: (3, 3), a unit vector in each row.
    anchors: (k, 3) places of it on the surface, strongest first; the callout points at the first visible one.
    detail: text of the callout after the number.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    label: str | None
    chosen: bool
    detail: str = ""
    anchors: NDArray[np.float64] = field(default_factory=lambda: np.zeros((1, 3)))
    axes: NDArray[np.float64] = field(default_factory=lambda: np.eye(3))

    @property
    def corners(self) -> NDArray[np.float64]:
        ends = (self.low, self.high)
        own = np.array([(ends[x][0], ends[y][1], ends[z][2]) for x in (0, 1) for y in (0, 1) for z in (0, 1)])
        return np.asarray(own @ self.axes)


@dataclass(frozen=True)
class Spot:
    """Where a mark points in the picture, and whether the part hides it."""

    place: QPointF
    behind: bool


class Depths:
    """The nearest surface in each cell of the picture. seen: (n, 3) pixels and depth; margin: in depth."""

    def __init__(self, seen: NDArray[np.float64], cell: float, margin: float) -> None:
        self._cell, self._margin = cell, margin
        self._nearest: dict[tuple[int, int], float] = {}
        if len(seen):
            cells = np.floor(seen[:, :2] / cell).astype(np.int64)
            order = np.lexsort((seen[:, 2], cells[:, 1], cells[:, 0]))
            cells, depths = cells[order], seen[order, 2]
            first = np.flatnonzero(np.any(np.diff(cells, axis=0, prepend=cells[:1] - 1) != 0, axis=1))
            self._nearest = dict(zip(map(tuple, cells[first].tolist()), depths[first].tolist(), strict=True))

    def before(self, x: float, y: float, depth: float) -> bool:
        """Whether the surface is in front of that place, in its own cell or a neighbouring one."""
        column, row = int(np.floor(x / self._cell)), int(np.floor(y / self._cell))
        around = ((column + right, row + down) for right in (-1, 0, 1) for down in (-1, 0, 1))
        return any(self._nearest.get(cell, np.inf) < depth - self._margin for cell in around)


class Marks:
    """Drawn over one view, strongest defect first; it wins where two callouts compete for a position."""

    def __init__(self, overlay: Overlay, *reserved: Callable[[], QRectF]) -> None:
        """reserved: areas of the picture that callouts keep clear of."""
        self._overlay, self._reserved = overlay, reserved
        self._marks: list[Mark] = []
        self._ink, self._accent = "#ffffff", "#ffffff"
        self._surface: NDArray[np.floating] = np.empty((0, 3))
        self._spacing = 0.0
        overlay.drawings.append(self)

    def show_marks(self, marks: list[Mark], ink: str, accent: str) -> None:
        self._marks, self._ink, self._accent = marks, ink, accent
        self._overlay.update()

    def set_surface(self, points: NDArray[np.floating], spacing: float) -> None:
        """(n, 3) points and their spacing, for the occlusion test."""
        self._surface, self._spacing = points, spacing
        self._overlay.update()

    def at(self, place: QPointF) -> int | None:
        """Index of the mark whose callout or dot is there."""
        for index, room in self.callouts().items():
            if room.contains(place):
                return index
        for index, (mark, spot) in enumerate(zip(self._marks, self._spots(), strict=True)):
            if mark.label is None and spot is not None and (spot.place - place).manhattanLength() <= 2 * DOT_PX:
                return index
        return None

    def hidden(self) -> list[bool]:
        """Which marks lie behind the part."""
        return [spot is not None and spot.behind for spot in self._spots()]

    def _spots(self) -> list[Spot | None]:
        """Where each mark points; None behind the camera."""
        depths = self._depths()
        found: list[Spot | None] = []
        for mark in self._marks:
            seen = self._overlay.seen(mark.anchors)
            if seen is None:
                found.append(None)
                continue
            behind = np.array([depths.before(x, y, depth) for x, y, depth in seen.tolist()])
            first = int(np.argmin(behind))  # if all are hidden, the strongest
            found.append(Spot(QPointF(float(seen[first, 0]), float(seen[first, 1])), bool(behind[first])))
        return found

    def _depths(self) -> Depths:
        """Depth of the surface across the picture."""
        seen = self._overlay.seen(self._surface.astype(np.float64)) if len(self._surface) and self._marks else None
        pixel = self._overlay.length_of_pixel()
        if seen is None or pixel is None:
            return Depths(np.empty((0, 3)), 1.0, 0.0)
        margin = BEHIND_SPACINGS * self._spacing + BEHIND_SHARE * float(np.abs(self._surface).max())
        return Depths(seen, max(self._spacing / pixel, 3.0), margin)

    def callouts(self, spots: list[Spot | None] | None = None) -> dict[int, QRectF]:
        """Rectangle of each callout in widget pixels; those outside the picture are omitted."""
        bold, plain = QFontMetricsF(self._font(bold=True)), QFontMetricsF(self._font(bold=False))
        whole = QRectF(self._overlay.rect()).adjusted(SIDE_PX, TOP_PX, -SIDE_PX, -BOTTOM_PX)
        origin = self._overlay.seen(np.zeros((1, 3)))
        middle = whole.center() if origin is None else QPointF(float(origin[0, 0]), float(origin[0, 1]))
        taken: dict[int, QRectF] = {}
        spots = self._spots() if spots is None else spots
        places = [spot.place for spot in spots if spot is not None]
        reserved = [room() for room in self._reserved]
        boxes = [self._box(mark) for mark, spot in zip(self._marks, spots, strict=True) if spot is not None]
        for index in sorted(range(len(self._marks)), key=lambda index: not self._marks[index].chosen):
            mark, at = self._marks[index], spots[index]
            if mark.label is None or at is None:
                continue
            spot = at.place
            width = bold.horizontalAdvance(mark.label) + 2 * PADDING_PX
            width += plain.horizontalAdvance(mark.detail) + PADDING_PX if mark.detail else 0.0
            height = bold.height() + 6
            wanted = spot + _outward(spot - middle, width, height)
            rooms = [
                _inside(_around(wanted + QPointF(right * (width + 4), down * (height + 4)), width, height), whole)
                for right, down in TRIES
            ]
            free = [room for room in rooms if not any(room.intersects(other) for other in (*taken.values(), *reserved))]
            clear = [room for room in free if not any(room.contains(place) for place in places)]
            beside = [room for room in clear if not any(room.intersects(box) for box in boxes)]
            if best := beside or clear or free:  # better over a defect than nowhere
                taken[index] = best[0]
        return taken

    def _box(self, mark: Mark) -> QRectF:
        """Area of the picture that a defect covers, in widget pixels."""
        seen = self._overlay.seen(mark.corners)
        if seen is None:
            return QRectF()
        low, high = seen[:, :2].min(axis=0), seen[:, :2].max(axis=0)
        return QRectF(QPointF(*low.tolist()), QPointF(*high.tolist()))

    def paint(self, painter: QPainter, overlay: Overlay) -> None:
        spots = self._spots()
        callouts = self.callouts(spots)
        for index, (mark, spot) in enumerate(zip(self._marks, spots, strict=True)):
            if spot is None:
                continue
            colour = QColor(self._accent if mark.chosen else self._ink)
            if mark.chosen:
                self._paint_box(painter, mark, colour)
            if index in callouts:
                self._paint_leader(painter, spot.place, callouts[index], colour, spot.behind)
            self._paint_spot(painter, spot.place, colour, spot.behind)
        for index, room in callouts.items():
            behind = spots[index]
            self._paint_callout(painter, self._marks[index], room, behind is not None and behind.behind)

    def _paint_box(self, painter: QPainter, mark: Mark, colour: QColor) -> None:
        """The bounding box of the chosen defect."""
        seen = self._overlay.seen(mark.corners)
        if seen is not None:
            faint = QColor(colour)
            faint.setAlphaF(0.75)
            painter.setPen(QPen(faint, 1.2))
            painter.drawLines([QLineF(*seen[a, :2].tolist(), *seen[b, :2].tolist()) for a, b in EDGES])

    @staticmethod
    def _paint_leader(painter: QPainter, spot: QPointF, room: QRectF, colour: QColor, behind: bool) -> None:
        """Line from the place to the nearest side of the callout; dashed if the place is hidden."""
        end = QPointF(min(max(spot.x(), room.left()), room.right()), min(max(spot.y(), room.top()), room.bottom()))
        style = Qt.PenStyle.DashLine if behind else Qt.PenStyle.SolidLine
        for ink, width in ((QColor(16, 19, 23, 120), 3.0), (colour, 1.3)):
            painter.setPen(QPen(ink, width, style))
            painter.drawLine(spot, end)

    @staticmethod
    def _paint_spot(painter: QPainter, spot: QPointF, colour: QColor, behind: bool) -> None:
        if behind:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(colour, 1.3, Qt.PenStyle.DotLine))
            painter.drawEllipse(spot, DOT_PX + 1.5, DOT_PX + 1.5)
        else:
            paint_dot(painter, spot, colour, DOT_PX)

    def _paint_callout(self, painter: QPainter, mark: Mark, room: QRectF, behind: bool) -> None:
        """Filled if the place is visible, outlined if hidden."""
        colour = QColor(self._accent if mark.chosen else self._ink)
        if behind:
            painter.setPen(QPen(colour, 1.0, Qt.PenStyle.DashLine))
            painter.setBrush(QColor(16, 19, 23, 170))
        else:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour)
        painter.drawRoundedRect(room, 5, 5)
        painter.setPen(colour if behind else QColor(DARK))
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
    """A dot with a dark rim, visible on any background."""
    painter.setPen(QPen(QColor(DARK), 1.0))
    painter.setBrush(colour)
    painter.drawEllipse(middle, radius_px, radius_px)


def _outward(way: QPointF, width: float, height: float) -> QPointF:
    """Offset from a place to the centre of its callout: away from the part's centre, clear of the place itself."""
    long = max((way.x() ** 2 + way.y() ** 2) ** 0.5, 1e-6)
    x, y = (way.x() / long, way.y() / long) if long > 4 else (0.0, -1.0)
    return QPointF(x * (LEADER_PX + width / 2), y * (LEADER_PX + height / 2))


def _around(middle: QPointF, width: float, height: float) -> QRectF:
    return QRectF(middle.x() - width / 2, middle.y() - height / 2, width, height)


def _inside(room: QRectF, whole: QRectF) -> QRectF:
    x = min(max(room.left(), whole.left()), max(whole.right() - room.width(), whole.left()))
    y = min(max(room.top(), whole.top()), max(whole.bottom() - room.height(), whole.top()))
    return QRectF(x, y, room.width(), room.height())
