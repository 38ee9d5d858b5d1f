"""Two plots of a section: the outline of scan and expected surface, and the profile along it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF, QWheelEvent
from PySide6.QtWidgets import QWidget

from app.views.needles import needles
from app.views.section import CrossSection, highest
from app.widgets.theme import Theme
from sedir_core.drawing.colour_maps import Rgb
from sedir_core.drawing.colours import NOT_EVALUATED, Scale

MOST_DOTS = 6000
N_TONES = 16
N_BINS = 80
PAD = 10.0
OUTLINE_SHARE, NARROW_PX = 0.42, 300
REACH_PX = 9.0
NOTCH, ZOOM, MOST_ZOOM = 120.0, 1.25, 30.0
"""Degrees/8 per notch of the wheel, its factor, and the greatest magnification of the outline."""
NEEDLE_PX = 22.0
"""Length of the needle of the greatest deviation."""
EXPECTED_INK = "#8d97a6"


class Colours(Protocol):
    """Maps values to colours. low, high: ends of the scale."""

    @property
    def low(self) -> float: ...

    @property
    def high(self) -> float: ...

    def colours(self, values: NDArray[np.float32]) -> Rgb: ...


@dataclass(frozen=True)
class Profile:
    """A profile along a section. values: (k,) of its outline, NaN where unknown; empty if nothing is known yet.

    title: what it is, before and after the axis. dashed: values marked by a dashed line. word: formats a value.
    signed: whether values may be negative.
    """

    values: NDArray[np.float32]
    scale: Colours
    title: tuple[str, str]
    dashed: tuple[float, ...]
    word: Callable[[float], str]
    signed: bool = False

    @property
    def ends(self) -> tuple[float, float]:
        """Value range of the plot."""
        known = self.values[~np.isnan(self.values)]
        most = float(np.abs(known).max()) if len(known) else 0.0
        if self.signed:
            far = max(1.08 * most, 1.25 * max(map(abs, self.dashed)))
            return -far, far
        return 0.0, max(1.25, 1.08 * float(known.max()) if len(known) else 0.0, 1.1 * max(self.dashed))


NO_PROFILE = Profile(np.empty(0, np.float32), Scale(0.0, 2.0), ("", ""), (1.0,), str)


class SectionPlot(QWidget):
    """Both on the dark background of the 3D views, so that colours match. `row_clicked` carries a scan's row.

    The wheel magnifies the outline under the mouse, a double click shows all of it again.
    """

    row_clicked = Signal(int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._section: CrossSection | None = None
        self._profile = NO_PROFILE
        self._tones: NDArray[np.intp] = np.empty(0, np.intp)  # -1 where not evaluated
        self._labels = ("", "", "")
        self._hovered: int | None = None
        self._zoom, self._shift = 1.0, QPointF()  # of the outline, about the centre of its room
        self._dimension: tuple[list[int], str] = ([], "")
        self._needles = np.empty(0, np.int64), np.empty((0, 2))
        self.setMouseTracking(True)
        self.setMinimumSize(130, 120)
        self.setAccessibleName("Section: outline, and what was measured along it")

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(520, 190)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.update()

    def show_section(self, section: CrossSection | None, profile: Profile, labels: tuple[str, str, str]) -> None:
        """labels: least and greatest position along, and the axis."""
        self._section, self._profile, self._labels = section, profile, labels
        values, scale = profile.values, profile.scale
        span = (values - scale.low) * (N_TONES / (scale.high - scale.low))
        self._tones = np.where(np.isnan(values), -1, np.clip(np.nan_to_num(span), 0, N_TONES - 1)).astype(np.intp)
        self._hovered = None
        self._needles = np.empty(0, np.int64), np.empty((0, 2))
        if section is not None and profile.signed:
            self._needles = needles(section, values, min(map(abs, profile.dashed)))
        self.update()

    def show_dimension(self, rows: Sequence[int], text: str) -> None:
        """Draw the length between two picked points of the scan, where the section has both."""
        self._dimension = (list(rows), text)
        self.update()

    # The mouse

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        place = event.position()
        if self._narrow or not self._outline_room.contains(place):
            event.ignore()
            return
        zoom = min(max(self._zoom * ZOOM ** (event.angleDelta().y() / NOTCH), 1.0), MOST_ZOOM)
        from_centre = place - self._outline_room.center()
        self._shift = QPointF() if zoom == 1.0 else from_centre - (from_centre - self._shift) * (zoom / self._zoom)
        self._zoom = zoom
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        self._zoom, self._shift = 1.0, QPointF()
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        self._hovered = self._nearest(event.position())
        self.setCursor(Qt.CursorShape.ArrowCursor if self._hovered is None else Qt.CursorShape.PointingHandCursor)
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        found = self._nearest(event.position())
        if found is not None and self._section is not None:
            self.row_clicked.emit(int(self._section.rows[found]))

    def place_of(self, index: int) -> QPointF:
        """Pixel position of that point of the section in the profile."""
        x, y = self._profile_pixels()
        return QPointF(float(x[index]), float(y[index]))

    def _nearest(self, place: QPointF) -> int | None:
        if self._section is None or not len(self._section.rows):
            return None
        best: tuple[float, int] | None = None
        outline = [] if self._narrow else [self._outline_pixels(self._section.outline)]
        for x, y in (*outline, self._profile_pixels()):
            away = np.hypot(x - place.x(), y - place.y())
            away[np.isnan(away)] = np.inf
            if len(away) and (best is None or away.min() < best[0]):
                best = float(away.min()), int(away.argmin())
        return best[1] if best is not None and best[0] <= REACH_PX else None

    # Where things are

    @property
    def _narrow(self) -> bool:
        """Whether there is room for the profile alone."""
        return self.width() < NARROW_PX

    @property
    def _outline_room(self) -> QRectF:
        return QRectF(0, 0, OUTLINE_SHARE * self.width() - 4, self.height())

    @property
    def _profile_room(self) -> QRectF:
        left = 0.0 if self._narrow else OUTLINE_SHARE * self.width() + 4
        return QRectF(left, 0, self.width() - left, self.height())

    @property
    def _profile_box(self) -> QRectF:
        metrics = QFontMetricsF(self.font())
        words = [self._profile.word(value) for value in (*self._profile.ends, *self._profile.dashed)]
        left = max(map(metrics.horizontalAdvance, [*words, "999 %"])) + PAD + 6
        return self._profile_room.adjusted(left, PAD + 1.6 * metrics.height(), -PAD, -PAD - metrics.height())

    def _outline_pixels(self, flat: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Both axes on one scale, scan and reconstruction together."""
        assert self._section is not None
        both = np.concatenate([self._section.outline, self._section.expected])
        metrics = QFontMetricsF(self.font())
        room = self._outline_room.adjusted(PAD, PAD + metrics.height() + 2, -PAD, -PAD)
        low, high = (both.min(axis=0), both.max(axis=0)) if len(both) else (np.zeros(2), np.ones(2))
        zoom = min(room.width() / max(high[0] - low[0], 1e-12), room.height() / max(high[1] - low[1], 1e-12))
        middle, zoom = (low + high) / 2, self._zoom * zoom
        centre = self._outline_room.center() + self._shift + (room.center() - self._outline_room.center()) * self._zoom
        x = centre.x() + (flat[:, 0] - middle[0]) * zoom
        return np.asarray(x, np.float64), np.asarray(centre.y() - (flat[:, 1] - middle[1]) * zoom, np.float64)

    def _profile_pixels(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """NaN where nothing is known."""
        assert self._section is not None
        if len(self._profile.values) != len(self._section.outline):
            return np.full(1, np.nan), np.full(1, np.nan)
        along = self._section.outline[:, 0].astype(np.float64)
        return self._along_pixels(along), self._value_pixels(self._profile.values.astype(np.float64))

    def _along_pixels(self, along: NDArray[np.float64]) -> NDArray[np.float64]:
        assert self._section is not None
        own, box = self._section.outline[:, 0], self._profile_box
        low, width = float(own.min()), max(float(np.ptp(own)), 1e-12)
        return np.asarray(box.left() + (along - low) / width * box.width())

    def _value_pixels(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        box, (low, high) = self._profile_box, self._profile.ends
        return np.asarray(box.bottom() - (values - low) / (high - low) * box.height())

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._theme.view_bottom))
        painter.drawRoundedRect(self._profile_room, 5, 5)
        if not self._narrow:
            painter.drawRoundedRect(self._outline_room, 5, 5)
            self._title(painter, self._outline_room, "Outline")
        if self._section is None or not len(self._section.outline):
            room = self._profile_room if self._narrow else self._outline_room
            self._say(painter, room, "The plane does not meet the scan.")
            return
        if not self._narrow:
            self._paint_outline(painter)
            self._legend(painter)
        if not len(self._profile.values):
            self._say(painter, self._profile_room, "The profile appears once the scan has been inspected.")
            return
        self._paint_profile(painter)
        if self._hovered is not None and self._hovered < len(self._section.rows):
            self._paint_hovered(painter, self._hovered)

    def _paint_outline(self, painter: QPainter) -> None:
        assert self._section is not None
        painter.save()
        top = PAD + QFontMetricsF(self.font()).height()
        painter.setClipRect(self._outline_room.adjusted(0, top, 0, 0))
        expected = self._section.expected[:: -(-len(self._section.expected) // MOST_DOTS) or 1]
        if len(expected):
            self._dots(painter, *self._outline_pixels(expected), QColor(EXPECTED_INK), 2.4)
        self._paint_needles(painter)
        self._coloured_dots(painter, *self._outline_pixels(self._section.outline), 3.0)
        self._paint_dimension(painter)
        painter.restore()

    def _paint_needles(self, painter: QPainter) -> None:
        """Deviations, magnified: the greatest is `NEEDLE_PX` long."""
        assert self._section is not None
        at, ways = self._needles
        if not len(at):
            return
        values = self._profile.values[at]
        x, y = self._outline_pixels(self._section.outline[at])
        lengths = NEEDLE_PX * np.abs(values) / float(np.nanmax(np.abs(self._profile.values)))
        tips = np.stack([x + lengths * ways[:, 0], y - lengths * ways[:, 1]], axis=1)
        inks = self._profile.scale.colours(values)
        for place, tip, ink in zip(np.stack([x, y], axis=1).tolist(), tips.tolist(), inks.tolist(), strict=True):
            painter.setPen(QPen(QColor(*ink), 1.3))
            painter.drawLine(QPointF(*place), QPointF(*tip))

    def _paint_dimension(self, painter: QPainter) -> None:
        assert self._section is not None
        rows, text = self._dimension
        at = [int(found[0]) for row in rows if len(found := np.flatnonzero(self._section.rows == row))]
        if len(at) != 2:
            return
        x, y = self._outline_pixels(self._section.outline[at])
        start, end = QPointF(float(x[0]), float(y[0])), QPointF(float(x[1]), float(y[1]))
        painter.setPen(QPen(QColor(self._theme.view_accent), 1.6))
        painter.setBrush(QColor(self._theme.view_accent))
        painter.drawLine(start, end)
        for place in (start, end):
            painter.drawEllipse(place, 3, 3)
        metrics, middle = QFontMetricsF(self.font()), (start + end) / 2
        room = QRectF(0, 0, metrics.horizontalAdvance(text) + PAD, metrics.height() + 2)
        room.moveCenter(middle)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._theme.view_bottom))
        painter.drawRoundedRect(room, 4, 4)
        painter.setPen(QColor(self._theme.view_ink))
        painter.drawText(room, int(Qt.AlignmentFlag.AlignCenter), text)

    def _paint_profile(self, painter: QPainter) -> None:
        assert self._section is not None
        box, ink, profile = self._profile_box, QColor(self._theme.view_ink), self._profile
        metrics = QFontMetricsF(self.font())
        self._title(painter, self._profile_room, f"{profile.title[0]} {self._labels[2]}{profile.title[1]}")
        lines = np.array([0.0, *profile.dashed, *profile.ends])
        heights = dict(zip(lines.tolist(), self._value_pixels(lines).tolist(), strict=True))
        soft = QColor(ink)
        soft.setAlphaF(0.3)
        painter.setPen(QPen(soft, 1))
        painter.drawLine(QPointF(box.left(), heights[0.0]), QPointF(box.right(), heights[0.0]))
        painter.setPen(QPen(ink, 1.2, Qt.PenStyle.DashLine))
        for value in profile.dashed:
            painter.drawLine(QPointF(box.left(), heights[value]), QPointF(box.right(), heights[value]))
        self._coloured_dots(painter, *self._profile_pixels(), 3.0)
        along, peaks = highest(self._section.outline[:, 0], profile.values, N_BINS)
        if not profile.signed:
            x, y = self._along_pixels(along), self._value_pixels(peaks)
            painter.setPen(QPen(ink, 1.2))
            painter.drawPolyline(QPolygonF([QPointF(a, b) for a, b in zip(x.tolist(), y.tolist(), strict=True)]))
        painter.setPen(ink)
        written: list[float] = []
        for value in (*profile.dashed, 0.0, *profile.ends):  # by importance, as far as there is room
            if all(abs(heights[value] - other) > 1.1 * metrics.height() for other in written):
                written.append(heights[value])
                text = profile.word(value)
                place = QPointF(
                    box.left() - 6 - metrics.horizontalAdvance(text), heights[value] + metrics.ascent() / 2 - 2
                )
                painter.drawText(place, text)
        below = box.bottom() + metrics.ascent() + 3
        first, last = map(metrics.horizontalAdvance, self._labels[:2])
        if first + last + PAD < box.width():
            painter.drawText(QPointF(box.left(), below), self._labels[0])
            painter.drawText(QPointF(box.right() - last, below), self._labels[1])

    def _paint_hovered(self, painter: QPainter, index: int) -> None:
        assert self._section is not None
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(self._theme.view_accent), 2))
        outline = [] if self._narrow else [self._outline_pixels(self._section.outline)]
        for x, y in (*outline, self._profile_pixels()):
            if index < len(x) and np.isfinite(y[index]):
                painter.drawEllipse(QPointF(float(x[index]), float(y[index])), 5, 5)

    def _coloured_dots(self, painter: QPainter, x: NDArray[np.float64], y: NDArray[np.float64], size: float) -> None:
        every = -(-len(x) // MOST_DOTS) or 1
        tones = self._tones if len(self._tones) == len(x) else np.full(len(x), N_TONES, np.intp)
        scale = self._profile.scale
        width = (scale.high - scale.low) / N_TONES
        table = scale.colours((scale.low + (np.arange(N_TONES) + 0.5) * width).astype(np.float32))
        for tone in np.unique(tones):  # the hottest last, on top
            chosen = np.flatnonzero(tones == tone)
            chosen = chosen if self._profile.signed or tone >= N_TONES // 2 else chosen[::every]
            if tone < 0:
                colour = QColor(*NOT_EVALUATED)
            elif tone == N_TONES:
                colour = QColor(self._theme.view_ink)
            else:
                colour = QColor(*table[tone].tolist())
            self._dots(painter, x[chosen], y[chosen], colour, size)

    @staticmethod
    def _dots(painter: QPainter, x: NDArray[np.float64], y: NDArray[np.float64], colour: QColor, size: float) -> None:
        pen = QPen(colour, size)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        known = np.isfinite(y)
        painter.drawPoints(
            QPolygonF([QPointF(a, b) for a, b in zip(x[known].tolist(), y[known].tolist(), strict=True)])
        )

    def _title(self, painter: QPainter, room: QRectF, text: str) -> None:
        metrics = QFontMetricsF(self.font())
        painter.setPen(QColor(self._theme.view_ink))
        text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, room.width() - 2 * PAD)
        painter.drawText(QPointF(room.left() + PAD, room.top() + PAD + metrics.ascent() - 2), text)

    def _legend(self, painter: QPainter) -> None:
        """Explains which dots are the reconstruction's."""
        assert self._section is not None
        if not len(self._section.expected):
            return
        metrics, room = QFontMetricsF(self.font()), self._outline_room
        text = "expected"
        x = room.right() - PAD - metrics.horizontalAdvance(text)
        baseline = room.top() + PAD + metrics.ascent() - 2
        painter.setPen(QColor(EXPECTED_INK))
        painter.drawText(QPointF(x, baseline), text)
        painter.setBrush(QColor(EXPECTED_INK))
        painter.drawEllipse(QPointF(x - 8, baseline - metrics.ascent() / 3), 2.5, 2.5)

    def _say(self, painter: QPainter, room: QRectF, text: str) -> None:
        painter.setPen(QColor(self._theme.view_ink))
        painter.drawText(room, int(Qt.AlignmentFlag.AlignCenter) | int(Qt.TextFlag.TextWordWrap), text)
