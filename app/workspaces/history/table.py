"""The table of past inspections: any number of rows, loaded page by page as they come into view."""

from __future__ import annotations

from collections import OrderedDict

from PySide6.QtCore import QAbstractTableModel, QEvent, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from app.widgets.plain_text import plain_tip
from app.widgets.theme import Theme, icon, verdict_look
from app.workspaces.history import wording
from app.workspaces.history.model import PAGE_ROWS
from sedir_core.history.records import Inspection, Order
from sedir_core.names import printable

Index = QModelIndex | QPersistentModelIndex
COLUMNS: tuple[tuple[str, Order, int], ...] = (
    ("Time", "time", 124),
    ("Scan", "path", 156),
    ("Verdict", "final", 112),
    ("Of limit", "share", 68),
    ("Defects", "n_defects", 62),
    ("Part", "category", 88),
    ("Lot", "lot", 62),
    ("Operator", "operator", 74),
    ("Model", "model", 74),
)
"""Title, sort key, and initial width in pixels at a font size of USUAL_PT."""
USUAL_PT = 9.0
SCAN, VERDICT = 1, 2
NUMBERS = (3, 4)
MOST_PAGES = 40
ROW_HEIGHT = 30


class HistoryTable(QAbstractTableModel):
    """`page_wanted` requests rows that are shown but not loaded."""

    page_wanted = Signal(int)

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.theme = theme
        self._count = 0
        self._pages: OrderedDict[int, list[Inspection]] = OrderedDict()

    def show_count(self, count: int) -> None:
        """Reset to that many rows."""
        self.beginResetModel()
        self._count = count
        self._pages.clear()
        self.endResetModel()

    def add_page(self, number: int, rows: list[Inspection]) -> None:
        self._pages[number] = rows
        while len(self._pages) > MOST_PAGES:
            self._pages.popitem(last=False)
        first = number * PAGE_ROWS
        last = min(first + len(rows), self._count) - 1
        if last >= first:
            self.dataChanged.emit(self.index(first, 0), self.index(last, len(COLUMNS) - 1))

    def at(self, row: int) -> Inspection | None:
        """The inspection of a row, if loaded."""
        page = self._pages.get(row // PAGE_ROWS)
        place = row % PAGE_ROWS
        return page[place] if page is not None and place < len(page) else None

    def row_of(self, key: str) -> int:
        """Its row, or -1 if not loaded."""
        for number, page in self._pages.items():
            for place, one in enumerate(page):
                if one.key == key:
                    return number * PAGE_ROWS + place
        return -1

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008
        return 0 if parent.isValid() else self._count

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:  # noqa: N802
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(section)
        return COLUMNS[section][0] if role == Qt.ItemDataRole.DisplayRole else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(index.column())
        one = self.at(index.row())
        if one is None:
            if role == Qt.ItemDataRole.DisplayRole:
                self.page_wanted.emit(index.row() // PAGE_ROWS)
                return "…" if index.column() == 0 else ""
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return printable(_cell(one, index.column()))
        if index.column() == VERDICT and role in (Qt.ItemDataRole.DecorationRole, Qt.ItemDataRole.ForegroundRole):
            _, name, colour = verdict_look(self.theme, one.final)
            return icon(name, colour) if role == Qt.ItemDataRole.DecorationRole else QColor(colour)
        if role == Qt.ItemDataRole.ToolTipRole and index.column() == SCAN:
            return plain_tip(printable(one.path))
        return None


class HistoryView(QTableView):
    """`opened` carries the key of a row activated by double-click or Enter."""

    opened = Signal(str)
    pointed = Signal(str)
    order_wanted = Signal(str, bool)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.table = HistoryTable(theme, self)
        self.setModel(self.table)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(max(ROW_HEIGHT, self.fontMetrics().height() + 12))
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSortIndicatorShown(True)
        header.setSortIndicator(0, Qt.SortOrder.DescendingOrder)
        header.setSectionsClickable(True)
        header.sortIndicatorChanged.connect(
            lambda column, order: self.order_wanted.emit(COLUMNS[column][1], order is Qt.SortOrder.DescendingOrder)
        )
        self.setTabKeyNavigation(False)
        self._set_widths()
        header.setSectionResizeMode(SCAN, QHeaderView.ResizeMode.Stretch)
        self.setAccessibleName("Past inspections")
        self.doubleClicked.connect(lambda index: self._open(index.row()))
        self.selectionModel().currentRowChanged.connect(self._on_row_changed)

    def set_theme(self, theme: Theme) -> None:
        self.table.theme = theme
        self.viewport().update()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._open(self.currentIndex().row())
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        handled = super().event(event)
        if event.type() is QEvent.Type.FontChange:
            self._set_widths()
        return handled

    def _set_widths(self) -> None:
        for column, (_, _, width) in enumerate(COLUMNS):
            self.setColumnWidth(column, round(width * self.font().pointSizeF() / USUAL_PT))

    def choose(self, key: str) -> None:
        """Select a row without requesting its details."""
        row = self.table.row_of(key)
        selection = self.selectionModel()
        if row >= 0 and row != self.currentIndex().row():
            blocked = selection.blockSignals(True)
            self.selectRow(row)
            selection.blockSignals(blocked)
            self.viewport().update()

    def _open(self, row: int) -> None:
        if row >= 0 and (one := self.table.at(row)) is not None:
            self.opened.emit(one.key)

    def _on_row_changed(self, now: QModelIndex, before: QModelIndex) -> None:
        if now.isValid() and (one := self.table.at(now.row())) is not None:
            self.pointed.emit(one.key)


def _cell(one: Inspection, column: int) -> str:
    match column:
        case 0:
            return wording.when_text(one.time)
        case 1:
            return wording.file_name(one)
        case 2:
            return wording.verdict_text(one)
        case 3:
            return wording.score_text(one)
        case 4:
            return str(one.n_defects) if one.n_defects else "–"
    return (one.category, one.lot, one.operator, one.model)[column - 5] or "–"


def _alignment(column: int) -> int:
    side = Qt.AlignmentFlag.AlignRight if column in NUMBERS else Qt.AlignmentFlag.AlignLeft
    return int(side | Qt.AlignmentFlag.AlignVCenter)
