"""The verdict in large type: icon, word and number, never elided."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.widgets.theme import icon

WORD, NUMBER = 2.3, 1.55  # font sizes, as multiples of the window's
GAP, LEAST_SCALE = 10.0, 0.4


class Headline(QWidget):
    """Draws in the window's font, shrinking text that does not fit."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.word, self.number, self._picture, self._colour = "", "", "circle-outline", "#808080"
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(220, round(QFontMetricsF(self._font(WORD)).height()))

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        return QSize(120, self.sizeHint().height())

    def say(self, word: str, picture: str, colour: str, number: str) -> None:
        """picture: as in qtawesome, without the prefix."""
        self.word, self._picture, self._colour, self.number = word, picture, colour, number
        self.setAccessibleName(f"{word} {number}".strip())
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        room = QRectF(self.rect())
        side = 0.86 * room.height()
        scale = max(LEAST_SCALE, min(1.0, room.width() / max(self._needed(side), 1.0)))
        side *= scale
        icon(self._picture, self._colour).paint(
            painter, QRectF(0, (room.height() - side) / 2, side, side).toAlignedRect()
        )
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.setPen(QColor(self._colour))
        painter.setFont(self._font(WORD * scale))
        painter.drawText(room.adjusted(side + GAP, 0, 0, 0), int(Qt.AlignmentFlag.AlignLeft | middle), self.word)
        painter.setPen(self.palette().windowText().color())
        painter.setFont(self._font(NUMBER * scale))
        painter.drawText(room, int(Qt.AlignmentFlag.AlignRight | middle), self.number)

    def _needed(self, side: float) -> float:
        word = QFontMetricsF(self._font(WORD)).horizontalAdvance(self.word)
        number = QFontMetricsF(self._font(NUMBER)).horizontalAdvance(self.number)
        return side + GAP + word + (1.5 * GAP + number if self.number else 0.0)

    def _font(self, scale: float) -> QFont:
        font = QFont(self.font())
        font.setPointSizeF(font.pointSizeF() * scale)
        font.setWeight(QFont.Weight.Bold)
        return font
