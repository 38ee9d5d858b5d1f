"""A frame around a 3D view with its title in the corner, and a placeholder until the view exists."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QFrame, QLabel, QVBoxLayout, QWidget

from app.widgets.plain_text import plain_tip
from sedir_core.names import printable

MARGIN_PX = 8


class Pane(QFrame):
    """The view with its title overlaid, which takes no space from it."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.setObjectName("pane")
        self.caption = QLabel(self, objectName="paneCaption")
        self.caption.setTextFormat(Qt.TextFormat.PlainText)
        self.caption.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._title, self._note = title, ""
        self._waiting = QLabel("Preparing the 3D view…", objectName="paneWaiting")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(1, 1, 1, 1)
        layout.addWidget(self._waiting)
        self.setMinimumSize(150, 130)
        self._say()

    def set_view(self, view: QWidget) -> None:
        layout = self.layout()
        assert layout is not None
        layout.replaceWidget(self._waiting, view)
        self._waiting.deleteLater()
        self.caption.raise_()

    def show_focus(self, on: bool) -> None:
        """Whether this view has the keyboard focus."""
        self.setProperty("focused", on)
        self.style().unpolish(self)
        self.style().polish(self)

    def set_title(self, text: str) -> None:
        self._title = text
        self._say()

    def set_note(self, text: str) -> None:
        self._note = text
        self._say()

    def event(self, event: QEvent) -> bool:
        handled = super().event(event)
        if event.type() in (QEvent.Type.Resize, QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._say()
        return handled

    def _say(self) -> None:
        """In a narrow view without the title, then elided in the middle: the end of a file name distinguishes parts."""
        self.caption.ensurePolished()
        note = printable(self._note)
        text = " · ".join(part for part in (self._title, note) if part)
        room, metrics = self.width() - 2 * MARGIN_PX - 20, self.caption.fontMetrics()
        shown = text if metrics.horizontalAdvance(text) <= room else note or text
        self.caption.setText(metrics.elidedText(shown, Qt.TextElideMode.ElideMiddle, room))
        self.caption.setToolTip(plain_tip(text))
        self.caption.adjustSize()
        self.caption.move(MARGIN_PX, MARGIN_PX)
