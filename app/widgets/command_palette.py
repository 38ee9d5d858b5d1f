"""Finds any command by a few letters of its name."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QSize, Qt
from PySide6.QtGui import QAction, QIcon, QKeyEvent, QKeySequence, QPainter, QPalette, QPixmap
from PySide6.QtWidgets import (
    QDialog,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QMenu,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

WIDTH = 520
ICON_SIZE = QSize(16, 16)
KEYS = Qt.ItemDataRole.UserRole + 1
MARGIN_PX = 12
MOVES = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)


class CommandPalette(QDialog):
    """Lists the enabled commands; Enter runs the selected one."""

    def __init__(self, actions: Sequence[QAction], parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._actions = [action for action in actions if action.isEnabled()]
        self.field = QLineEdit(placeholderText="Type a command")
        self.list = QListWidget(uniformItemSizes=True, iconSize=ICON_SIZE)
        self.list.setItemDelegate(KeysAtTheRight(self.list))
        self._blank = QPixmap(ICON_SIZE)
        self._blank.fill(Qt.GlobalColor.transparent)
        self.field.textChanged.connect(self._filter)
        self.field.returnPressed.connect(self._run)
        self.list.itemClicked.connect(self._run)
        self.field.installEventFilter(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.addWidget(self.field)
        layout.addWidget(self.list)
        self.resize(WIDTH, 360)
        self.move(
            parent.mapToGlobal(parent.rect().center()).x() - WIDTH // 2,
            parent.mapToGlobal(parent.rect().topLeft()).y() + 90,
        )
        self._filter("")
        self.field.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        if isinstance(event, QKeyEvent) and event.type() is QEvent.Type.KeyPress and event.key() in MOVES:
            self.list.keyPressEvent(event)
            return True
        return super().eventFilter(watched, event)

    def _filter(self, typed: str) -> None:
        self.list.clear()
        for action in self._actions:
            name = _name(action)
            if _matches(typed, name):
                picture = self._blank if action.icon().isNull() else action.icon()  # all names begin in one line
                item = QListWidgetItem(QIcon(picture), name)
                item.setData(Qt.ItemDataRole.UserRole, action)
                item.setData(KEYS, action.shortcut().toString(QKeySequence.SequenceFormat.NativeText))
                self.list.addItem(item)
        self.list.setCurrentRow(0)

    def _run(self) -> None:
        item = self.list.currentItem()
        if item is not None:
            action: QAction = item.data(Qt.ItemDataRole.UserRole)
            self.close()
            action.trigger()


class KeysAtTheRight(QStyledItemDelegate):
    """Shortcuts in a column of their own, at the right end of the rows."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        super().paint(painter, option, index)
        if keys := index.data(KEYS):
            painter.save()
            painter.setPen(option.palette.color(QPalette.ColorRole.PlaceholderText))
            room = option.rect.adjusted(0, 0, -MARGIN_PX, 0)
            painter.drawText(room, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, keys)
            painter.restore()


def _matches(typed: str, name: str) -> bool:
    """Whether every typed word is the beginning of a word in the name."""
    words = name.lower().split()
    return all(any(word.startswith(part) for word in words) for part in typed.lower().split())


def _name(action: QAction) -> str:
    """With the menu that it is in: "Delete" alone does not say of what."""
    menus = (menu.title() for menu in action.associatedObjects() if isinstance(menu, QMenu))
    menu = next((title for title in menus if title), "")
    return (f"{menu}: {action.text()}" if menu else action.text()).replace("&", "")
