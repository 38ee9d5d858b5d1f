"""Shared by both legends of the left view: colour strip, histogram and caption."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.widgets.numbers import grouped
from app.widgets.theme import Theme
from sedir_core.drawing.colours import NOT_EVALUATED
from sedir_core.types import FloatArray

N_BINS = 96
STRIP_HEIGHT = 12
SIDE_MARGIN = 16
CAPTION_GAP = 22
HANDLE_PX = 5.0
GRAB_PX = 12.0


class Legend(QWidget):
    """Empty without values. Subclasses define strip, ticks and caption."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._counts: FloatArray = np.zeros(N_BINS, np.float32)
        self._values: FloatArray = np.empty(0, np.float32)  # the known values
        self._ends = (0.0, 1.0)
        self._n_blank = 0
        self._low = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:  # noqa: N802
        text = round(QFontMetricsF(self.font()).height())
        return QSize(420, 2 * text + STRIP_HEIGHT + (20 if self._low else 52))

    def set_low(self, low: bool) -> None:
        """Hide the histogram where there is not enough height."""
        if low != self._low:
            self._low = low
            self.updateGeometry()

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.update()

    @property
    def caption(self) -> str:
        """Description of the scale, in one line."""
        return ""

    @property
    def short_caption(self) -> str:
        """The same where there is less room."""
        return self.caption

    def _count(self, values: FloatArray, low: float, high: float) -> None:
        """The last bin at either end holds everything beyond it."""
        known = values[~np.isnan(values)]
        self._values, self._ends = known, (low, high)
        self._n_blank = len(values) - len(known)
        bins = np.clip((known - low) * (N_BINS / (high - low)), 0, N_BINS - 1).astype(np.intp)
        self._counts = np.bincount(bins, minlength=N_BINS).astype(np.float32)
        self.update()

    # Where things are

    @property
    def _strip(self) -> QRectF:
        text = QFontMetricsF(self.font()).height()
        width = self.width() - 2 * SIDE_MARGIN
        return QRectF(SIDE_MARGIN, self.height() - text - STRIP_HEIGHT - 10, width, STRIP_HEIGHT)

    @property
    def _room(self) -> QRectF:
        """Area of the histogram."""
        text, strip = QFontMetricsF(self.font()).height(), self._strip
        return QRectF(strip.left(), text + 10, strip.width(), strip.top() - text - 12)

    def _x(self, value: float) -> float:
        low, high = self._ends
        return self._strip.left() + min(max((value - low) / (high - low), 0.0), 1.0) * self._strip.width()

    def _value(self, x: float) -> float:
        low, high = self._ends
        return low + (x - SIDE_MARGIN) / max(self.width() - 2 * SIDE_MARGIN, 1) * (high - low)

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        self._paint_strip(painter)
        self._paint_histogram(painter)
        self._paint_handles(painter)
        self._paint_ticks(painter)
        self._paint_caption(painter)

    def _paint_strip(self, painter: QPainter) -> None:
        raise NotImplementedError

    def _paint_handles(self, painter: QPainter) -> None:
        raise NotImplementedError

    def _ticks(self) -> Sequence[tuple[float, str]]:
        """Values and their labels, ascending."""
        raise NotImplementedError

    def _news(self) -> str:
        """Text at the right end of the caption."""
        raise NotImplementedError

    def _paint_histogram(self, painter: QPainter) -> None:
        if self._low or not self._counts.any():
            return
        # The logarithm keeps the few points of a defect visible beside the many of the part.
        heights = np.log1p(self._counts) / np.log1p(self._counts.max())
        room = self._room
        width = room.width() / N_BINS
        outline = QPolygonF([room.bottomLeft()])
        for index, height in enumerate(heights):
            top = room.bottom() - float(height) * room.height()
            outline.append(QPointF(room.left() + index * width, top))
            outline.append(QPointF(room.left() + (index + 1) * width, top))
        outline.append(room.bottomRight())
        fill = QColor(self._theme.quiet)
        fill.setAlphaF(0.45)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(fill)
        painter.drawPolygon(outline)

    def _paint_handle(self, painter: QPainter, value: float) -> None:
        """A line across strip and histogram with a grip; pale where the value is out of range."""
        strip, room, x = self._strip, self._room, self._x(value)
        ink = QColor(self._theme.ink)
        if not self._ends[0] <= value <= self._ends[1]:
            ink.setAlphaF(0.4)
        painter.setPen(QPen(ink, 1.6))
        painter.drawLine(QPointF(x, room.top() - 4), QPointF(x, strip.bottom() + 3))
        painter.setBrush(ink)
        top = room.top() - 7
        painter.drawPolygon(QPolygonF([QPointF(x - HANDLE_PX, top), QPointF(x + HANDLE_PX, top), QPointF(x, top + 7)]))

    def _paint_ticks(self, painter: QPainter) -> None:
        """Labels that would touch the previous one are omitted; both ends are always drawn."""
        metrics, strip = QFontMetricsF(self.font()), self._strip
        painter.setPen(QColor(self._theme.quiet))
        baseline = strip.bottom() + metrics.ascent() + 4
        ticks = list(self._ticks())
        places = []
        for at, (value, text) in enumerate(ticks):
            width = metrics.horizontalAdvance(text)
            back = 0.0 if at == 0 else 1.0 if at == len(ticks) - 1 else 0.5
            places.append((self._x(value) - back * width, width, text))
        taken, last = strip.left() - 8, places[-1][0] if places else 0.0
        for at, (x, width, text) in enumerate(places):
            if at == len(places) - 1 or (x >= taken + 8 and x + width <= last - 8):
                painter.drawText(QPointF(x, baseline), text)
                taken = x + width

    def _paint_caption(self, painter: QPainter) -> None:
        metrics = QFontMetricsF(self.font())
        baseline = 3 + metrics.ascent()
        painter.setPen(QColor(self._theme.quiet))
        x = float(self.width() - SIDE_MARGIN)
        if len(self._values) or self._n_blank:
            news = self._news()
            x -= metrics.horizontalAdvance(news)
            painter.drawText(QPointF(x, baseline), news)
        if self._n_blank:
            blank = f"{grouped(self._n_blank)} not evaluated"
            x -= metrics.horizontalAdvance(blank) + CAPTION_GAP
            painter.drawText(QPointF(x, baseline), blank)
            x -= 15
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(*NOT_EVALUATED))
            painter.drawRoundedRect(QRectF(x, baseline - 9, 10, 10), 2, 2)
        painter.setPen(QColor(self._caption_ink()))
        room = x - SIDE_MARGIN - CAPTION_GAP
        painter.drawText(QPointF(SIDE_MARGIN, baseline), self.caption_in(room, metrics))

    def caption_in(self, room: float, metrics: QFontMetricsF) -> str:
        """The caption, or the short one where it would be cut."""
        said = self.caption if metrics.horizontalAdvance(self.caption) <= room else self.short_caption
        return metrics.elidedText(said, Qt.TextElideMode.ElideRight, room)

    def _caption_ink(self) -> str:
        return self._theme.quiet
