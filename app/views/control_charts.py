"""Control charts of past inspections: NG share by lot, day or hour, and the scores of one part in time order."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from app.widgets.numbers import grouped
from app.widgets.theme import Theme, caption_font
from sedir_core.evidence.wording import of_limit
from sedir_core.history.control import RULES, RunChart, ShareChart
from sedir_core.types import VERDICT_WORDS

TOP, BOTTOM, LEFT, RIGHT = 34.0, 24.0, 52.0, 14.0
MARK = 3.2
SHARE_TOPS = (0.02, 0.04, 0.1, 0.2, 0.4, 0.6, 0.8)
SCORE_TOP = 1.5  # as a multiple of the limit; higher values are drawn at the top
NEAR_PX = 14.0
ROOM_PX = 70.0  # width reserved per label of the x axis
LEFT_AT, RIGHT_AT = (
    side | Qt.AlignmentFlag.AlignVCenter for side in (Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight)
)


class _Chart(QWidget):
    """Frame, summary line and axes; the line explains the hovered point, a click emits it."""

    chosen = Signal(str)

    def __init__(self, name: str, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMinimumSize(170, 150)
        self.theme = theme
        self._pointed: int | None = None
        self.setMouseTracking(True)
        self.setAccessibleName(name)

    def set_theme(self, theme: Theme) -> None:
        self.theme = theme
        self.update()

    @property
    @abstractmethod
    def summary(self) -> str:
        """The chart's message in words."""

    @abstractmethod
    def _explain(self, index: int) -> str:
        """One point in words."""

    @abstractmethod
    def _values(self) -> Sequence[float]:
        """Height of each point."""

    @abstractmethod
    def _top(self) -> float:
        """Upper end of the y axis."""

    @abstractmethod
    def _name(self, index: int) -> str:
        """What a click on a point emits."""

    @abstractmethod
    def _label(self, index: int) -> str:
        """Label below the axis."""

    @abstractmethod
    def _draw(self, painter: QPainter) -> None: ...

    @property
    def _bottom(self) -> float:
        return 0.0

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        before, self._pointed = self._pointed, self._near(event.position())
        self.setCursor(Qt.CursorShape.ArrowCursor if self._pointed is None else Qt.CursorShape.PointingHandCursor)
        if before != self._pointed:
            self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if (index := self._near(event.position())) is not None:
            self.chosen.emit(self._name(index))

    def leaveEvent(self, event: object) -> None:  # noqa: N802
        self._pointed = None
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(self.theme.line), 1))
        painter.setBrush(QColor(self.theme.panel))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 8, 8)
        self._write_words(painter)
        if self._values():
            self._draw_axes(painter)
            painter.save()
            painter.setClipRect(self._plot().adjusted(-6, -6, 6, 1))
            self._draw(painter)
            painter.restore()
        else:
            painter.setPen(QColor(self.theme.faint))
            painter.drawText(self._plot(), Qt.AlignmentFlag.AlignCenter, "Nothing to draw yet.")

    def at(self, index: int, value: float) -> QPointF:
        """Widget pixels of a value; values above the axis are clipped to the top."""
        plot, n = self._plot(), len(self._values())
        x = plot.left() + (index + 0.5) / max(n, 1) * plot.width()
        share = (value - self._bottom) / max(self._top() - self._bottom, 1e-12)
        return QPointF(x, plot.bottom() - min(max(share, 0.0), 1.0) * plot.height())

    def _plot(self) -> QRectF:
        return QRectF(LEFT, TOP, self.width() - LEFT - RIGHT, self.height() - TOP - BOTTOM)

    def _near(self, where: QPointF) -> int | None:
        values, plot = self._values(), self._plot()
        if not values or not plot.adjusted(-NEAR_PX, -NEAR_PX, NEAR_PX, NEAR_PX).contains(where):
            return None
        index = int((where.x() - plot.left()) / max(plot.width(), 1) * len(values))
        near = range(max(0, index - 3), min(len(values), index + 4))
        gaps = {i: (self.at(i, values[i]) - where).manhattanLength() for i in near}
        best = min(gaps, key=lambda i: gaps[i])
        wide = plot.width() / len(values) > 2 * NEAR_PX
        return best if gaps[best] <= NEAR_PX or (wide and best == index) else None

    def _write_words(self, painter: QPainter) -> None:
        pointed = self._pointed is not None and self._pointed < len(self._values())
        said = self._explain(self._pointed) if pointed and self._pointed is not None else self.summary
        room = QRectF(14, 8, self.width() - 28, 20)
        painter.setPen(QColor(self.theme.ink if pointed else self.theme.quiet))
        shown = QFontMetricsF(painter.font()).elidedText(said, Qt.TextElideMode.ElideRight, room.width())
        painter.drawText(room, int(LEFT_AT), shown)

    def _draw_axes(self, painter: QPainter) -> None:
        plot, n = self._plot(), len(self._values())
        painter.setPen(QPen(QColor(self.theme.line), 1))
        painter.drawLine(plot.bottomLeft(), plot.bottomRight())
        font = caption_font(self.font())
        painter.setFont(font)
        painter.setPen(QColor(self.theme.quiet))
        for value in (self._bottom, (self._bottom + self._top()) / 2, self._top()):
            y = self.at(0, value).y()
            painter.drawText(QRectF(2, y - 8, LEFT - 10, 16), int(RIGHT_AT), f"{100 * value:.0f} %")
        metrics, last = QFontMetricsF(font), -1e9
        step = max(1, round(n / max(plot.width() / ROOM_PX, 1)))
        for index in range(0, n, step):
            text = self._label(index)
            width = metrics.horizontalAdvance(text)
            middle = self.at(index, 0).x()
            left = min(max(middle - width / 2, plot.left()), plot.right() - width)
            if left > last + 8:
                painter.drawText(QRectF(left, plot.bottom() + 4, width + 2, 16), int(LEFT_AT), text)
                last = left + width
        painter.setFont(self.font())

    def _dash(self, painter: QPainter, value: float, colour: str, words: str) -> None:
        plot, y = self._plot(), self.at(0, value).y()
        painter.setPen(QPen(QColor(colour), 1.2, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))
        if words:
            painter.setPen(QColor(colour))
            painter.drawText(QRectF(plot.left() + 4, y + 2, 156, 16), int(LEFT_AT), words)

    def _band(self, painter: QPainter, low: float, high: float, alpha: float) -> None:
        plot = self._plot()
        colour = QColor(self.theme.accent)
        colour.setAlphaF(alpha)
        y = self.at(0, high).y()
        painter.fillRect(QRectF(plot.left(), y, plot.width(), self.at(0, low).y() - y), colour)

    def _ring(self, painter: QPainter, where: QPointF) -> None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(self.theme.ink), 1.4))
        painter.drawEllipse(where, MARK + 3, MARK + 3)


class ShareChartView(_Chart):
    """A p-chart; `chosen` carries the name of a group."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__("Share of NG", theme, parent)
        self.chart = ShareChart(0.0, ())

    def show_chart(self, chart: ShareChart) -> None:
        self.chart, self._pointed = chart, None
        self.update()

    @property
    def summary(self) -> str:
        if not self.chart.groups:
            return ""
        out = sum(group.out for group in self.chart.groups)
        words = "all within the control limits" if not out else f"{out} of {len(self.chart.groups)} out of control"
        return f"{100 * self.chart.centre:.1f} % on average, {words}"

    def _explain(self, index: int) -> str:
        group = self.chart.groups[index]
        limits = f"limits {100 * group.low:.0f} to {100 * group.high:.0f} %"
        return f"{group.name}: {group.n_ng} of {group.n} NG, {100 * group.share:.1f} % ({limits})"

    def _values(self) -> Sequence[float]:
        return [group.share for group in self.chart.groups]

    def _top(self) -> float:
        highest = max([0.02, *(max(group.share, group.high) for group in self.chart.groups)])
        return next((top for top in SHARE_TOPS if top >= highest), 1.0)

    def _name(self, index: int) -> str:
        return self.chart.groups[index].name

    def _label(self, index: int) -> str:
        name = self.chart.groups[index].name
        return name[5:] if name[:2] == "20" and name[4:5] == "-" else name

    def _draw(self, painter: QPainter) -> None:
        groups, plot = self.chart.groups, self._plot()
        width = plot.width() / len(groups)
        lows, highs = list[QPointF](), list[QPointF]()
        for index, group in enumerate(groups):
            left = plot.left() + index * width
            for ends, value in ((lows, group.low), (highs, group.high)):
                y = self.at(index, value).y()
                ends += [QPointF(left, y), QPointF(left + width, y)]
        band = QColor(self.theme.accent)
        band.setAlphaF(0.12)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(band)
        painter.drawPolygon(QPolygonF(highs + lows[::-1]))
        self._dash(painter, self.chart.centre, self.theme.quiet, "")
        places = [self.at(index, group.share) for index, group in enumerate(groups)]
        painter.setPen(QPen(QColor(self.theme.accent), 1.4))
        painter.drawPolyline(QPolygonF(places))
        for index, (group, place) in enumerate(zip(groups, places, strict=True)):
            colour = QColor(self.theme.ng if group.out else self.theme.accent)
            painter.setPen(QPen(QColor(self.theme.panel), 1.0))
            painter.setBrush(colour)
            if group.out:  # by its shape as well as its colour
                painter.drawPolygon(_diamond(place, MARK + 2.4))
            else:
                painter.drawEllipse(place, MARK, MARK)
            if index == self._pointed:
                self._ring(painter, place)


class RunChartView(_Chart):
    """Scores as a share of the limit; `chosen` carries the key of an inspection."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__("Score", theme, parent)
        self.chart = RunChart((), None, None, {})
        self.of_all = 0

    def show_chart(self, chart: RunChart, of_all: int) -> None:
        """of_all: total number, where only the newest are drawn."""
        self.chart, self.of_all, self._pointed = chart, of_all, None
        self.update()

    @property
    def summary(self) -> str:
        chart = self.chart
        if not chart.samples:
            return ""
        shown = len(chart.samples)
        newest = f"the newest {grouped(shown)} of {grouped(self.of_all)} · " if self.of_all > shown else ""
        if chart.centre is None:
            return newest + "too few scores under the limit to test for drift"
        if not chart.alarms:
            return newest + "no drift in the scores under the limit"
        last = max(chart.alarms)
        when = f"{chart.samples[last].time.astimezone():%Y-%m-%d %H:%M}"
        count = "1 drift alarm" if len(chart.alarms) == 1 else f"{len(chart.alarms)} drift alarms"
        return f"{newest}{count}, the last on {when}: {RULES[chart.alarms[last][-1]]}"

    def _explain(self, index: int) -> str:
        sample = self.chart.samples[index]
        broken = "; ".join(RULES[rule] for rule in self.chart.alarms.get(index, ()))
        when = f"{sample.time.astimezone():%Y-%m-%d %H:%M}"
        said = f"{when} · {VERDICT_WORDS[sample.verdict]} · {of_limit(sample.share or 0.0)}"
        return said + (f" · {broken}" if broken else "")

    def _values(self) -> Sequence[float]:
        return [sample.share or 0.0 for sample in self.chart.samples]

    def _top(self) -> float:
        return SCORE_TOP

    def _name(self, index: int) -> str:
        return self.chart.samples[index].key

    def _label(self, index: int) -> str:
        return f"{self.chart.samples[index].time.astimezone():%m-%d %H:%M}"

    def _draw(self, painter: QPainter) -> None:
        chart = self.chart
        if chart.centre is not None and chart.sigma is not None:
            for sigmas in (3, 2, 1):
                self._band(painter, chart.centre - sigmas * chart.sigma, chart.centre + sigmas * chart.sigma, 0.07)
            self._dash(painter, chart.centre, self.theme.quiet, "")
        self._dash(painter, 1.0, self.theme.ng, "limit")
        places = [self.at(index, value) for index, value in enumerate(self._values())]
        line = QColor(self.theme.accent)
        line.setAlphaF(0.45)
        painter.setPen(QPen(line, 1.0))
        good = [place for place, sample in zip(places, chart.samples, strict=True) if not sample.over]
        painter.drawPolyline(QPolygonF(good))
        size = MARK if len(places) < 400 else 0.65 * MARK
        for index, (sample, place) in enumerate(zip(chart.samples, places, strict=True)):
            alarm = index in chart.alarms
            colour = self.theme.ng if sample.over else self.theme.uncertain if alarm else self.theme.accent
            painter.setPen(QPen(QColor(self.theme.panel), 0.8))
            painter.setBrush(QColor(colour))
            if sample.over:
                painter.drawPolygon(_triangle(place, size + 1.6))
            elif alarm:
                painter.drawPolygon(_diamond(place, size + 1.6))
            else:
                painter.drawEllipse(place, size, size)
            if index == self._pointed:
                self._ring(painter, place)


def _diamond(middle: QPointF, reach: float) -> QPolygonF:
    steps = ((0, -reach), (reach, 0), (0, reach), (-reach, 0))
    return QPolygonF([middle + QPointF(dx, dy) for dx, dy in steps])


def _triangle(middle: QPointF, reach: float) -> QPolygonF:
    steps = ((0, -reach), (reach, 0.8 * reach), (-reach, 0.8 * reach))
    return QPolygonF([middle + QPointF(dx, dy) for dx, dy in steps])
