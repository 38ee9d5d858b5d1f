"""Calm messages: a bar above the work that says what happened and what to do, and waits to be dismissed."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QToolButton, QWidget

from app.entries import Failure
from app.widgets.error_details import ErrorDetails, plain_label
from app.widgets.theme import Theme, icon, icon_size

ICONS = {"info": "information-outline", "warning": "alert-outline"}


class MessageBar(QFrame):
    """One message at a time, the newest; hidden while there is none."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent, objectName="message")
        self._theme, self._kind, self._details = theme, "info", ""
        self._act: Callable[[], object] | None = None
        self._icon = QLabel()
        self._text = plain_label("")
        self._text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._action = QPushButton(visible=False)
        self._action.clicked.connect(self._run_action)
        self._more = QPushButton("Details", visible=False)
        self._more.clicked.connect(self._show_details)
        self._dismiss = QToolButton(toolTip="Dismiss")
        self._dismiss.clicked.connect(self.hide)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(14, 8, 8, 8)
        layout.setSpacing(10)
        layout.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignVCenter)
        layout.addWidget(self._text, 1)
        for button in (self._action, self._more, self._dismiss):
            layout.addWidget(button)
        self.hide()

    @property
    def text(self) -> str:
        return self._text.text()

    def inform(self, text: str, label: str = "", act: Callable[[], object] | None = None, details: str = "") -> None:
        """Say something that is no failure; `act` runs when the button `label` is pressed."""
        self._put("info", text, details, label, act)

    def warn(self, where: str, failure: Failure, label: str = "", act: Callable[[], object] | None = None) -> None:
        """Say what failed, why, and the way out."""
        hint = f" {_sentence(failure.hint)}" if failure.hint else ""
        self._put("warning", f"{where}: {failure.what}.{hint}", failure.details, label, act)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        colour = theme.uncertain if self._kind == "warning" else theme.accent
        self._icon.setPixmap(icon(ICONS[self._kind], colour).pixmap(icon_size(20), self.devicePixelRatioF()))
        self._dismiss.setIcon(icon("close", theme.quiet))

    def _put(self, kind: str, text: str, details: str, label: str, act: Callable[[], object] | None) -> None:
        self._kind, self._details, self._act = kind, details, act
        self._text.setText(text)
        self._more.setVisible(bool(details))
        self._action.setText(label)
        self._action.setVisible(act is not None)
        self.set_theme(self._theme)
        self.show()

    def _run_action(self) -> None:
        act = self._act
        self.hide()
        if act is not None:
            act()

    def _show_details(self) -> None:
        ErrorDetails("What happened", self._text.text(), "", self._details, self.window()).show()


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
