"""Saved measurements of the current scan, which are included in its report."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeySequence, QShortcut
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QListWidget, QPushButton, QVBoxLayout, QWidget

from app.widgets.numbers import on_screen
from app.workspaces.inspect.measurements import Measurement

LEAST_PX, MOST_PX = 76, 112


class MeasuredList(QFrame):
    """Hidden while empty."""

    removal_wanted = Signal(int)  # index in the list

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.list = QListWidget()
        self.list.setAccessibleName("Measurements of this scan")
        self.list.setFrameShape(QFrame.Shape.NoFrame)
        self.list.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.copy, self.remove = QPushButton("Copy"), QPushButton("Remove")
        self.remove.setToolTip("Remove the selected measurement (Delete)")
        head = QHBoxLayout()
        head.addWidget(QLabel("Measurements", objectName="sectionTitle"))
        head.addWidget(QLabel("included in the report", objectName="quiet"), 1)
        head.addWidget(self.copy)
        head.addWidget(self.remove)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 6, 10, 6)
        column.setSpacing(4)
        column.addLayout(head)
        column.addWidget(self.list, 1)
        self.setMinimumHeight(LEAST_PX)
        self.setMaximumHeight(MOST_PX)
        self.copy.clicked.connect(self._copy)
        self.remove.clicked.connect(self._remove)
        delete = QShortcut(QKeySequence.StandardKey.Delete, self.list, context=Qt.ShortcutContext.WidgetShortcut)
        delete.activated.connect(self._remove)

    @property
    def stops(self) -> list[QWidget]:
        """Tab order."""
        return [self.copy, self.remove, self.list]

    def show_measured(self, measured: Sequence[Measurement]) -> None:
        """Show the list and select the last one."""
        self.list.clear()
        self.list.addItems([on_screen(one.words) for one in measured])
        self.list.setCurrentRow(len(measured) - 1)

    def _copy(self) -> None:
        lines = [self.list.item(row).text() for row in range(self.list.count())]
        QGuiApplication.clipboard().setText("\n".join(lines))

    def _remove(self) -> None:
        if self.list.currentRow() >= 0:
            self.removal_wanted.emit(self.list.currentRow())
