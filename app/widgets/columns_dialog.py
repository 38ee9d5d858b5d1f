"""Asks which columns of a table are x, y and z, showing its first rows; the answer applies to the whole folder."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.widgets.error_details import plain_label
from app.widgets.room import resize_on_screen
from sedir_core.errors import UserError
from sedir_core.io.folder_notes import FolderNotes, notes_for, write_notes
from sedir_core.io.table_peek import TableHead

CHOOSE = "Choose columns…"
"""Text of buttons that open the dialog."""


class ColumnsDialog(QDialog):
    """`answered` carries the folder for which the answer was saved."""

    answered = Signal(Path)

    def __init__(self, path: Path, head: TableHead, parent: QWidget | None = None, folder: Path | None = None) -> None:
        """folder: where the answer applies; by default the file's."""
        super().__init__(parent)
        self.setWindowTitle("Which columns are x, y and z?")
        self._folder = folder or path.parent
        self.table = QTableWidget(len(head.rows), len(head.titles))
        self.table.setHorizontalHeaderLabels(head.titles)
        self.table.verticalHeader().setVisible(False)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        for row, cells in enumerate(head.rows):
            for at, cell in enumerate(cells):
                item = QTableWidgetItem(cell)
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                self.table.setItem(row, at, item)
        self.axes: dict[str, QComboBox] = {}
        form = QFormLayout()
        for at, axis in enumerate("xyz"):
            box = QComboBox(accessibleName=axis)
            box.addItems(head.titles)
            box.setCurrentIndex(min(len(head.titles) - 3 + at, len(head.titles) - 1))
            box.currentIndexChanged.connect(self._check)
            form.addRow(axis, box)
            self.axes[axis] = box
        self.wrong = QLabel(objectName="wrong", wordWrap=True)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        self.buttons.accepted.connect(self._keep)
        self.buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addWidget(plain_label(f"The first rows of {path.name}:"))
        column.addWidget(self.table, 1)
        column.addLayout(form)
        kept = "The choice is remembered for this folder and its subfolders"
        column.addWidget(plain_label(f"{kept}:\n{self._folder}", "faint"))
        column.addWidget(self.wrong)
        column.addWidget(self.buttons)
        resize_on_screen(self, 620, 460)
        self._check()

    @property
    def columns(self) -> tuple[str, str, str]:
        """Their numbers, counted from 1."""
        x, y, z = (str(self.axes[axis].currentIndex() + 1) for axis in "xyz")
        return x, y, z

    def _check(self, *_: object) -> None:
        different = len(set(self.columns)) == 3
        self.wrong.setText("" if different else "Choose three different columns.")
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(different)

    def _keep(self) -> None:
        try:
            unit = notes_for(self._folder).unit
            write_notes(self._folder, FolderNotes(self.columns, unit))
        except UserError as error:
            self.wrong.setText(f"The choice could not be saved: {error.what}.")
            return
        self.accept()
        self.answered.emit(self._folder)
