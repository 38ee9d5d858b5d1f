"""Second step of a training: model size, duration, device and name."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QFrame,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.widgets.config_form import LABEL_PX, ROWS_PX, ConfigForm
from app.widgets.error_details import plain_label
from app.widgets.plain_text import plain_tip
from app.widgets.theme import Theme, primary_icon
from app.workspaces.train.estimate_line import EstimateLine
from sedir_core.config import Config, preset
from sedir_core.methods import TABLE

PRESET_WORDS = {
    "desktop": "Desktop: minutes on a CPU",
    "paper": "Paper: as published, for a GPU",
    "tiny": "Tiny: seconds, to try things out",
}
METHOD_WORDS = {method.name: method.words for method in TABLE}
FORBIDDEN = set('<>:"/\\|?*')


class SettingsPanel(QFrame):
    """`train_wanted` is emitted when the button is pressed and everything is valid."""

    train_wanted = Signal()
    anew_wanted = Signal()

    def __init__(self, runs: Path, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self._runs = runs
        self._n_categories = self._n_scans = 0
        self._waiting: frozenset[str] = frozenset()
        self.name = QLineEdit(toolTip="The name under which the model is listed")
        self.name_wrong = plain_label("", "wrong")
        self.name_wrong.hide()
        self.preset = _combo(
            "Preset", PRESET_WORDS, "Model size and training length; every setting can be changed below"
        )
        self.method = _combo("Method", METHOD_WORDS, "The detector to train")
        self.device = QComboBox(toolTip="Device to train on")
        self.device.setAccessibleName("Device")
        self.name.setAccessibleName("Name of the model")
        self.device.addItem("looking for devices…", "")
        self.estimate = EstimateLine()
        self.form = ConfigForm(preset("desktop"))
        self.origin = plain_label("", "quiet")
        self.anew = QPushButton("Start from scratch instead")
        self.everything = QCheckBox("All settings")
        self.train = QPushButton("Train", objectName="primary")
        self._top = self._fields()
        self._lay_out()
        self._connect()
        self.suggest_name("parts")
        self.set_theme(theme)

    def _fields(self) -> QFormLayout:
        """Name, preset, method and device; what concerns a model to continue from is hidden."""
        top = QFormLayout()
        top.setVerticalSpacing(ROWS_PX)
        top.setHorizontalSpacing(LABEL_PX)
        top.addRow("Name", self.name)
        top.addRow(self.name_wrong)
        for label, widget in (("Preset", self.preset), ("Method", self.method), ("Device", self.device)):
            top.addRow(label, widget)
        for later in (self.origin, self.anew):
            top.addRow(later)
            top.setRowVisible(later, False)
        for combo in (self.preset, self.method, self.device):  # elided before the labels beside them
            combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            combo.setMinimumContentsLength(14)
        return top

    def _lay_out(self) -> None:
        scroll = QScrollArea(widgetResizable=True, horizontalScrollBarPolicy=Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        inside = QWidget()
        together = QVBoxLayout(inside)
        together.setContentsMargins(0, 0, 0, 0)
        together.setSpacing(9)
        together.addLayout(self._top)
        together.addWidget(self.everything)
        together.addWidget(self.form)
        together.addStretch()
        scroll.setWidget(inside)
        for part in (scroll.viewport(), inside, self.form):
            part.setAutoFillBackground(False)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 12, 14, 12)
        column.setSpacing(9)
        column.addWidget(QLabel("2   How to learn it", objectName="sectionTitle"))
        column.addWidget(scroll, 1)
        column.addWidget(self.estimate)
        column.addWidget(self.train)

    def event(self, event: QEvent) -> bool:
        handled = super().event(event)
        if event.type() in (QEvent.Type.Polish, QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._align()
        return handled

    def _align(self) -> None:
        """All fields begin in one line."""
        for field in (self.name, self.preset, self.method, self.device):
            self._top.labelForField(field).setMinimumWidth(self.form.label_width)

    def _connect(self) -> None:
        self.everything.toggled.connect(self.form.show_all)
        self.everything.toggled.connect(self._align)
        self.preset.currentIndexChanged.connect(self._use_preset)
        self.method.currentIndexChanged.connect(self._use_preset)
        self.device.activated.connect(self._enable)
        self.form.changed.connect(self._enable)
        self.name.textChanged.connect(self._enable)
        self.train.clicked.connect(self.train_wanted)
        self.anew.clicked.connect(self.anew_wanted)

    @property
    def config(self) -> Config | None:
        return self.form.config

    @property
    def out(self) -> Path:
        """The future run directory."""
        return self._runs / self.name.text().strip()

    def suggest_name(self, dataset: str) -> None:
        self.name.setText(f"{dataset}-{datetime.now():%Y%m%d-%H%M}")

    def show_devices(self, devices: Sequence[tuple[str, str]]) -> None:
        """(name on the command line, description) of the machine's devices, best first."""
        kept = self.device.currentData()
        self.device.clear()
        for name, words in devices:
            self.device.addItem(words, name)
        self.device.setCurrentIndex(max(self.device.findData(kept), 0))
        self._enable()

    def set_categories(self, count: int, n_scans: int) -> None:
        """Set the number of ticked categories and of their training scans."""
        self._n_categories, self._n_scans = count, n_scans
        self._enable()

    def set_waiting(self, run_dirs: Sequence[Path]) -> None:
        """Set the queued trainings, whose names are taken although they have no directory yet."""
        self._waiting = frozenset(run_dir.name for run_dir in run_dirs)
        self._enable()

    def go_on_from(self, model: str, config: Config | None) -> None:
        """Continue from a model, whose method and sizes are fixed; None: a new model."""
        for choice in (self.preset, self.method):
            choice.setEnabled(config is None)
        self.origin.setText(f"Continues from {model}, which keeps the parts it knows.")
        for widget in (self.origin, self.anew):
            self._top.setRowVisible(widget, config is not None)
        if config is None:
            self._use_preset()
            return
        for choice, name in ((self.preset, config.preset), (self.method, config.method)):
            choice.blockSignals(True)
            choice.setCurrentIndex(choice.findData(name))
            choice.blockSignals(False)
        self.form.show_config(config)

    def set_theme(self, theme: Theme) -> None:
        self.train.setIcon(primary_icon("school-outline", theme))

    def _use_preset(self) -> None:
        self.form.show_config(preset(self.preset.currentData(), self.method.currentData()))
        self._align()

    def _enable(self) -> None:
        wrong = self._name_trouble()
        self.name_wrong.setText(wrong)
        self._top.setRowVisible(self.name_wrong, bool(wrong))
        count = self._n_categories
        self.train.setText("Train" if not count else f"Train {count} {'category' if count == 1 else 'categories'}")
        device = str(self.device.currentData() or "")
        self.train.setEnabled(bool(count) and bool(device) and not wrong and self.config is not None)
        self.estimate.show_for(self.config if device else None, device, self._n_scans)
        why = "Tick at least one category" if not count else "A setting is invalid" if self.config is None else ""
        self.train.setToolTip(plain_tip(wrong) or why or "The training continues when this window is closed")

    def _name_trouble(self) -> str:
        name = self.name.text().strip()
        if not name:
            return "give the model a name"
        if FORBIDDEN & set(name) or name.startswith("."):
            return "a name cannot begin with a dot or contain " + " ".join(sorted(FORBIDDEN))
        taken = name in self._waiting or (self._runs / name).exists()
        return "a model with this name already exists" if taken else ""


def _combo(name_of: str, words: dict[str, str], tip: str) -> QComboBox:
    combo = QComboBox(toolTip=tip)
    for name, text in words.items():
        combo.addItem(text, name)
    combo.setAccessibleName(name_of)
    return combo
