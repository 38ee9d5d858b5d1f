"""Legend of the heatmap: colour scale, score histogram, and the limit as a draggable line."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QLinearGradient, QMouseEvent, QPainter
from PySide6.QtWidgets import QWidget

from app.state.session import HIGHEST_LIMIT, LOWEST_LIMIT
from app.views.colours import Look
from app.views.legend import Legend
from app.widgets.numbers import grouped
from app.widgets.theme import Theme
from sedir_core.drawing.colours import Scale
from sedir_core.types import Detection

N_TONES = 65
SNAP = 0.015


class ColourBar(Legend):
    """Shows the scores of one detection as shares of the calibrated limit; empty without a detection.

    `limit_set` carries the limit as a share of the calibrated one, after a drag, a double-click (reset to 1) or a key.
    """

    limit_set = Signal(float)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._scale = Scale(0.0, 2.0)
        self._limit = 1.0
        self._dragging = False
        self.setCursor(Qt.CursorShape.SplitHCursor)
        self.setAccessibleName("Colour scale; the left and right arrow keys move the limit")

    def show_detection(self, raw: Detection | None, limit: float, look: Look) -> None:
        """The raw scores, and the limit as a share of the calibrated one."""
        self._limit = limit
        scores = np.empty(0, np.float32) if raw is None else raw.point_scores
        shares = scores / np.float32(raw.point_threshold if raw is not None and raw.point_threshold > 0 else np.inf)
        self._scale = look.scale(shares, 1.0)
        self._count(shares, self._scale.low, self._scale.high)

    @property
    def caption(self) -> str:
        if self._scale.own:
            return "Scaled to this scan: its colours are not comparable with another scan’s"
        moved = f"Limit at {100 * self._limit:.0f} % of the calibrated one · double-click to reset"
        return moved if abs(self._limit - 1) > 1e-6 else "Point score, as a share of the limit"

    # Dragging the limit

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if event.button() is Qt.MouseButton.LeftButton and len(self._values):
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
        self.limit_set.emit(1.0)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        steps = {Qt.Key.Key_Left: -0.01, Qt.Key.Key_Right: 0.01, Qt.Key.Key_PageDown: -0.1, Qt.Key.Key_PageUp: 0.1}
        step = steps.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
        else:
            self.limit_set.emit(self._limit + step)

    def _drag_to(self, x: float) -> None:
        share = self._value(x)
        # Near the calibrated limit the line snaps to it.
        self._limit = 1.0 if abs(share - 1) < SNAP else min(max(share, LOWEST_LIMIT), HIGHEST_LIMIT)
        self.update()

    # Painting

    def _paint_strip(self, painter: QPainter) -> None:
        strip = self._strip
        gradient = QLinearGradient(strip.topLeft(), strip.topRight())
        places = np.linspace(0.0, 1.0, N_TONES)
        values = self._scale.low + places * (self._scale.high - self._scale.low)
        tones = self._scale.colours(values.astype(np.float32))
        for place, tone in zip(places.tolist(), tones.tolist(), strict=True):
            gradient.setColorAt(place, QColor(*tone))
        painter.setBrush(gradient)
        painter.drawRoundedRect(strip, 3, 3)

    def _paint_handles(self, painter: QPainter) -> None:
        self._paint_handle(painter, self._limit)

    def _ticks(self) -> Sequence[tuple[float, str]]:
        values = np.linspace(self._scale.low, self._scale.high, 5).tolist()
        words = [f"{100 * value:.0f} %" for value in values]
        words[-1] += "" if self._scale.own else "+"
        return list(zip(values, words, strict=True))

    def _news(self) -> str:
        n_over = int(np.count_nonzero(self._values > self._limit))
        return f"{grouped(n_over)} {'point' if n_over == 1 else 'points'} over the limit"

    def _caption_ink(self) -> str:
        return self._theme.uncertain if self._scale.own else self._theme.quiet
