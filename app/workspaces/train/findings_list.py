"""Problems of a data set: which file, why, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.widgets.error_details import plain_label
from app.widgets.numbers import grouped
from app.widgets.plain_text import plain_tip
from app.widgets.theme import Theme, icon
from app.widgets.tree_items import top_items

if TYPE_CHECKING:
    from sedir_core.datasets.index import Finding

COLUMNS = ("Where", "What", "What to do")
PATH = Qt.ItemDataRole.UserRole
MOST = 500
"""Most findings listed; the rest are only counted, which keeps the list fast."""


class FindingsList(QWidget):
    """Hidden while empty. `again_wanted`: something was fixed, check again."""

    again_wanted = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._shown: Sequence[Finding] = ()
        self.title = QLabel(objectName="sectionTitle")
        self.open = QPushButton("Show in folder", enabled=False)
        self.open.clicked.connect(self._open)
        self.again = QPushButton("Check again")
        self.again.clicked.connect(self.again_wanted)
        self.list = QTreeWidget(rootIsDecorated=False, uniformRowHeights=True, iconSize=QSize(16, 16))
        self.list.setHeaderLabels(COLUMNS)
        self.list.setAccessibleName("Things to look at")
        self.list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.list.header().setStretchLastSection(True)
        self.list.itemSelectionChanged.connect(self._explain)
        self.explained = plain_label("", "quiet")
        self.explained.setMinimumHeight(2 * self.explained.fontMetrics().lineSpacing())
        self.explained.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.list.itemActivated.connect(lambda item, column: self._open())
        head = QHBoxLayout()
        head.addWidget(self.title, 1)
        head.addWidget(self.open)
        head.addWidget(self.again)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(7)
        column.addLayout(head)
        column.addWidget(self.list, 1)
        column.addWidget(self.explained)
        self.hide()

    def show_findings(self, findings: Sequence[Finding]) -> None:
        """Show the findings; those that make a category unusable come first."""
        if tuple(findings) == tuple(self._shown):
            return
        self._shown = tuple(findings)
        self.setVisible(bool(findings))
        n = len(findings)
        things = f"{grouped(n)} {'thing' if n == 1 else 'things'} to look at"
        self.title.setText(things + f", {MOST} shown" * (n > MOST))
        self.list.clear()
        self.list.addTopLevelItems([_row(one) for one in findings[:MOST]])
        header = self.list.header()
        for column in (0, 1):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Interactive)
            self.list.resizeColumnToContents(column)
        room = max(self.list.viewport().width(), 600)
        header.resizeSection(0, min(header.sectionSize(0), round(0.3 * room)))
        header.resizeSection(1, min(header.sectionSize(1), round(0.4 * room)))
        self._dress()
        if findings:
            self.list.setCurrentItem(top_items(self.list)[0])

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.open.setIcon(icon("folder-outline", theme.quiet))
        self.again.setIcon(icon("refresh", theme.quiet))
        self._dress()

    def _dress(self) -> None:
        for item, one in zip(top_items(self.list), self._shown[:MOST], strict=True):
            name, colour = ("alert-octagon", self._theme.ng) if one.blocks else ("alert-outline", self._theme.uncertain)
            item.setIcon(0, icon(name, colour))

    def _explain(self) -> None:
        """Show the selected finding in full."""
        chosen = self.list.selectedItems()
        self.explained.setText(". ".join(_sentence(chosen[0].toolTip(column)) for column in (1, 2)) if chosen else "")
        self.open.setEnabled(self._path() is not None)

    def _path(self) -> Path | None:
        chosen = self.list.selectedItems()
        return chosen[0].data(0, PATH) if chosen else None

    def _open(self) -> None:
        path = self._path()
        if path is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(path.parent)))


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _row(one: Finding) -> QTreeWidgetItem:
    where = one.category if one.path is None else f"{one.category} / {one.path.name}"
    item = QTreeWidgetItem([where, one.what, one.hint])
    item.setData(0, PATH, one.path)
    for column, text in enumerate((str(one.path or one.category), one.what, one.hint)):
        item.setToolTip(column, plain_tip(text))
    return item
