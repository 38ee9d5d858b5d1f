"""The first step of a training: a folder, what is in it, and which categories are to be learned."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
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
from app.widgets.error_details import plain_label
from app.widgets.theme import Theme, icon

if TYPE_CHECKING:
    from sedir_core.datasets.survey import CategorySurvey, Survey

HOW = (
    "Point at a folder with one folder of good scans for each kind of part:\n\n"
    "parts/bracket/1.ply, 2.ply, …      parts/cup/1.ply, 2.ply, …\n\n"
    "Four good scans of each are enough to begin with. Test scans are optional, in parts/bracket/ok and "
    "parts/bracket/ng. Real3D-AD and Anomaly-ShapeNet are recognised as they are."
)
LAYOUT_WORDS = {"folder": "your own parts", "real3d": "Real3D-AD", "anomaly-shapenet": "Anomaly-ShapeNet"}
COLUMNS = ("Category", "To learn from", "Good tests", "Defective tests", "Points a scan", "")
ICON = 44
MOST_WARNINGS = 6


class DataPanel(QFrame):
    """`folder_wanted` when a folder was chosen or dropped; `changed` when the categories ticked have."""

    folder_wanted = Signal(object)  # Path
    changed = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent, objectName="panel")
        self._theme = theme
        self.found: Survey | None = None
        self.choose = QPushButton("Choose a folder…", objectName="primary")
        self.choose.clicked.connect(self._ask)
        self.where = plain_label("", "quiet")
        self.how = plain_label(HOW, "hint")
        self.tree = QTreeWidget(rootIsDecorated=False, uniformRowHeights=True)
        self.tree.setHeaderLabels(COLUMNS)
        self.tree.setIconSize(QSize(ICON, ICON))
        self.tree.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.tree.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        header = self.tree.header()
        header.setStretchLastSection(True)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        self.tree.itemChanged.connect(lambda item, column: self.changed.emit())
        self.warnings = plain_label("", "quiet")
        self.all, self.none = QPushButton("All"), QPushButton("None")
        self.all.clicked.connect(lambda: self.tick(True))
        self.none.clicked.connect(lambda: self.tick(False))
        head = QHBoxLayout()
        head.addWidget(QLabel("1   What to learn", objectName="sectionTitle"))
        head.addStretch()
        for button in (self.all, self.none, self.choose):
            head.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 12, 14, 12)
        column.setSpacing(9)
        column.addLayout(head)
        column.addWidget(self.where)
        column.addWidget(self.how)
        column.addWidget(self.tree, 1)
        column.addWidget(self.warnings)
        self._blank = QWidget()
        column.addWidget(self._blank, 1)
        self.setAcceptDrops(True)
        self.set_theme(theme)
        self._show_found()

    @property
    def categories(self) -> tuple[str, ...]:
        """Those that are ticked."""
        items = [self.tree.topLevelItem(row) for row in range(self.tree.topLevelItemCount())]
        return tuple(item.text(0) for item in items if item.checkState(0) is Qt.CheckState.Checked)

    def show_survey(self, found: Survey) -> None:
        self.found = found
        self._show_found()
        self.changed.emit()

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.choose.setIcon(icon("folder-open-outline", theme.on_accent))
        if self.found is not None:
            for row, one in enumerate(self.found.categories):
                self.tree.topLevelItem(row).setIcon(0, cloud_icon(one.picture, theme, ICON))

    def tick(self, on: bool) -> None:
        """All that can be used, or none."""
        self.tree.blockSignals(True)
        for row in range(self.tree.topLevelItemCount()):
            item = self.tree.topLevelItem(row)
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
        return paths[0] if len(paths) == 1 and paths[0].is_dir() else None

    def _ask(self) -> None:
        start = str(self.found.root.parent) if self.found is not None else ""
        if name := QFileDialog.getExistingDirectory(self, "Choose the folder of your parts", start):
            self.folder_wanted.emit(Path(name))

    def _show_found(self) -> None:
        found = self.found
        for widget in (self.tree, self.where, self.all, self.none):
            widget.setVisible(found is not None)
        for widget in (self.how, self._blank):
            widget.setVisible(found is None)
        self.warnings.setVisible(found is not None and bool(found.warnings))
        if found is None:
            return
        self.choose.setText("Another folder…")
        self.where.setText(f"{found.root}: {LAYOUT_WORDS[found.layout]}, {len(found.categories)} categories")
        self.tree.blockSignals(True)
        self.tree.clear()
        for one in found.categories:
            self.tree.addTopLevelItem(self._row(one))
        self.tree.blockSignals(False)
        for column in range(1, len(COLUMNS) - 1):
            self.tree.resizeColumnToContents(column)
        more = len(found.warnings) - MOST_WARNINGS
        said = [*found.warnings[:MOST_WARNINGS], *([f"and {more} more"] if more > 0 else [])]
        self.warnings.setText("\n".join(said))

    def _row(self, one: CategorySurvey) -> QTreeWidgetItem:
        low, high = one.points
        points = f"{low:,}" if low == high else f"{low:,} to {high:,}"
        remark = "" if one.n_train > 1 else "one scan only: nothing tells how much good parts differ"
        if one.unreadable:
            first = one.unreadable[0]
            name = Path(first.where).name
            others = f" and {len(one.unreadable) - 1} more" if len(one.unreadable) > 1 else ""
            remark = f"{name}{others}: {first.what}; mend or remove it"
        numbers = (one.n_train, one.n_good, one.n_bad)
        item = QTreeWidgetItem([one.name, *(f"{n:,}" for n in numbers), points, remark])
        item.setIcon(0, cloud_icon(one.picture, self._theme, ICON))
        item.setToolTip(len(COLUMNS) - 1, "\n".join(str(error) for error in one.unreadable))
        for column in range(1, len(COLUMNS) - 1):
            item.setTextAlignment(column, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        item.setCheckState(0, Qt.CheckState.Checked if one.usable else Qt.CheckState.Unchecked)
        item.setDisabled(not one.usable)
        return item
