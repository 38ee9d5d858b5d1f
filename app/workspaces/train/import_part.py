"""Panel for one kind of part to import: name, unit, purpose of each scan, and preview."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QFileDialog,
    QFormLayout,
    QGridLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.widgets.cloud_icon import cloud_icon
from app.widgets.error_details import plain_label
from app.widgets.number_field import RIGHT
from app.widgets.numbers import grouped
from app.widgets.plain_text import plain_tip
from app.widgets.theme import Theme
from app.widgets.tree_items import top_items
from app.workspaces.train.import_model import PartDraft
from sedir_core.datasets.importing import FilePreview, Kind, name_trouble, scans_below
from sedir_core.io.formats import dialog_filter
from sedir_core.names import printable
from sedir_core.units import UNKNOWN, in_mm

UNITS = {
    UNKNOWN: "as in the files",
    "mm": "millimetres",
    "cm": "centimetres, converted to mm",
    "m": "metres, converted to mm",
    "um": "micrometres, converted to mm",
    "inch": "inches, converted to mm",
}
KINDS: Mapping[Kind, str] = {
    "normal": "Good, for training", "ok": "Good, for testing", "ng": "Defective, for testing"
}  # fmt: skip
COLUMNS = ("File", "For", "Points", "Size")
POINTS = 2
ICON = 44
PATH = Qt.ItemDataRole.UserRole


class PartPanel(QWidget):
    """Edits the current draft; emits `changed` after every change and `files_added` for new files to read."""

    changed = Signal()
    files_added = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.draft = PartDraft()
        self._seen: Mapping[Path, FilePreview] = {}
        self.name = QLineEdit(placeholderText="bracket")
        self.name.textEdited.connect(self._on_name)
        self.name_wrong = plain_label("", "wrong")
        self.unit = QComboBox(toolTip="Scans inspected later must use the unit the model was trained in")
        for key, words in UNITS.items():
            self.unit.addItem(words, key)
        self.unit.activated.connect(self._on_unit)
        form = QFormLayout()
        form.addRow("Name of the part", self.name)
        form.addRow("", self.name_wrong)
        form.addRow("Unit of its scans", self.unit)
        self._form = form
        self._counts: dict[Kind, QLabel] = {}
        self.add_files: dict[Kind, QPushButton] = {}
        grid = QGridLayout()
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(1, 1)
        for row, (kind, words) in enumerate(KINDS.items()):
            self._counts[kind] = QLabel(objectName="quiet")
            files, folder = QPushButton("Add files…"), QPushButton("Add folder…")
            files.clicked.connect(lambda _=False, kind=kind: self._ask_files(kind))
            folder.clicked.connect(lambda _=False, kind=kind: self._ask_folder(kind))
            self.add_files[kind] = files
            grid.addWidget(QLabel(words), row, 0)
            for at, widget in enumerate((self._counts[kind], files, folder), 1):
                grid.addWidget(widget, row, at)
        self.tree = QTreeWidget(rootIsDecorated=False, uniformRowHeights=True, iconSize=QSize(ICON, ICON))
        self.tree.setHeaderLabels(COLUMNS)
        self.tree.headerItem().setTextAlignment(POINTS, RIGHT)
        self.tree.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.tree.header().setStretchLastSection(True)
        self.leave_out = QPushButton()
        self.leave_out.clicked.connect(self._leave_out_broken)
        self.drop = QPushButton("Remove selected")
        self.drop.clicked.connect(self._remove_chosen)
        self.tree.itemSelectionChanged.connect(lambda: self.drop.setEnabled(bool(self.tree.selectedItems())))
        below = QGridLayout()
        below.setColumnStretch(0, 1)
        below.addWidget(self.leave_out, 0, 1)
        below.addWidget(self.drop, 0, 2)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(9)
        column.addLayout(form)
        column.addLayout(grid)
        column.addWidget(self.tree, 1)
        column.addLayout(below)

    def show_draft(self, draft: PartDraft, seen: Mapping[Path, FilePreview]) -> None:
        """seen: previews so far."""
        self.draft, self._seen = draft, seen
        self.name.setText(draft.name)
        self.unit.setCurrentIndex(self.unit.findData(draft.unit))
        self.refresh()

    def refresh(self) -> None:
        """List the draft's files again."""
        self.tree.clear()
        kinds = [(kind, path) for kind, files in self.draft.files.items() for path in files]
        self.tree.addTopLevelItems([self._row(kind, path) for kind, path in kinds])
        for column in (1, POINTS):
            self.tree.resizeColumnToContents(column)
        self.tree.setColumnWidth(0, 250)
        self._count()

    def show_looked(self, one: FilePreview) -> None:
        """Show a new preview."""
        for item in top_items(self.tree):
            if item.data(0, PATH) == one.path:
                self._fill(item, one)
        self.tree.resizeColumnToContents(POINTS)
        self._count()

    def _row(self, kind: Kind, path: Path) -> QTreeWidgetItem:
        item = QTreeWidgetItem([printable(path.name), KINDS[kind], "…"])
        item.setData(0, PATH, path)
        item.setToolTip(0, plain_tip(printable(path)))
        item.setTextAlignment(POINTS, RIGHT)
        item.setIcon(0, cloud_icon(np.zeros((0, 3)), self._theme, ICON))
        if path in self._seen:
            self._fill(item, self._seen[path])
        return item

    def _fill(self, item: QTreeWidgetItem, one: FilePreview) -> None:
        item.setText(2, grouped(one.n_points) if one.error is None else "")
        item.setIcon(0, cloud_icon(one.picture, self._theme, ICON))
        if one.error is not None:
            item.setText(3, f"cannot be read: {one.error.what}")
            item.setToolTip(3, plain_tip(one.error))
            return
        factor = in_mm(self.draft.unit)
        size = " × ".join(f"{factor * extent:.4g}" for extent in one.size)
        item.setText(3, size if self.draft.unit == UNKNOWN else f"{size} mm")

    def _count(self) -> None:
        for kind, label in self._counts.items():
            count = len(self.draft.files[kind])
            scans = f"{grouped(count)} {'scan' if count == 1 else 'scans'}"
            label.setText(scans if count else "none yet" if kind == "normal" else "none (optional)")
        broken = self._broken()
        self.leave_out.setVisible(bool(broken))
        self.leave_out.setText("Leave out unreadable files" + f" ({len(broken)})" * (len(broken) > 1))
        self.drop.setEnabled(bool(self.tree.selectedItems()))
        self._say_name_trouble()

    def _broken(self) -> set[Path]:
        return {path for path in self.draft.paths if path in self._seen and self._seen[path].error is not None}

    def _say_name_trouble(self) -> None:
        wrong = name_trouble(self.draft.name) if self.draft.name else ""
        self.name_wrong.setText(wrong)
        self._form.setRowVisible(self.name_wrong, bool(wrong))

    def _on_name(self, text: str) -> None:
        self.draft.name = text
        self._say_name_trouble()
        self.changed.emit()

    def _on_unit(self) -> None:
        self.draft.unit = self.unit.currentData()
        self.refresh()
        self.changed.emit()

    def _ask_files(self, kind: Kind) -> None:
        names, _ = QFileDialog.getOpenFileNames(self, KINDS[kind], "", dialog_filter())
        self.add(kind, [Path(name) for name in names])

    def _ask_folder(self, kind: Kind) -> None:
        if name := QFileDialog.getExistingDirectory(self, KINDS[kind]):
            self.add(kind, scans_below(Path(name)))
            if not self.draft.name:
                self.draft.name = Path(name).name
                self.name.setText(self.draft.name)
                self.changed.emit()

    def add(self, kind: Kind, paths: list[Path]) -> None:
        """Add files for that purpose."""
        self.draft.add(kind, paths)
        self.refresh()
        self.changed.emit()
        self.files_added.emit()

    def _leave_out_broken(self) -> None:
        self.draft.remove(self._broken())
        self.refresh()
        self.changed.emit()

    def _remove_chosen(self) -> None:
        self.draft.remove({item.data(0, PATH) for item in self.tree.selectedItems()})
        self.refresh()
        self.changed.emit()
