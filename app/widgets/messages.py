"""Message bar above the page: says what happened and what to do, then disappears."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication, QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QToolButton, QWidget

from app.state.entries import Failure
from app.widgets.error_details import ErrorDetails, plain_label
from app.widgets.theme import Theme, icon, icon_size

ICONS = {"info": "information-outline", "warning": "alert-outline"}


NEWS_MS, OFFER_MS, WARNING_MS = 8_000, 25_000, 90_000
"""How long a message stays: plain, with a button, warning. Paused while it has the mouse or the focus."""


class MessageBar(QFrame):
    """Shows only the newest message; hidden while there is none."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("message")
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
        self._dismiss.setAccessibleName("Dismiss the message")
        self._dismiss.clicked.connect(self.hide)
        self.expiry = QTimer(self, singleShot=True)
        self.expiry.timeout.connect(self._expire)
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
        """Show a message that is not a failure; `act` runs when the button `label` is pressed."""
        self._put("info", text, details, label, act)

    def warn(self, where: str, failure: Failure, label: str = "", act: Callable[[], object] | None = None) -> None:
        """Show what failed, why, and what to do."""
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
        self.expiry.start(WARNING_MS if kind == "warning" else NEWS_MS if act is None else OFFER_MS)
        self.show()

    def _expire(self) -> None:
        """Do not hide a message in use."""
        holder = QApplication.focusWidget()
        if self.underMouse() or (holder is not None and self.isAncestorOf(holder)):
            self.expiry.start(NEWS_MS)
        else:
            self.hide()

    def _run_action(self) -> None:
        act = self._act
        self.hide()
        if act is not None:
            act()

    def _show_details(self) -> None:
        ErrorDetails("What happened", self._text.text(), "", self._details, self.window()).show()


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
