"""A form generated from a configuration's schema: one field per setting, validated while typing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QFormLayout, QLabel, QLineEdit, QSizePolicy, QVBoxLayout, QWidget

from sedir_core.config import Config, Section, override, read_by
from sedir_core.errors import BadConfig

SOURCE_MARK = re.compile(r" *\[[PRO](?:, [PRO])*\]")
"""Tag for the paper or code a default comes from; shown only in the tool tip."""
LEFT_OUT = ("preset", "method")
"""Settings chosen outside the form."""
ROWS_PX, LABEL_PX = 7, 9
"""Space between rows, and between a name and its field."""


@dataclass(frozen=True)
class Setting:
    """One field of the schema. section: the group it belongs to. choices: empty if any value may be typed."""

    section: str
    name: str
    kind: type
    help: str
    simple: bool
    low: float | None
    high: float | None
    choices: tuple[str, ...]

    @property
    def range(self) -> str:
        """The range in words, or ""."""
        return "" if self.low is None or self.high is None else f"{self.low:g} to {self.high:g}"


def settings_of(schema: type[Section]) -> Iterator[Setting]:
    """Every setting of every section, in order."""
    for section, info in schema.model_fields.items():
        if section in LEFT_OUT or not (isinstance(info.annotation, type) and issubclass(info.annotation, Section)):
            continue
        for name, field in info.annotation.model_fields.items():
            yield _setting(section, name, field)


def _setting(section: str, name: str, field: FieldInfo) -> Setting:
    choices = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
    low, high = (_bound(field, name) for name in ("ge", "le"))
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, Mapping) else {}
    kind = str if choices else field.annotation
    assert isinstance(kind, type)
    return Setting(section, name, kind, field.description or "", bool(extra.get("simple")), low, high, choices)


def _bound(field: FieldInfo, name: str) -> float | None:
    return next((float(getattr(one, name)) for one in field.metadata if hasattr(one, name)), None)


class SettingField(QWidget):
    """One setting: an editor with its validation message below."""

    changed = Signal()

    def __init__(self, setting: Setting, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setting = setting
        self.editor: QComboBox | QLineEdit = QComboBox() if setting.choices else QLineEdit()
        if isinstance(self.editor, QComboBox):
            self.editor.addItems(setting.choices)
            self.editor.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)  # as a line edit's
            self.editor.currentTextChanged.connect(lambda text: self.changed.emit())
        else:
            self.editor.textEdited.connect(lambda text: self.changed.emit())
            self.editor.setPlaceholderText(setting.range)
        about = f"{setting.section}.{setting.name}: {setting.help}"
        self.editor.setToolTip(f"{about} ({setting.range})" if setting.range else about)
        self.editor.setAccessibleName(label_of(setting))
        self.caption = QLabel(SOURCE_MARK.sub("", setting.help), objectName="faint", wordWrap=True)
        self.wrong = QLabel(objectName="wrong", wordWrap=True, visible=False)
        for label in (self.caption, self.wrong):
            label.setTextFormat(Qt.TextFormat.PlainText)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        for widget in (self.editor, self.wrong, self.caption):
            column.addWidget(widget)

    def show_value(self, value: object) -> None:
        if isinstance(self.editor, QComboBox):
            self.editor.blockSignals(True)
            self.editor.setCurrentText(str(value))
            self.editor.blockSignals(False)
        else:
            self.editor.setText(f"{value:g}" if isinstance(value, float) else str(value))
        self.complain("")

    def value(self) -> object:
        """The editor's value. Raises ValueError with a reason for the user."""
        if isinstance(self.editor, QComboBox):
            return self.editor.currentText()
        text = self.editor.text().strip()
        if self.setting.kind is str:
            return text
        try:
            number = int(text) if self.setting.kind is int else float(text)
        except ValueError:
            raise ValueError("a whole number" if self.setting.kind is int else "a number") from None
        low, high = self.setting.low, self.setting.high
        if low is not None and high is not None and not low <= number <= high:
            raise ValueError(self.setting.range)
        return number

    def complain(self, text: str) -> None:
        self.wrong.setText(text)
        self.wrong.setVisible(bool(text))


class ConfigForm(QWidget):
    """Edits a configuration. `changed` is emitted at every keystroke; `config` is None while a value is invalid."""

    changed = Signal()

    def __init__(self, config: Config, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._base = config
        self._everything = False
        self.config: Config | None = config
        self.fields = {(one.section, one.name): SettingField(one) for one in settings_of(Config)}
        self.trouble = QLabel(objectName="wrong", wordWrap=True, visible=False)
        self._labels: dict[tuple[str, str], QLabel] = {}
        self._heads: dict[str, QLabel] = {}
        self._form = QFormLayout(self)
        self._form.setContentsMargins(0, 0, 0, 0)
        self._form.setVerticalSpacing(ROWS_PX)
        self._form.setHorizontalSpacing(LABEL_PX)
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        for key, field in self.fields.items():
            if key[0] not in self._heads:
                self._heads[key[0]] = QLabel(key[0].capitalize(), objectName="sectionTitle")
                self._form.addRow(self._heads[key[0]])
            self._labels[key] = QLabel(label_of(field.setting), toolTip=field.editor.toolTip())
            self._form.addRow(self._labels[key], field)
            field.changed.connect(self._check)
        self._form.addRow(self.trouble)
        self.show_config(config)

    def show_config(self, config: Config) -> None:
        """Fill the form from a configuration, discarding what was typed."""
        self._base = self.config = config
        for (section, name), field in self.fields.items():
            field.show_value(getattr(getattr(config, section), name))
        self.show_all(self._everything)
        self._check()

    def show_all(self, everything: bool) -> None:
        """Show all settings that the method reads, by section, or only the basic ones."""
        self._everything = everything
        read = read_by(self._base.method)
        for (section, _), field in self.fields.items():
            self._form.setRowVisible(field, section in read and (everything or field.setting.simple))
        for section, head in self._heads.items():
            self._form.setRowVisible(head, section in read and everything)

    @property
    def label_width(self) -> int:
        """Pixels that the names of the settings shown take, so that other fields can stand in one line with theirs."""
        shown = [label for key, label in self._labels.items() if self._form.isRowVisible(self.fields[key])]
        return max((label.sizeHint().width() for label in shown), default=0)

    def _check(self) -> None:
        values: dict[str, dict[str, Any]] = {}
        fine = True
        for (section, name), field in self.fields.items():
            try:
                values.setdefault(section, {})[name] = field.value()
                field.complain("")
            except ValueError as error:
                fine = False
                field.complain(f"must be {error}")
        self.config, trouble = None, ""
        if fine:
            try:
                self.config = override(self._base, **values)
            except BadConfig as error:
                trouble = error.what
        self.trouble.setText(trouble)
        self._form.setRowVisible(self.trouble, bool(trouble))
        self.changed.emit()


def label_of(setting: Setting) -> str:
    """The setting's name as shown to users."""
    words = setting.name.removeprefix("n_").replace("_", " ")
    return words.capitalize()
