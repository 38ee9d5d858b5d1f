"""The operator's review: confirm, override, withdraw, comment."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.state.entries import Entry, State
from app.widgets.error_details import plain_label
from app.widgets.line_edit import LineEdit
from app.widgets.theme import Theme, icon, icon_size, verdict_look
from sedir_core.types import VERDICT_WORDS, Verdict

LONGEST_COMMENT = 500


class ReviewBar(QWidget):
    """The review so far, a comment field while editing, and a button for each key."""

    review_wanted = Signal(object)  # "ok", "ng", or None for the model's verdict
    commented = Signal(int, str)  # id of the scan being commented on, text

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._entry: Entry | None = None
        self._picture = QLabel(alignment=Qt.AlignmentFlag.AlignTop)
        self._who = plain_label("", "sectionTitle")
        self._comment = plain_label("", "quiet")
        self._said = QWidget()
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self._who)
        words.addWidget(self._comment)
        said = QHBoxLayout(self._said)
        said.setContentsMargins(0, 0, 0, 2)
        said.setSpacing(9)
        said.addWidget(self._picture)
        said.addLayout(words, 1)
        self.field = LineEdit(placeholderText="Why? Enter saves, Esc discards", maxLength=LONGEST_COMMENT)
        self.field.setAccessibleName("Comment on the verdict")
        self.field.returnPressed.connect(self._keep)
        self.field.escaped.connect(self._leave)
        self.ok = self._button("OK", "Confirm or set: this part is good (O)", lambda: self.review_wanted.emit("ok"))
        self.ng = self._button("NG", "Confirm or set: this part is bad (N)", lambda: self.review_wanted.emit("ng"))
        self.note = self._button("", "Comment: explain the verdict (E)", self.write)
        self.back = self._button("", "Back to the model's verdict (Backspace)", lambda: self.review_wanted.emit(None))
        buttons = QHBoxLayout()
        buttons.setSpacing(6)
        for button in (self.ok, self.ng):
            buttons.addWidget(button, 1)
        for button in (self.note, self.back):
            button.setObjectName("reviewIcon")
            buttons.addWidget(button)
        rule = QFrame(frameShape=QFrame.Shape.HLine, objectName="rule")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 0)
        column.setSpacing(8)
        column.addWidget(rule)
        column.addWidget(self._said)
        column.addWidget(self.field)
        column.addLayout(buttons)
        self.field.hide()
        self.set_theme(theme)

    @property
    def buttons(self) -> list[QPushButton]:
        return [self.ok, self.ng, self.note, self.back]

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        looks: list[tuple[QPushButton, Verdict]] = [(self.ok, "ok"), (self.ng, "ng")]
        for button, verdict in looks:
            _, picture, colour = verdict_look(theme, verdict)
            button.setIcon(icon(picture, colour))
        self.note.setIcon(icon("comment-text-outline", theme.quiet))
        self.back.setIcon(icon("undo-variant", theme.quiet))
        self._picture.setPixmap(icon("account-check", theme.quiet).pixmap(icon_size(18), self.devicePixelRatioF()))

    def show_entry(self, entry: Entry | None) -> None:
        """Show the review of this scan; an unfinished comment stays with its own scan."""
        if self.writing and (entry is None or self._entry is None or entry.id != self._entry.id):
            self._keep()
        self._entry = entry
        judged = entry is not None and entry.detection is not None and entry.state is State.DONE
        self.setVisible(judged)
        if entry is None:
            return
        self._who.setText(review_text(entry))
        self._comment.setText(f"“{entry.review_comment}”" if entry.review_comment else "")
        self._comment.setVisible(bool(entry.review_comment))
        self._said.setVisible(entry.review is not None or bool(entry.review_comment))
        self.back.setVisible(self._said.isVisibleTo(self))

    @property
    def writing(self) -> bool:
        return not self.field.isHidden()

    def write(self) -> None:
        """Open the field with the present comment."""
        panel = self.parentWidget()
        if self._entry is not None and panel is not None and self.isVisibleTo(panel):
            self.field.setText(self._entry.review_comment)
            self.field.show()
            self.field.setFocus()
            self.field.selectAll()

    def _keep(self) -> None:
        text, entry = self.field.text(), self._entry
        self._leave()
        if entry is not None:
            self.commented.emit(entry.id, text)

    def _leave(self) -> None:
        self.field.hide()
        self.field.clear()
        self.window().setFocus()

    def _button(self, text: str, tip: str, act: object) -> QPushButton:
        button = QPushButton(text, toolTip=tip, iconSize=QSize(16, 16), objectName="review")
        button.setAccessibleName(tip)
        # Keyboard focus stays with the list, whichever button was used.
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(act)
        return button


def review_text(entry: Entry) -> str:
    """`Confirmed by Ana`, `Set to OK by Ana; the model said NG`."""
    by = f" by {entry.reviewer}" if entry.reviewer else ""
    if entry.review is None or entry.detection is None:
        return f"Comment{by}" if entry.review_comment else ""
    machine = entry.detection.verdict
    if machine == entry.review:
        return f"{VERDICT_WORDS[machine]} confirmed{by}"
    return f"Set to {VERDICT_WORDS[entry.review]}{by}; the model said {VERDICT_WORDS[machine]}"
