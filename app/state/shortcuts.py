"""Keyboard shortcuts of every command: defaults, customisations and conflicts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar

from app.state.settings import Settings

ELSEWHERE = "Other"
RECENT = "File › Open Recent"
"""Menu of files, which are not commands."""


@dataclass(frozen=True)
class Command:
    """An action of the window. key: its name in the settings file. group: its menu. usual: its default keys."""

    key: str
    group: str
    title: str
    action: QAction
    usual: str

    @property
    def keys(self) -> str:
        """Its current keys, as portable text."""
        return _text(self.action.shortcuts())

    @property
    def changed(self) -> bool:
        return self.keys != self.usual


class Shortcuts(QObject):
    """Manages the keys of a window's commands; emits `changed` after each change."""

    changed = Signal()

    def __init__(
        self, settings: Settings, menu_bar: QMenuBar, actions: Callable[[], Iterable[QAction]], parent: QObject
    ) -> None:
        super().__init__(parent)
        self._settings, self._menu_bar, self._actions = settings, menu_bar, actions
        self._known: dict[str, Command] = {}
        self.take_in()

    @property
    def commands(self) -> list[Command]:
        """All commands, in menu order."""
        groups = [menu.title().replace("&", "") for menu in _menus(self._menu_bar)] + [ELSEWHERE]
        places = {group: at for at, group in enumerate(groups)}
        return sorted(self._known.values(), key=lambda one: places.get(one.group.split(" › ")[0], len(groups)))

    def take_in(self) -> None:
        """Register new commands, as when a workspace is built, and apply the user's keys."""
        places = dict(_places(self._menu_bar))
        known = {command.action for command in self._known.values()}
        chosen = self._settings.shortcuts
        for action in self._actions():
            if action in known:
                continue
            group = places.get(action, ELSEWHERE)
            if group == RECENT:
                continue
            title = action.text().replace("&", "")
            key = _key(group, title)
            if key not in self._known:
                self._known[key] = Command(key, group, title, action, _text(action.shortcuts()))
                if key in chosen:
                    _set(action, chosen[key])

    def holders(self, keys: str, but: str = "") -> list[Command]:
        """Commands triggered by these keys or a prefix of them, except `but`."""
        wanted = QKeySequence(keys)
        if wanted.isEmpty():
            return []
        none = QKeySequence.SequenceMatch.NoMatch
        return [
            command
            for command in self._known.values()
            if command.key != but
            and any(wanted.matches(one) != none or one.matches(wanted) != none for one in command.action.shortcuts())
        ]

    def set(self, key: str, keys: str) -> None:
        """Assign these keys to a command, taking them from any other. Empty keys remove the shortcut."""
        for other in self.holders(keys, but=key):
            left = [one for one in other.action.shortcuts() if one != QKeySequence(keys)]
            _set(other.action, _text(left) if len(left) < len(other.action.shortcuts()) else "")
        _set(self._known[key].action, keys)
        self._keep()

    def reset(self, key: str) -> None:
        """Restore the command's default keys."""
        self.set(key, self._known[key].usual)

    def reset_all(self) -> None:
        """Restore every command's default keys."""
        for command in self._known.values():
            _set(command.action, command.usual)
        self._keep()

    def _keep(self) -> None:
        changed = {command.key: command.keys for command in self._known.values() if command.changed}
        # Keep the keys of commands that are not built yet.
        others = {key: keys for key, keys in self._settings.shortcuts.items() if key not in self._known}
        self._settings.shortcuts = others | changed
        self.changed.emit()


def _set(action: QAction, keys: str) -> None:
    before = _text(action.shortcuts())
    action.setShortcuts(QKeySequence.listFromString(keys, QKeySequence.SequenceFormat.PortableText))
    # Update tool tips that name the keys.
    bare = action.toolTip().removesuffix(f" ({before})") if before else action.toolTip()
    if before and bare != action.toolTip():
        action.setToolTip(f"{bare} ({keys})" if keys else bare)


def _text(shortcuts: list[QKeySequence]) -> str:
    return QKeySequence.listToString(shortcuts, QKeySequence.SequenceFormat.PortableText)


def _key(group: str, title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", f"{group} {title}".lower()).strip("_")


def _menus(menu: QMenuBar | QMenu) -> Iterator[QMenu]:
    for action in menu.actions():
        inner = action.menu()
        if isinstance(inner, QMenu):
            yield inner


def _places(menu: QMenuBar | QMenu, before: str = "") -> Iterator[tuple[QAction, str]]:
    """The menu path of every action, such as `View › Theme`."""
    for inner in _menus(menu):
        path = f"{before} › {inner.title()}".removeprefix(" › ").replace("&", "")
        yield from ((action, path) for action in inner.actions())
        yield from _places(inner, path)
