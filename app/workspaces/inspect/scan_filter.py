"""Above the scan list: search, sort order, and a button with a count for each verdict."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QMenu, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from app.widgets.flow import FlowLayout
from app.widgets.line_edit import LineEdit
from app.widgets.theme import Theme, icon, verdict_look
from app.workspaces.inspect.scan_table import Kind, ScanTable, SortBy

ICON_PX = 14


class ScanFilter(QWidget):
    """Sets the table's filter and order, and shows its counts."""

    def __init__(self, table: ScanTable, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._table, self._theme = table, theme
        self.field = LineEdit(placeholderText="Find a scan", clearButtonEnabled=True)
        self.field.setAccessibleName("Find a scan by name, part, comment or reason")
        self.field.textChanged.connect(table.search)
        self.field.escaped.connect(self.field.clear)
        self._glass = self.field.addAction(icon("magnify", theme.faint), QLineEdit.ActionPosition.LeadingPosition)
        self.order = QToolButton(toolTip="Order of the list", popupMode=QToolButton.ToolButtonPopupMode.InstantPopup)
        self.order.setObjectName("bare")
        self.order.setAccessibleName("Order of the list")
        self.order.setMenu(self._order_menu())
        self.chips: dict[Kind | None, QToolButton] = {kind: self._chip(kind) for kind in (None, *Kind)}
        line = QHBoxLayout()
        line.setSpacing(4)
        line.addWidget(self.field, 1)
        line.addWidget(self.order)
        chips = QWidget()
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        chips.setSizePolicy(policy)
        flow = FlowLayout(chips)
        for chip in self.chips.values():
            flow.addWidget(chip)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 4)
        column.setSpacing(6)
        column.addLayout(line)
        column.addWidget(chips)
        table.arranged.connect(self.show_counts)
        self.set_theme(theme)
        self.show_counts()

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self._glass.setIcon(icon("magnify", theme.faint))
        self.order.setIcon(icon("sort", theme.quiet))
        looks = {
            Kind.OK: verdict_look(theme, "ok")[1:],
            Kind.NG: verdict_look(theme, "ng")[1:],
            Kind.UNCERTAIN: verdict_look(theme, "uncertain")[1:],
            Kind.FAILED: ("file-alert-outline", theme.uncertain),
            Kind.REVIEWED: ("account-check", theme.quiet),
        }
        for kind, (picture, colour) in looks.items():
            self.chips[kind].setIcon(icon(picture, colour))

    def show_counts(self) -> None:
        """Hide verdicts without scans, unless selected."""
        table = self._table
        self.chips[None].setText(f"All {table.total}")
        for kind, count in table.counts.items():
            chip = self.chips[kind]
            chip.setText(f"{kind.value} {count}")
            chip.setVisible(bool(count) or table.kind is kind)
        self.chips[table.kind].setChecked(True)
        self.setVisible(table.total > 0)

    def reset(self) -> None:
        """Show every scan."""
        self.field.clear()
        self._choose(None)

    def _choose(self, kind: Kind | None) -> None:
        """A second click on a verdict clears the filter."""
        self._table.show_kind(None if kind is self._table.kind else kind)

    def _chip(self, kind: Kind | None) -> QToolButton:
        chip = QToolButton(checkable=True, iconSize=QSize(ICON_PX, ICON_PX))
        chip.setObjectName("chip")
        chip.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        chip.setToolTip("Every scan" if kind is None else f"Only scans that are: {kind.value}")
        chip.clicked.connect(lambda: self._choose(kind))
        return chip

    def _order_menu(self) -> QMenu:
        menu, group = QMenu(self), QActionGroup(self)
        for by in SortBy:
            action = QAction(by.value, menu, checkable=True, checked=by is SortBy.ORDER)
            action.setData(by)
            group.addAction(action)
            menu.addAction(action)
        menu.addSeparator()
        backwards = menu.addAction("Backwards")
        backwards.setCheckable(True)
        for action in menu.actions():
            action.triggered.connect(lambda: self._table.sort_by(group.checkedAction().data(), backwards.isChecked()))
        return menu
