"""The left-hand side: filter and scan list."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.state.session import Session
from app.widgets.theme import Theme
from app.workspaces.inspect.scan_filter import ScanFilter
from app.workspaces.inspect.scan_list import ScanList


class ScanPanel(QWidget):
    """Filter above, list below."""

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.list = ScanList(session, theme)
        self.filter = ScanFilter(self.list.table, theme)
        self.filter.field.returnPressed.connect(self._leave_search)
        self._column = column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.filter)
        column.addWidget(self.list, 1)

    @property
    def stops(self) -> list[QWidget]:
        """Tab order."""
        return [self.filter.field, self.filter.order, *self.filter.chips.values(), self.list]

    def set_theme(self, theme: Theme) -> None:
        self.list.set_theme(theme)
        self.filter.set_theme(theme)

    def add_below(self, widget: QWidget) -> None:
        """Add a widget below the list."""
        self._column.addWidget(widget)

    def begin_search(self) -> None:
        """Focus the search field."""
        self.filter.field.setFocus()
        self.filter.field.selectAll()

    def _leave_search(self) -> None:
        """Move to the first match."""
        self.list.setFocus()
        if self.list.table.rowCount():
            self.list.scan_chosen.emit(self.list.table.id_at(0))
