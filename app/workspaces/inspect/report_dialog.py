"""Asks which scans to include in a report: all, those that are not OK, or the selected ones."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QRadioButton, QVBoxLayout, QWidget

from app.state.entries import Entry
from app.widgets.error_details import plain_label


class ReportDialog(QDialog):
    """`chosen` carries the entries, in list order."""

    chosen = Signal(object)

    def __init__(self, entries: Sequence[Entry], marked: Sequence[int], parent: QWidget | None = None) -> None:
        """entries: those that can be reported. marked: ids of those selected in the list."""
        super().__init__(parent)
        self.setWindowTitle("Save report")
        bad = [entry for entry in entries if entry.verdict not in (None, "ok")]
        some = [entry for entry in entries if entry.id in set(marked)]
        self.choices: list[tuple[QRadioButton, list[Entry]]] = []
        column = QVBoxLayout(self)
        column.setContentsMargins(18, 16, 18, 14)
        column.setSpacing(8)
        column.addWidget(plain_label("Which scans should the report include?"))
        for words, group in (
            ("All inspected scans", list(entries)),
            ("NG and uncertain scans", bad),
            ("Scans selected in the list", some),
        ):
            button = QRadioButton(f"{words} ({len(group)})", enabled=bool(group))
            self.choices.append((button, group))
            column.addWidget(button)
        self.choices[2 if len(some) > 1 else 0][0].setChecked(True)
        column.addWidget(
            plain_label("NG scans come first. Operator, lot, unit and logo are taken from the settings.", "faint")
        )
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.go_on = self.buttons.addButton("Choose the file…", QDialogButtonBox.ButtonRole.AcceptRole)
        self.go_on.setObjectName("primary")
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        column.addSpacing(6)
        column.addWidget(self.buttons)
        self.accepted.connect(self._answer)

    def _answer(self) -> None:
        self.chosen.emit(next(group for button, group in self.choices if button.isChecked()))
