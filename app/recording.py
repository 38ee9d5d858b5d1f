"""Recording in the window: operator and lot, and a notice when recording fails."""

from __future__ import annotations

import getpass

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QMessageBox,
    QPushButton,
    QToolButton,
    QWidget,
)

from app.jobs.recorder import Recorder
from app.state.entries import Failure
from app.state.session import Session
from app.state.settings import Settings
from app.widgets.error_details import plain_label
from app.widgets.theme import Theme, icon
from sedir_core.history.place import GIGABYTE


class RecordingStatus(QObject):
    """Owns a window's recorder, if the session has a history, and its field in the status bar."""

    said = Signal(str)
    failed = Signal(str, object)  # location, Failure
    bug_found = Signal(object)

    def __init__(self, session: Session, settings: Settings, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._session, self._settings, self._theme = session, settings, theme
        self.recorder: Recorder | None = None
        self._trouble: Failure | None = None
        self.who = QToolButton(toolTip="Operator and lot, recorded with every result")
        self.who.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.who.clicked.connect(self.ask_who)
        self.unwritten = QToolButton(visible=False)
        self.unwritten.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.unwritten.clicked.connect(self._retry)
        self.widget = QWidget()
        row = QHBoxLayout(self.widget)
        row.setContentsMargins(0, 0, 8, 0)
        row.addWidget(self.unwritten)
        row.addWidget(self.who)
        session.who_changed.connect(self._show)
        if session.history is not None:
            self.recorder = Recorder(session, session.history, lambda: round(settings.history_gb * GIGABYTE), self)
            self.recorder.recorded.connect(session.history_changed)
            self.recorder.recorded.connect(self._show)
            self.recorder.troubled.connect(self._on_troubled)
            self.recorder.recovered.connect(self._on_recovered)
            self.recorder.bug_found.connect(self.bug_found)
        self._show()

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.who.setIcon(icon("account-outline", theme.quiet))
        self.unwritten.setIcon(icon("database-alert-outline", theme.uncertain))

    def ask_who(self) -> None:
        """Ask for operator and lot."""
        dialog = WhoDialog(self._session.operator, self._session.lot, self.who.window())
        dialog.accepted.connect(lambda: self.set_who(dialog.operator.text().strip(), dialog.lot.text().strip()))
        dialog.open()

    def set_who(self, operator: str, lot: str) -> None:
        """An empty name means the login name. The lot is not persisted: a stale one would be worse than none."""
        self._settings.operator = operator
        self._session.set_who(operator or login_name(), lot)

    def may_close(self) -> bool:
        """If something could not be recorded, ask whether to close anyway."""
        if self.recorder is None or self._trouble is None or not self.recorder.unwritten:
            return True
        count = _counted(self.recorder.unwritten)
        text = f"{count} not in the history yet: {self._trouble.what}.\n{self._trouble.hint}".strip()
        buttons = QMessageBox.StandardButton.Close | QMessageBox.StandardButton.Cancel
        answer = QMessageBox.warning(
            self.who.window(),
            "Not recorded",
            f"{text}\nClosing loses them.",
            buttons,
            QMessageBox.StandardButton.Cancel,
        )
        return answer == QMessageBox.StandardButton.Close

    def close(self) -> bool:
        """Write what is pending. False if that takes too long."""
        return self.recorder is None or self.recorder.close()

    def _show(self) -> None:
        session = self._session
        self.who.setText(
            " · ".join([session.operator or "nobody named", *([f"lot {session.lot}"] if session.lot else [])])
        )
        count = self.recorder.unwritten if self.recorder is not None else 0
        self.unwritten.setVisible(self._trouble is not None)
        self.unwritten.setText(f"{_counted(count)} not recorded")
        if self._trouble is not None:
            self.unwritten.setToolTip(f"{self._trouble.what}. {self._trouble.hint}\nClick to try again now.")
        self.set_theme(self._theme)

    def _on_troubled(self, failure: Failure) -> None:
        first = self._trouble is None
        self._trouble = failure
        self._show()
        if first:
            self.failed.emit("Not recorded in the history", failure)

    def _on_recovered(self) -> None:
        self._trouble = None
        self._show()
        self.said.emit("Everything has now been recorded in the history.")

    def _retry(self) -> None:
        if self.recorder is not None:
            self.recorder.retry()


class WhoDialog(QDialog):
    """Two fields."""

    def __init__(self, operator: str, lot: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Who inspects")
        self.operator, self.lot = QLineEdit(operator), QLineEdit(lot, placeholderText="none")
        keep, cancel = QPushButton("OK", objectName="primary", default=True), QPushButton("Cancel")
        keep.clicked.connect(self.accept)
        cancel.clicked.connect(self.reject)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addStretch()
        buttons.addWidget(cancel)
        buttons.addWidget(keep)
        form = QFormLayout(self)
        form.setContentsMargins(18, 16, 18, 14)
        form.setVerticalSpacing(10)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        form.addRow("Operator", self.operator)
        form.addRow("Lot", self.lot)
        form.addRow(plain_label("Recorded with every result from now on.", "quiet"))
        form.addRow(buttons)
        self.lot.setMinimumWidth(240)
        self.lot.setFocus()


def login_name() -> str:
    """The account's user name; empty if the system does not provide it."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user may be unnamed
        return ""


def _counted(count: int) -> str:
    return "1 result" if count == 1 else f"{count} results"
