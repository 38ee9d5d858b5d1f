"""The legend of the heat: the scale, how many points have which score, and the limit, which can be dragged."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QKeyEvent,
    QLinearGradient,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.session import HIGHEST_LIMIT, LOWEST_LIMIT
from app.views.colour_maps import N_STEPS, colour_map
from app.views.colours import NOT_EVALUATED, Look, Scale
from app.widgets.theme import Theme
from sedir_core.types import Detection, FloatArray

N_BINS = 96
STRIP_HEIGHT = 12
SIDE_MARGIN = 16
SNAP = 0.015
CAPTION_GAP = 22


class ColourBar(QWidget):
    """Shows the scores of one detection; empty without one.

    `limit_set` carries the limit as a share of the calibrated one: after a drag, a double click (back to 1), or a key.
    """

    limit_set = Signal(float)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._counts: FloatArray = np.zeros(N_BINS, np.float32)
        self._shares: FloatArray = np.empty(0, np.float32)  # of the calibrated limit; as they are for distances
        self._scale = Scale(0.0, 2.0)  # of these shares
        self._far: float | None = None  # the end of the scale, where it shows distances
        self._unit = ""
        self._n_blank = 0
        self._limit = 1.0
        self._dragging = False
        self.setCursor(Qt.CursorShape.SplitHCursor)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Colour scale")

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(420, 96)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.update()

    def show_detection(self, raw: Detection | None, limit: float, look: Look) -> None:
        """The scores as the model gave them, and the limit as a share of the calibrated one."""
        self._far, self._limit = None, limit
        scores = np.empty(0, np.float32) if raw is None else raw.point_scores
        shares = scores / np.float32(raw.point_threshold if raw is not None and raw.point_threshold > 0 else np.inf)
        self._count(shares, look.scale(shares, 1.0))

    def show_distances(self, distances: FloatArray, far: float, look: Look, unit: str) -> None:
        """Distances in the scan's unit, NaN where unknown, on a scale from 0 to `far`; there is no limit to drag."""
        self._far, self._unit = far, unit
        self._count(distances, Scale(0.0, far, look.colour_map))

    @property
    def caption(self) -> str:
        """What the scale is, in one line."""
        if self._far is not None:
            return f"Distance to the expected surface, in {self._unit or 'the scan’s unit'}"
        moved = f"Limit at {100 * self._limit:.0f} % of the calibrated one · double click: back"
        if self._scale.own:
            return "Scale of this scan alone: do not compare its colours with another scan’s"
        return moved if abs(self._limit - 1) > 1e-6 else "Point score, as a share of the limit"

    def _count(self, shares: FloatArray, scale: Scale) -> None:
        known = shares[~np.isnan(shares)]
        self._shares, self._scale = known, scale
        self._n_blank = len(shares) - len(known)
        # The last bin holds everything beyond the end of the scale.
        bins = np.clip((known - scale.low) * (N_BINS / (scale.high - scale.low)), 0, N_BINS - 1).astype(np.intp)
        self._counts = np.bincount(bins, minlength=N_BINS).astype(np.float32)
        self.setCursor(Qt.CursorShape.SplitHCursor if self._far is None else Qt.CursorShape.ArrowCursor)
        self.update()

    # Dragging the limit

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if event.button() is Qt.MouseButton.LeftButton and len(self._shares) and self._far is None:
            self._dragging = True
            self._drag_to(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if self._dragging:
            self._drag_to(event.position().x())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if self._dragging:
            self._dragging = False
            self.limit_set.emit(self._limit)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        self._dragging = False
        if self._far is None:
            self.limit_set.emit(1.0)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        steps = {Qt.Key.Key_Left: -0.01, Qt.Key.Key_Right: 0.01, Qt.Key.Key_PageDown: -0.1, Qt.Key.Key_PageUp: 0.1}
        step = steps.get(Qt.Key(event.key()))
        if step is None or self._far is not None:
            super().keyPressEvent(event)
        else:
            self.limit_set.emit(self._limit + step)

    def _drag_to(self, x: float) -> None:
        along = (x - SIDE_MARGIN) / max(self.width() - 2 * SIDE_MARGIN, 1)
        share = self._scale.low + along * (self._scale.high - self._scale.low)
        # Near the calibrated limit the line snaps to it.
        self._limit = 1.0 if abs(share - 1) < SNAP else min(max(share, LOWEST_LIMIT), HIGHEST_LIMIT)
        self.update()

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        metrics = QFontMetricsF(self.font())
        text_height = metrics.height()
        right = self.width() - SIDE_MARGIN
        strip = QRectF(SIDE_MARGIN, self.height() - text_height - STRIP_HEIGHT - 10, right - SIDE_MARGIN, STRIP_HEIGHT)
        room = QRectF(strip.left(), text_height + 10, strip.width(), strip.top() - text_height - 12)
        self._paint_strip(painter, strip)
        self._paint_histogram(painter, room)
        if self._far is None:
            self._paint_limit(painter, strip, room)
        self._paint_scale(painter, strip, metrics)
        self._paint_caption(painter, metrics)

    def _paint_strip(self, painter: QPainter, strip: QRectF) -> None:
        table = colour_map(self._scale.map)
        gradient = QLinearGradient(strip.topLeft(), strip.topRight())
        for step in (*range(0, N_STEPS, 8), N_STEPS - 1):
            gradient.setColorAt(step / (N_STEPS - 1), QColor(*(int(c) for c in table[step])))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(gradient)
        painter.drawRoundedRect(strip, 3, 3)

    def _paint_histogram(self, painter: QPainter, room: QRectF) -> None:
        if not self._counts.any():
            return
        # The logarithm keeps the few points of a defect visible beside the many of the part.
        heights = np.log1p(self._counts) / np.log1p(self._counts.max())
        width = room.width() / N_BINS
        outline = QPolygonF([room.bottomLeft()])
        for index, height in enumerate(heights):
            top = room.bottom() - float(height) * room.height()
            outline.append(QPointF(room.left() + index * width, top))
            outline.append(QPointF(room.left() + (index + 1) * width, top))
        outline.append(room.bottomRight())
        fill = QColor(self._theme.quiet)
        fill.setAlphaF(0.45)
        painter.setBrush(fill)
        painter.drawPolygon(outline)

    def _paint_limit(self, painter: QPainter, strip: QRectF, room: QRectF) -> None:
        along = (self._limit - self._scale.low) / (self._scale.high - self._scale.low)
        x = strip.left() + min(max(along, 0.0), 1.0) * strip.width()
        ink = QColor(self._theme.ink)
        if not 0 <= along <= 1:
            ink.setAlphaF(0.4)  # it lies beyond this end
        painter.setPen(QPen(ink, 1.6))
        painter.drawLine(QPointF(x, room.top() - 4), QPointF(x, strip.bottom() + 3))
        painter.setBrush(ink)
        top = room.top() - 7
        painter.drawPolygon(QPolygonF([QPointF(x - 5, top), QPointF(x + 5, top), QPointF(x, top + 7)]))

    def _paint_scale(self, painter: QPainter, strip: QRectF, metrics: QFontMetricsF) -> None:
        painter.setPen(QColor(self._theme.quiet))
        baseline = strip.bottom() + metrics.ascent() + 4
        for along in (0.0, 0.25, 0.5, 0.75, 1.0):
            value = self._scale.low + along * (self._scale.high - self._scale.low)
            text = f"{100 * value:.0f} %" if self._far is None else f"{value:.3g}"
            text += "+" if along == 1 and not self._scale.own else ""
            width = metrics.horizontalAdvance(text)
            x = strip.left() + along * strip.width() - width * (0.0 if along == 0 else 1.0 if along == 1 else 0.5)
            painter.drawText(QPointF(x, baseline), text)

    def _paint_caption(self, painter: QPainter, metrics: QFontMetricsF) -> None:
        baseline = 3 + metrics.ascent()
        painter.setPen(QColor(self._theme.quiet))
        x = float(self.width() - SIDE_MARGIN)
        if len(self._shares) or self._n_blank:
            beyond = self._limit if self._far is None else self._far
            over = f"{np.count_nonzero(self._shares > beyond):,} {'over the limit' if self._far is None else 'beyond'}"
            x -= metrics.horizontalAdvance(over)
            painter.drawText(QPointF(x, baseline), over)
        if self._n_blank:
            blank = f"{self._n_blank:,} not evaluated"
            x -= metrics.horizontalAdvance(blank) + CAPTION_GAP
            painter.drawText(QPointF(x, baseline), blank)
            x -= 15
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(*NOT_EVALUATED))
            painter.drawRoundedRect(QRectF(x, baseline - 9, 10, 10), 2, 2)
        painter.setPen(QColor(self._theme.uncertain if self._scale.own else self._theme.quiet))
        room = x - SIDE_MARGIN - CAPTION_GAP
        text = metrics.elidedText(self.caption, Qt.TextElideMode.ElideRight, room)
        painter.drawText(QPointF(SIDE_MARGIN, baseline), text)
