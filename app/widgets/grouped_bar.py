"""A bar of several groups: side by side if they fit, otherwise stacked."""

from __future__ import annotations

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QFrame, QHBoxLayout, QWidget

ACROSS, DOWN = QBoxLayout.Direction.LeftToRight, QBoxLayout.Direction.TopToBottom


class GroupedBar(QFrame):
    """Add groups in order; the first one stretches."""

    def __init__(self, parent: QWidget | None = None, objectName: str = "") -> None:
        super().__init__(parent)
        self.setObjectName(objectName)
        self._groups: list[QHBoxLayout] = []
        self._box = QBoxLayout(ACROSS, self)

    def set_margins(self, left: int, top: int, right: int, bottom: int) -> None:
        self._box.setContentsMargins(left, top, right, bottom)

    def add_group(self, spacing: int, stretch: int = 0) -> QHBoxLayout:
        """Add an empty row."""
        row = QHBoxLayout()
        row.setSpacing(spacing)
        self._box.setSpacing(spacing)
        self._groups.append(row)
        self._box.addLayout(row, stretch)
        return row

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        margins = self._box.contentsMargins()
        needed = sum(row.sizeHint().width() for row in self._groups) + self._box.spacing() * (len(self._groups) - 1)
        room = event.size().width() - margins.left() - margins.right()
        self._box.setDirection(ACROSS if needed <= room else DOWN)
