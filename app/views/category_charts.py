"""Two runs or three compared category by category: dots on a line, score against error, and confusions."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QHelpEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QToolTip, QWidget

from app.views.scatter import mark_path
from app.widgets.theme import Theme, caption_font
from sedir_core.evaluation.ice_style import HOLLOW_RUN, RUN_MARKS, RUN_SHAPES
from sedir_core.types import DoubleArray, IntArray

DOT, LEAST_ROW_PX = 5.0, 13
RUN_NAMES = ("model", "baseline", "third")
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
CENTRE = Qt.AlignmentFlag.AlignCenter


class CategoryChart(QWidget):
    """What the charts share: names, colours of the runs, and the categories that keep their colour."""

    category_clicked = Signal(int)

    def __init__(self, theme: Theme, runs: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._runs = theme, runs
        self._names: Sequence[str] = ()
        self._chosen: frozenset[int] | None = None

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.update()

    def set_runs(self, *colours: str) -> None:
        """Model, baseline, third."""
        self._runs = colours
        self.update()

    def choose(self, categories: frozenset[int] | None) -> None:
        """Highlight these categories and grey out the others; None highlights all."""
        self._chosen = categories
        self.update()

    def _colour(self, run: int, category: int) -> QColor:
        return QColor(self._runs[run] if self._chosen is None or category in self._chosen else self._theme.line)

    def _painter(self) -> QPainter:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(caption_font(self.font()))
        return painter

    def _dot(self, painter: QPainter, run: int, category: int, at: QPointF) -> None:
        colour, ground = self._colour(run, category), QColor(self._theme.panel)
        hollow = run == HOLLOW_RUN
        painter.setPen(QPen(colour, 1.6) if hollow else QPen(ground, 1))
        painter.setBrush(ground if hollow else colour)
        painter.translate(at)
        painter.drawPath(mark_path(RUN_SHAPES[run], DOT - 1 if hollow else DOT))
        painter.resetTransform()


class DumbbellChart(CategoryChart):
    """A row per category; circle: model, square: baseline, hollow diamond: third."""

    def __init__(self, theme: Theme, runs: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(theme, runs, parent)
        self._values: Sequence[DoubleArray] = ()
        self._range = (0.0, 1.0)
        self.setMinimumSize(180, 120)

    def show_values(self, names: Sequence[str], values: Sequence[DoubleArray], unit: bool) -> None:
        """values: of each run (C,), NaN where unknown. unit: the axis runs from 0 to 1."""
        self._names, self._values, self._chosen = names, values, None
        self.setMinimumHeight(max(120, LEAST_ROW_PX * len(names) + 28))
        known = np.concatenate(values)
        known = known[np.isfinite(known)]
        self._range = (0.0, 1.0) if unit or not len(known) else padded(float(known.min()), float(known.max()))
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        row = int((event.position().y() - 4) / self._row_height()) if self._names else -1
        if 0 <= row < len(self._names):
            self.category_clicked.emit(row)

    def _row_height(self) -> float:
        return (self.height() - 24) / max(len(self._names), 1)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter = self._painter()
        metrics = QFontMetricsF(painter.font())
        left = min(max((metrics.horizontalAdvance(name) for name in self._names), default=0), 0.4 * self.width()) + 12
        low, high = self._range
        bottom, row = self.height() - 20.0, self._row_height()

        def x(value: float) -> float:
            return left + 8 + (value - low) / (high - low) * (self.width() - left - 20)

        for tick in ticks(low, high):
            painter.setPen(QPen(QColor(self._theme.line), 0.7))
            painter.drawLine(QPointF(x(tick), 2), QPointF(x(tick), bottom))
            painter.setPen(QColor(self._theme.quiet))
            painter.drawText(QRectF(x(tick) - 30, bottom + 2, 60, 16), CENTRE, f"{tick:g}")
        for c, name in enumerate(self._names):
            y = 4 + (c + 0.5) * row
            faded = self._chosen is not None and c not in self._chosen
            painter.setPen(QColor(self._theme.faint if faded else self._theme.ink))
            shown = metrics.elidedText(name, Qt.TextElideMode.ElideRight, left - 10)
            painter.drawText(QRectF(0, y - row / 2, left - 4, row), RIGHT, shown)
            values = [float(side[c]) for side in self._values]
            if all(math.isfinite(value) for value in values):
                painter.setPen(QPen(QColor(self._theme.line), 3))
                painter.drawLine(QPointF(x(min(values)), y), QPointF(x(max(values)), y))
            for run in reversed(range(len(values))):
                if math.isfinite(values[run]):
                    self._dot(painter, run, c, QPointF(x(values[run]), y))
        painter.end()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() is QEvent.Type.ToolTip and self._names:
            row = int((event.pos().y() - 4) / self._row_height())
            if 0 <= row < len(self._names):
                said = " / ".join(f"{side[row]:.3f}" for side in self._values)
                which = " / ".join(RUN_NAMES[: len(self._values)])
                QToolTip.showText(event.globalPos(), f"{self._names[row]}: {said} ({which})", self)
                return True
        return super().event(event)


class RelationChart(CategoryChart):
    """Normal error over classification score, a mark per category and run."""

    def __init__(self, theme: Theme, runs: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(theme, runs, parent)
        self._points: Sequence[DoubleArray] = ()
        self.setMinimumSize(180, 120)

    def show_points(self, names: Sequence[str], points: Sequence[DoubleArray]) -> None:
        """points: of each run (C, 2), score and error."""
        self._names, self._points, self._chosen = names, points, None
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter = self._painter()
        errors = np.concatenate([np.zeros(0), *(side[:, 1] for side in self._points)])
        errors = errors[np.isfinite(errors)]
        low, high = padded(float(errors.min()), float(errors.max())) if len(errors) else (0.0, 1.0)
        box = QRectF(46, 6, self.width() - 58, self.height() - 44)

        def place(score: float, error: float) -> QPointF:
            return QPointF(box.left() + score * box.width(), box.bottom() - (error - low) / (high - low) * box.height())

        for tick in ticks(low, high):
            y = place(0, tick).y()
            painter.setPen(QPen(QColor(self._theme.line), 0.7))
            painter.drawLine(QPointF(box.left(), y), QPointF(box.right(), y))
            painter.setPen(QColor(self._theme.quiet))
            painter.drawText(QRectF(0, y - 8, 42, 16), RIGHT, f"{tick:g}")
        for tick in (0, 0.5, 1):
            x = place(tick, low).x()
            painter.setPen(QPen(QColor(self._theme.line), 0.7))
            painter.drawLine(QPointF(x, box.top()), QPointF(x, box.bottom()))
            painter.setPen(QColor(self._theme.quiet))
            painter.drawText(QRectF(x - 30, box.bottom() + 2, 60, 16), CENTRE, f"{tick:g}")
        painter.drawText(QRectF(box.left(), box.bottom() + 18, box.width(), 16), CENTRE, "classification score")
        painter.save()
        painter.translate(8, box.center().y())
        painter.rotate(-90)
        painter.drawText(QRectF(-60, -8, 120, 16), CENTRE, "normal error")
        painter.restore()
        for run in reversed(range(len(self._points))):
            for c, (score, error) in enumerate(self._points[run].tolist()):
                if math.isfinite(score) and math.isfinite(error):
                    self._dot(painter, run, c, place(score, error))
        painter.end()


class ConfusionView(CategoryChart):
    """Rows: true category; columns: predicted; shaded by the share of the row."""

    def __init__(self, theme: Theme, runs: Sequence[str], run: int, parent: QWidget | None = None) -> None:
        super().__init__(theme, runs, parent)
        self._run = run
        self._counts: IntArray = np.zeros((0, 0), np.int64)
        self.setMinimumSize(140, 120)

    def show_counts(self, names: Sequence[str], counts: IntArray) -> None:
        self._names, self._counts = names, counts
        self.update()

    def _box(self) -> QRectF:
        side = min(self.width() - 90.0, self.height() - 22.0)
        return QRectF((self.width() - side + 80) / 2, 2, side, side)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter = self._painter()
        n = len(self._names)
        box = self._box()
        cell = box.width() / max(n, 1)
        metrics = QFontMetricsF(painter.font())
        for row in range(n):
            total = max(int(self._counts[row].sum()), 1)
            painter.setPen(QColor(self._theme.quiet))
            name = metrics.elidedText(self._names[row], Qt.TextElideMode.ElideRight, box.left() - 6)
            painter.drawText(QRectF(0, box.top() + row * cell, box.left() - 5, cell), RIGHT, name)
            for column in range(n):
                count = int(self._counts[row, column])
                shade = QColor(self._runs[self._run])
                shade.setAlphaF(0.04 + 0.96 * count / total)
                where = QRectF(box.left() + column * cell, box.top() + row * cell, cell - 1, cell - 1)
                painter.fillRect(where, shade)
                if count and cell >= 15:
                    painter.setPen(QColor(self._theme.panel if count / total > 0.5 else self._theme.ink))
                    painter.drawText(where, CENTRE, str(count))
        painter.setPen(QColor(self._theme.quiet))
        painter.drawText(
            QRectF(box.left(), box.bottom() + 1, box.width(), 18),
            CENTRE,
            f"{RUN_MARKS[self._run]}  taken for (same order)",
        )
        painter.end()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() is QEvent.Type.ToolTip and self._names:
            box = self._box()
            cell = box.width() / len(self._names)
            row, column = int((event.pos().y() - box.top()) // cell), int((event.pos().x() - box.left()) // cell)
            if 0 <= row < len(self._names) and 0 <= column < len(self._names):
                text = f"{self._names[row]} predicted as {self._names[column]}: {self._counts[row, column]}"
                QToolTip.showText(event.globalPos(), text, self)
                return True
        return super().event(event)


MOST_TICKS = 5


def padded(low: float, high: float) -> tuple[float, float]:
    """The range with a margin; never empty."""
    air = 0.12 * (high - low) or 0.1 * abs(high) or 0.1
    return low - air, high + air


def ticks(low: float, high: float) -> list[float]:
    """Two to five round numbers in a range."""
    power = 10.0 ** math.floor(math.log10((high - low) / 10))
    found: list[float] = []
    for step in (power * times for times in (1, 2, 2.5, 5, 10, 20, 25, 50)):
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        found = [round(k * step, 10) for k in range(first, last + 1)]
        if len(found) <= MOST_TICKS:
            break
    return found
