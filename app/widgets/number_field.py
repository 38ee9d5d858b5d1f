"""How numbers stand in fields and in tables."""

from __future__ import annotations

from typing import TypeVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractSpinBox

RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
Field = TypeVar("Field", bound=QAbstractSpinBox)
INDENT = 7  # pixels; with the frame's, text stands where it does in a line to type in


def indented(field: Field) -> Field:
    """With room before the number. A style sheet's padding does not reach the line inside a spin box."""
    field.lineEdit().setTextMargins(INDENT, 0, 0, 0)
    return field
