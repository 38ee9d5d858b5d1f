"""Training curves: one small chart per quantity, on a shared epoch axis."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QGridLayout, QWidget

from app.widgets.theme import Theme, caption_font

COLUMNS = 3
WINDOW = 20  # the bold line averages over a twentieth of the points; the raw values stay visible behind it
LOGARITHMIC_FROM = 20.0  # ratio of the largest to the smallest value
FLAT = 0.01  # relative change below which the line is drawn level
TOP, BOTTOM, LEFT, RIGHT = 34.0, 22.0, 54.0, 12.0
Point = tuple[float, float]
TITLES = {
    "total": "Total loss",
    "rec": "Reconstruction",
    "scl": "Contrastive",
    "cls": "Classification",
    "cos": "Cosine",
    "learning rate": "Learning rate",
    "steps/s": "Steps per second",
    "memory": "Memory, GB",
}
"""Quantities a training reports every epoch, in display order."""


class CurveChart(QWidget):
    """One quantity; hovering shows the value at an epoch."""

    def __init__(self, title: str, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMinimumSize(190, 130)
        self.title = title
        self._theme = theme
        self._points: Sequence[Point] = ()
        self._beside: Sequence[Point] = ()
        self._last_x = 1.0
        self._pointed: int | None = None
        self.setMouseTracking(True)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.update()

    def show_points(self, points: Sequence[Point], last_x: float, beside: Sequence[Point] = ()) -> None:
        """points: (epoch, value) in order. last_x: end of the axis. beside: points of another run, drawn behind."""
        self._points, self._beside, self._last_x = tuple(points), tuple(beside), max(last_x, 1.0)
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if self._points:
            x = 1 + (event.position().x() - LEFT) / max(self._plot().width(), 1) * (self._last_x - 1)
            self._pointed = min(range(len(self._points)), key=lambda i: abs(self._points[i][0] - x))
            self.update()

    def leaveEvent(self, event: object) -> None:  # noqa: N802
        self._pointed = None
        self.update()

    def _plot(self) -> QRectF:
        return QRectF(LEFT, TOP, self.width() - LEFT - RIGHT, self.height() - TOP - BOTTOM)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(self._theme.line), 1))
        painter.setBrush(QColor(self._theme.panel))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 8, 8)
        self._write_title(painter)
        if self._points:
            self._draw(painter)
        else:
            painter.setPen(QColor(self._theme.faint))
            painter.drawText(self._plot(), Qt.AlignmentFlag.AlignCenter, "after the first epoch")

    def _write_title(self, painter: QPainter) -> None:
        top = QRectF(12, 8, self.width() - 24, 20)
        font = painter.font()
        font.setBold(True)
        painter.setFont(font)
        painter.setPen(QColor(self._theme.ink))
        painter.drawText(top, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, self.title)
        font.setBold(False)
        painter.setFont(font)
        if self._points:
            epoch, value = self._points[-1 if self._pointed is None else self._pointed]
            said = readable(value) if self._pointed is None else f"epoch {epoch:.0f}: {readable(value)}"
            painter.setPen(QColor(self._theme.quiet))
            painter.drawText(top, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, said)

    def _draw(self, painter: QPainter) -> None:
        plot = self._plot()
        values = [value for _, value in (*self._points, *self._beside) if math.isfinite(value)]
        low, high = min(values, default=0.0), max(values, default=1.0)
        logarithmic = low > 0 and high / low > LOGARITHMIC_FROM
        scale = math.log if logarithmic else float
        bottom, top = scale(low), scale(high)
        if top - bottom < FLAT * max(abs(top), abs(bottom)) or top == bottom:
            # The noise of a constant must not look like a decrease.
            bottom, top = bottom - 0.5 * (abs(bottom) or 1), top + 0.5 * (abs(top) or 1)
            low, high = (math.exp(bottom), math.exp(top)) if logarithmic else (bottom, top)

        def at(point: Point) -> QPointF:
            x = plot.left() + (point[0] - 1) / max(self._last_x - 1, 1) * plot.width()
            share = (scale(max(point[1], 1e-300) if logarithmic else point[1]) - bottom) / (top - bottom)
            return QPointF(x, plot.bottom() - share * plot.height())

        self._draw_axes(painter, plot, low, high, logarithmic)
        if self._beside:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(self._theme.uncertain), 1.8, Qt.PenStyle.DashLine))
            painter.drawPolyline(QPolygonF([at(point) for point in smoothed(self._beside)]))
        raw = [at(point) for point in self._points if math.isfinite(point[1])]
        smooth = [at(point) for point in smoothed(self._points)]
        faint = QColor(self._theme.accent)
        faint.setAlphaF(0.3)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(faint, 1.2))
        painter.drawPolyline(QPolygonF(raw))
        painter.setPen(QPen(QColor(self._theme.accent), 1.8))
        painter.drawPolyline(QPolygonF(smooth))
        shown = at(self._points[-1 if self._pointed is None else self._pointed])
        painter.setBrush(QColor(self._theme.accent))
        painter.setPen(QPen(QColor(self._theme.panel), 1.5))
        painter.drawEllipse(shown, 3.6, 3.6)

    def _draw_axes(self, painter: QPainter, plot: QRectF, low: float, high: float, logarithmic: bool) -> None:
        painter.setPen(QPen(QColor(self._theme.line), 1))
        painter.drawLine(plot.bottomLeft(), plot.bottomRight())
        painter.drawLine(plot.topLeft(), plot.bottomLeft())
        font = caption_font(self.font())
        painter.setFont(font)
        painter.setPen(QColor(self._theme.quiet))
        metrics = QFontMetricsF(font)
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for value, y in ((high, plot.top()), (low, plot.bottom())):
            painter.drawText(QRectF(2, y - 8, LEFT - 8, 16), right, readable(value))
        if logarithmic:
            painter.drawText(QRectF(2, plot.center().y() - 8, LEFT - 8, 16), right, "log")
        painter.drawText(QRectF(plot.left(), plot.bottom() + 3, 60, 16), Qt.AlignmentFlag.AlignLeft, "1")
        last = f"{self._last_x:.0f} epochs"
        width = metrics.horizontalAdvance(last) + 4
        where = QRectF(plot.right() - width, plot.bottom() + 3, width, 16)
        painter.drawText(where, Qt.AlignmentFlag.AlignRight, last)
        painter.setFont(self.font())


class CurveGrid(QWidget):
    """One chart per quantity of a run, in order of first appearance."""

    def __init__(
        self, theme: Theme, titles: Mapping[str, str], parent: QWidget | None = None, columns: int = COLUMNS
    ) -> None:
        """titles: display title by quantity name."""
        super().__init__(parent)
        self._columns = columns
        self._theme, self._titles = theme, titles
        self.charts: dict[str, CurveChart] = {}
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(8)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        for chart in self.charts.values():
            chart.set_theme(theme)

    def show_series(
        self, series: Mapping[str, Sequence[Point]], last_x: float, beside: Mapping[str, Sequence[Point]] | None = None
    ) -> None:
        """Draw these series and drop charts of quantities that are gone. beside: the same of another run."""
        for name in [name for name in self.charts if name not in series]:
            chart = self.charts.pop(name)
            self._grid.removeWidget(chart)
            chart.deleteLater()
        for name, points in series.items():
            if name not in self.charts:
                self.charts[name] = chart = CurveChart(self._titles.get(name, name), self._theme)
                self._grid.addWidget(chart, *divmod(len(self.charts) - 1, self._columns))
            self.charts[name].show_points(points, last_x, (beside or {}).get(name, ()))


def smoothed(points: Sequence[Point]) -> list[Point]:
    """Centred running mean, which does not lag; short series are returned unchanged."""
    known = [point for point in points if math.isfinite(point[1])]
    half = len(known) // (2 * WINDOW)
    found = []
    for i, (x, _) in enumerate(known):
        reach = min(half, i, len(known) - 1 - i)
        near = [value for _, value in known[i - reach : i + reach + 1]]
        found.append((x, sum(near) / len(near)))
    return found


def readable(value: float) -> str:
    """Three significant digits, in the shortest form."""
    if value and not 1e-2 <= abs(value) < 1e4:
        mantissa, exponent = f"{value:.1e}".split("e")
        return f"{mantissa}e{int(exponent)}"
    return f"{value:.3g}"
