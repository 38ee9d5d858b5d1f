"""Where the history lies. The database's libraries are imported when it is opened, not before."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sedir_core.places import writable_folders

if TYPE_CHECKING:
    from sedir_core.history.store import History


SQLITE = "sqlite:///"
_HIDDEN = r"\1=***"
_SECRET = re.compile(r"\b(password|sslpassword|passfile)=[^&]*", re.IGNORECASE)


@dataclass(frozen=True)
class HistoryPlace:
    """url: of the database, empty for the user's own file. folder: of the kept results, None for the user's own."""

    url: str = ""
    folder: Path | None = None

    def open(self, create: bool = True) -> History:
        """Raises BadHistory, CannotWrite."""
        from sedir_core.history.store import History

        own = writable_folders()["data"] / "history"
        return History(self.url or f"{SQLITE}{own / 'history.sqlite'}", self.folder or own / "results", create)

    def __str__(self) -> str:
        return without_password(self.url).removeprefix(SQLITE) or str(writable_folders()["data"] / "history")


def without_password(url: str) -> str:
    """The URL as it may be shown: what stands between the user and the last @ goes, and secrets among the options."""
    scheme, separator, rest = url.partition("://")
    if not separator or url.startswith(SQLITE):
        return url
    user, at, place = rest.rpartition("@")
    return f"{scheme}://{user.partition(':')[0]}{at}{_SECRET.sub(_HIDDEN, place)}"
