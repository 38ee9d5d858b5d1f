"""Shown when the model does not know the part: lists what it knows and offers another model."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from app.state.entries import Entry
from app.widgets.error_details import plain_label


class Doubt(QWidget):
    """Hidden if the part is known."""

    model_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.text = plain_label("", "quiet")
        self.button = QPushButton("Choose another model…")
        self.button.clicked.connect(self.model_wanted)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(7)
        column.addWidget(self.text)
        column.addWidget(self.button)
        self.hide()

    def show_entry(self, entry: Entry | None, known: Sequence[str]) -> None:
        """known: the categories of the model in use; none while it is not loaded."""
        unknown = entry is not None and entry.failure is not None and "unknown_category" in entry.failure.details
        uncertain = entry is not None and entry.detection is not None and entry.detection.uncertain
        self.setVisible((unknown or uncertain) and bool(known))
        self.text.setText("This model knows: " + ", ".join(known) + ". It cannot judge other parts.")
