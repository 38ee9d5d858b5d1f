"""Dialog to choose a model and its device; describes each known run before it is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QFileDialog,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QScrollArea,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from app.jobs.models import KnownRun, Machine
from app.state.entries import Failure
from app.widgets.error_details import plain_label
from app.widgets.plain_text import plain_tip
from app.widgets.room import resize_on_screen
from app.widgets.theme import Theme, icon
from sedir_core.config import METHOD_NAMES
from sedir_core.names import printable

SIZE = (860, 560)
MEASURES = {"o_auroc": "O-AUROC", "p_auroc": "P-AUROC", "o_aupr": "O-AUPR", "p_aupr": "P-AUPR"}
FACTS = ("Method", "Trained", "Knows", "Sees", "Measured", "Folder")


class ModelDialog(QDialog):
    """`wanted` carries run directory and device; `answer` reports the outcome, and success closes the dialog."""

    wanted = Signal(object, str)
    picked = Signal(object)  # a folder or file chosen by the user, to be inspected

    def __init__(self, current: Path, device: str, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Model")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._current, self._device_in_use, self._theme = current, device, theme
        self._runs: list[KnownRun] = []
        self._machine: Machine | None = None
        self.list = QListWidget(iconSize=QSize(20, 20), objectName="runs")
        self.list.setAccessibleName("Models")
        self.title = QLabel("Looking for models…", objectName="sectionTitle")
        self.title.setTextFormat(Qt.TextFormat.PlainText)
        self.facts = {name: plain_label("") for name in FACTS}
        self.trouble = plain_label("", "wrong")
        self.device = QComboBox()
        self.device.setAccessibleName("Device")
        self.device.addItem("looking for devices…", device)
        self.why = plain_label("", "faint")
        self.folder, self.file = QPushButton("Other folder…"), QPushButton("From a file…")
        self.file.setToolTip("An exported model: a single .sedir file")
        self.use = QPushButton("Use this model", objectName="primary", default=True, enabled=False)
        self._layout()
        self.list.currentRowChanged.connect(self._show_run)
        self.list.itemDoubleClicked.connect(self._ask)
        self.device.activated.connect(self._show_device)
        self.folder.clicked.connect(self._pick_folder)
        self.file.clicked.connect(self._pick_file)
        self.use.clicked.connect(self._ask)
        resize_on_screen(self, *SIZE)
        self._show_run(-1)

    @property
    def chosen(self) -> KnownRun | None:
        row = self.list.currentRow()
        return self._runs[row] if 0 <= row < len(self._runs) else None

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.show_runs(self._runs)

    def show_runs(self, runs: Sequence[KnownRun]) -> None:
        """List the runs; the one in use is marked and selected."""
        chosen = self.chosen.path if self.chosen else self._current
        self._runs = list(runs)
        self.list.blockSignals(True)
        self.list.clear()
        for run in self._runs:
            mark = ("check-circle", self._theme.ok) if run.path == self._current else ("brain", self._theme.quiet)
            mark = ("alert-outline", self._theme.uncertain) if run.trouble else mark
            item = QListWidgetItem(icon(*mark), f"{run.entry.name}\n{_line(run, self._current)}")
            item.setToolTip(plain_tip(printable(run.path)))
            self.list.addItem(item)
        paths = [run.path for run in self._runs]
        self.list.setCurrentRow(paths.index(chosen) if chosen in paths else 0)
        self.list.blockSignals(False)
        self._show_run(self.list.currentRow())

    def add(self, run: KnownRun) -> None:
        """Add a run chosen from a file or folder, and select it."""
        runs = [*(one for one in self._runs if one.path != run.path), run]
        self.show_runs(runs)
        self.list.setCurrentRow(len(runs) - 1)

    def show_machine(self, machine: Machine) -> None:
        """List the devices."""
        self._machine = machine
        self.device.clear()
        self.device.addItem("Automatic", "auto")
        for name, words in machine.devices:
            self.device.addItem(words, name)
        if self.device.findData(self._device_in_use) < 0:
            self.device.addItem(f"{self._device_in_use} (not on this machine)", self._device_in_use)
        self.device.setCurrentIndex(self.device.findData(self._device_in_use))
        self._show_device()

    def answer(self, failure: Failure | None) -> None:
        """Report the outcome of the last request."""
        if failure is None:
            self.accept()
            return
        self._set_busy(False)
        hint = f" {failure.hint[:1].upper()}{failure.hint[1:]}." if failure.hint else ""
        self._complain(f"This model cannot be used: {failure.what}.{hint} The previous model stays in use.")

    def complain(self, failure: Failure) -> None:
        """The chosen file or folder is not a model."""
        self._complain(f"{failure.what}. {failure.hint}".strip())

    def _layout(self) -> None:
        facts = QFormLayout(horizontalSpacing=16, verticalSpacing=8)
        facts.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        for name, label in self.facts.items():
            facts.addRow(QLabel(name, objectName="quiet"), label)
        inside = QWidget()
        told = QVBoxLayout(inside)
        told.setContentsMargins(18, 14, 14, 14)
        told.setSpacing(12)
        for part in (self.title, self.trouble):
            told.addWidget(part)
        told.addLayout(facts)
        told.addStretch()
        scroll = QScrollArea(widgetResizable=True)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(inside)
        inside.setAutoFillBackground(False)
        scroll.viewport().setAutoFillBackground(False)
        about = QFrame(objectName="panel")
        frame = QVBoxLayout(about)
        frame.setContentsMargins(1, 1, 1, 1)
        frame.addWidget(scroll)
        side = QFrame(objectName="panel")
        column = QVBoxLayout(side)
        column.setContentsMargins(6, 6, 6, 6)
        column.addWidget(self.list)
        split = QSplitter(Qt.Orientation.Horizontal, childrenCollapsible=False)
        split.addWidget(side)
        split.addWidget(about)
        split.setSizes([280, 560])
        where = QHBoxLayout()
        where.addWidget(QLabel("Device", objectName="quiet"))
        where.addWidget(self.device)
        where.addWidget(self.why, 1)
        close = QPushButton("Close")
        close.clicked.connect(self.reject)
        buttons = QHBoxLayout()
        for button in (self.folder, self.file):
            buttons.addWidget(button)
        buttons.addStretch()
        for button in (close, self.use):
            buttons.addWidget(button)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(16, 16, 16, 14)
        outer.setSpacing(12)
        outer.addWidget(split, 1)
        outer.addLayout(where)
        outer.addLayout(buttons)

    def _show_run(self, row: int) -> None:
        run = self.chosen
        for label in self.facts.values():
            label.setText("–")
        self._complain("")
        self._enable()
        if run is None:
            return
        entry = run.entry
        self.title.setText(entry.name + (" · in use" if run.path == self._current else ""))
        self.facts["Folder"].setText("comes with the program" if entry.bundled else printable(run.path))
        if run.trouble:
            self._complain(f"This model cannot be used: {run.trouble}.")
        if entry.about is None:
            return
        told = {
            "Method": METHOD_NAMES.get(entry.method, entry.method),
            "Trained": f"{entry.created:%d %B %Y}" if entry.created else entry.about.created,
            "Knows": f"{len(entry.categories)} kinds of part: " + ", ".join(entry.categories),
            "Sees": "complete scans and single views" if run.views else "complete scans",
            "Measured": _measured(run),
        }
        for name, text in told.items():
            self.facts[name].setText(text)

    def _show_device(self, *_: object) -> None:
        machine, name = self._machine, self.device.currentData()
        auto = f"Takes this: {machine.why}." if machine is not None and name == "auto" else ""
        self.why.setText(auto)
        self._enable()

    def _enable(self) -> None:
        run = self.chosen
        same = run is not None and (run.path, self.device.currentData()) == (self._current, self._device_in_use)
        self.use.setEnabled(run is not None and not run.trouble and not same)
        self.use.setToolTip("Already in use" if same else "")

    def _ask(self, *_: object) -> None:
        run = self.chosen
        if run is not None and self.use.isEnabled():
            self._set_busy(True)
            self._complain("")
            self.wanted.emit(run.path, str(self.device.currentData()))

    def _set_busy(self, busy: bool) -> None:
        for part in (self.list, self.device, self.folder, self.file):
            part.setEnabled(not busy)
        self.use.setText("Loading…" if busy else "Use this model")
        self.use.setEnabled(not busy)

    def _complain(self, text: str) -> None:
        self.trouble.setText(text)
        self.trouble.setVisible(bool(text))

    def _pick_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Choose a run", str(self._current.parent))
        if chosen:
            self.picked.emit(Path(chosen))

    def _pick_file(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(self, "Choose an exported model", "", "Models (*.sedir)")
        if chosen:
            self.picked.emit(Path(chosen))


def _line(run: KnownRun, current: Path) -> str:
    """Second line of a list entry: what distinguishes the runs."""
    if run.trouble:
        return f"{run.origin} · cannot be used"
    parts = [METHOD_NAMES.get(run.entry.method, run.entry.method), f"{len(run.entry.categories)} kinds", run.origin]
    return " · ".join(parts)


def _measured(run: KnownRun) -> str:
    means = run.entry.means
    if not means:
        return "never evaluated"
    return ", ".join(f"{words} {100 * means[name]:.1f} %" for name, words in MEASURES.items() if name in means)
