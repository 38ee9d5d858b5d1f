"""The list of open scans: arrow keys follow the filter, which never hides the current scan."""

from __future__ import annotations

from PySide6.QtCore import QItemSelection, QItemSelectionModel, QModelIndex, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractItemView, QListView, QWidget

from app.state.session import Session
from app.widgets.keyboard import WALKS
from app.widgets.theme import Theme
from app.workspaces.inspect.scan_row import ScanDelegate
from app.workspaces.inspect.scan_table import ScanTable

Flag = QItemSelectionModel.SelectionFlag


class ScanList(QListView):
    """Shows the table; emits which scan was chosen or is to be removed."""

    scan_chosen = Signal(int)
    removal_wanted = Signal(list)

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._last_row = 0  # row of the current scan, in case it leaves the list
        self._held: tuple[list[int], int] = ([], 0)  # selection and scroll position, kept over a reset
        self.table = ScanTable(session)
        self.table.setParent(self)  # parented, so that its timer does not outlive the window
        self._delegate = ScanDelegate(theme, self)
        self.setModel(self.table)
        self.setItemDelegate(self._delegate)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("Open scans")
        self.setProperty(WALKS, True)
        self.selectionModel().currentChanged.connect(self._on_row_changed)
        self.table.modelAboutToBeReset.connect(self._hold)
        self.table.modelReset.connect(self._restore)
        self.table.arranged.connect(self._on_arranged)
        session.current_changed.connect(self._follow)

    def set_theme(self, theme: Theme) -> None:
        self._delegate.theme = theme
        self.viewport().update()

    def chosen_ids(self) -> list[int]:
        """The selected scans in the order of the rows."""
        return [self.table.id_at(row) for row in sorted(index.row() for index in self.selectedIndexes())]

    def step(self, rows: int) -> None:
        """Show the scan that many rows further down (up if negative), clamped to the ends."""
        count = self.table.rowCount()
        if count:
            row = self.table.row_of(self._session.current)
            target = row + rows if row >= 0 else self._last_row
            self._session.show(self.table.id_at(min(max(target, 0), count - 1)))

    def heir(self, going: list[int]) -> int | None:
        """The scan to show when these are removed: the next below the current one, or the last above."""
        row, gone = self.table.row_of(self._session.current), set(going)
        if row < 0 or self._session.current not in gone:
            return self._session.current
        rows = [*range(row + 1, self.table.rowCount()), *range(row - 1, -1, -1)]
        return next((entry_id for at in rows if (entry_id := self.table.id_at(at)) not in gone), None)

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(270, 420)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        super().paintEvent(event)
        if not self.table.rowCount():
            painter = QPainter(self.viewport())
            painter.setPen(QColor(self._delegate.theme.faint))
            room = self.viewport().rect().adjusted(16, 16, -16, -16)
            words = "No scan matches the filter." if self.table.total else "Open scans are listed here."
            painter.drawText(room, int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap), words)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        if event.key() == Qt.Key.Key_Delete:
            self.removal_wanted.emit(self.chosen_ids())
        elif not event.text() or event.key() in (Qt.Key.Key_Home, Qt.Key.Key_End):
            super().keyPressEvent(event)
        else:
            event.ignore()  # letters are review shortcuts, not a type-ahead search

    def _on_row_changed(self, now: QModelIndex, before: QModelIndex) -> None:
        if now.isValid() and not self.table.arranging:
            self._last_row = now.row()
            self.scan_chosen.emit(self.table.id_at(now.row()))

    def _on_arranged(self) -> None:
        self._follow(self._session.current)

    def _follow(self, entry_id: int | None) -> None:
        """Select the current scan's row, or none, without telling the session."""
        row = self.table.row_of(entry_id)
        if row == self.currentIndex().row():
            return
        selection = self.selectionModel()
        blocked = selection.blockSignals(True)
        if row < 0:
            self._last_row = max(self.currentIndex().row(), 0)
            selection.setCurrentIndex(QModelIndex(), Flag.NoUpdate)
        else:
            self._last_row = row
            marked = Flag.NoUpdate if selection.isSelected(self.table.index(row)) else Flag.ClearAndSelect
            selection.setCurrentIndex(self.table.index(row), marked)
            self.scrollTo(self.table.index(row))
        selection.blockSignals(blocked)
        self.viewport().update()

    def _hold(self) -> None:
        self._held = self.chosen_ids(), self.verticalScrollBar().value()

    def _restore(self) -> None:
        chosen, scrolled = self._held
        marked = QItemSelection()
        for row in sorted(row for entry_id in chosen if (row := self.table.row_of(entry_id)) >= 0):
            marked.select(self.table.index(row), self.table.index(row))
        self.selectionModel().select(marked, Flag.ClearAndSelect)
        self.verticalScrollBar().setValue(scrolled)
