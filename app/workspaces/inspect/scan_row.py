"""One painted row of the scan list: thumbnail, name, score; below, verdict, category, and review."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPen, QPixmap, QPixmapCache
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from app.state.entries import Entry, State
from app.widgets.theme import Theme, icon, verdict_look
from app.workspaces.inspect import wording
from app.workspaces.inspect.scan_table import EntryRole

Index = QModelIndex | QPersistentModelIndex
PICTURE_PX, ICON_PX, MARK_PX = 44, 22, 15
LEAST_WORD_PX = 24
ROW_HEIGHT = PICTURE_PX + 12
SMALL_TEXT = 0.92

STATE_ICONS = {
    State.WAITING: "clock-outline",
    State.RUNNING: "progress-wrench",
    State.STOPPED: "pause-circle-outline",
    State.FAILED: "file-alert-outline",
}


class ScanDelegate(QStyledItemDelegate):
    """Rows are painted rather than built of widgets, which stays fast with ten thousand of them."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.theme = theme

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: N802
        return QSize(160, max(ROW_HEIGHT, 2 * QFontMetrics(option.font).height() + 20))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        entry = index.data(EntryRole)
        if not isinstance(entry, Entry):
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        frame = option.rect.adjusted(4, 2, -4, -2)
        if option.state & QStyle.StateFlag.State_Selected:
            self._ground(painter, frame, self.theme.chosen)
        elif option.state & QStyle.StateFlag.State_MouseOver:
            self._ground(painter, frame, self.theme.raised)
        tile = QRect(frame.left() + 5, frame.center().y() + 1 - PICTURE_PX // 2, PICTURE_PX, PICTURE_PX)
        self._picture(painter, tile, entry)
        text = QRect(QPoint(tile.right() + 11, tile.top() + 3), QPoint(frame.right() - 9, tile.bottom() - 3))
        self._first_line(painter, text, option.font, entry)
        self._second_line(painter, text, option.font, entry)
        painter.restore()

    def _ground(self, painter: QPainter, frame: QRect, colour: str) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colour))
        painter.drawRoundedRect(frame, 7, 7)

    def _picture(self, painter: QPainter, tile: QRect, entry: Entry) -> None:
        """The thumbnail on the dark background of the 3D views; an icon if there is none."""
        if entry.thumbnail:
            self._ground(painter, tile, self.theme.view_bottom)
            painter.drawPixmap(tile, thumbnail(entry))
            return
        painter.setPen(QPen(QColor(self.theme.line), 1))
        painter.setBrush(QColor(self.theme.raised))
        painter.drawRoundedRect(tile.adjusted(0, 0, -1, -1), 7, 7)
        colours = {State.FAILED: self.theme.uncertain, State.RUNNING: self.theme.accent}
        box = QRect(0, 0, ICON_PX, ICON_PX)
        box.moveCenter(tile.center())
        icon(STATE_ICONS.get(entry.state, "cube-outline"), colours.get(entry.state, self.theme.faint)).paint(
            painter, box
        )

    def _first_line(self, painter: QPainter, room: QRect, base: QFont, entry: Entry) -> None:
        """The name, elided in the middle: its end distinguishes parts more often."""
        top = int(Qt.AlignmentFlag.AlignTop)
        self._text(painter, room, base, self.theme.ink, entry.stem, top, Qt.TextElideMode.ElideMiddle)

    def _second_line(self, painter: QPainter, room: QRect, base: QFont, entry: Entry) -> None:
        font, bottom = _font(base, SMALL_TEXT), int(Qt.AlignmentFlag.AlignBottom)
        room = room.adjusted(0, 0, -self._score(painter, room, base, entry), 0)
        word, picture, colour = _look(entry, self.theme)
        word_px = QFontMetrics(_font(base, SMALL_TEXT, bold=True)).horizontalAdvance(word) + 1
        room = room.adjusted(0, 0, -self._marks(painter, room, entry, room.width() - word_px), 0)
        if picture:
            strong = _font(base, SMALL_TEXT, bold=True)
            if room.width() >= MARK_PX + 6 + word_px:  # if only one fits, keep the word
                height = QFontMetrics(font).height()
                box = QRect(room.left(), room.bottom() - (height + MARK_PX) // 2 + 1, MARK_PX, MARK_PX)
                icon(picture, colour).paint(painter, box)
                room.setLeft(box.right() + 6)
            said = QRect(room.left(), room.top(), max(room.width(), word_px), room.height())  # never elided
            self._text(painter, said, strong, colour, word, bottom, Qt.TextElideMode.ElideRight)
            room.setLeft(room.left() + word_px + 6)
            below = entry.detection.category if entry.detection else ""
        else:
            below = wording.state_text(entry)
        ink = self.theme.uncertain if entry.state is State.FAILED else self.theme.quiet
        if picture and room.width() < LEAST_WORD_PX:
            return  # an ellipsis alone says nothing
        self._text(painter, room, font, ink, below, bottom, Qt.TextElideMode.ElideRight)

    def _score(self, painter: QPainter, room: QRect, base: QFont, entry: Entry) -> int:
        """The score at the right end, unaffected by overrides. Returns the width taken."""
        if entry.detection is None or entry.state is not State.DONE:
            return 0
        font, text = _font(base, bold=True), wording.share_text(entry.detection)
        painter.setFont(font)
        painter.setPen(QColor(verdict_look(self.theme, entry.detection.verdict)[2]))
        painter.drawText(room, int(Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignRight), text)
        return QFontMetrics(font).horizontalAdvance(text) + 8

    def _marks(self, painter: QPainter, room: QRect, entry: Entry, most_px: int) -> int:
        """The review at the right end of the second line, where the verdict leaves room; returns the width taken."""
        marks = ["account-check"] if entry.review is not None else []
        marks += ["comment-text-outline"] if entry.review_comment else []
        marks += ["history"] if entry.past is not None else []
        marks = marks[: max(most_px - 4, 0) // (MARK_PX + 3)]
        for number, name in enumerate(marks, 1):
            box = QRect(room.right() + 1 - number * (MARK_PX + 3), room.bottom() - MARK_PX, MARK_PX, MARK_PX)
            icon(name, self.theme.quiet).paint(painter, box)
        return len(marks) * (MARK_PX + 3) + 4 if marks else 0

    @staticmethod
    def _text(
        painter: QPainter, room: QRect, font: QFont, colour: str, text: str, edge: int, cut: Qt.TextElideMode
    ) -> None:
        painter.setFont(font)
        painter.setPen(QColor(colour))
        shown = QFontMetrics(font).elidedText(text, cut, max(room.width(), 0))
        painter.drawText(room, edge | int(Qt.AlignmentFlag.AlignLeft), shown)


def thumbnail(entry: Entry) -> QPixmap:
    """The entry's thumbnail, cached by Qt."""
    key = f"scan-{entry.id}-{hash(entry.thumbnail)}"
    found = QPixmap()
    if not QPixmapCache.find(key, found):
        found.loadFromData(entry.thumbnail, "PNG")
        QPixmapCache.insert(key, found)
    return found


def _look(entry: Entry, theme: Theme) -> tuple[str, str, str]:
    """Word, icon and colour of a complete result; empty words otherwise."""
    if entry.state is not State.DONE or entry.detection is None:
        return "", "", theme.quiet
    return verdict_look(theme, entry.verdict)


def _font(base: QFont, scale: float = 1.0, bold: bool = False) -> QFont:
    font = QFont(base)
    font.setPointSizeF(base.pointSizeF() * scale)
    font.setBold(bold)
    return font
