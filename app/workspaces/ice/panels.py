"""Panels of the ICE page: legend, table of measures, thumbnail, introduction."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHeaderView,
    QListWidget,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from app.views.sample_view import paint_points
from app.views.scatter import MarkLook, mark_path
from app.widgets.empty_state import EmptyState
from app.widgets.plain_text import plain_tip
from app.widgets.theme import Theme, icon, primary_icon
from sedir_core.types import DoubleArray

if TYPE_CHECKING:
    from sedir_core.evaluation.ice import Comparison

FIRST_STEPS = (
    "Choose a data set with normal test scans, and two runs at the top, or three: for instance the bundled run "
    "“default” and one that you have trained. All see the same scans. You then see whose categories overlap "
    "(inter-category entanglement, ICE) and what that costs."
)


def mark_icon(look: MarkLook) -> QIcon:
    """A category's mark, sharp on high-DPI screens."""
    picture = QPixmap(32, 32)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(look.colour))
    painter.translate(16, 16)
    painter.drawPath(mark_path(look.shape, 9))
    painter.end()
    found = QIcon(picture)
    found.addPixmap(picture, QIcon.Mode.Selected)  # Qt would tint it, and the colour is what it is there for
    return found


class CategoryLegend(QListWidget):
    """Shared legend; selecting categories selects their samples."""

    chosen = Signal(list)  # categories

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Categories")
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setIconSize(QSize(16, 16))
        self.setFixedWidth(150)
        self.setViewportMargins(4, 6, 4, 6)
        self.setStyleSheet("QListView::item { padding: 1px 7px; }")
        self.setToolTip("Choose categories to select their samples in every view")
        self.itemSelectionChanged.connect(lambda: self.chosen.emit(sorted(self.row(i) for i in self.selectedItems())))

    def show_categories(self, names: Sequence[str], looks: Sequence[MarkLook]) -> None:
        self.blockSignals(True)
        self.clear()
        self.addItems(list(names))
        self.set_looks(looks)
        self.blockSignals(False)

    def set_looks(self, looks: Sequence[MarkLook]) -> None:
        for row, look in enumerate(looks):
            self.item(row).setIcon(mark_icon(look))

    def forget(self) -> None:
        """Clear the selection without emitting."""
        self.blockSignals(True)
        self.clearSelection()
        self.blockSignals(False)


class MeasureTable(QTableWidget):
    """A row per measure, a column per run, the best one marked."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(0, 3, parent)
        self._theme = theme
        self._found: Comparison | None = None
        self.verticalHeader().hide()
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setIconSize(QSize(14, 14))
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        self.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.verticalHeader().setDefaultSectionSize(23)
        self.setStyleSheet("QTableView { border: none; }")
        self.setMinimumWidth(300)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        if self._found is not None:
            self.show_comparison(self._found)

    def show_comparison(self, found: Comparison) -> None:
        from sedir_core.evaluation.ice_style import HIGHER_IS_BETTER, MEASURE_NAMES, better

        self._found = found
        self.setColumnCount(1 + len(found.runs))
        self.setHorizontalHeaderLabels(["Measure", *(run.name for run in found.runs)])
        self.setRowCount(len(MEASURE_NAMES) + 1)
        for row, (name, title) in enumerate(MEASURE_NAMES.items()):
            measured = [run.measures[name] for run in found.runs]
            best = better(name, [one.value for one in measured])
            arrow = "↑" if HIGHER_IS_BETTER[name] else "↓"
            self._put(row, 0, f"{title} {arrow}", False, "higher is better" if arrow == "↑" else "lower is better")
            for i, one in enumerate(measured):
                if math.isnan(one.value):
                    self._put(row, i + 1, "–", False, "too few samples")
                else:
                    tip = f"95 % interval {one.low:.3f} to {one.high:.3f}" + (", the best one" if best == i else "")
                    self._put(row, i + 1, f"{one.value:.3f} ({one.low:.2f}–{one.high:.2f})", best == i, tip)
        last = len(MEASURE_NAMES)
        self._put(last, 0, "Spearman's ρ", False, "Of classification score and normal error, over categories")
        for i, run in enumerate(found.runs):
            self._put(
                last, i + 1, "–" if math.isnan(run.spearman) else f"{run.spearman:+.2f}".replace("-", "−"), False, ""
            )

    def _put(self, row: int, column: int, text: str, best: bool, tip: str) -> None:
        item = QTableWidgetItem(text)
        item.setToolTip(plain_tip(tip))
        if best:
            font = item.font()
            font.setBold(True)
            item.setFont(font)
            item.setIcon(icon("check-circle", self._theme.ok))
        self.setItem(row, column, item)


class Thumbnail(QFrame):
    """A small card beside the pointer: picture, name and category of a scan."""

    SIZE = QSize(190, 206)

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("message")
        self._parent, self._theme = parent, theme
        self._points: DoubleArray | None = None
        self._title = self._under = ""
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.resize(self.SIZE)
        self.hide()

    @property
    def title(self) -> str:
        return self._title

    @property
    def has_picture(self) -> bool:
        return self._points is not None

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.update()

    def show_sample(self, title: str, under: str, at: QPointF) -> None:
        """Show the card beside the parent's point `at`; the picture follows with `show_points`."""
        self._title, self._under, self._points = title, under, None
        room = self._parent.rect()
        x = at.x() + 18 if at.x() + 18 + self.width() < room.width() else at.x() - 18 - self.width()
        y = min(max(at.y() - self.height() / 2, 4), room.height() - self.height() - 4)
        self.move(round(x), round(y))
        self.show()
        self.raise_()
        self.update()

    def show_points(self, points: DoubleArray) -> None:
        self._points = points
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._points is not None:
            paint_points(painter, self._points, QColor(self._theme.accent), QRectF(19, 8, 152, 152))
        metrics = painter.fontMetrics()
        for text, top, colour in ((self._title, 164, self._theme.ink), (self._under, 183, self._theme.quiet)):
            painter.setPen(QColor(colour))
            shown = metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, self.width() - 16)
            painter.drawText(QRectF(8, top, self.width() - 16, 20), Qt.AlignmentFlag.AlignCenter, shown)
        painter.end()


class CompareIntro(EmptyState):
    """Introduction to the page, with the first step."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        self.dataset = QPushButton("Choose a data set…", objectName="primary")
        title = "How well do models keep the categories apart?"
        super().__init__("scatter-plot-outline", title, FIRST_STEPS, theme, [self.dataset], parent=parent)
        self.setObjectName("panel")

    def set_theme(self, theme: Theme) -> None:
        super().set_theme(theme)
        self.dataset.setIcon(primary_icon("database-outline", theme))
