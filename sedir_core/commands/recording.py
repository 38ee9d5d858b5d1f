"""Recording options of `inspect` and `watch`, and messages for failures."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sedir_core.commands.console import say
from sedir_core.errors import UserError
from sedir_core.history.place import GIGABYTE, HistoryPlace

if TYPE_CHECKING:
    from sedir_core.detectors.base import Detector
    from sedir_core.evaluation.inspection import Inspected, Refused
    from sedir_core.history.headless import Records

MOST_GIGABYTES = 1e9

Record = Annotated[bool, typer.Option("--record", help="Record the results in the history.")]
Operator = Annotated[
    str | None,
    typer.Option(help="Operator, for history and report; in the history the login name by default.", metavar="NAME"),
]
Lot = Annotated[str, typer.Option(help="Lot of the parts, for history and report.", metavar="NAME")]
Url = Annotated[
    str,
    typer.Option(
        "--history-url", help="Database URL of the history, such as postgresql://user@host/name.", metavar="URL"
    ),
]
Folder = Annotated[Path | None, typer.Option("--history-folder", help="Folder of the recorded results.", metavar="DIR")]
Space = Annotated[
    float,
    typer.Option(
        "--history-gb", min=0, help="Disk space for recorded results; the oldest are removed beyond it.", metavar="GB"
    ),
]


class Recorded:
    """Records outcomes and knows earlier records; does nothing without `records`."""

    def __init__(self, records: Records | None = None) -> None:
        self._records = records
        self._said: set[str] = set()

    def __call__(self, outcome: Inspected | Refused) -> None:
        """Record an outcome if it is an inspection."""
        from sedir_core.evaluation.inspection import Inspected

        if self._records is not None and isinstance(outcome, Inspected):
            self._complain(self._records.add(outcome))

    def contents(self, path: Path) -> set[str]:
        """Content hashes recorded under that path; empty if the history is unavailable."""
        if self._records is None:
            return set()
        try:
            return self._records.contents(path)
        except UserError as error:
            self._complain(error)
            return set()

    def require(self) -> None:
        """Check that the history is available. Raises BadHistory, CannotWrite."""
        if self._records is not None:
            self._records.contents(Path())

    def _complain(self, trouble: UserError | None) -> None:
        if trouble is not None and str(trouble) not in self._said:
            self._said.add(str(trouble))
            say(f"not recorded yet: {trouble}")


class Recording:
    """Optionally records outcomes. Failures do not stop the inspection; `trouble` reports them at the end."""

    def __init__(self, wanted: bool, place: HistoryPlace, operator: str | None, lot: str, gigabytes: float) -> None:
        self._wanted, self._place, self._lot = wanted, place, lot
        self._operator = _login_name() if operator is None else operator
        self._limit_bytes = round(min(MOST_GIGABYTES, gigabytes) * GIGABYTE)
        self.trouble: UserError | None = None

    @contextmanager
    def of(self, run_dir: Path, detector: Detector) -> Iterator[Recorded]:
        """A recorder for outcomes of this model; pending ones are written when the block ends."""
        if not self._wanted:
            yield Recorded()
            return
        from sedir_core.history.headless import Records

        records = Records(self._place, run_dir, detector, self._operator, self._lot, self._limit_bytes)
        try:
            yield Recorded(records)
        finally:
            lost, why = records.finish()
            if lost and why is not None:
                what = f"{lost} of the results are not in the history: {why.what}"
                self.trouble = type(why)(why.where, what, why.hint)


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user may be unnamed
        return ""
