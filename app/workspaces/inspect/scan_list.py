"""The list of open scans: name, verdict, score and state of each, painted, so that ten thousand rows stay quick."""

from __future__ import annotations

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetrics, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from app.session import Entry, Session, State
from app.widgets.theme import Theme, icon, verdict_look
from app.workspaces.inspect.wording import score_text

Index = QModelIndex | QPersistentModelIndex
EntryRole = Qt.ItemDataRole.UserRole
ROW_HEIGHT = 50
ICON_PX = 22

STATE_LOOKS = {
    State.WAITING: ("clock-outline", "waiting"),
    State.RUNNING: ("progress-wrench", "inspecting…"),
    State.STOPPED: ("pause-circle-outline", "stopped"),
    State.FAILED: ("file-alert-outline", "failed"),
}


class ScanTable(QAbstractListModel):
    """The session's entries as rows."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._ids = [entry.id for entry in session.entries]
        session.entries_added.connect(self._on_added)
        session.entries_removed.connect(self._on_removed)
        session.entry_changed.connect(self._on_changed)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008
        return 0 if parent.isValid() else len(self._ids)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        entry = self._session.get(self._ids[index.row()]) if index.isValid() else None
        if entry is None:
            return None
        if role == EntryRole:
            return entry
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return entry.path.name
        if role == Qt.ItemDataRole.ToolTipRole:
            return _plain(f"{entry.path}\n{describe(entry)}")
        return None

    def row_of(self, entry_id: int | None) -> int:
        """Its row, or -1."""
        return self._ids.index(entry_id) if entry_id in self._ids else -1

    def id_at(self, row: int) -> int:
        return self._ids[row]

    def _on_added(self, ids: list[int]) -> None:
        self.beginInsertRows(QModelIndex(), len(self._ids), len(self._ids) + len(ids) - 1)
        self._ids += ids
        self.endInsertRows()

    def _on_removed(self, ids: list[int]) -> None:
        for entry_id in ids:
            row = self._ids.index(entry_id)
            self.beginRemoveRows(QModelIndex(), row, row)
            del self._ids[row]
            self.endRemoveRows()

    def _on_changed(self, entry_id: int) -> None:
        row = self.row_of(entry_id)
        if row >= 0:
            self.dataChanged.emit(self.index(row), self.index(row))


class ScanList(QListView):
    """Shows the table and says which scan was chosen or is to go."""

    scan_chosen = Signal(int)
    removal_wanted = Signal(list)

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.table = ScanTable(session)
        self._delegate = _ScanDelegate(theme, self)
        self.setModel(self.table)
        self.setItemDelegate(self._delegate)
        self.setUniformItemSizes(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setAccessibleName("Open scans")
        self.selectionModel().currentChanged.connect(self._on_row_changed)
        session.current_changed.connect(self._on_current_changed)

    def set_theme(self, theme: Theme) -> None:
        self._delegate.theme = theme
        self.viewport().update()

    def chosen_ids(self) -> list[int]:
        return sorted(self.table.id_at(index.row()) for index in self.selectedIndexes())

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(270, 420)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        super().paintEvent(event)
        if not self.table.rowCount():
            painter = QPainter(self.viewport())
            painter.setPen(QColor(self._delegate.theme.faint))
            room = self.viewport().rect().adjusted(16, 16, -16, -16)
            painter.drawText(
                room, int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap), "Open scans are listed here."
            )

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        if event.key() == Qt.Key.Key_Delete:
            self.removal_wanted.emit(self.chosen_ids())
        elif not event.text() or event.key() in (Qt.Key.Key_Home, Qt.Key.Key_End):
            super().keyPressEvent(event)
        else:
            event.ignore()  # letters are the review's shortcuts, not a search

    def _on_row_changed(self, now: QModelIndex, before: QModelIndex) -> None:
        if now.isValid():
            self.scan_chosen.emit(self.table.id_at(now.row()))

    def _on_current_changed(self, entry_id: int | None) -> None:
        row = self.table.row_of(entry_id)
        if row >= 0 and row != self.currentIndex().row():
            self.setCurrentIndex(self.table.index(row))


class _ScanDelegate(QStyledItemDelegate):
    """Paints one row: icon, name, and what is known of it below."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.theme = theme

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: N802
        return QSize(120, max(ROW_HEIGHT, 2 * QFontMetrics(option.font).height() + 16))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        entry: Entry = index.data(EntryRole)
        theme = self.theme
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = option.rect.adjusted(4, 2, -4, -2)
        if option.state & QStyle.StateFlag.State_Selected:
            _round(painter, frame, theme.chosen)
        elif option.state & QStyle.StateFlag.State_MouseOver:
            _round(painter, frame, theme.raised)
        name, colour = _look(entry, theme)
        box = QRect(frame.left() + 10, frame.center().y() - ICON_PX // 2, ICON_PX, ICON_PX)
        icon(name, colour).paint(painter, box)
        text = frame.adjusted(ICON_PX + 22, 6, -10, -6)
        _line(painter, text, option.font, theme.ink, entry.path.name, top=True, bold=False)
        below = describe(entry)
        _line(painter, text, option.font, colour if entry.state is State.FAILED else theme.quiet, below, False, False)
        painter.restore()


def describe(entry: Entry) -> str:
    """The second line of a row, in words."""
    if entry.state is State.FAILED and entry.failure is not None:
        return entry.failure.what
    if entry.state is not State.DONE or entry.detection is None:
        return STATE_LOOKS.get(entry.state, ("", ""))[1]
    word = "Uncertain" if entry.detection.uncertain and entry.review is None else (entry.verdict or "").upper()
    reviewed = " · reviewed" if entry.review else ""
    return f"{word} · {score_text(entry.detection)}{reviewed}"


def _look(entry: Entry, theme: Theme) -> tuple[str, str]:
    if entry.state is State.DONE and entry.detection is not None:
        _, name, colour = verdict_look(theme, entry.verdict, entry.detection.uncertain and entry.review is None)
        return name, colour
    colours = {State.FAILED: theme.uncertain, State.RUNNING: theme.accent}
    return STATE_LOOKS.get(entry.state, STATE_LOOKS[State.WAITING])[0], colours.get(entry.state, theme.faint)


def _round(painter: QPainter, frame: QRect, colour: str) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colour))
    painter.drawRoundedRect(frame, 6, 6)


def _line(painter: QPainter, room: QRect, base: QFont, colour: str, text: str, top: bool, bold: bool) -> None:
    font = QFont(base)
    font.setBold(bold)
    if not top:
        font.setPointSizeF(base.pointSizeF() * 0.9)
    painter.setFont(font)
    painter.setPen(QColor(colour))
    # The end of a file name tells parts apart more often than its middle.
    mode = Qt.TextElideMode.ElideMiddle if top else Qt.TextElideMode.ElideRight
    shown = QFontMetrics(font).elidedText(text, mode, room.width())
    edge = Qt.AlignmentFlag.AlignTop if top else Qt.AlignmentFlag.AlignBottom
    painter.drawText(room, int(edge | Qt.AlignmentFlag.AlignLeft), shown)


def _plain(text: str) -> str:
    """A tool tip in which a file name is never read as HTML."""
    from html import escape

    return f"<span style='white-space: pre-wrap'>{escape(text)}</span>"
