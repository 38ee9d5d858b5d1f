"""What the window remembers between two starts, each value typed and with a default.

Stored as an INI file where platformdirs says. A value that is damaged or out of range reads as its default:
a bad line in a file the user never edits must not keep the window from opening.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

from PySide6.QtCore import QByteArray, QObject, QSettings, Signal

from sedir_core.places import user_config

ThemeChoice = Literal["system", "light", "dark"]
MAX_RECENT = 10


def default_path() -> Path:
    """The file of the user who is logged in."""
    return user_config().with_name("window.ini")


class Settings(QObject):
    """Typed access to the file; `changed` carries the name of what changed."""

    changed = Signal(str)

    def __init__(self, path: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.path = path
        self._store = QSettings(str(path), QSettings.Format.IniFormat, self)

    @property
    def theme(self) -> ThemeChoice:
        stored = self._store.value("view/theme", "system")
        return stored if stored in get_args(ThemeChoice) else "system"

    @theme.setter
    def theme(self, choice: ThemeChoice) -> None:
        self._set("view/theme", choice, "theme")

    @property
    def run_dir(self) -> Path | None:
        """The model last chosen; None means the bundled one."""
        stored = self._store.value("inspect/run_dir", "")
        return Path(stored) if isinstance(stored, str) and stored else None

    @run_dir.setter
    def run_dir(self, path: Path | None) -> None:
        self._set("inspect/run_dir", str(path) if path else "", "run_dir")

    @property
    def last_folder(self) -> Path:
        stored = self._store.value("files/last_folder", "")
        folder = Path(stored) if isinstance(stored, str) and stored else Path.home()
        return folder if folder.is_dir() else Path.home()

    @last_folder.setter
    def last_folder(self, folder: Path) -> None:
        self._set("files/last_folder", str(folder), "last_folder")

    @property
    def recent(self) -> list[Path]:
        """Scans and folders opened last, the newest first."""
        stored = self._store.value("files/recent", [])
        # An INI list of one element comes back as a plain string.
        names = [stored] if isinstance(stored, str) else stored if isinstance(stored, list) else []
        return [Path(name) for name in names if isinstance(name, str) and name][:MAX_RECENT]

    def remember(self, paths: list[Path]) -> None:
        """Put these at the top of the recent files."""
        newest = [path.absolute() for path in paths[:MAX_RECENT]]
        kept = [path for path in self.recent if path not in newest]
        self._set("files/recent", [str(path) for path in (newest + kept)[:MAX_RECENT]], "recent")

    def forget_recent(self) -> None:
        self._set("files/recent", [], "recent")

    def layout(self, name: str) -> QByteArray:
        """Geometry or dock state saved under that name; empty if there is none."""
        stored = self._store.value(f"layout/{name}", QByteArray())
        return stored if isinstance(stored, QByteArray) else QByteArray()

    def set_layout(self, name: str, state: QByteArray) -> None:
        self._store.setValue(f"layout/{name}", state)

    def flush(self) -> None:
        """Write now, rather than when Qt finds the time."""
        self._store.sync()

    def _set(self, key: str, value: object, name: str) -> None:
        self._store.setValue(key, value)
        self.changed.emit(name)
