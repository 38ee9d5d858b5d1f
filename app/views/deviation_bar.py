"""Legend of the deviation: flat colours, histogram, and the tolerance band with draggable edges."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPainterPath
from PySide6.QtWidgets import QWidget

from app.views.legend import GRAB_PX, Legend
from app.widgets.numbers import on_screen
from app.widgets.theme import Theme
from sedir_core.drawing.deviation_scale import TABLE, DeviationScale, rounded, share_inside
from sedir_core.types import FloatArray, Tolerance
from sedir_core.units import number

KEY_STEP = 0.05
"""Change of the band per key press."""


class DeviationBar(Legend):
    """Deviations in the display unit. `band_set` carries a Tolerance, or None for the default one.

    A symmetric band stays symmetric unless Shift is held.
    """

    band_set = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._scale = DeviationScale(Tolerance(-1.0, 1.0), 5.0)
        self._unit = ""
        self._held: str | None = None  # the edge being dragged: "minus" or "plus"
        self.setMouseTracking(True)
        self.setAccessibleName("Deviation scale; the left and right arrow keys narrow and widen the tolerance band")

    def show_deviation(self, deviation: FloatArray | None, scale: DeviationScale, unit: str) -> None:
        """deviation: (n,) in the unit of the scale, NaN where unknown. unit: its symbol."""
        self._scale, self._unit = scale, unit
        values = np.empty(0, np.float32) if deviation is None else deviation
        self._count(values, scale.low, scale.high)

    @property
    def caption(self) -> str:
        unit = f", {self._unit}" if self._unit else ""
        return f"Deviation{unit}: − too little, + too much"

    @property
    def short_caption(self) -> str:
        return f"Deviation, {self._unit}" if self._unit else "Deviation"

    # Dragging the band

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if event.button() is Qt.MouseButton.LeftButton and len(self._values):
            self._held = self._edge_at(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        x = event.position().x()
        if self._held is not None:
            self._drag_to(x, bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
        near = self._held is not None or self._edge_at(x) is not None
        self.setCursor(Qt.CursorShape.SplitHCursor if near else Qt.CursorShape.ArrowCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if self._held is not None:
            self._held = None
            self.band_set.emit(self._scale.band)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        self._held = None
        self.band_set.emit(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        ways = {Qt.Key.Key_Left: 1 - KEY_STEP, Qt.Key.Key_Right: 1 + KEY_STEP}
        times = ways.get(Qt.Key(event.key()))
        if times is None:
            super().keyPressEvent(event)
        else:
            band = self._scale.band
            self.band_set.emit(Tolerance(rounded(band.minus * times), rounded(band.plus * times)))

    def _edge_at(self, x: float) -> str | None:
        edges = {"minus": self._scale.band.minus, "plus": self._scale.band.plus}
        name, away = min(((name, abs(self._x(edge) - x)) for name, edge in edges.items()), key=lambda pair: pair[1])
        return name if away <= GRAB_PX else None

    def _drag_to(self, x: float, alone: bool) -> None:
        band, low, high = self._scale.band, *self._ends
        value = rounded(min(max(self._value(x), 0.95 * low), 0.95 * high))
        alike = band.minus == -band.plus and not alone
        least = rounded(0.002 * high)
        if alike:
            band = Tolerance(-max(abs(value), least), max(abs(value), least))
        elif self._held == "minus":
            band = Tolerance(min(value, 0.0 if band.plus >= least else -least), band.plus)
        else:
            band = Tolerance(band.minus, max(value, 0.0 if band.minus <= -least else least))
        self._scale = DeviationScale(band, self._scale.far)
        self.update()

    # Painting

    def _paint_strip(self, painter: QPainter) -> None:
        strip, edges = self._strip, self._scale.edges.tolist()
        shape = QPainterPath()
        shape.addRoundedRect(strip, 3, 3)
        painter.save()
        painter.setClipPath(shape)
        for colour, low, high in zip(TABLE.tolist(), edges[:-1], edges[1:], strict=True):
            painter.setBrush(QColor(*colour))
            left, right = self._x(low), self._x(high)
            painter.drawRect(QRectF(QPointF(left, strip.top()), QPointF(right, strip.bottom())))
        painter.restore()

    def _paint_handles(self, painter: QPainter) -> None:
        for edge in (self._scale.band.minus, self._scale.band.plus):
            self._paint_handle(painter, edge)

    def _ticks(self) -> Sequence[tuple[float, str]]:
        band = self._scale.band
        values = [self._scale.low, band.minus, band.plus, self._scale.high]
        words = [signed(value) for value in values]
        return list(zip(values, [f"≤ {words[0]}", *words[1:3], f"≥ {words[3]}"], strict=True))

    def _news(self) -> str:
        inside = share_inside(self._values, self._scale.band)
        return "" if math.isnan(inside) else f"{100 * inside:.1f} % of the points in the band"


def signed(value: float) -> str:
    """`+0.4`, `−0.4`, `0`."""
    text = on_screen(number(abs(value)) if value else "0")
    return f"+{text}" if value > 0 else f"−{text}" if value < 0 else text
