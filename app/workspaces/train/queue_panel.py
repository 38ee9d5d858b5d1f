"""The queue of waiting trainings: reorder by dragging, or remove."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.widgets.theme import Theme, icon

DIR = Qt.ItemDataRole.UserRole
MOST_ROWS = 5


class QueuePanel(QWidget):
    """Hidden while the queue is empty."""

    reordered = Signal(list)  # run directories
    removed = Signal(object)  # run directory
    chosen = Signal(object)  # run directory

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._shown: tuple[Path, ...] = ()
        self.title = QLabel("Waiting", objectName="sectionTitle")
        self.list = QListWidget(iconSize=QSize(18, 18), objectName="runs")
        self.list.setAccessibleName("Waiting trainings")
        self.list.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.list.setToolTip("Each starts when its device is free, even while this window is closed")
        self.list.model().rowsMoved.connect(self._on_moved)
        self.list.currentRowChanged.connect(lambda row: self._enable())
        self.list.itemClicked.connect(lambda item: self.chosen.emit(Path(item.data(DIR))))
        self.up = QToolButton(toolTip="Earlier")
        self.down = QToolButton(toolTip="Later")
        self.remove = QToolButton(toolTip="Do not train it")
        self.up.clicked.connect(lambda: self._move(-1))
        self.down.clicked.connect(lambda: self._move(1))
        self.remove.clicked.connect(self._remove)
        head = QHBoxLayout()
        head.addWidget(self.title, 1)
        for button in (self.up, self.down, self.remove):
            button.setAutoRaise(True)
            head.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 6, 0, 0)
        column.setSpacing(4)
        column.addLayout(head)
        column.addWidget(self.list)
        self.set_theme(theme)
        self.hide()

    def show_waiting(self, run_dirs: Sequence[Path]) -> None:
        """Show the trainings in queue order."""
        if tuple(run_dirs) == self._shown:
            return
        chosen = self.list.currentItem().data(DIR) if self.list.currentItem() is not None else None
        self._shown = tuple(run_dirs)
        self.setVisible(bool(run_dirs))
        self.list.clear()
        for place, run_dir in enumerate(run_dirs, 1):
            item = QListWidgetItem(f"{place}   {run_dir.name}")
            item.setData(DIR, str(run_dir))
            self.list.addItem(item)
            if chosen == str(run_dir):
                self.list.setCurrentItem(item)
        rows = min(len(run_dirs), MOST_ROWS)
        self.list.setFixedHeight(rows * max(self.list.sizeHintForRow(0), 1) + 8)
        self._enable()

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        for button, name in ((self.up, "chevron-up"), (self.down, "chevron-down"), (self.remove, "close")):
            button.setIcon(icon(name, theme.quiet))

    def _enable(self) -> None:
        row = self.list.currentRow()
        self.up.setEnabled(row > 0)
        self.down.setEnabled(0 <= row < self.list.count() - 1)
        self.remove.setEnabled(row >= 0)

    def _move(self, rows: int) -> None:
        row = self.list.currentRow()
        self.list.insertItem(row + rows, self.list.takeItem(row))
        self.list.setCurrentRow(row + rows)
        self._on_moved()

    def _remove(self) -> None:
        item = self.list.currentItem()
        if item is not None:
            self.removed.emit(Path(item.data(DIR)))

    def _on_moved(self) -> None:
        self.reordered.emit([Path(self.list.item(row).data(DIR)) for row in range(self.list.count())])
