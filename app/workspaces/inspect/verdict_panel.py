"""The verdict: margin to the limit, category, reason, and the operator's review."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QPushButton, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from app.state.entries import Entry, State
from app.widgets.error_details import plain_label
from app.widgets.numbers import grouped, whole_lines
from app.widgets.theme import Theme, caption_font, verdict_look
from app.workspaces.inspect import wording
from app.workspaces.inspect.doubt import Doubt
from app.workspaces.inspect.headline import Headline
from app.workspaces.inspect.review_bar import ReviewBar
from sedir_core.evidence.wording import percent
from sedir_core.types import Detection

LOW_SHARE, LEAST_PX = 0.46, 96
"""Largest share of the window's height for the verdict, and its minimum height."""


class VerdictPanel(QFrame):
    """Shows one entry; requests are emitted with the entry's id."""

    review_wanted = Signal(int, object)  # id; "ok", "ng", or None for the model's verdict
    commented = Signal(int, str)  # id, text
    retry_wanted = Signal(int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self._theme = theme
        self._entry: Entry | None = None
        self.headline = Headline()
        self._gauge = Gauge(theme)
        self._reason, self._hint = plain_label(""), plain_label("", "quiet")
        self.doubt = Doubt()
        self._rests = plain_label("", "quiet")
        self._facts = plain_label("", "quiet")
        self._retry = QPushButton("Inspect again")
        self._retry.clicked.connect(lambda: self._entry and self.retry_wanted.emit(self._entry.id))
        self.bar = ReviewBar(theme)
        self.bar.review_wanted.connect(self._on_review)
        self.bar.commented.connect(self.commented)
        content = QWidget()
        inside = QVBoxLayout(content)
        inside.setContentsMargins(14, 12, 14, 4)
        inside.setSpacing(8)
        for part in (self.headline, self._gauge, self._reason, self._hint, self.doubt, self._rests, self._facts):
            inside.addWidget(part)
        inside.addWidget(self._retry, 0, Qt.AlignmentFlag.AlignLeft)
        inside.addStretch()
        self._scroll = QScrollArea(
            widgetResizable=True, horizontalScrollBarPolicy=Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        )
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setWidget(content)
        content.setAutoFillBackground(False)
        self._scroll.viewport().setAutoFillBackground(False)
        self.bar.setContentsMargins(14, 0, 14, 0)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(1, 1, 1, 12)
        layout.setSpacing(4)
        layout.addWidget(self._scroll, 1)
        layout.addWidget(self.bar)
        self._content = content
        self.show_entry(None)

    @property
    def stops(self) -> list[QWidget]:
        """Tab order."""
        return [self.doubt.button, self._retry, self.bar.field, *self.bar.buttons]

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self._gauge.theme = theme
        self.bar.set_theme(theme)
        self.show_entry(self._entry, self._known)

    def show_entry(self, entry: Entry | None, known: Sequence[str] = ()) -> None:
        """Show this scan as far as it has been processed. known: the current model's categories."""
        self._entry, self._known = entry, tuple(known)
        self.doubt.show_entry(entry, self._known)
        done = entry is not None and entry.state is State.DONE
        detection = entry.detection if entry is not None and done else None
        word, picture, colour = self._headline(entry)
        self.headline.say(word, picture, colour, "" if detection is None else wording.share_text(detection))
        self._gauge.show_detection(detection)
        for label, text in ((self._reason, _why(entry)), (self._hint, _way_out(entry))):
            label.setText(whole_lines(text))
            label.setVisible(bool(text))
        self._rests.setText("" if detection is None else whole_lines(wording.rests_text(detection)))
        self._rests.setVisible(bool(self._rests.text()))
        self._facts.setText("" if entry is None or detection is None else _facts_text(entry, detection))
        self._facts.setVisible(bool(self._facts.text()))
        self._retry.setVisible(entry is not None and entry.state in (State.FAILED, State.STOPPED))
        self.bar.show_entry(entry)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        self._fit()

    def event(self, event: QEvent) -> bool:
        handled = super().event(event)
        if event.type() is QEvent.Type.LayoutRequest:  # its content has changed size
            self._fit()
        return handled

    def _fit(self) -> None:
        """Request the dock height that fits the content; in a low window the middle scrolls instead."""
        inside, outside = self._content.layout(), self.layout()
        if inside is None or outside is None:
            return
        whole = inside.totalHeightForWidth(self._scroll.viewport().width()) + 2
        bar = self.bar.heightForWidth(self.width() - 2) if self.bar.hasHeightForWidth() else -1
        if bar < 0:  # without a comment its height depends on no width
            bar = 0 if self.bar.isHidden() else self.bar.sizeHint().height()
        self.bar.setMinimumHeight(bar)  # a comment of several lines counts in the height of the dock
        most = max(round(LOW_SHARE * self.window().height()) - bar, LEAST_PX)
        self._scroll.setMinimumHeight(min(whole, most))

    def _headline(self, entry: Entry | None) -> tuple[str, str, str]:
        if entry is None:
            return "No scan", "circle-outline", self._theme.faint
        if entry.detection is not None and entry.state is State.DONE:
            return verdict_look(self._theme, entry.verdict)
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
        return QSize(200, 16 + round(QFontMetricsF(caption_font(self.font())).height()))

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
        # The measured score: an override does not change it.
        painter.setBrush(QColor(verdict_look(self.theme, self._detection.verdict)[2]))
        painter.drawRoundedRect(filled, 4, 4)
        painter.setBrush(QColor(self.theme.ink))
        painter.drawRoundedRect(QRectF(bar.center().x() - 1, 1, 2, 14), 1, 1)
        painter.setFont(caption_font(self.font()))
        painter.setPen(QColor(self.theme.quiet))
        below = QRectF(0, 16, self.width(), self.height() - 16)
        for text, edge in (
            ("0", Qt.AlignmentFlag.AlignLeft),
            ("limit 100 %", Qt.AlignmentFlag.AlignHCenter),
            ("200 %" if self._share <= 2 else "more", Qt.AlignmentFlag.AlignRight),
        ):
            painter.drawText(below, int(edge | Qt.AlignmentFlag.AlignTop), text)


def _why(entry: Entry | None) -> str:
    """The reason as plain text."""
    if entry is None:
        return "The verdict on the selected scan appears here, with its reason."
    if entry.failure is not None and entry.state is State.FAILED:
        return wording.sentence(entry.failure.what)
    if entry.detection is None or entry.state is not State.DONE:
        return ""
    limit = percent(entry.defects_at)
    moved = f" The limit was set to {limit} of the calibrated one." if entry.defects_at != 1 else ""
    past = f" {entry.past.said}" if entry.past is not None else ""
    return wording.sentence(entry.detection.reason) + moved + past


def _way_out(entry: Entry | None) -> str:
    if entry is None or entry.failure is None or entry.state is not State.FAILED:
        return ""
    return wording.sentence(entry.failure.hint)


def _facts_text(entry: Entry, detection: Detection) -> str:
    """Category, number of points, and duration."""
    total = detection.seconds.get("total")
    time = "" if total is None else f"{total:.1f} s"
    counted = " · ".join(part for part in (_points_text(entry), time) if part)
    return f"{wording.category_text(detection)}\n{counted}"


def _points_text(entry: Entry | None) -> str:
    if entry is None or (entry.scan is None and entry.detection is None):
        return ""
    count = len(entry.scan) if entry.scan is not None else len(entry.detection.point_scores) if entry.detection else 0
    text = f"{grouped(count)} points"
    if entry.detection is not None and (blank := int((~entry.detection.evaluated).sum())):
        text += f", {grouped(blank)} not evaluated"
    return text + (" (sampled from a mesh)" if entry.scan is not None and entry.scan.sampled else "")
