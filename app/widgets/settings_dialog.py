"""All window settings in one form: applied immediately, searchable, with a reset per setting."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QFileDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.state.settings import Settings
from app.state.stored import Form
from app.widgets.error_details import plain_label
from app.widgets.number_field import indented
from app.widgets.room import resize_on_screen
from app.widgets.theme import Theme, icon

SIZE = (760, 640)
EDITOR_WIDTH = 280
FILES = ("folder", "picture")


class SettingsDialog(QDialog):
    """Not modal: changes show in the window behind. `model_wanted` requests the model dialog."""

    model_wanted = Signal()

    def __init__(self, settings: Settings, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Settings")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._settings = settings
        self.search = QLineEdit(placeholderText="Find a setting", clearButtonEnabled=True)
        self.search.setAccessibleName("Find a setting")
        self.rows = {name: SettingRow(name, form, default, settings) for name, form, default in Settings.shown()}
        self._sections: dict[str, SettingGroup] = {}
        self._nothing = QLabel("No matching setting.", objectName="faint", visible=False)
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.restore = QPushButton("Restore defaults")
        self.restore.clicked.connect(self.restore_defaults)
        self._layout()
        self.search.textChanged.connect(self._filter)
        settings.changed.connect(self._on_changed)
        self.rows["run_dir"].model_wanted.connect(self.model_wanted)
        self.set_theme(theme)
        resize_on_screen(self, *SIZE)
        self._enable()

    def set_theme(self, theme: Theme) -> None:
        for row in self.rows.values():
            row.back.setIcon(icon("restore", theme.quiet))

    def offer_devices(self, devices: Sequence[tuple[str, str]]) -> None:
        """The machine's devices: name, as on the command line, and description."""
        self.rows["device"].offer(devices)

    def restore_defaults(self) -> None:
        """Reset every setting shown here."""
        for row in self.rows.values():
            row.reset()

    def done(self, result: int) -> None:
        """Called however the dialog is closed; applies text in a field that still has the focus."""
        for row in self.rows.values():
            row.apply()
        self._settings.flush()
        super().done(result)

    def _layout(self) -> None:
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(2, 2, 12, 2)
        column.setSpacing(14)
        for row in self.rows.values():
            title = row.form.section
            if title not in self._sections:
                self._sections[title] = SettingGroup(title)
                column.addWidget(self._sections[title])
            self._sections[title].add(row)
        column.addWidget(self._nothing)
        column.addStretch()
        scroll = QScrollArea(widgetResizable=True, horizontalScrollBarPolicy=Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(inside)
        scroll.viewport().setAutoFillBackground(False)
        inside.setAutoFillBackground(False)
        close = QPushButton("Close", objectName="primary", default=True)
        close.clicked.connect(self.accept)
        buttons = QHBoxLayout()
        buttons.addWidget(self.restore)
        buttons.addStretch()
        buttons.addWidget(close)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(18, 16, 18, 14)
        outer.setSpacing(12)
        outer.addWidget(self.search)
        outer.addWidget(scroll, 1)
        outer.addLayout(buttons)

    def _filter(self, typed: str) -> None:
        words = typed.lower().split()
        for section in self._sections.values():
            found = [all(word in row.words for word in words) for row in section.rows]
            for row, shown in zip(section.rows, found, strict=True):
                row.setVisible(shown)
            section.setVisible(any(found))
        self._nothing.setVisible(not any(section.isVisibleTo(self) for section in self._sections.values()))

    def _on_changed(self, name: str) -> None:
        if name in self.rows:
            self.rows[name].show_value()
            self._enable()

    def _enable(self) -> None:
        self.restore.setEnabled(any(row.changed for row in self.rows.values()))


class SettingGroup(QFrame):
    """A titled group of rows."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.setObjectName("panel")
        self.rows: list[SettingRow] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(16, 12, 10, 14)
        self._column.setSpacing(12)
        self._column.addWidget(QLabel(title, objectName="sectionTitle"))

    def add(self, row: SettingRow) -> None:
        self.rows.append(row)
        self._column.addWidget(row)


class SettingRow(QWidget):
    """Name and purpose on the left, editor on the right, and a reset button if the value is not the default."""

    model_wanted = Signal()

    def __init__(self, name: str, form: Form, default: object, settings: Settings) -> None:
        super().__init__()
        self.name, self.form, self._default, self._settings = name, form, default, settings
        self.words = f"{form.section} {form.label} {form.help}".lower()
        self.editor = self._editor()
        self.editor.setAccessibleName(form.label)
        self.back = QToolButton(toolTip="Back to the default", autoRaise=True)
        self.back.clicked.connect(self.reset)
        policy = self.back.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.back.setSizePolicy(policy)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(2)
        grid.addWidget(QLabel(form.label), 0, 0)
        grid.addWidget(plain_label(form.help, "faint"), 1, 0)
        beside = QWidget()
        line = QHBoxLayout(beside)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(self.editor, 1)
        if form.kind in (*FILES, "model"):
            browse = QPushButton("Choose…")
            browse.clicked.connect(self.model_wanted if form.kind == "model" else self._browse)
            line.addWidget(browse)
        beside.setFixedWidth(EDITOR_WIDTH)
        grid.addWidget(beside, 0, 1, 2, 1, Qt.AlignmentFlag.AlignVCenter)
        grid.addWidget(self.back, 0, 2, 2, 1, Qt.AlignmentFlag.AlignVCenter)
        grid.setColumnStretch(0, 1)
        self.show_value()

    @property
    def changed(self) -> bool:
        return bool(getattr(self._settings, self.name) != self._default)

    def offer(self, choices: Sequence[tuple[str, str]]) -> None:
        """Value and label of each choice; the current one is kept even if it is not among them."""
        assert isinstance(self.editor, QComboBox)
        self.editor.clear()
        for value, words in choices:
            self.editor.addItem(words, value)
        self.show_value()

    def reset(self) -> None:
        setattr(self._settings, self.name, self._default)

    def show_value(self) -> None:
        """Show the stored value without emitting signals."""
        value = getattr(self._settings, self.name)
        self.editor.blockSignals(True)
        match self.editor:
            case QCheckBox():
                self.editor.setChecked(bool(value))
            case QComboBox():
                if self.editor.findData(value) < 0:
                    self.editor.addItem(f"{value} (not on this machine)", value)
                self.editor.setCurrentIndex(self.editor.findData(value))
            case QSpinBox():
                self.editor.setValue(int(value))
            case QLineEdit():
                shown = value.name if self.form.kind == "model" and value is not None else value
                self.editor.setText("" if shown is None else str(shown))
                self.editor.setToolTip("" if value is None else str(value))
        self.editor.blockSignals(False)
        self.back.setVisible(self.changed)

    def apply(self) -> None:
        """Store the editor's value."""
        value: object
        match self.editor:
            case QCheckBox():
                value = self.editor.isChecked()
            case QComboBox():
                value = self.editor.currentData()
            case QSpinBox():
                value = self.editor.value()
            case QLineEdit():
                typed = self.editor.text().strip()
                value = (Path(typed).expanduser() if typed else None) if self.form.kind in FILES else typed
                if self.form.kind == "model":
                    return
        setattr(self._settings, self.name, value)

    def _editor(self) -> QCheckBox | QComboBox | QLineEdit | QSpinBox:
        match self.form.kind:
            case "flag":
                box = QCheckBox()
                box.toggled.connect(lambda _: self.apply())
                return box
            case "choice" | "device":
                combo = QComboBox()
                for value, words in self.form.choices or (("auto", "Automatic"), ("cpu", "CPU")):
                    combo.addItem(words, value)
                combo.activated.connect(lambda _: self.apply())
                return combo
            case "count":
                spin = indented(QSpinBox(minimum=self.form.low, maximum=self.form.high, suffix=self.form.unit))
                spin.valueChanged.connect(lambda _: self.apply())
                return spin
        line = QLineEdit(placeholderText=self.form.placeholder, readOnly=self.form.kind == "model")
        if self.form.kind == "model":
            line.setPlaceholderText("The bundled model")
        line.editingFinished.connect(self.apply)
        return line

    def _browse(self) -> None:
        stored = getattr(self._settings, self.name) or Path.home()
        if self.form.kind == "picture":
            chosen = QFileDialog.getOpenFileName(self, self.form.label, str(stored), "Pictures (*.png *.jpg *.jpeg)")[0]
        else:
            chosen = QFileDialog.getExistingDirectory(self, self.form.label, str(stored))
        if chosen:
            setattr(self._settings, self.name, Path(chosen))
