"""Error dialog with copyable details."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from app.widgets.plain_text import PlainLabel
from app.widgets.room import resize_on_screen
from sedir_core.names import lines, printable


class ErrorDetails(QDialog):
    """What happened, what to do, and the details below. Not modal: work goes on."""

    def __init__(self, title: str, what: str, hint: str, details: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(printable(title))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._text = QPlainTextEdit(lines(details), readOnly=True)
        self._text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self._text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self._copy = QPushButton("Copy")
        self._copy.clicked.connect(self.copy)
        close = QPushButton("Close", objectName="primary", default=True)
        close.clicked.connect(self.accept)
        buttons = QHBoxLayout()
        buttons.addWidget(self._copy)
        buttons.addStretch()
        buttons.addWidget(close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 18, 20, 16)
        layout.setSpacing(10)
        layout.addWidget(plain_label(what, "sectionTitle"))
        if hint:
            layout.addWidget(plain_label(hint, "hint"))
        layout.addWidget(self._text, 1)
        layout.addLayout(buttons)
        resize_on_screen(self, 680, 420)

    def copy(self) -> None:
        """Copy the whole text to the clipboard."""
        QGuiApplication.clipboard().setText(self._text.toPlainText())
        self._copy.setText("Copied")

    def add(self, details: str) -> None:
        """Append another error."""
        self._text.appendPlainText("\n" + lines(details))


def plain_label(text: str, name: str = "") -> QLabel:
    """A wrapping, selectable label that never interprets a file name as HTML."""
    label = PlainLabel(text, name)
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label
