"""Shortcut editor: record new keys, see conflicts, restore the defaults."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QKeySequenceEdit,
    QLabel,
    QLineEdit,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.state.shortcuts import Command, Shortcuts
from app.widgets.error_details import plain_label
from app.widgets.room import resize_on_screen
from app.widgets.tree_items import children, top_items

SIZE = (640, 640)
KEY = Qt.ItemDataRole.UserRole
PORTABLE, NATIVE = QKeySequence.SequenceFormat.PortableText, QKeySequence.SequenceFormat.NativeText


class ShortcutDialog(QDialog):
    """Changes take effect and are saved immediately."""

    def __init__(self, shortcuts: Shortcuts, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard shortcuts")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._shortcuts = shortcuts
        self._wanted = ""
        self.search = QLineEdit(placeholderText="Find a command or a key", clearButtonEnabled=True)
        self.tree = QTreeWidget(columnCount=2, rootIsDecorated=False, indentation=14)
        self.tree.setHeaderLabels(["Command", "Keys"])
        self.tree.setAccessibleName("Commands")
        self.tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.tree.header().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.name = QLabel(objectName="sectionTitle")
        self.name.setTextFormat(Qt.TextFormat.PlainText)
        self.edit = QKeySequenceEdit(maximumSequenceLength=1)
        self.edit.setAccessibleName("New keys")
        self.note = plain_label("", "faint")
        self.take = QPushButton("Take them", visible=False)
        self.none, self.reset, self.reset_all = QPushButton("No keys"), QPushButton("Reset"), QPushButton("Reset all")
        self._layout()
        self.search.textChanged.connect(self._filter)
        self.tree.currentItemChanged.connect(lambda *_: self._show_chosen())
        self.edit.editingFinished.connect(self._on_keys)
        self.none.clicked.connect(lambda: self._act(lambda command: shortcuts.set(command.key, "")))
        self.take.clicked.connect(self._take)
        self.reset.clicked.connect(lambda: self._act(lambda command: shortcuts.reset(command.key)))
        self.reset_all.clicked.connect(shortcuts.reset_all)
        shortcuts.changed.connect(self._fill_keys)
        self._fill()
        resize_on_screen(self, *SIZE)

    @property
    def chosen(self) -> Command | None:
        item = self.tree.currentItem()
        key = None if item is None else item.data(0, KEY)
        return next((one for one in self._shortcuts.commands if one.key == key), None)

    def choose(self, key: str) -> None:
        """Select a command."""
        for item in self._items():
            if item.data(0, KEY) == key:
                self.tree.setCurrentItem(item)

    def _layout(self) -> None:
        panel = QFrame(objectName="panel")
        keys = QHBoxLayout()
        for part in (self.edit, self.none, self.reset):
            keys.addWidget(part)
        keys.setStretch(0, 1)
        said = QHBoxLayout()
        said.addWidget(self.note, 1)
        said.addWidget(self.take)
        inside = QVBoxLayout(panel)
        inside.setContentsMargins(14, 12, 14, 12)
        inside.setSpacing(8)
        inside.addWidget(self.name)
        inside.addLayout(keys)
        inside.addLayout(said)
        close = QPushButton("Close", objectName="primary")
        close.clicked.connect(self.close)
        buttons = QHBoxLayout()
        buttons.addWidget(self.reset_all)
        buttons.addStretch()
        buttons.addWidget(close)
        for button in (self.take, self.none, self.reset, self.reset_all, close):
            button.setAutoDefault(False)  # Enter can be assigned like any other key
        outer = QVBoxLayout(self)
        outer.setContentsMargins(16, 16, 16, 14)
        outer.setSpacing(12)
        outer.addWidget(self.search)
        outer.addWidget(self.tree, 1)
        outer.addWidget(panel)
        outer.addLayout(buttons)

    def _fill(self) -> None:
        groups: dict[str, QTreeWidgetItem] = {}
        for command in self._shortcuts.commands:
            if command.group not in groups:
                groups[command.group] = QTreeWidgetItem(self.tree, [command.group])
                font = groups[command.group].font(0)
                font.setBold(True)
                groups[command.group].setFont(0, font)
                groups[command.group].setFlags(Qt.ItemFlag.ItemIsEnabled)
            item = QTreeWidgetItem(groups[command.group], [command.title.rstrip("…")])
            item.setData(0, KEY, command.key)
        self.tree.expandAll()
        for first in self._items()[:1]:
            self.tree.setCurrentItem(first)
        self._fill_keys()

    def _items(self) -> list[QTreeWidgetItem]:
        return [item for group in top_items(self.tree) for item in children(group)]

    def _fill_keys(self) -> None:
        commands = {command.key: command for command in self._shortcuts.commands}
        for item in self._items():
            command = commands[item.data(0, KEY)]
            item.setText(1, _native(command.keys))
            font = item.font(1)
            font.setBold(command.changed)
            item.setFont(1, font)
        self.reset_all.setEnabled(any(command.changed for command in commands.values()))
        self._show_chosen()

    def _filter(self, typed: str) -> None:
        words = typed.lower().split()
        for group in top_items(self.tree):
            for item in children(group):
                text = f"{item.text(0)} {item.text(1)} {group.text(0)}".lower()
                item.setHidden(not all(word in text for word in words))
            group.setHidden(all(item.isHidden() for item in children(group)))

    def _show_chosen(self) -> None:
        command = self.chosen
        self._offer("", "")
        self.edit.setEnabled(command is not None)
        self.none.setEnabled(command is not None and bool(command.keys))
        self.reset.setEnabled(command is not None and command.changed)
        self.name.setText("Choose a command" if command is None else command.title.rstrip("…"))
        self.edit.blockSignals(True)
        self.edit.setKeySequence(QKeySequence() if command is None else QKeySequence(command.keys.split("; ")[0]))
        self.edit.blockSignals(False)
        if command is not None:
            usual = f"usually {_native(command.usual)}" if command.usual else "usually none"
            self.note.setText(f"Click in the field and press the new keys; {usual}.")

    def _on_keys(self) -> None:
        keys = self.edit.keySequence().toString(PORTABLE)
        self._offer("", "")
        self._act(lambda command: self._try(command, keys))

    def _try(self, command: Command, keys: str) -> None:
        if keys == command.keys:
            return
        holders = self._shortcuts.holders(keys, but=command.key)
        if holders:
            names = ", ".join(holder.title.rstrip("…") for holder in holders)
            self._offer(keys, f"{_native(keys)} is assigned to {names}, which would lose it.")
        else:
            self._shortcuts.set(command.key, keys)

    def _take(self) -> None:
        self._act(lambda command: self._shortcuts.set(command.key, self._wanted))

    def _offer(self, keys: str, text: str) -> None:
        self._wanted = keys
        self.note.setText(text)
        self.take.setVisible(bool(keys))

    def _act(self, act: Callable[[Command], object]) -> None:
        command = self.chosen
        if command is not None:
            act(command)


def _native(keys: str) -> str:
    return QKeySequence.listToString(
        QKeySequence.listFromString(keys, QKeySequence.SequenceFormat.PortableText), NATIVE
    )
