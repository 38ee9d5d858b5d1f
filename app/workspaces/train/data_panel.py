"""First step of a training: choose a folder, review its contents, and tick the categories to learn."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QBoxLayout,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.widgets.cloud_icon import cloud_icon
from app.widgets.empty_state import EmptyState
from app.widgets.error_details import plain_label
from app.widgets.number_field import RIGHT
from app.widgets.numbers import grouped
from app.widgets.plain_text import plain_tip
from app.widgets.theme import Theme, icon, primary_icon
from app.widgets.tree_items import top_items
from app.workspaces.train.findings_list import FindingsList
from sedir_core.datasets.layouts import LAYOUTS, describe
from sedir_core.io.finding import may_be_scan
from sedir_core.names import printable

if TYPE_CHECKING:
    from sedir_core.datasets.survey import CategorySurvey, Survey

HOW = (
    "Choose or drop a folder with a subfolder of good scans for each kind of part. Four good scans of each are enough "
    "to start with; defective ones are not needed.\n\n"
    "      parts / bracket / 1.ply, 2.ply, …\n"
    "      parts / cup / 1.ply, 2.ply, …\n\n"
    "To measure a model, add test scans in parts / bracket / ok and parts / bracket / ng. Real3D-AD and "
    "Anomaly-ShapeNet are recognised as published. Scans stored elsewhere can be imported."
)
COLUMNS = ("Category", "To learn", "Good tests", "Bad tests", "Points", "Check")
NUMBERS = range(1, len(COLUMNS) - 1)
ICON = 48
AIR = 80
"""Spacing in pixels around title and buttons."""


class DataPanel(QFrame):
    """`folder_wanted`: a folder, or one nominal part, was chosen or dropped. `import_wanted`: import own scans.

    `changed`: the ticked categories changed.
    """

    folder_wanted = Signal(object)  # Path
    import_wanted = Signal()
    changed = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self._theme = theme
        self.found: Survey | None = None
        self.choose = QPushButton("Choose a folder…", objectName="primary")
        self.choose.clicked.connect(self._ask)
        self.bring = QPushButton("Import scans…", toolTip="Create a data set from your own scans")
        self.bring.clicked.connect(self.import_wanted)
        self.where = plain_label("", "quiet")
        self.how = EmptyState("cube-scan", "What should it learn?", HOW, theme, as_list=True)
        self.tree = QTreeWidget(rootIsDecorated=False, uniformRowHeights=True)
        self.tree.setHeaderLabels(COLUMNS)
        self.tree.setAccessibleName("Kinds of part")
        for number in NUMBERS:
            self.tree.headerItem().setTextAlignment(number, RIGHT)
        self.tree.setIconSize(QSize(ICON, ICON))
        self.tree.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.tree.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        header = self.tree.header()
        header.setStretchLastSection(True)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        self.tree.itemChanged.connect(lambda item, column: self.changed.emit())
        self.findings = FindingsList(theme)
        self.findings.again_wanted.connect(self._look_again)
        self.all, self.none = QPushButton("All"), QPushButton("None")
        self.all.clicked.connect(lambda: self.tick(True))
        self.none.clicked.connect(lambda: self.tick(False))
        self._title, buttons = QLabel("1   What to learn", objectName="sectionTitle"), QHBoxLayout()
        buttons.addStretch()
        for button in (self.all, self.none, self.bring, self.choose):
            buttons.addWidget(button)
        self._head = head = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        head.addWidget(self._title)
        head.addLayout(buttons, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 12, 14, 12)
        column.setSpacing(9)
        column.addLayout(head)
        column.addWidget(self.where)
        column.addWidget(self.how, 1)
        column.addWidget(self.tree, 3)
        column.addWidget(self.findings, 2)
        self.setAcceptDrops(True)
        self.set_theme(theme)
        self._show_found()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """In a narrow panel the buttons go below the title, without those also in the tool bar."""
        super().resizeEvent(event)
        buttons = [one.sizeHint().width() for one in (self.all, self.none, self.bring, self.choose)]
        wide = event.size().width() >= self._title.sizeHint().width() + sum(buttons) + AIR
        across, down = QBoxLayout.Direction.LeftToRight, QBoxLayout.Direction.TopToBottom
        self._head.setDirection(across if wide else down)
        self.bring.setVisible(wide)

    @property
    def categories(self) -> tuple[str, ...]:
        """The ticked categories."""
        return tuple(item.text(0) for item in top_items(self.tree) if item.checkState(0) is Qt.CheckState.Checked)

    @property
    def n_scans(self) -> int:
        """Number of training scans in the ticked categories."""
        ticked = set(self.categories)
        return sum(one.n_train for one in self.found.categories if one.name in ticked) if self.found is not None else 0

    def show_survey(self, found: Survey) -> None:
        """Show a data set; if it is the same one with further checks, the ticks are kept."""
        same = self.found is not None and self.found.dataset is found.dataset
        self.found = found
        if same:
            self._update_rows()
        else:
            self._show_found()
        self.changed.emit()

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.choose.setIcon(primary_icon("folder-open-outline", theme))
        self.bring.setIcon(icon("import", theme.quiet))
        self.findings.set_theme(theme)
        self.how.set_theme(theme)
        if self.found is not None:
            for item, one in zip(top_items(self.tree), self.found.categories, strict=True):
                self._picture(item, one)

    def tick(self, on: bool) -> None:
        """Tick all usable categories, or none."""
        self.tree.blockSignals(True)
        for item in top_items(self.tree):
            if not item.isDisabled():
                item.setCheckState(0, Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)
        self.tree.blockSignals(False)
        self.changed.emit()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802
        if self._dropped(event) is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802
        if (folder := self._dropped(event)) is not None:
            event.acceptProposedAction()
            self.folder_wanted.emit(folder)

    @staticmethod
    def _dropped(event: QDropEvent) -> Path | None:
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        return paths[0] if len(paths) == 1 and (paths[0].is_dir() or may_be_scan(paths[0].name)) else None

    def _ask(self) -> None:
        start = str(self.found.root.parent) if self.found is not None else ""
        if name := QFileDialog.getExistingDirectory(self, "Choose the folder of your parts", start):
            self.folder_wanted.emit(Path(name))

    def _look_again(self) -> None:
        if self.found is not None:
            self.folder_wanted.emit(self.found.root)

    def _show_found(self) -> None:
        found = self.found
        for widget in (self.tree, self.where, self.all, self.none):
            widget.setVisible(found is not None)
        self.how.setVisible(found is None)
        if found is None:
            return
        self.choose.setText("Another folder…")
        count = len(found.categories)
        what = f"{LAYOUTS[found.layout].words}, {count} {'category' if count == 1 else 'categories'}"
        self.where.setText(f"{found.root}: {what}, {grouped(len(found.dataset.samples))} scans")
        self.where.setToolTip(plain_tip(describe(found.dataset)))
        self.tree.blockSignals(True)
        self.tree.clear()
        for one in found.categories:
            item = QTreeWidgetItem([one.name])
            item.setCheckState(0, Qt.CheckState.Checked if one.usable else Qt.CheckState.Unchecked)
            for column in NUMBERS:
                item.setTextAlignment(column, RIGHT)
            self.tree.addTopLevelItem(item)
        self.tree.blockSignals(False)
        self._update_rows()
        for column in NUMBERS:
            self.tree.resizeColumnToContents(column)

    def _update_rows(self) -> None:
        """Update the rows with the checks so far."""
        assert self.found is not None
        self.tree.blockSignals(True)
        for item, one in zip(top_items(self.tree), self.found.categories, strict=True):
            self._update_row(item, one)
        self.tree.blockSignals(False)
        self.findings.show_findings(self.found.findings)

    def _update_row(self, item: QTreeWidgetItem, one: CategorySurvey) -> None:
        points, remark = "…", "not checked yet"
        if one.checked is not None:
            low, middle, high = one.checked.points
            points = grouped(middle)
            span = f"{grouped(low)} to {grouped(high)} points"
            item.setToolTip(4, f"training scans have {span}, median {grouped(middle)}")
            others = len(one.findings)
            remark = "no problem" if not others else f"{others} {'thing' if others == 1 else 'things'} to look at"
        if not one.usable:
            remark = "cannot be used: " + next(finding.what for finding in one.findings if finding.blocks)
            item.setCheckState(0, Qt.CheckState.Unchecked)
        if item.text(len(COLUMNS) - 1) == remark:
            return
        texts = (*(grouped(n) for n in (one.n_train, one.n_good, one.n_bad)), points, remark)
        for column, text in enumerate(texts, 1):
            item.setText(column, text)
        told = "\n".join(printable(f"{finding}: {finding.hint}") for finding in one.findings)
        item.setToolTip(len(COLUMNS) - 1, plain_tip(told))
        item.setDisabled(not one.usable)
        self._picture(item, one)

    def _picture(self, item: QTreeWidgetItem, one: CategorySurvey) -> None:
        picture = one.checked.picture if one.checked is not None else np.zeros((0, 3))
        item.setIcon(0, cloud_icon(picture, self._theme, ICON))
