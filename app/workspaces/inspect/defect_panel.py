"""The defects that a verdict rests on: a card for each, with everything that is known of it."""

from __future__ import annotations

from PySide6.QtCore import (
    QAbstractListModel,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QLabel,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from app.state.entries import Entry, State
from app.widgets.theme import Theme, caption_font
from app.workspaces.inspect import wording
from app.workspaces.inspect.wording import DefectWords
from sedir_core.types import Detection

Index = QModelIndex | QPersistentModelIndex
WordsRole = Qt.ItemDataRole.UserRole
PAD, BADGE, LINE_GAP = 9, 24, 3


class DefectList(QAbstractListModel):
    """The defects of one detection as rows, the strongest first as the core lists them."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._detection: Detection | None = None
        self._unit = ""

    def set_unit(self, unit: str) -> None:
        """What lengths are told in where the model does not know; empty where nobody said."""
        self.beginResetModel()
        self._unit = unit
        self.endResetModel()

    def show_detection(self, detection: Detection | None) -> None:
        self.beginResetModel()
        self._detection = detection
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008
        return 0 if parent.isValid() or self._detection is None else len(self._detection.defects)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or self._detection is None:
            return None
        defect, rank = self._detection.defects[index.row()], index.row() + 1
        if role == WordsRole:
            return wording.defect_words(rank, defect, self._detection, self._unit)
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return wording.defect_text(rank, defect, self._detection, self._unit)
        return None


class DefectDelegate(QStyledItemDelegate):
    """A card: its number, what it is and how deep; below, as many lines as its measures need."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.theme = theme

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: N802
        view = self.parent()
        width = view.viewport().width() if isinstance(view, QListView) else option.rect.width()
        words = index.data(WordsRole)
        assert isinstance(words, DefectWords)
        title, lines = self._lines(words, option.font, width - 2 * PAD - BADGE - 10)
        first = QFontMetrics(_bold(option.font)).height() * len(title)
        below = QFontMetrics(caption_font(option.font)).height() * len(lines)
        return QSize(120, 2 * PAD + max(first + LINE_GAP + below, BADGE))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        words = index.data(WordsRole)
        if not isinstance(words, DefectWords):
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        frame = option.rect.adjusted(3, 2, -3, -2)
        if chosen or option.state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(self.theme.chosen if chosen else self.theme.raised))
            painter.drawRoundedRect(frame, 7, 7)
        self._badge(painter, QRectF(option.rect.left() + PAD, option.rect.top() + PAD - 1, BADGE, BADGE), words, option)
        room = option.rect.adjusted(PAD + BADGE + 10, PAD, -PAD, -PAD)
        title, lines = self._lines(words, option.font, room.width())
        y = room.top()
        for text, font, colour in (
            *((line, _bold(option.font), self.theme.ink) for line in title),
            *((line, caption_font(option.font), self.theme.quiet) for line in lines),
        ):
            if font.bold() is False and y == room.top() + len(title) * QFontMetrics(_bold(option.font)).height():
                y += LINE_GAP
            height = QFontMetrics(font).height()
            painter.setFont(font)
            painter.setPen(QColor(colour))
            painter.drawText(QRect(room.left(), y, room.width(), height), int(Qt.AlignmentFlag.AlignLeft), text)
            y += height
        painter.restore()

    def _badge(self, painter: QPainter, room: QRectF, words: DefectWords, option: QStyleOptionViewItem) -> None:
        """The number that the callout in the 3D view has, too."""
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self.theme.ng))
        painter.drawRoundedRect(room, 6, 6)
        painter.setPen(QColor(self.theme.panel))
        painter.setFont(_bold(option.font))
        painter.drawText(room, int(Qt.AlignmentFlag.AlignCenter), words.rank)

    @staticmethod
    def _lines(words: DefectWords, font: QFont, width: int) -> tuple[list[str], list[str]]:
        """Titles and measures, broken where a line would be cut."""
        return _broken(words.title, ", ", _bold(font), width), _broken(words.below, " · ", caption_font(font), width)


class DefectView(QListView):
    """A list whose cards are as high as their lines need."""

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        self.scheduleDelayedItemsLayout()  # lines break elsewhere


class DefectPanel(QFrame):
    """The cards, and a sentence where there is none."""

    defect_chosen = Signal(object)  # index, or None

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self._note = QLabel(objectName="faint", wordWrap=True, alignment=Qt.AlignmentFlag.AlignCenter)
        self._note.setContentsMargins(14, 10, 14, 10)
        self.list = DefectList(self)
        self.view = DefectView()
        self.view.setModel(self.list)
        self._delegate = DefectDelegate(theme, self.view)
        self.view.setItemDelegate(self._delegate)
        self.view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.view.setResizeMode(QListView.ResizeMode.Adjust)
        self.view.setFrameShape(QFrame.Shape.NoFrame)
        self.view.setObjectName("plainList")
        self.view.setMouseTracking(True)
        self.view.setAccessibleName("Defects")
        self.view.selectionModel().currentChanged.connect(self._on_row_changed)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(1, 4, 1, 4)
        layout.addWidget(self._note, 1)
        layout.addWidget(self.view, 1)
        self.show_entry(None)

    def set_theme(self, theme: Theme) -> None:
        self._delegate.theme = theme
        self.view.scheduleDelayedItemsLayout()
        self.view.viewport().update()

    def show_entry(self, entry: Entry | None) -> None:
        """The defects of that scan."""
        detection = None if entry is None else entry.detection
        self.list.show_detection(detection)
        found = detection is not None and bool(detection.defects)
        self.view.setVisible(found)
        self._note.setVisible(not found)
        self._note.setText(_no_defects(entry))

    def choose(self, index: int | None) -> None:
        """Mark a row without asking for it again."""
        selection = self.view.selectionModel()
        blocked = selection.blockSignals(True)
        if index is None:
            self.view.clearSelection()
            self.view.setCurrentIndex(QModelIndex())
        elif index != self.view.currentIndex().row():
            marked = QItemSelectionModel.SelectionFlag.ClearAndSelect
            selection.setCurrentIndex(self.list.index(index), marked)
            self.view.scrollTo(self.list.index(index))
        selection.blockSignals(blocked)
        self.view.viewport().update()

    def _on_row_changed(self, now: QModelIndex, before: QModelIndex) -> None:
        if now.isValid():
            self.defect_chosen.emit(now.row())


def _no_defects(entry: Entry | None) -> str:
    if entry is None or (entry.detection is None and entry.state in (State.FAILED, State.STOPPED)):
        return "Defects are listed here, the strongest first.\nClick one to fly to it."
    return "Not known yet." if entry.detection is None else "No region of the surface is over the limit."


def _bold(font: QFont) -> QFont:
    bold = QFont(font)
    bold.setBold(True)
    return bold


def _broken(pieces: tuple[str, ...], joint: str, font: QFont, width: int) -> list[str]:
    """The pieces in as few lines as hold them, cut nowhere: one that is wider than the card is broken at a space."""
    metrics = QFontMetrics(font)
    words = [
        (word, joint if at == 0 else " ") for piece in pieces for at, word in enumerate(_parts(piece, metrics, width))
    ]
    lines: list[str] = []
    for word, before in words:
        longer = f"{lines[-1]}{before}{word}" if lines else word
        if lines and metrics.horizontalAdvance(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _parts(piece: str, metrics: QFontMetrics, width: int) -> list[str]:
    return [piece] if metrics.horizontalAdvance(piece) <= width else piece.split(" ")
