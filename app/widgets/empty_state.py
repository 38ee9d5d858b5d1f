"""Placeholder of an empty page: what belongs there and how to get it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.widgets.error_details import plain_label
from app.widgets.theme import Theme, icon, icon_size

ICON, AIR, WIDTH_EM = 84, 24, 32
GAP_PX = 14


class EmptyState(QFrame):
    """An icon, a title, a few sentences and the first actions, centred; without enough room they scroll."""

    def __init__(
        self,
        icon_name: str,
        title: str,
        text: str,
        theme: Theme,
        buttons: Sequence[QPushButton] = (),
        as_list: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        """icon_name: as in qtawesome without the prefix. as_list: the text is a block whose lines begin at its left."""
        super().__init__(parent)
        self._icon_name = icon_name
        self._icon = QLabel()
        self._title = QLabel(title, objectName="display", wordWrap=True, alignment=Qt.AlignmentFlag.AlignCenter)
        self.words = plain_label(text, "hint")
        if not as_list:
            self.words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        page = QWidget()
        column = QVBoxLayout(page)
        column.setSpacing(GAP_PX)
        column.addStretch(2)
        middle = Qt.AlignmentFlag.AlignHCenter
        column.addWidget(self._icon, 0, middle)
        column.addWidget(self._title)
        for widget in (self.words, *buttons):
            column.addWidget(widget, 0, middle)
        column.addStretch(3)
        scroll = QScrollArea(widgetResizable=True, horizontalScrollBarPolicy=Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidget(page)
        for part in (scroll.viewport(), page):
            part.setAutoFillBackground(False)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(2, 2, 2, 2)  # the frame's round corners
        whole.addWidget(scroll)
        self.set_theme(theme)

    def say(self, title: str, text: str) -> None:
        """Show another title and text."""
        self._title.setText(title)
        self.words.setText(text)
        self._fit()

    def set_theme(self, theme: Theme) -> None:
        self._icon.setPixmap(icon(self._icon_name, theme.accent).pixmap(icon_size(ICON), self.devicePixelRatioF()))

    def event(self, event: QEvent) -> bool:
        handled = super().event(event)
        if event.type() in (QEvent.Type.Resize, QEvent.Type.FontChange, QEvent.Type.Polish):
            self._fit()
        return handled

    def _fit(self) -> None:
        """A layout computes a centred label's height for a different width from the one it gives it."""
        self.words.ensurePolished()
        width = max(min(round(WIDTH_EM * self.fontMetrics().height()), self.width() - 2 * AIR), 120)
        self.words.setFixedSize(width, max(self.words.heightForWidth(width), 0))  # -1 without words
