"""Placeholder of an empty page: what belongs there and how to get it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.widgets.error_details import plain_label
from app.widgets.theme import Theme, icon, icon_size

ICON, AIR, WIDTH_EM = 56, 24, 28


class EmptyState(QWidget):
    """An icon, a title and a few sentences, centred."""

    def __init__(self, icon_name: str, title: str, text: str, theme: Theme, parent: QWidget | None = None) -> None:
        """icon_name: as in qtawesome without the prefix."""
        super().__init__(parent)
        self._icon_name = icon_name
        self._icon = QLabel()
        self._words = words = plain_label(text, "hint")
        column = QVBoxLayout(self)
        column.setSpacing(10)
        column.addStretch(2)
        middle = Qt.AlignmentFlag.AlignHCenter
        for widget in (self._icon, QLabel(title, objectName="paneTitle"), words):
            column.addWidget(widget, 0, middle)
        column.addStretch(3)
        self.set_theme(theme)

    def event(self, event: QEvent) -> bool:
        handled = super().event(event)
        if event.type() in (QEvent.Type.Resize, QEvent.Type.FontChange, QEvent.Type.Polish):
            self._fit()
        return handled

    def _fit(self) -> None:
        """A layout computes a centred label's height for a different width from the one it gives it."""
        self._words.ensurePolished()
        width = max(min(round(WIDTH_EM * self.fontMetrics().height()), self.width() - 2 * AIR), 120)
        self._words.setFixedSize(width, self._words.heightForWidth(width))

    def set_theme(self, theme: Theme) -> None:
        self._icon.setPixmap(icon(self._icon_name, theme.accent).pixmap(icon_size(ICON), self.devicePixelRatioF()))
