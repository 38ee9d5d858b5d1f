"""What to compare: a data set, a run, the run it is compared with, and perhaps a third."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QFileDialog, QLabel, QPushButton, QWidget

from app.widgets.grouped_bar import GroupedBar
from app.widgets.plain_text import plain_tip
from app.widgets.theme import Theme, icon
from sedir_core.names import printable
from sedir_core.rundir.files import WEIGHTS
from sedir_core.runs.catalogue import ARCHIVED

OTHER = "Choose a run…"
NO_THIRD, NOTHING = "none", ""


class SetupBar(GroupedBar):
    """One row above the work. `ready` while everything is chosen and the runs differ."""

    compare_wanted = Signal()
    changed = Signal()

    def __init__(self, folders: Sequence[Path], theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self._folders = folders
        self.dataset: Path | None = None
        self.dataset_button = QPushButton("Choose…", toolTip="The folder that holds the categories")
        self.dataset_button.clicked.connect(self._ask_dataset)
        self.model, self.baseline, self.third = (
            QComboBox(sizeAdjustPolicy=QComboBox.SizeAdjustPolicy.AdjustToContents) for _ in "abc"
        )
        for combo, tip in (
            (self.model, "The run in question"),
            (self.baseline, "The run it is compared with"),
            (self.third, "A third run, if wanted"),
        ):
            combo.setToolTip(tip)
            combo.setAccessibleName(tip)
            combo.setMinimumWidth(144)
            combo.activated.connect(lambda row, combo=combo: self._on_picked(combo))
        self.anomalous = QCheckBox("Show defective samples", toolTip="As hollow marks; no measure includes them")
        self.compare = QPushButton("Compare", objectName="primary")
        self.compare.clicked.connect(self.compare_wanted)
        self.set_margins(12, 8, 12, 8)
        what, how = self.add_group(8), self.add_group(8, stretch=1)
        what.addWidget(QLabel("Data set", objectName="quiet"))
        what.addWidget(self.dataset_button)
        what.addSpacing(8)
        what.addWidget(QLabel("Model", objectName="quiet"))
        what.addWidget(self.model)
        what.addWidget(QLabel("against", objectName="quiet"))
        what.addWidget(self.baseline)
        what.addWidget(QLabel("and", objectName="quiet"))
        what.addWidget(self.third)
        what.addStretch()
        how.addWidget(self.anomalous)
        how.addStretch()
        how.addWidget(self.compare)
        self.refresh()
        self.set_theme(theme)

    @property
    def runs(self) -> tuple[Path | None, Path | None]:
        return _run(self.model), _run(self.baseline)

    @property
    def third_run(self) -> Path | None:
        return _run(self.third)

    @property
    def ready(self) -> bool:
        return None not in (self.dataset, *self.runs) and not self._same

    @property
    def _same(self) -> bool:
        """Whether a run is chosen twice."""
        chosen = [run for run in (*self.runs, self.third_run) if run is not None]
        return len(set(chosen)) < len(chosen)

    def refresh(self) -> None:
        """List the finished runs, keeping the selection."""
        found = [entry for folder in self._folders if folder.is_dir() for entry in sorted(folder.iterdir())]
        found = [entry for entry in found if (entry / WEIGHTS).is_file() and not (entry / ARCHIVED).exists()]
        for combo, preferred in ((self.model, 0), (self.baseline, 1), (self.third, 0)):
            kept = _run(combo)
            runs = found if kept is None or kept in found else [*found, kept]
            combo.clear()
            if combo is self.third:
                combo.addItem(NO_THIRD, NOTHING)
            for run in runs:
                combo.addItem(printable(run.name), str(run))
                combo.setItemData(combo.count() - 1, plain_tip(printable(run)), Qt.ItemDataRole.ToolTipRole)
            combo.addItem(OTHER, None)
            at = min(preferred, combo.count() - 1) if kept is None else combo.findData(str(kept))
            combo.setCurrentIndex(at)
        self._enable()

    def use_dataset(self, path: Path) -> None:
        self.dataset = path
        self.dataset_button.setText(printable(path.name or path))
        self.dataset_button.setToolTip(plain_tip(printable(path)))
        self._enable()

    def use_run(self, combo: QComboBox, path: Path) -> None:
        """Choose a run, whether listed or not."""
        row = combo.findData(str(path))
        if row < 0:
            row = combo.count() - 1
            combo.insertItem(row, printable(path.name), str(path))
        combo.setCurrentIndex(row)
        self._enable()

    def set_theme(self, theme: Theme) -> None:
        self.dataset_button.setIcon(icon("database-outline", theme.quiet))

    def _ask_dataset(self) -> None:
        start = str(self.dataset.parent) if self.dataset is not None else ""
        if name := QFileDialog.getExistingDirectory(self, "Choose a data set", start):
            self.use_dataset(Path(name))

    def _on_picked(self, combo: QComboBox) -> None:
        if combo.currentData() is None and (name := QFileDialog.getExistingDirectory(self, "Choose a run directory")):
            self.use_run(combo, Path(name))
        self._enable()

    def _enable(self) -> None:
        self.compare.setEnabled(self.ready)
        self.compare.setToolTip("Choose different runs" if self._same else "Collect the tokens of all runs and compare")
        self.changed.emit()


def _run(combo: QComboBox) -> Path | None:
    """The run chosen; None on the entries that ask for another one or name none."""
    chosen = combo.currentData()
    return Path(chosen) if chosen else None
