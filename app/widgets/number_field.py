"""Alignment of numbers in fields and tables."""

from __future__ import annotations

from typing import TypeVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractSpinBox

RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
Field = TypeVar("Field", bound=QAbstractSpinBox)
INDENT = 7  # pixels; together with the frame, text aligns with that of a line edit


def indented(field: Field) -> Field:
    """Indent the number. A style sheet's padding does not reach the line edit inside a spin box."""
    field.lineEdit().setTextMargins(INDENT, 0, 0, 0)
    return field
