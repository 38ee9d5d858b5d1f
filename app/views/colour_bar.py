"""The legend of the heat: the fixed scale, how many points have which score, and where the limit is."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QLinearGradient, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.views.colours import N_STEPS, NOT_EVALUATED, heat_map
from app.widgets.theme import Theme
from sedir_core.types import Detection, FloatArray

N_BINS = 96
STRIP_HEIGHT = 12
SIDE_MARGIN = 16


class ColourBar(QWidget):
    """Shows the scores of one detection; empty without one."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._counts: FloatArray = np.zeros(N_BINS, np.float32)
        self._n_points = self._n_blank = self._n_over = 0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Colour scale")

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(420, 96)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.update()

    def show_detection(self, detection: Detection | None) -> None:
        """Count the scores anew."""
        scores = np.empty(0, np.float32) if detection is None else detection.point_scores
        limit = 1.0 if detection is None else detection.point_threshold
        known = scores[~np.isnan(scores)]
        self._n_points, self._n_blank = len(known), len(scores) - len(known)
        self._n_over = int((known > limit).sum())
        shares = np.clip(known / (2 * limit), 0.0, 1.0) if limit > 0 else np.zeros_like(known)
        self._counts = np.bincount((shares * (N_BINS - 1e-3)).astype(np.intp), minlength=N_BINS)[:N_BINS].astype(
            np.float32
        )
        self.setToolTip(self._summary() if len(scores) else "")
        self.update()

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
        self._paint_limit(painter, strip, room, metrics)
        self._paint_scale(painter, strip, metrics)
        self._paint_caption(painter, metrics)

    def _paint_strip(self, painter: QPainter, strip: QRectF) -> None:
        gradient = QLinearGradient(strip.topLeft(), strip.topRight())
        for step in range(0, N_STEPS, 8):
            gradient.setColorAt(step / (N_STEPS - 1), QColor(*(int(c) for c in heat_map()[step])))
        gradient.setColorAt(1.0, QColor(*(int(c) for c in heat_map()[-1])))
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

    def _paint_limit(self, painter: QPainter, strip: QRectF, room: QRectF, metrics: QFontMetricsF) -> None:
        x = strip.center().x()
        painter.setPen(QPen(QColor(self._theme.ink), 1.6))
        painter.drawLine(QPointF(x, room.top() - 4), QPointF(x, strip.bottom() + 3))
        painter.setBrush(QColor(self._theme.ink))
        painter.drawPolygon(
            QPolygonF([QPointF(x - 4, room.top() - 7), QPointF(x + 4, room.top() - 7), QPointF(x, room.top() - 1)])
        )

    def _paint_scale(self, painter: QPainter, strip: QRectF, metrics: QFontMetricsF) -> None:
        painter.setPen(QColor(self._theme.quiet))
        baseline = strip.bottom() + metrics.ascent() + 4
        for share, text in ((0.0, "0 %"), (0.25, "50 %"), (0.5, "100 % = limit"), (0.75, "150 %"), (1.0, "200 %+")):
            width = metrics.horizontalAdvance(text)
            x = strip.left() + share * strip.width() - width * (0.0 if share == 0 else 1.0 if share == 1 else 0.5)
            painter.drawText(QPointF(x, baseline), text)

    def _paint_caption(self, painter: QPainter, metrics: QFontMetricsF) -> None:
        painter.setPen(QColor(self._theme.quiet))
        baseline = 3 + metrics.ascent()
        painter.drawText(QPointF(SIDE_MARGIN, baseline), "Point score")
        if not self._n_points and not self._n_blank:
            return
        over = f"{self._n_over:,} over the limit"
        x = self.width() - SIDE_MARGIN - metrics.horizontalAdvance(over)
        painter.drawText(QPointF(x, baseline), over)
        if self._n_blank:
            blank = f"{self._n_blank:,} not evaluated"
            x -= metrics.horizontalAdvance(blank) + 22
            painter.drawText(QPointF(x, baseline), blank)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(*NOT_EVALUATED))
            painter.drawRoundedRect(QRectF(x - 15, baseline - 9, 10, 10), 2, 2)

    def _summary(self) -> str:
        return f"{self._n_points:,} points evaluated, {self._n_over:,} over the limit, {self._n_blank:,} not evaluated"
