"""The history: records and queries inspections, and stores results beside the database up to a size limit."""

from __future__ import annotations

import logging
import math
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Select, String, case, cast, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session as DbSession

from sedir_core.errors import BadHistory, CannotWrite
from sedir_core.history.database import database_errors, open_database, writing
from sedir_core.history.records import ChartPoint, Choices, DefectNote, Filter, Inspection, Order, Override, Tally
from sedir_core.history.stored_result import StoredResult, read_result
from sedir_core.history.tables import DefectRow, InspectionRow, OverrideRow
from sedir_core.history.url import without_password
from sedir_core.io.atomic import write_bytes
from sedir_core.types import Decision, Verdict

log = logging.getLogger(__name__)

ORPHAN_AGE_S = 3600.0
EVERYTHING = Filter()
_KEY = re.compile(r"[0-9a-f]{32}")
_Row = InspectionRow
_FINAL = func.coalesce(_Row.review, _Row.verdict)
_SHARE = _Row.score / func.nullif(_Row.threshold, 0)
_COLUMNS: dict[Order, ColumnElement[Any]] = {
    "time": _Row.time.expression,
    "path": _Row.path.expression,
    "final": _FINAL,
    "share": _SHARE,
    "category": _Row.category.expression,
    "lot": _Row.lot.expression,
    "operator": _Row.operator.expression,
    "model": _Row.model.expression,
    "n_defects": _Row.n_defects.expression,
}


class History:
    """One open history; safe to use from one thread at a time, and beside any number of other processes.

    url: of the database. folder: for results, one file each. Methods raise CannotWrite (HistoryBusy if worth retrying)
    and BadHistory.
    """

    def __init__(self, url: str, folder: Path, create: bool = True) -> None:
        self.url, self.folder = url, folder
        self._engine = open_database(url, create)
        lite = self._engine.dialect.name == "sqlite"
        address = self._engine.url
        self.where = str(address.database) if lite else without_password(url)
        self._file = _identity(address.database) if lite else None

    @property
    def moved(self) -> bool:
        """Whether the database file was removed or replaced since it was opened, so that writes would be lost."""
        return self._file is not None and _identity(self._engine.url.database) != self._file

    def close(self) -> None:
        """Close the database; the history cannot be used afterwards."""
        self._engine.dispose()

    # Writing

    def record(self, inspection: Inspection, kept: bytes) -> None:
        """Store the result, then commit the row; idempotent."""
        if kept:
            write_bytes(self.kept_path(inspection.key), kept)
        values = asdict(inspection) | {"kept_bytes": len(kept), "score": _finite(inspection.score)}
        row = _Row(**values | {"defects": [_defect_row(rank, **one) for rank, one in enumerate(values["defects"], 1)]})
        try:
            with writing(self._engine, self.where) as connection, DbSession(connection) as db:
                if db.scalar(select(_Row.id).where(_Row.key == inspection.key)) is None:
                    db.add(row)
                    db.flush()
        except IntegrityError:
            if self.get(inspection.key) is None:  # another process has just recorded it
                raise

    def override(self, line: Override) -> None:
        """Append to the log. The inspection must have been recorded before."""
        with writing(self._engine, self.where) as connection:
            # Update the row first: it stays locked until the end, so that the log's last line and the row agree.
            connection.execute(update(_Row).where(_Row.key == line.inspection).values(review=line.verdict))
            connection.execute(insert(OverrideRow).values(**asdict(line)))

    def trim(self, limit_bytes: int) -> int:
        """Delete the oldest stored results down to that size; rows stay. Returns how many were deleted.

        Oldest by when they were recorded: where the clock was set back, new ones have old times.
        """
        total, dropped = self.kept_bytes(), 0
        while total > limit_bytes:
            with database_errors(self.where), self._engine.connect() as connection:
                oldest = select(_Row.key, _Row.kept_bytes).where(_Row.kept_bytes > 0).order_by(_Row.id)
                going = connection.execute(oldest.limit(100)).all()
            for key, size in going:
                if total <= limit_bytes:
                    break
                with suppress(BadHistory):  # of another's making: it names no file of ours
                    self._drop(self.kept_path(key))
                with writing(self._engine, self.where) as connection:
                    connection.execute(update(_Row).where(_Row.key == key).values(kept_bytes=0))
                total, dropped = total - size, dropped + 1
            if not going:
                break
        return dropped

    def sweep(self) -> int:
        """Delete orphaned results, whose row was never committed because of a crash. Returns how many."""
        old = time.time() - ORPHAN_AGE_S  # younger ones may be about to be committed by another window
        paths = [path for path in self._kept_files() if _changed(path) < old]
        with database_errors(self.where), self._engine.connect() as connection:
            known = set(connection.scalars(select(_Row.key).where(_Row.kept_bytes > 0)))
        left = [path for path in paths if path.suffix == ".tmp" or path.stem not in known]
        for path in left:
            self._drop(path)
        return len(left)

    def _drop(self, path: Path) -> None:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise CannotWrite(path, error.strerror or str(error), "check the permissions") from error

    # Reading

    def count(self, wanted: Filter = EVERYTHING) -> int:
        """Number of inspections."""
        with database_errors(self.where), self._engine.connect() as connection:
            return connection.scalar(select(func.count()).select_from(_Row).where(*_where(wanted))) or 0

    def page(
        self, wanted: Filter, order: Order = "time", descending: bool = True, offset: int = 0, limit: int = 200
    ) -> list[Inspection]:
        """A page of inspections, without defects."""
        by = _COLUMNS[order]
        ordered = (by.desc().nulls_last(), _Row.id.desc()) if descending else (by.asc().nulls_last(), _Row.id.asc())
        query = select(_Row).where(*_where(wanted)).order_by(*ordered).offset(offset).limit(limit)
        with database_errors(self.where), DbSession(self._engine) as db:
            return [_inspection(row) for row in db.scalars(query)]

    def get(self, key: str) -> Inspection | None:
        """One inspection with its defects. A unique prefix of the key suffices."""
        query = select(_Row).where(_Row.key.startswith(key, autoescape=True)).limit(2)
        with database_errors(self.where), DbSession(self._engine) as db:
            rows = list(db.scalars(query))
            if len(rows) != 1:
                return None
            return _inspection(rows[0], tuple(map(_defect_note, rows[0].defects)))

    def overrides(self, key: str) -> list[Override]:
        """The log of one inspection, oldest line first."""
        query = select(OverrideRow).where(OverrideRow.inspection == key).order_by(OverrideRow.id)
        with database_errors(self.where), DbSession(self._engine) as db:
            return [_override(row) for row in db.scalars(query)]

    def override_log(self) -> dict[str, list[Override]]:
        """The whole log by inspection key, oldest line first."""
        found: dict[str, list[Override]] = {}
        with database_errors(self.where), DbSession(self._engine) as db:
            for row in db.scalars(select(OverrideRow).order_by(OverrideRow.id)):
                found.setdefault(row.inspection, []).append(_override(row))
        return found

    def contents(self, path: str) -> set[str]:
        """The content hashes inspected under this path, as in `records.Inspection`."""
        query = select(_Row.content_hash).where(_Row.path == path)
        with database_errors(self.where), self._engine.connect() as connection:
            return {str(found) for found in connection.scalars(query)}

    def choices(self) -> Choices:
        """The values that occur in the whole history."""
        columns = (_Row.category, _Row.model, _Row.lot, _Row.operator)
        with database_errors(self.where), self._engine.connect() as connection:
            found = [
                tuple(sorted({str(value) for value in connection.scalars(select(c).distinct()) if value}))
                for c in columns
            ]
        return Choices(*found)

    def samples(self, wanted: Filter, newest: int | None = None) -> list[ChartPoint]:
        """Scores, oldest first; only the newest ones if a number is given."""
        query: Select[str, datetime, str, str, float | None, str] = (
            select(_Row.key, _Row.time, _Row.category, _Row.lot, _SHARE, _FINAL)
            .where(*_where(wanted), _Row.score.is_not(None))
            .order_by(_Row.time.desc(), _Row.id.desc())
            .limit(newest)
        )
        with database_errors(self.where), self._engine.connect() as connection:
            found = [
                ChartPoint(str(key), when, str(part), str(lot), share, _verdict(final))
                for key, when, part, lot, share, final in connection.execute(query)
            ]
        return found[::-1]

    def parts(self, wanted: Filter) -> dict[str, int]:
        """Number of scores by category, most frequent first."""
        count = func.count()
        query = select(_Row.category, count).where(*_where(wanted), _Row.score.is_not(None)).group_by(_Row.category)
        with database_errors(self.where), self._engine.connect() as connection:
            return {str(part): int(n) for part, n in connection.execute(query.order_by(count.desc(), _Row.category))}

    def tallies(self, wanted: Filter, by_lot: bool) -> list[Tally]:
        """Counts by lot or by ten minutes, in time order, aggregated in the database."""
        # A prefix of the time as text, the same in both databases: `2026-03-02 08:1`.
        by = _Row.lot if by_lot else func.substr(cast(_Row.time, String), 1, 15)
        begun = func.min(_Row.time)
        ng = func.sum(case((_FINAL == "ng", 1), else_=0))
        query = select(by, begun, func.count(), ng).where(*_where(wanted)).group_by(by).order_by(begun)
        with database_errors(self.where), self._engine.connect() as connection:
            return [
                Tally(when, str(name) if by_lot else "", int(n), int(n_ng))
                for name, when, n, n_ng in connection.execute(query)
            ]

    def kept_bytes(self) -> int:
        """Size of the stored results."""
        with database_errors(self.where), self._engine.connect() as connection:
            return int(connection.scalar(select(func.coalesce(func.sum(_Row.kept_bytes), 0))) or 0)

    def mark(self) -> tuple[int, int]:
        """A value that changes whenever any process records something."""
        with database_errors(self.where), self._engine.connect() as connection:
            highest = [connection.scalar(select(func.max(table.id))) or 0 for table in (_Row, OverrideRow)]
        return highest[0], highest[1]

    def kept(self, inspection: Inspection) -> StoredResult:
        """The stored result. Raises BadHistory if it was deleted, is on another machine, or is damaged."""
        if not inspection.kept_bytes:
            raise BadHistory(inspection.path, "its result is no longer stored", "inspect the scan again")
        path = self.kept_path(inspection.key)
        if not path.exists() and inspection.station != station():
            what = f"its result is stored on {inspection.station}"
            raise BadHistory(inspection.path, what, "name a folder that both machines share with --history-folder")
        return read_result(path)

    def kept_path(self, key: str) -> Path:
        """Path of an inspection's stored result; a few hundred files per folder.

        Raises BadHistory for a key that could name a file elsewhere: a database of strangers may hold any.
        """
        if not _KEY.fullmatch(key):
            raise BadHistory(self.where, f"{key[:60]!r} is not a key of an inspection", "the row is left as it is")
        return self.folder / key[:2] / f"{key}.npz"

    def _kept_files(self) -> Iterator[Path]:
        for folder in sorted(self.folder.glob("[0-9a-f][0-9a-f]")):
            with suppress(OSError):  # no folder, or deleted in the meantime
                yield from (path for path in folder.iterdir() if path.suffix in (".npz", ".tmp"))


def station() -> str:
    """The name of this machine."""
    import platform

    return platform.node()


def _where(wanted: Filter) -> Sequence[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.since is not None:
        found.append(_Row.time >= wanted.since)
    if wanted.until is not None:
        found.append(_Row.time < wanted.until)
    if wanted.verdict == "overridden":
        found.append(_Row.review.is_not(None))
    elif wanted.verdict is not None:
        found.append(_FINAL.in_([wanted.verdict]))
    for column, value in (
        (_Row.category, wanted.category), (_Row.model, wanted.model), (_Row.lot, wanted.lot),
        (_Row.operator, wanted.operator),
    ):  # fmt: skip
        if value:
            found.append(column == value)
    if wanted.text:
        texts = (_Row.path, _Row.reason, _Row.lot, _Row.operator, _Row.category)
        found.append(or_(*(column.icontains(wanted.text, autoescape=True) for column in texts)))
    return found


def _inspection(row: InspectionRow, defects: tuple[DefectNote, ...] = ()) -> Inspection:
    return Inspection(**_values(Inspection, row), defects=defects)


def _override(row: OverrideRow) -> Override:
    return Override(**_values(Override, row))


def _defect_note(d: DefectRow) -> DefectNote:
    centroid, extent = (_real(d.x), _real(d.y), _real(d.z)), (_real(d.dx), _real(d.dy), _real(d.dz))
    return DefectNote(centroid, extent, _real(d.peak), _real(d.area), _whole(d.n_points))


def _values(kind: type[Inspection | Override], row: InspectionRow | OverrideRow) -> dict[str, Any]:
    """The fields of a row. SQLite allows any type in any column: an odd value must not hide the other rows."""
    return {
        name: _READ[str(field.type)](getattr(row, name))
        for name, field in kind.__dataclass_fields__.items()
        if name != "defects"
    }


def _real(value: object) -> float:
    return float(value) if isinstance(value, int | float) else math.nan


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0


def _verdict(value: object) -> Verdict:
    return "ok" if value == "ok" else "ng" if value == "ng" else "uncertain"


def _decision(value: object) -> Decision | None:
    return None if value is None else "ok" if value == "ok" else "ng"


_READ: dict[str, Callable[[Any], object]] = {
    "str": str, "int": _whole, "float": _real, "bool": bool, "datetime": lambda when: when, "Verdict": _verdict,
    "Decision | None": _decision,
}  # fmt: skip
"""Converters by the annotation of a field in `records`."""


def _defect_row(
    rank: int,
    centroid: tuple[float, float, float],
    extent: tuple[float, float, float],
    peak: float,
    area: float,
    n_points: int,
) -> DefectRow:
    (x, y, z), (dx, dy, dz) = centroid, extent
    return DefectRow(rank=rank, x=x, y=y, z=z, dx=dx, dy=dy, dz=dz, peak=peak, area=area, n_points=n_points)


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _changed(path: Path) -> float:
    """Modification time in seconds since 1970; infinite if the file is gone."""
    try:
        return path.stat().st_mtime
    except OSError:
        return math.inf


def _identity(path: str | None) -> tuple[int, int] | None:
    try:
        found = Path(path or "").stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
