"""Alignment of numbers in fields and tables."""

from __future__ import annotations

from typing import TypeVar

from PySide6.QtCore import Qt
from PySide6.QtGui import QValidator
from PySide6.QtWidgets import QAbstractSpinBox, QDoubleSpinBox

RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
Field = TypeVar("Field", bound=QAbstractSpinBox)
INDENT = 7  # pixels; together with the frame, text aligns with that of a line edit


MINUS, HYPHEN = "\N{MINUS SIGN}", "-"


class SignedField(QDoubleSpinBox):
    """Writes a minus as the rest of the window does, and reads it either way; tells a number once it is whole."""

    def __init__(self, *, minimum: float, maximum: float) -> None:
        super().__init__(minimum=minimum, maximum=maximum)
        self.setKeyboardTracking(False)

    def textFromValue(self, value: float) -> str:  # noqa: N802
        return super().textFromValue(value).replace(HYPHEN, MINUS)

    def valueFromText(self, text: str) -> float:  # noqa: N802
        return super().valueFromText(text.replace(MINUS, HYPHEN))

    def validate(self, text: str, at: int) -> tuple[QValidator.State, str, int]:
        state, _, at = super().validate(text.replace(MINUS, HYPHEN), at)
        return state, text.replace(HYPHEN, MINUS), at


def indented(field: Field) -> Field:
    """Indent the number. A style sheet's padding does not reach the line edit inside a spin box."""
    field.lineEdit().setTextMargins(INDENT, 0, 0, 0)
    return field
