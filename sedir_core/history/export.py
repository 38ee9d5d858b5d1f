"""Exports the history as CSV or JSON with the same columns, for window and command line."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sedir_core.errors import Cancelled, CannotWrite
from sedir_core.history.records import Filter, Override
from sedir_core.history.store import History
from sedir_core.io.export import Cell, write_csv, write_json
from sedir_core.types import Stop, never_stop

COLUMNS = (
    "key", "time", "path", "content_hash", "n_points", "category", "category_confidence", "lot", "operator", "station",
    "method", "model", "model_hash", "score", "threshold", "point_threshold", "limit_share", "verdict", "uncertain",
    "reason", "seconds", "n_defects", "review",
)  # fmt: skip
FORMATS = (".csv", ".json")
_PAGE = 1000


def rows(
    history: History, wanted: Filter, most: int | None = None, stop: Stop = never_stop
) -> Iterator[dict[str, Cell]]:
    """Each inspection by COLUMNS, newest first; non-finite numbers are None."""
    seen: set[str] = set()
    offset = 0
    while most is None or len(seen) < most:
        limit = _PAGE if most is None else min(_PAGE, most - len(seen))
        page = history.page(wanted, offset=offset, limit=limit)
        for one in page:
            if one.key in seen:  # what is recorded in the meantime shifts rows to the next page
                continue
            seen.add(one.key)
            yield {name: _cell(getattr(one, name)) for name in COLUMNS}
        if stop():
            raise Cancelled
        if len(page) < limit:
            return
        offset += len(page)


def documents(
    history: History, wanted: Filter, most: int | None = None, stop: Stop = never_stop
) -> Iterator[dict[str, Any]]:
    """`rows` with the log of their overrides."""
    log = history.override_log()
    for row in rows(history, wanted, most, stop):
        yield {**row, "overrides": [_line(line) for line in log.get(str(row["key"]), ())]}


def _line(line: Override) -> dict[str, Cell]:
    names = ("time", "operator", "station", "verdict", "comment", "model_verdict", "limit_share")
    return {name: _cell(getattr(line, name)) for name in names}


def write_rows(history: History, wanted: Filter, path: Path, stop: Stop = never_stop) -> None:
    """Write all rows as CSV or JSON, by the suffix. Raises CannotWrite, Cancelled."""
    check_format(path)
    if path.suffix.lower() == ".json":
        write_json(path, list(documents(history, wanted, stop=stop)))
    else:
        write_csv(path, [COLUMNS, *(tuple(row.values()) for row in rows(history, wanted, stop=stop))])


def check_format(path: Path) -> None:
    """Raises CannotWrite for an unsupported suffix."""
    if path.suffix.lower() not in FORMATS:
        raise CannotWrite(path, "is neither .csv nor .json", "give the table one of these endings")


def _cell(value: Any) -> Cell:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return str(value.isoformat()) if hasattr(value, "isoformat") else value
