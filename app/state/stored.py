"""Typed settings, declared once and used by both the program and the settings dialog."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar, overload

if TYPE_CHECKING:
    from PySide6.QtCore import QSettings

T = TypeVar("T")
Parse = Callable[[object], T | None]
"""Parses a stored value; None if damaged or out of range."""


@dataclass(frozen=True)
class Form:
    """How the settings dialog shows a value.

    kind: choice, text, flag, count, folder, picture, model or device. choices: value and words of each, for a choice.
    low, high: range of a count; unit: shown after it.
    """

    section: str
    label: str
    help: str
    kind: str
    choices: tuple[tuple[object, str], ...] = ()
    low: int = 0
    high: int = 0
    unit: str = ""
    placeholder: str = ""


class SettingsOwner(Protocol):
    """What holds stored values."""

    store: QSettings

    def tell(self, name: str) -> None:
        """A value was changed."""
        ...


class Stored(Generic[T]):
    """Descriptor of a setting. A damaged value reads as its default, so that a bad line never stops the window."""

    def __init__(self, key: str, default: T, parse: Parse[T], form: Form | None = None) -> None:
        self.key, self.default, self.form = key, default, form
        self._parse = parse

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, settings: None, owner: type) -> Stored[T]: ...
    @overload
    def __get__(self, settings: SettingsOwner, owner: type) -> T: ...
    def __get__(self, settings: SettingsOwner | None, owner: type) -> Stored[T] | T:
        if settings is None:
            return self
        raw = settings.store.value(self.key)
        value = None if raw is None else self._parse(raw)
        return self.default if value is None else value

    def __set__(self, settings: SettingsOwner, value: T) -> None:
        if value == self.__get__(settings, type(settings)):
            return
        if value == self.default:
            settings.store.remove(self.key)
        else:
            kept: object = str(value) if isinstance(value, Path) else list(value) if isinstance(value, tuple) else value
            settings.store.setValue(self.key, kept)
        settings.tell(self.name)


def one_of(values: Sequence[T]) -> Parse[T]:
    return lambda raw: next((value for value in values if value == raw), None)


def text(raw: object) -> str | None:
    """QSettings splits a line with commas into a list."""
    return ", ".join(map(str, raw)) if isinstance(raw, list) else raw if isinstance(raw, str) else None


def flag(raw: object) -> bool | None:
    return raw if isinstance(raw, bool) else {"true": True, "false": False}.get(str(raw).lower())


def count(low: int, high: int) -> Parse[int]:
    """Whole numbers from low to high."""

    def parse(raw: object) -> int | None:
        try:
            number = int(str(raw))
        except ValueError:
            return None
        return number if low <= number <= high else None

    return parse


def path(raw: object) -> Path | None:
    return Path(raw) if isinstance(raw, str) and raw else None


def strings(raw: object) -> tuple[str, ...] | None:
    """QSettings returns a list of one element as a plain string."""
    found = [raw] if isinstance(raw, str) else raw if isinstance(raw, list | tuple) else []
    return tuple(one for one in found if isinstance(one, str) and one)
