"""Dialog to import a user's scans as a data set, previewed before anything is written."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.state.entries import Failure
from app.widgets.error_details import plain_label
from app.widgets.numbers import grouped
from app.widgets.room import resize_on_screen
from app.widgets.theme import Theme, icon
from app.workspaces.train.import_model import ImportModel, PartDraft
from app.workspaces.train.import_part import PartPanel
from sedir_core.datasets.importing import parts_in

HOW = (
    "Drop a folder of good scans of one kind of part anywhere here, or a folder of such folders; "
    "or add them one by one. Subfolders ok and ng are used as test scans."
)
HOWS = {False: "Copy the scans", True: "Link to the original scans"}
STEPS = 1000


class ImportDialog(QDialog):
    """`imported` carries the data set's folder; cancelling leaves nothing behind."""

    imported = Signal(object)  # Path

    def __init__(self, home: Path, theme: Theme, parent: QWidget | None = None) -> None:
        """home: default parent folder of data sets."""
        super().__init__(parent)
        self.setWindowTitle("Import your own parts")
        self._theme = theme
        self.model = ImportModel(self)
        self.kinds = QListWidget(objectName="runs")
        self.add = QPushButton("Add a kind of part")
        self.remove = QPushButton("Remove")
        self.part = PartPanel(theme)
        self.name = QLineEdit("my parts", toolTip="Name of the data set; an existing one is extended")
        self.home = QLineEdit(str(home), readOnly=True)
        self.elsewhere = QPushButton("Elsewhere…")
        self.link = QComboBox(toolTip="Links take no space, but break when the scans are moved")
        for value, words in HOWS.items():
            self.link.addItem(words, value)
        self.said = plain_label("", "quiet")
        self.wrong = plain_label("", "wrong")
        self.bar = QProgressBar(textVisible=False, maximum=STEPS)
        self.start = QPushButton("Import", objectName="primary")
        self.cancel = QPushButton("Cancel")
        self._layout()
        self._connect()
        self.setAcceptDrops(True)
        resize_on_screen(self, 1020, 680)
        self.add_kind()

    @property
    def target(self) -> Path:
        return Path(self.home.text()) / (self.name.text().strip() or "my parts")

    def add_kind(self, draft: PartDraft | None = None) -> None:
        """Add a kind of part; a dropped one replaces an empty draft."""
        if draft is not None and len(self.model.drafts) == 1 and not self.model.drafts[0].paths:
            self.model.drafts.clear()
        self.model.drafts.append(draft or PartDraft())
        self._list(len(self.model.drafts) - 1)
        self.model.look()

    def take(self, folder: Path) -> None:
        """Add the contents of a dropped folder."""
        for name, files in parts_in(folder):
            draft = PartDraft(name)
            for kind, paths in files.items():
                draft.add(kind, paths)
            self.add_kind(draft)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802
        if event.mimeData().hasUrls() and not self.model.importing:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        event.acceptProposedAction()
        for folder in [path for path in paths if path.is_dir()]:
            self.take(folder)
        files = [path for path in paths if not path.is_dir()]
        if files:
            self.part.add("normal", files)

    def reject(self) -> None:
        """Cancel the running import first, then the dialog."""
        if self.model.importing:
            self.model.cancel()
            self._show_state()
        else:
            self._leave()
            super().reject()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        self._leave()
        super().closeEvent(event)

    def _leave(self) -> None:
        self.model.close()

    def _layout(self) -> None:
        side = QVBoxLayout()
        side.setSpacing(7)
        side.addWidget(self.kinds, 1)
        side.addWidget(self.add)
        side.addWidget(self.remove)
        left = QWidget()
        left.setFixedWidth(200)
        left.setLayout(side)
        side.setContentsMargins(0, 0, 0, 0)
        panel = QFrame(objectName="panel")
        inside = QVBoxLayout(panel)
        inside.setContentsMargins(14, 12, 14, 12)
        inside.addWidget(self.part)
        body = QHBoxLayout()
        body.setSpacing(12)
        body.addWidget(left)
        body.addWidget(panel, 1)
        place = QHBoxLayout()
        place.setSpacing(8)
        place.addWidget(QLabel("Data set"))
        place.addWidget(self.name, 1)
        place.addWidget(QLabel("in"))
        place.addWidget(self.home, 2)
        place.addWidget(self.elsewhere)
        place.addWidget(self.link)
        foot = QHBoxLayout()
        foot.setSpacing(10)
        foot.addWidget(self.said, 1)
        foot.addWidget(self.bar)
        foot.addWidget(self.cancel)
        foot.addWidget(self.start)
        column = QVBoxLayout(self)
        column.setContentsMargins(18, 16, 18, 14)
        column.setSpacing(11)
        column.addWidget(plain_label(HOW, "hint"))
        column.addLayout(body, 1)
        column.addLayout(place)
        column.addWidget(self.wrong)
        column.addLayout(foot)
        self.add.setIcon(icon("plus", self._theme.quiet))
        self.elsewhere.setIcon(icon("folder-outline", self._theme.quiet))
        self.bar.setFixedWidth(200)
        self.wrong.hide()

    def _connect(self) -> None:
        self.add.clicked.connect(lambda: self.add_kind())
        self.remove.clicked.connect(self._remove_kind)
        self.kinds.currentRowChanged.connect(self._show_kind)
        self.part.changed.connect(self._on_changed)
        self.part.files_added.connect(self.model.look)
        self.name.textChanged.connect(self._show_state)
        self.elsewhere.clicked.connect(self._ask_home)
        self.start.clicked.connect(self._begin)
        self.cancel.clicked.connect(self.reject)
        self.model.looked.connect(self.part.show_looked)
        self.model.looked.connect(self._show_state)
        self.model.progressed.connect(self._on_progress)
        self.model.done.connect(self._on_done)
        self.model.failed.connect(self._on_failed)

    def _list(self, row: int) -> None:
        self.kinds.blockSignals(True)
        self.kinds.clear()
        self.kinds.addItems([self._title(draft) for draft in self.model.drafts])
        self.kinds.blockSignals(False)
        self.kinds.setCurrentRow(row)

    @staticmethod
    def _title(draft: PartDraft) -> str:
        count = len(draft.files["normal"])
        return f"{draft.name or 'new kind of part'}" + (f"  ·  {grouped(count)}" if count else "")

    def _show_kind(self, row: int) -> None:
        self.part.setEnabled(0 <= row < len(self.model.drafts))
        if self.part.isEnabled():
            self.part.show_draft(self.model.drafts[row], self.model.seen)
        self._show_state()

    def _remove_kind(self) -> None:
        row = self.kinds.currentRow()
        if row >= 0:
            del self.model.drafts[row]
            if not self.model.drafts:
                self.model.drafts.append(PartDraft())
            self._list(min(row, len(self.model.drafts) - 1))

    def _on_changed(self) -> None:
        row = self.kinds.currentRow()
        if row >= 0:
            self.kinds.item(row).setText(self._title(self.model.drafts[row]))
        self._show_state()

    def _show_state(self, *_: object) -> None:
        busy = self.model.importing
        trouble = self.model.trouble(self.target)
        self.bar.setVisible(busy)
        if not busy:
            count = sum(len(draft.paths) for draft in self.model.drafts)
            kinds = len(self.model.drafts)
            ready = f"{grouped(count)} scans of {kinds} {'kind' if kinds == 1 else 'kinds'} of part"
            self.said.setText(trouble or ready)
        self.start.setEnabled(not busy and not trouble)
        for widget in (self.part, self.kinds, self.add, self.remove, self.name, self.elsewhere, self.link):
            widget.setEnabled(not busy)

    def _ask_home(self) -> None:
        if name := QFileDialog.getExistingDirectory(self, "Folder for data sets", self.home.text()):
            self.home.setText(name)
            self._show_state()

    def _begin(self) -> None:
        self.wrong.hide()
        self.model.start(self.target, bool(self.link.currentData()))
        self._show_state()

    def _on_progress(self, fraction: float, text: str) -> None:
        self.bar.setValue(round(STEPS * fraction))
        self.said.setText(text[:1].upper() + text[1:])

    def _on_done(self, folder: Path) -> None:
        self._leave()
        self.imported.emit(folder)
        super().accept()

    def _on_failed(self, failure: Failure) -> None:
        self.wrong.setText(f"{failure.details.splitlines()[-1]}. Nothing has been imported.")
        self.wrong.show()
        self._show_state()
