"""Output of `sedir watch`: one line of text or JSON per scan, to standard output or appended to a file."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sedir_core.commands.console import echo, say
from sedir_core.errors import CannotWrite, UserError
from sedir_core.names import printable, storable

if TYPE_CHECKING:
    from sedir_core.evaluation.inspection import Inspected, Refused

_TAIL_BYTES = 1 << 20


class WatchLog:
    """Lines that cannot be written (full disk) are queued, and retried with the next one and at the end.

    target: None for text, "-" for JSON on standard output, or a file to append JSON to. Raises CannotWrite if it cannot
    be opened.
    """

    def __init__(self, target: str | None) -> None:
        self._as_json = target is not None
        self._waiting: deque[str] = deque()
        self._said = ""
        self._known: set[tuple[str, str]] = set()
        self._append: Callable[[str], None] = echo
        self._close: Callable[[], None] = lambda: None
        if target is not None and target != "-":
            from sedir_core.io.append import AppendedLines

            self._known = _in_file(Path(target))
            file = AppendedLines(Path(target))
            self._append, self._close = file.append, file.close

    @property
    def n_waiting(self) -> int:
        """Number of lines not written yet."""
        return len(self._waiting)

    def write(self, outcome: Inspected | Refused) -> None:
        """Write a line, unless the file already has it because of a crash between writing it and recording."""
        key = content_of(outcome)
        if key is not None and key in self._known:
            self._known.discard(key)
            return
        self._waiting.append(_json(outcome) if self._as_json else _text(outcome))
        self._flush()

    def fail(self, path: Path, error: UserError) -> None:
        """Report a failure after the inspection, such as of the export."""
        say(f"error: {error}")
        if self._as_json:
            what = {"path": storable(path), "kind": error.kind, "message": str(error)}
            self._waiting.append(json.dumps({"event": "failed", "time": _now(), **what}))
            self._flush()

    def close(self) -> None:
        """Final retry."""
        self._flush()
        if self._waiting:
            say(f"error: {len(self._waiting)} lines could not be written: {self._said}")
        self._close()

    def _flush(self) -> None:
        try:
            while self._waiting:
                self._append(self._waiting[0])
                self._waiting.popleft()
        except CannotWrite as error:
            if str(error) != self._said:
                self._said = str(error)
                say(f"not written yet: {error}")


def content_of(outcome: Inspected | Refused) -> tuple[str, str] | None:
    """Path and content hash of an inspected scan, as in the history and the lines."""
    from sedir_core.evaluation.inspection import Refused
    from sedir_core.history.stored_result import content_hash

    if isinstance(outcome, Refused):
        return None
    return storable(outcome.path), content_hash(outcome.scan.points)


def _in_file(path: Path) -> set[tuple[str, str]]:
    """Scans inspected according to the last lines of a file."""
    from sedir_core.documents import parse_json

    found = set()
    try:
        if not path.is_file():
            return set()
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
            lines = file.read(_TAIL_BYTES).splitlines()
    except OSError as error:
        raise CannotWrite(path, error.strerror or str(error), "check the permissions") from error
    for line in lines:
        try:
            one = parse_json(line)
        except ValueError:  # torn, or truncated by our starting offset
            continue
        if isinstance(one, dict) and isinstance(one.get("content_hash"), str):
            found.add((str(one.get("path")), one["content_hash"]))
    return found


def _json(outcome: Inspected | Refused) -> str:
    """The scan's entry of `inspect --json`, with kind of line, time and content hash."""
    key = content_of(outcome)
    head: dict[str, Any] = {"event": "refused" if key is None else "inspected", "time": _now()}
    content = {} if key is None else {"content_hash": key[1]}
    return json.dumps({**head, **outcome.to_json(), **content}, allow_nan=False)


def _text(outcome: Inspected | Refused) -> str:
    from sedir_core.evaluation.inspection import Refused
    from sedir_core.evidence.wording import percent
    from sedir_core.types import VERDICT_WORDS

    if isinstance(outcome, Refused):
        return f"{'--':<18}  {outcome.error}"
    found = outcome.detection
    share = percent(found.object_score / found.threshold) if found.threshold > 0 else ""
    doubt = " ?" if found.uncertain else ""
    return printable(f"{VERDICT_WORDS[found.verdict]:<9}  {share:>7}  {outcome.path}  {found.category}{doubt}")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
