"""Location of the history. The database libraries are imported only when it is opened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sedir_core.history.url import SQLITE, without_password
from sedir_core.places import writable_folders

if TYPE_CHECKING:
    from sedir_core.history.store import History

GIGABYTE = 1_000_000_000
"""Bytes of the unit in which users limit the stored results."""


@dataclass(frozen=True)
class HistoryPlace:
    """url: of the database, empty for the user's own file. folder: of the stored results, None for the user's own."""

    url: str = ""
    folder: Path | None = None

    @property
    def results(self) -> Path:
        """Folder of the stored results."""
        return self.folder or writable_folders()["data"] / "history" / "results"

    def open(self, create: bool = True) -> History:
        """Raises BadHistory, CannotWrite."""
        from sedir_core.history.store import History

        own = writable_folders()["data"] / "history"
        return History(self.url or f"{SQLITE}{own / 'history.sqlite'}", self.results, create)

    def __str__(self) -> str:
        return without_password(self.url).removeprefix(SQLITE) or str(writable_folders()["data"] / "history")
