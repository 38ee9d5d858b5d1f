"""The verdict in line mode: a word as large as possible, and one sentence."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.state.entries import Entry, State
from app.widgets.theme import Theme, icon
from app.workspaces.inspect import wording
from sedir_core.evidence.wording import defect_sentence
from sedir_core.types import VERDICT_WORDS
from sedir_core.units import unbroken

PICTURES = {"ok": "check-circle", "ng": "alert-octagon", "uncertain": "help-circle"}
WORD, SENTENCE, SMALL = 0.44, 0.155, 0.1
"""Font heights, as shares of the banner's height."""
LEAST_WORD_SHARE, GAP = 0.42, 0.12
"""Largest share of the width for the word; spacing as a share of the height."""


@dataclass(frozen=True)
class LineWords:
    """state: ok, ng, uncertain, or empty while there is no verdict."""

    state: str
    word: str
    sentence: str
    name: str = ""


def line_words(entry: Entry | None, folder: str, unit: str = "") -> LineWords:
    """The banner's text for a scan. folder: name of the watched folder, or empty. unit: the user's name of the unit."""
    if entry is None:
        return LineWords("", "Ready", f"Waiting for scans in {folder}." if folder else "No folder is watched.")
    name = entry.name
    if entry.state is State.FAILED and entry.failure is not None:
        return LineWords("uncertain", "Not inspected", wording.sentence(entry.failure.what), name)
    if entry.verdict is None or entry.detection is None or entry.state is not State.DONE:
        return LineWords("", wording.STATE_WORDS.get(entry.state, "").capitalize(), "", name)
    return LineWords(entry.verdict, VERDICT_WORDS[entry.verdict], _sentence(entry, unit), name)


def _sentence(entry: Entry, unit: str) -> str:
    """The one thing to know: who overruled the verdict, or else the most important thing that is wrong."""
    found = entry.detection
    assert found is not None
    if entry.review is not None:
        by = f" by {entry.reviewer}" if entry.reviewer else ""
        return wording.sentence(f"set{by}" + (f": {entry.review_comment}" if entry.review_comment else ""))
    if found.verdict == "ng" and found.defects:
        more = len(found.defects) - 1
        first = defect_sentence(found.defects[0], found, unit)
        return wording.sentence(first + (f", and {more} more" if more else ""))
    return wording.sentence(found.reason.split(";")[0])


class LineBanner(QWidget):
    """Draws the text set by `say` on the verdict's colour."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.words, self.tally = LineWords("", "", ""), ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(120)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.update()

    def say(self, words: LineWords, tally: str) -> None:
        """tally: today's counts, in small type."""
        self.words, self.tally = words, tally
        self.setAccessibleName(f"{words.word}. {words.name} {words.sentence}".strip())
        self.update()

    @property
    def colours(self) -> tuple[str, str]:
        """Background and text colour."""
        if not self.words.state:
            return self._theme.panel, self._theme.ink
        return str(getattr(self._theme, self.words.state)), self._theme.on_accent

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ground, ink = self.colours
        painter.fillRect(self.rect(), QColor(ground))
        painter.setPen(QColor(ink))
        height, gap = float(self.height()), GAP * self.height()
        left = gap
        if self.words.state:
            side = WORD * 1.25 * height
            room = QRectF(left, (height - side) / 2, side, side)
            icon(PICTURES[self.words.state], ink).paint(painter, room.toAlignedRect())
            left += side + gap / 2
        left += self._draw_word(painter, left) + gap
        self._draw_lines(painter, QRectF(left, 0, self.width() - left - gap, height))

    def _draw_word(self, painter: QPainter, left: float) -> float:
        """Returns its width."""
        most = LEAST_WORD_SHARE * self.width() - left
        font = _font(painter.font(), WORD * self.height(), bold=True)
        width = QFontMetricsF(font).horizontalAdvance(self.words.word)
        if width > most > 0:
            font.setPixelSize(max(round(font.pixelSize() * most / width), 1))
            width = QFontMetricsF(font).horizontalAdvance(self.words.word)
        painter.setFont(font)
        middle = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        painter.drawText(QRectF(left, 0, width + 2, self.height()), middle, self.words.word)
        return width

    def _draw_lines(self, painter: QPainter, room: QRectF) -> None:
        """The scan's name, the sentence in at most two lines, and today's numbers."""
        height = room.height()
        top = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        small, large = (
            _font(painter.font(), SMALL * height, bold=False),
            _font(painter.font(), SENTENCE * height, bold=True),
        )
        metrics = QFontMetricsF(small)
        painter.setFont(small)
        name = metrics.elidedText(self.words.name, Qt.TextElideMode.ElideMiddle, room.width())
        painter.drawText(room.adjusted(0, 0.1 * height, 0, 0), top, name)
        bottom = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom)
        painter.drawText(room.adjusted(0, 0, 0, -0.1 * height), bottom, self.tally)
        lines = QRectF(room.left(), 0.27 * height, room.width(), 0.48 * height)
        middle = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter) | int(Qt.TextFlag.TextWordWrap)
        sentence = unbroken(self.words.sentence)
        while QFontMetricsF(large).boundingRect(lines, middle, sentence).height() > lines.height():
            if large.pixelSize() <= small.pixelSize():
                break
            large.setPixelSize(large.pixelSize() - 1)
        painter.setFont(large)
        painter.drawText(lines, middle, sentence)


def _font(like: QFont, height_px: float, bold: bool) -> QFont:
    font = QFont(like)
    font.setPixelSize(max(round(height_px), 1))
    font.setBold(bold)
    return font
