"""Draws a rectangle, a lasso or a line over a 3D view with the mouse; the view stands still meanwhile."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from app.views.marks import DARK
from app.views.outlines import OutlineTool

STEP_PX = 3.0
"""Distance between two corners of a lasso."""
INK = "#ffffff"


class Outliner(QWidget):
    """Lies over the widget `over` while an outline is wanted; emits it, (k, 2) pixels, when the button is released."""

    drawn = Signal(object)

    def __init__(self, over: QWidget) -> None:
        super().__init__(over)
        self._over = over
        self._kind = OutlineTool.BOX
        self._places: list[QPointF] = []
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.hide()

    def use(self, kind: OutlineTool | None) -> None:
        """Let the user draw that kind of outline; None gives the mouse back to the view."""
        self._places = []
        if kind is not None:
            self._kind = kind
            self.setGeometry(self._over.rect())
            self.raise_()
        self.setVisible(kind is not None)
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if event.button() is Qt.MouseButton.LeftButton:
            self._places = [event.position()]

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if not self._places:
            return
        place = event.position()
        if self._kind is not OutlineTool.LASSO:
            self._places[1:] = [place]
        elif (place - self._places[-1]).manhattanLength() >= STEP_PX:
            self._places.append(place)
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        places, self._places = self._places, []
        self.update()
        if event.button() is Qt.MouseButton.LeftButton and places:
            self.drawn.emit(np.array([(place.x(), place.y()) for place in places]))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        if len(self._places) < 2:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for colour, width in ((DARK, 3.5), (INK, 1.5)):
            painter.setPen(QPen(QColor(colour), width))
            if self._kind is OutlineTool.BOX:
                painter.drawRect(QRectF(self._places[0], self._places[-1]).normalized())
            elif self._kind is OutlineTool.LASSO:
                painter.drawPolygon(QPolygonF(self._places))
            else:
                painter.drawLine(self._places[0], self._places[-1])
