"""The defects that a verdict rests on."""

from __future__ import annotations

from PySide6.QtCore import QAbstractTableModel, QEvent, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHeaderView,
    QLabel,
    QTableView,
    QVBoxLayout,
    QWidget,
)  # fmt: skip

from app.entries import Entry, State
from app.workspaces.inspect import wording
from sedir_core.types import Detection

Index = QModelIndex | QPersistentModelIndex
COLUMNS = ("#", "Peak", "Area", "Extent", "Place")
COLUMN_TIPS = (
    "Number in the picture",
    "Highest point score, as a share of the point limit",
    "Surface over the limit, in square units of the scan",
    "Size along x, y and z, in units of the scan",
    "Centre, in the scan's own coordinates",
)


class DefectTable(QAbstractTableModel):
    """The defects of one detection as rows, the strongest first as the core lists them."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._detection: Detection | None = None
        self._unit = ""

    def set_unit(self, unit: str) -> None:
        """Of the scans' coordinates; empty where nobody said."""
        self._unit = unit
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(COLUMNS) - 1)

    def show_detection(self, detection: Detection | None) -> None:
        self.beginResetModel()
        self._detection = detection
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008
        return 0 if parent.isValid() or self._detection is None else len(self._detection.defects)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:  # noqa: N802
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        if role == Qt.ItemDataRole.DisplayRole:
            unit = {"Area": f" ({self._unit}²)", "Extent": f" ({self._unit})"} if self._unit else {}
            return COLUMNS[section] + unit.get(COLUMNS[section], "")
        return COLUMN_TIPS[section] if role == Qt.ItemDataRole.ToolTipRole else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or self._detection is None:
            return None
        defect = self._detection.defects[index.row()]
        if role == Qt.ItemDataRole.ToolTipRole:
            return wording.defect_text(index.row() + 1, defect, self._detection).replace(", ", "\n", 2).capitalize()
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        return (
            str(index.row() + 1),
            wording.peak_text(defect, self._detection),
            wording.number(defect.area),
            wording.size_text(defect.extent),
            wording.place_text(defect),
        )[index.column()]


class _DefectView(QTableView):
    """A table whose arrow keys stay its own; elsewhere they walk through the scans.

    A column that would be cut is hidden, the last first: the tool tip of a row says everything.
    """

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        self.fit()

    def fit(self) -> None:
        """Show the columns that there is room for."""
        room, used = self.viewport().width(), 0
        for column in range(len(COLUMNS)):
            used += max(self.sizeHintForColumn(column), self.horizontalHeader().sectionSizeHint(column))
            self.setColumnHidden(column, column > 1 and used > room)

    def event(self, event: QEvent) -> bool:
        asks = isinstance(event, QKeyEvent) and event.type() is QEvent.Type.ShortcutOverride
        if asks and event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            event.accept()
            return True
        return super().event(event)


class DefectPanel(QFrame):
    """The table of defects, and a sentence where there is none."""

    defect_chosen = Signal(object)  # index, or None

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, objectName="panel")
        self._note = QLabel(objectName="faint", wordWrap=True, alignment=Qt.AlignmentFlag.AlignCenter)
        self.table = DefectTable(self)
        self.view = _DefectView()
        self.view.setModel(self.table)
        self.view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.view.setShowGrid(False)
        self.view.setWordWrap(False)
        self.view.setFrameShape(QFrame.Shape.NoFrame)
        self.view.verticalHeader().hide()
        self.view.verticalHeader().setDefaultSectionSize(30)
        header = self.view.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setStretchLastSection(True)
        header.setHighlightSections(False)
        self.view.setAccessibleName("Defects")
        self.view.selectionModel().currentRowChanged.connect(self._on_row_changed)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(1, 1, 1, 1)
        layout.addWidget(self._note, 1)
        layout.addWidget(self.view, 1)
        self.show_entry(None)

    def show_entry(self, entry: Entry | None) -> None:
        """The defects of that scan."""
        detection = None if entry is None else entry.detection
        self.table.show_detection(detection)
        self.view.fit()
        found = detection is not None and bool(detection.defects)
        self.view.setVisible(found)
        self._note.setVisible(not found)
        self._note.setText(_no_defects(entry))

    def choose(self, index: int | None) -> None:
        """Mark a row without asking for it again."""
        selection = self.view.selectionModel()
        blocked = selection.blockSignals(True)
        if index is None:
            self.view.clearSelection()
            self.view.setCurrentIndex(QModelIndex())
        elif index != self.view.currentIndex().row():
            self.view.selectRow(index)
        selection.blockSignals(blocked)
        self.view.viewport().update()

    def _on_row_changed(self, now: QModelIndex, before: QModelIndex) -> None:
        if now.isValid():
            self.defect_chosen.emit(now.row())


def _no_defects(entry: Entry | None) -> str:
    if entry is None or (entry.detection is None and entry.state in (State.FAILED, State.STOPPED)):
        return "Defects are listed here, the strongest first.\nA click flies to one."
    return "Not known yet." if entry.detection is None else "No region of the surface is over the limit."
