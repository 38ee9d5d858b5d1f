"""Scatter plot of samples: hover names one, a click picks it, a drag draws a lasso. Painted by Qt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QPixmap,
    QPolygonF,
    QResizeEvent,
)
from PySide6.QtWidgets import QWidget

from app.widgets.theme import Theme
from sedir_core.types import BoolArray, FloatArray, IntArray

MARGIN, MARK, NEAR = 16.0, 4.2, 10.0
"""Pixels: margin around the marks, half a mark's size, and hover radius."""
CLICK_TRAVEL = 5.0
"""A press that moves less than this is a click."""


@dataclass(frozen=True)
class MarkLook:
    """How one category is drawn. shape: circle, square, triangle or diamond."""

    colour: str
    shape: str


def mark_path(shape: str, size: float) -> QPainterPath:
    """A mark around the origin; the shapes look equally large."""
    path = QPainterPath()
    if shape == "circle":
        path.addEllipse(QPointF(0, 0), size, size)
    elif shape == "square":
        path.addRect(QRectF(-0.88 * size, -0.88 * size, 1.76 * size, 1.76 * size))
    else:
        corners = (
            [(0, -1.2), (1.15, 0.85), (-1.15, 0.85)]
            if shape == "triangle"
            else [(0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)]
        )
        path.addPolygon(QPolygonF([QPointF(size * x, size * y) for x, y in corners]))
        path.closeSubpath()
    return path


class ScatterView(QWidget):
    """Scatter plot of samples. `select` greys out the others; the widget emits, its owner decides."""

    hovered = Signal(int)  # -1: nothing
    clicked = Signal(int)
    lassoed = Signal(object)  # (m,) indices; empty: all samples again

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._places: FloatArray = np.zeros((0, 2), np.float32)
        self._labels: IntArray = np.zeros(0, np.int64)
        self._hollow: BoolArray = np.zeros(0, np.bool_)
        self._looks: Sequence[MarkLook] = ()
        self._selected: BoolArray | None = None
        self._hover = -1
        self._lasso: list[QPointF] = []
        self._drawn: QPixmap | None = None
        self.setMouseTracking(True)
        self.setMinimumSize(140, 110)
        self.setCursor(Qt.CursorShape.CrossCursor)

    def show_points(self, places: FloatArray, labels: IntArray, hollow: BoolArray, looks: Sequence[MarkLook]) -> None:
        """places: (n, 2) in any unit; labels: (n,) into looks; hollow: (n,) drawn as outlines."""
        self._places, self._labels, self._hollow, self._looks = places, labels, hollow, looks
        self._selected, self._hover = None, -1
        self._redraw()

    def set_looks(self, looks: Sequence[MarkLook]) -> None:
        self._looks = looks
        self._redraw()

    def select(self, selected: BoolArray | None) -> None:
        """(n,) True for highlighted marks; None highlights all."""
        self._selected = selected
        self._redraw()

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self._redraw()

    def mark(self, index: int) -> None:
        """Ring one sample, for instance while it is hovered in another view."""
        if index != self._hover:
            self._hover = index
            self.update()

    def position(self, index: int) -> QPointF:
        """Where a sample is on the widget."""
        x, y = self._pixels()[index]
        return QPointF(float(x), float(y))

    def _pixels(self) -> FloatArray:
        """(n, 2) positions; both axes share one scale, up is up."""
        if not len(self._places):
            return self._places
        low, high = self._places.min(axis=0), self._places.max(axis=0)
        room = np.array([self.width(), self.height()]) - 2 * MARGIN
        scale = float((room / np.maximum(high - low, 1e-9)).min())
        middle = np.array([self.width(), self.height()]) / 2
        return np.asarray((self._places - (low + high) / 2) * (scale, -scale) + middle, np.float32)

    def _nearest(self, at: QPointF) -> int:
        if not len(self._places):
            return -1
        gaps = np.hypot(*(self._pixels() - (at.x(), at.y())).T)
        if self._selected is not None:
            gaps = np.where(self._selected, gaps, np.inf)
        best = int(gaps.argmin())
        return best if gaps[best] <= NEAR else -1

    # Mouse

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if event.buttons() & Qt.MouseButton.LeftButton and self._lasso:
            self._lasso.append(event.position())
            self.update()
            return
        found = self._nearest(event.position())
        if found != self._hover:
            self.mark(found)
            self.hovered.emit(found)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if event.button() is Qt.MouseButton.LeftButton:
            self._lasso = [event.position()]

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        path, self._lasso = self._lasso, []
        self.update()
        if event.button() is not Qt.MouseButton.LeftButton or not path:
            return
        if max((p - path[0]).manhattanLength() for p in [*path, event.position()]) < CLICK_TRAVEL:
            found = self._nearest(event.position())
            if found >= 0:
                self.clicked.emit(found)
            else:
                self.lassoed.emit(np.zeros(0, np.int64))
            return
        area = QPolygonF(path)
        inside = [area.containsPoint(QPointF(x, y), Qt.FillRule.OddEvenFill) for x, y in self._pixels().tolist()]
        self.lassoed.emit(np.flatnonzero(inside))

    def leaveEvent(self, event: object) -> None:  # noqa: N802
        self.mark(-1)
        self.hovered.emit(-1)

    # Drawing

    def _redraw(self) -> None:
        self._drawn = None
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        self._redraw()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        if self._drawn is None or self._drawn.devicePixelRatio() != self.devicePixelRatioF():
            self._drawn = self._draw_marks()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.drawPixmap(0, 0, self._drawn)
        if 0 <= self._hover < len(self._places):
            painter.setPen(QPen(QColor(self._theme.ink), 2))
            painter.drawEllipse(self.position(self._hover), 2 * MARK, 2 * MARK)
        if len(self._lasso) > 1:
            fill = QColor(self._theme.accent)
            painter.setPen(QPen(fill, 1.5, Qt.PenStyle.DashLine))
            fill.setAlpha(30)
            painter.setBrush(fill)
            painter.drawPolygon(QPolygonF(self._lasso))
        painter.end()

    def _draw_marks(self) -> QPixmap:
        ratio = self.devicePixelRatioF()
        picture = QPixmap(self.size() * ratio)
        picture.setDevicePixelRatio(ratio)
        picture.fill(QColor(self._theme.panel))
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paths = [mark_path(look.shape, MARK) for look in self._looks]
        faded = QColor(self._theme.line)
        chosen = self._selected if self._selected is not None else np.ones(len(self._places), np.bool_)
        pixels = self._pixels().tolist()
        for i in [*np.flatnonzero(~chosen), *np.flatnonzero(chosen)]:  # selected marks on top
            label = int(self._labels[i])
            colour = QColor(self._looks[label].colour) if chosen[i] else faded
            edge = QColor(self._theme.panel)
            painter.setPen(QPen(colour, 1.3) if self._hollow[i] else QPen(edge, 0.7))
            painter.setBrush(Qt.BrushStyle.NoBrush if self._hollow[i] else colour)
            painter.translate(*pixels[i])
            painter.drawPath(paths[label])
            painter.resetTransform()
        painter.end()
        return picture
