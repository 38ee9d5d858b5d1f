"""The options by which `inspect` and `watch` record what they find, and what is said when that fails."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sedir_core.commands.console import say
from sedir_core.history.place import HistoryPlace

if TYPE_CHECKING:
    from sedir_core.detectors.base import Detector
    from sedir_core.evaluation.inspection import Inspected, Refused

GIGABYTE = 1_000_000_000

Record = Annotated[bool, typer.Option("--record", help="Record the results in the history.")]
Operator = Annotated[
    str | None, typer.Option(help="Who inspects, for the history; the login name by default.", metavar="NAME")
]
Lot = Annotated[str, typer.Option(help="Which lot the parts are of, for the history.", metavar="NAME")]
Url = Annotated[
    str,
    typer.Option("--history-url", help="Database of the history, such as postgresql://user@host/name.", metavar="URL"),
]
Folder = Annotated[Path | None, typer.Option("--history-folder", help="Where past results are kept.", metavar="DIR")]
Space = Annotated[
    float, typer.Option("--history-gb", min=0, help="What past results may take; the oldest go beyond.", metavar="GB")
]


class Recording:
    """Records outcomes where that is wanted. They are shown also where it fails, and `lost` counts them at the end."""

    def __init__(self, wanted: bool, place: HistoryPlace, operator: str | None, lot: str, gigabytes: float) -> None:
        self._wanted, self._place, self._lot = wanted, place, lot
        self._operator = _login_name() if operator is None else operator
        self._limit_bytes = round(gigabytes * GIGABYTE)
        self._said: set[str] = set()
        self.lost = 0

    @contextmanager
    def of(self, run_dir: Path, detector: Detector) -> Iterator[Callable[[Inspected | Refused], None]]:
        """What takes each outcome of this model; the last ones are written when the block ends."""
        if not self._wanted:
            yield lambda outcome: None
            return
        from sedir_core.evaluation.inspection import Inspected
        from sedir_core.history.headless import Records

        records = Records(self._place, run_dir, detector, self._operator, self._lot, self._limit_bytes)

        def record(outcome: Inspected | Refused) -> None:
            trouble = records.add(outcome) if isinstance(outcome, Inspected) else None
            if trouble is not None and str(trouble) not in self._said:
                self._said.add(str(trouble))
                say(f"not recorded yet: {trouble}")

        try:
            yield record
        finally:
            self.lost, why = records.finish()
            if self.lost:
                say(f"error: {self.lost} of the results are not in the history: {why}")


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        return ""
