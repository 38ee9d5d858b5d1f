"""The table of runs: sortable by column, filtered while typing, renamed in place."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QSortFilterProxyModel,
    Qt,
    Signal,
)
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from app.widgets.plain_text import plain_tip
from app.widgets.theme import Theme, icon
from sedir_core.config import METHOD_NAMES
from sedir_core.names import printable
from sedir_core.runs.catalogue import RunEntry, RunState

COLUMNS = ("Name", "State", "Method", "Kinds", "O-AUROC", "P-AUROC", "Begun", "Size")
NUMBERS = (3, 4, 5, 7)
BEGUN, SIZE = 6, 7
ALIVE = (RunState.WAITING, RunState.RUNNING)
NAME_WIDTH, ROOMY = 120, 800
TIPS = (
    "F2 renames", "", "The detector, and the preset it was trained with", "How many kinds of part it knows",
    "Per scan: how well good and defective are separated, in per cent, from the last evaluation",
    "Per point: how well defects are located, in per cent, from the last evaluation", "", "On disk",
)  # fmt: skip
ICONS = {
    RunState.WAITING: "clock-outline",
    RunState.RUNNING: "school-outline",
    RunState.STOPPED: "pause-circle-outline",
    RunState.FAILED: "alert-octagon",
    RunState.FINISHED: "check-circle",
    RunState.DAMAGED: "file-alert-outline",
}
Index = QModelIndex | QPersistentModelIndex
_SORT = Qt.ItemDataRole.UserRole


class RunTableModel(QAbstractTableModel):
    """Entries as rows. `rename_wanted` is emitted when a name was edited; the table follows the renamed run."""

    rename_wanted = Signal(object, str)  # RunEntry, new name

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.entries: list[RunEntry] = []
        self.editable = True
        self._theme = theme

    def show_entries(self, entries: Sequence[RunEntry], editable: bool) -> None:
        self.beginResetModel()
        self.entries, self.editable = list(entries), editable
        self.endResetModel()

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        if self.entries:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self.entries) - 1, len(COLUMNS) - 1))

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008
        return 0 if parent.isValid() else len(self.entries)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008
        return len(COLUMNS)

    def headerData(  # noqa: N802
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation is Qt.Orientation.Vertical:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section]
        if role == Qt.ItemDataRole.ToolTipRole:
            return TIPS[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(section)
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        entry, column = self.entries[index.row()], index.column()
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return entry.name if role == Qt.ItemDataRole.EditRole else texts(entry)[column]
        if role == _SORT:
            return _keys(entry)[column]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(column)
        if role == Qt.ItemDataRole.DecorationRole and column == 1:
            colours = {
                RunState.FINISHED: self._theme.ok, RunState.FAILED: self._theme.ng, RunState.DAMAGED: self._theme.ng,
                RunState.RUNNING: self._theme.accent,
            }  # fmt: skip
            return icon(ICONS[entry.state], colours.get(entry.state, self._theme.quiet))
        if role == Qt.ItemDataRole.ToolTipRole:
            shipped = "\nShips with the program" if entry.bundled else ""
            if column == BEGUN and entry.created is not None:
                return f"{entry.created.astimezone():%Y-%m-%d %H:%M}"
            return plain_tip(f"{printable(entry.path)}{shipped}" if column == 0 else entry.trouble)
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        flags = Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEnabled
        entry = self.entries[index.row()]
        if index.column() == 0 and self.editable and not entry.bundled and entry.state not in ALIVE:
            flags |= Qt.ItemFlag.ItemIsEditable
        return flags

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:  # noqa: N802
        entry = self.entries[index.row()]
        if role == Qt.ItemDataRole.EditRole and str(value).strip() not in ("", entry.name):
            self.rename_wanted.emit(entry, str(value))
        return False  # rows change only after the run on disk has


class RunTable(QTableView):
    """Shows one selected run or compares two. `chosen` carries the entries in row order."""

    chosen = Signal(list)
    delete_pressed = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("plain")
        self.setAccessibleName("Runs")
        self.rows = RunTableModel(theme)
        self.sorted = QSortFilterProxyModel(self)
        self.sorted.setSourceModel(self.rows)
        self.sorted.setSortRole(_SORT)
        self.sorted.setFilterKeyColumn(-1)
        self.sorted.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.setModel(self.sorted)
        self.setSortingEnabled(True)
        self.sortByColumn(BEGUN, Qt.SortOrder.DescendingOrder)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(
            QAbstractItemView.EditTrigger.EditKeyPressed | QAbstractItemView.EditTrigger.SelectedClicked
        )
        self.setTabKeyNavigation(False)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(30)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Interactive)
        header.setMinimumSectionSize(48)
        self.selectionModel().selectionChanged.connect(lambda now, before: self.chosen.emit(self.chosen_entries()))

    def chosen_entries(self) -> list[RunEntry]:
        rows = sorted(self.selectionModel().selectedRows(), key=lambda index: index.row())
        return [self.rows.entries[self.sorted.mapToSource(index).row()] for index in rows]

    def show_entries(self, entries: Sequence[RunEntry], editable: bool, keep: Sequence[Path]) -> None:
        """Refill the table. keep: runs to keep selected if still present."""
        self.selectionModel().blockSignals(True)
        self.rows.show_entries(entries, editable)
        self.selectionModel().blockSignals(False)
        self._fit()
        self.choose(keep)

    def choose(self, paths: Sequence[Path]) -> None:
        """Select these runs and scroll to the first."""
        selection = self.selectionModel()
        selection.clearSelection()
        for row in range(self.sorted.rowCount()):
            index = self.sorted.index(row, 0)
            if self.rows.entries[self.sorted.mapToSource(index).row()].path in paths:
                flag = QItemSelectionModel.SelectionFlag
                selection.setCurrentIndex(index, flag.Select | flag.Rows)
        self.chosen.emit(self.chosen_entries())

    def filter(self, text: str) -> None:
        self.sorted.setFilterFixedString(text)

    def rename_chosen(self) -> None:
        """Open the editor in the selected row."""
        rows = self.selectionModel().selectedRows()
        if len(rows) == 1:
            self.edit(rows[0])

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """The name column stretches; a narrow page hides the size on disk."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        width = self.viewport().width()
        self.setColumnHidden(SIZE, width < ROOMY)
        self.horizontalHeader().resizeSections(QHeaderView.ResizeMode.ResizeToContents)
        others = sum(self.horizontalHeader().sectionSize(i) for i in range(1, len(COLUMNS)))
        self.setColumnWidth(0, max(NAME_WIDTH, width - others))

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        if event.key() == Qt.Key.Key_Delete and self.state() is not QAbstractItemView.State.EditingState:
            self.delete_pressed.emit()
            event.accept()
            return
        super().keyPressEvent(event)


def texts(entry: RunEntry) -> tuple[str, ...]:
    """Cell texts of a row."""
    method = METHOD_NAMES.get(entry.method, entry.method)
    when = "" if entry.created is None else day(entry.created.astimezone())
    return (
        printable(entry.name),
        entry.state.value.capitalize(),
        f"{method} · {entry.preset}" if method else "",
        str(len(entry.categories)) if entry.categories else "",
        *(percent(entry.means.get(measure)) for measure in ("o_auroc", "p_auroc")),
        when,
        megabytes(entry.n_bytes),
    )


def day(when: datetime) -> str:
    """Short date: without the year if it is the current one."""
    return f"{when:%d %b}" if when.year == datetime.now().year else f"{when:%b %Y}"


def percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f}"


def megabytes(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:.1f} MB"


def _keys(entry: RunEntry) -> tuple[Any, ...]:
    """Sort keys of the columns; missing numbers sort to one end."""
    when = entry.created or entry.changed
    return (
        entry.name.casefold(),
        entry.state.value,
        entry.method,
        len(entry.categories),
        entry.means.get("o_auroc", -1.0),
        entry.means.get("p_auroc", -1.0),
        0.0 if when is None else when.timestamp(),
        entry.n_bytes,
    )


def _alignment(column: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column in NUMBERS else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter
