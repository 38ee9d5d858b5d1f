"""What the verdict is, how far from the limit, which part it is, why, and what the operator says to it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QFormLayout, QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from app.entries import Entry, State
from app.widgets.error_details import plain_label
from app.widgets.theme import Theme, icon, icon_size, verdict_look
from app.workspaces.inspect import wording
from app.workspaces.inspect.doubt import Doubt
from app.workspaces.inspect.review_bar import ReviewBar
from sedir_core.types import Detection

HEADLINE, SHARE = 2.4, 1.5  # sizes of letters, as multiples of the window's


class VerdictPanel(QFrame):
    """Follows one entry; what is asked for goes out as signals with the entry's id."""

    review_wanted = Signal(int, object)  # id; "ok", "ng", or None for the model's verdict
    commented = Signal(int, str)  # id, text
    retry_wanted = Signal(int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent, objectName="panel")
        self._theme = theme
        self._entry: Entry | None = None
        self._icon = QLabel()
        self._word, self._score = _large(HEADLINE), _large(SHARE)
        self._margin = QLabel(objectName="quiet")
        self._gauge = Gauge(theme)
        self._reason, self._hint = plain_label(""), plain_label("", "quiet")
        self.doubt = Doubt()
        self._facts = {name: _fact() for name in ("Part", "Points", "Time")}
        self._retry = QPushButton("Inspect again")
        self._retry.clicked.connect(lambda: self._entry and self.retry_wanted.emit(self._entry.id))
        self.bar = ReviewBar(theme)
        self.bar.review_wanted.connect(self._on_review)
        self.bar.commented.connect(self.commented)
        head = QHBoxLayout()
        head.setSpacing(12)
        head.addWidget(self._icon)
        head.addWidget(self._word, 1)
        numbers = QVBoxLayout()
        numbers.setSpacing(0)
        for label in (self._score, self._margin):
            label.setAlignment(Qt.AlignmentFlag.AlignRight)
            numbers.addWidget(label)
        head.addLayout(numbers)
        facts = QFormLayout(horizontalSpacing=16, verticalSpacing=5)
        facts.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        facts.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        for name, label in self._facts.items():
            facts.addRow(QLabel(name, objectName="quiet"), label)
        self._fact_rows = QWidget()
        self._fact_rows.setLayout(facts)
        facts.setContentsMargins(0, 0, 0, 0)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 14, 18, 14)
        layout.setSpacing(9)
        layout.addLayout(head)
        for part in (self._gauge, self._reason, self._hint, self.doubt, self._fact_rows):
            layout.addWidget(part)
        layout.addWidget(self._retry, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addStretch()
        layout.addWidget(self.bar)
        self.show_entry(None)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self._gauge.theme = theme
        self.bar.set_theme(theme)
        self.show_entry(self._entry, self._known)

    def show_entry(self, entry: Entry | None, known: Sequence[str] = ()) -> None:
        """What is known of this scan so far. known: the categories of the model in use."""
        self._entry, self._known = entry, tuple(known)
        self.doubt.show_entry(entry, self._known)
        done = entry is not None and entry.state is State.DONE
        detection = entry.detection if entry is not None and done else None
        word, picture, colour = self._headline(entry)
        self._icon.setPixmap(icon(picture, colour).pixmap(icon_size(44), self.devicePixelRatioF()))
        self._word.setText(word)
        self._word.setStyleSheet(f"color: {colour}")
        self._score.setText("" if detection is None else wording.score_text(detection))
        self._margin.setText("" if detection is None else wording.margin_text(detection))
        self._gauge.show_detection(detection)
        for label, text in ((self._reason, _why(entry)), (self._hint, _way_out(entry))):
            label.setText(text)
            label.setVisible(bool(text))
        self._facts["Part"].setText("–" if detection is None else wording.category_text(detection))
        self._facts["Points"].setText(_points_text(entry))
        total = None if detection is None else detection.seconds.get("total")
        self._facts["Time"].setText("–" if total is None else f"{total:.1f} s")
        self._fact_rows.setVisible(detection is not None)
        self._retry.setVisible(entry is not None and entry.state in (State.FAILED, State.STOPPED))
        self.bar.show_entry(entry)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """A dock asks for the least height only, which for wrapping text is one line: ask for all of it."""
        layout = self.layout()
        if layout is not None:
            self.setMinimumHeight(max(layout.totalHeightForWidth(self.width()), 0))

    def _headline(self, entry: Entry | None) -> tuple[str, str, str]:
        if entry is None:
            return "No scan", "circle-outline", self._theme.faint
        if entry.detection is not None and entry.state is State.DONE:
            return verdict_look(self._theme, entry.verdict, entry.detection.uncertain and entry.review is None)
        return {
            State.FAILED: ("Not inspected", "file-alert-outline", self._theme.uncertain),
            State.STOPPED: ("Stopped", "pause-circle-outline", self._theme.faint),
            State.RUNNING: ("Inspecting…", "progress-wrench", self._theme.accent),
        }.get(entry.state, ("Waiting", "clock-outline", self._theme.faint))

    def _on_review(self, verdict: object) -> None:
        if self._entry is not None:
            self.review_wanted.emit(self._entry.id, verdict)


class Gauge(QWidget):
    """The object score on a bar from 0 to twice the limit, with the limit marked and named."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self._share: float | None = None
        self._detection: Detection | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.hide()

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(200, 16 + round(QFontMetricsF(self._font()).height()))

    def show_detection(self, detection: Detection | None) -> None:
        self._detection = detection
        self._share = None if detection is None else wording.limit_share(detection)
        self.setVisible(self._share is not None)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        if self._share is None or self._detection is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        bar = QRectF(0, 4, self.width(), 8)
        painter.setBrush(QColor(self.theme.line))
        painter.drawRoundedRect(bar, 4, 4)
        filled = QRectF(bar.left(), bar.top(), bar.width() * min(max(self._share / 2, 0.03), 1.0), bar.height())
        # What was measured: an override does not change it.
        painter.setBrush(QColor(verdict_look(self.theme, self._detection.verdict, self._detection.uncertain)[2]))
        painter.drawRoundedRect(filled, 4, 4)
        painter.setBrush(QColor(self.theme.ink))
        painter.drawRoundedRect(QRectF(bar.center().x() - 1, 1, 2, 14), 1, 1)
        painter.setFont(self._font())
        painter.setPen(QColor(self.theme.quiet))
        below = QRectF(0, 16, self.width(), self.height() - 16)
        for text, edge in (
            ("0", Qt.AlignmentFlag.AlignLeft),
            ("limit", Qt.AlignmentFlag.AlignHCenter),
            ("200 %" if self._share <= 2 else "more", Qt.AlignmentFlag.AlignRight),
        ):
            painter.drawText(below, int(edge | Qt.AlignmentFlag.AlignTop), text)

    def _font(self) -> QFont:
        font = QFont(self.font())
        font.setPointSizeF(font.pointSizeF() * 0.85)
        return font


def _why(entry: Entry | None) -> str:
    """The reason in plain words."""
    if entry is None:
        return "The verdict on the chosen scan stands here, with its reason."
    if entry.failure is not None and entry.state is State.FAILED:
        return wording.sentence(entry.failure.what)
    if entry.detection is None or entry.state is not State.DONE:
        return ""
    limit = wording.percent(entry.defects_at)
    moved = f" The limit was set to {limit} of the calibrated one." if entry.defects_at != 1 else ""
    past = f" {entry.past.said}" if entry.past is not None else ""
    return wording.sentence(entry.detection.reason) + moved + past


def _way_out(entry: Entry | None) -> str:
    if entry is None or entry.failure is None or entry.state is not State.FAILED:
        return ""
    return wording.sentence(entry.failure.hint)


def _large(scale: float) -> QLabel:
    label = QLabel()
    font = QFont(label.font())
    font.setPointSizeF(font.pointSizeF() * scale)
    font.setWeight(QFont.Weight.Bold)
    label.setFont(font)
    return label


def _fact() -> QLabel:
    label = QLabel()
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label


def _points_text(entry: Entry | None) -> str:
    if entry is None or (entry.scan is None and entry.detection is None):
        return "–"
    count = len(entry.scan) if entry.scan is not None else len(entry.detection.point_scores) if entry.detection else 0
    text = f"{count:,}"
    if entry.detection is not None and (blank := int((~entry.detection.evaluated).sum())):
        text += f", {blank:,} not evaluated"
    return text + (" (sampled from a mesh)" if entry.scan is not None and entry.scan.sampled else "")
