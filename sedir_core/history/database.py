"""Opens the history database: SQLite by default, PostgreSQL by URL; checked, migrated, never overwritten."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError
from sqlalchemy.pool import NullPool
from sqlalchemy.types import TypeDecorator, TypeEngine

from sedir_core.errors import BadHistory, CannotWrite
from sedir_core.history.tables import Base
from sedir_core.history.url import SQLITE, without_password

HEAD = "0002"
"""The newest migration; a test compares it with the scripts."""
WRITES = {"sedir_writes": True}
"""Execution options of a writing connection."""
OUR_TRIGGERS = tuple(
    f"CREATE TRIGGER overrides_{verb} BEFORE {verb} ON overrides\n"
    "BEGIN SELECT RAISE(ABORT, 'the log of overrides is append-only'); END"
    for verb in ("UPDATE", "DELETE")
)
"""As SQLite keeps them; made by the migrations."""
BUSY_MS = 5000
OPEN_LOCK_S = 20.0
CONNECT_S = 5
ANSWER_S = 60
_MIGRATION_LOCK = 5_130_117_441  # any number of ours: PostgreSQL's advisory locks are numbers
_TABLES = "the tables inspections, defects, overrides and alembic_version"
_BUSY = ("55P03", "57014", "40P01", "40001", "53300")  # locks, timeouts, too many connections
_NAME_ANOTHER = "name another database, or have it repaired"
_MOVE_AWAY = "move the file away to begin a new one; it is left as it is"


class HistoryBusy(CannotWrite):
    """Another program is writing and did not finish in time: worth retrying."""


def open_database(url: str, create: bool = True) -> Engine:
    """An engine of a database checked to have this program's tables.

    create: create a missing database. Raises BadHistory (damaged, newer, foreign, unreachable, or missing and not to be
    created), CannotWrite.
    """
    if url.startswith(SQLITE) and url != SQLITE:
        return _open_sqlite(Path(url.removeprefix(SQLITE)), create)  # a path may contain URL delimiters
    where = without_password(url)
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:  # ValueError: a port that is not a number
        raise BadHistory(where, "is no database URL", "name one such as postgresql://user@host/name") from error
    if parsed.get_backend_name() != "postgresql":
        raise BadHistory(where, "is neither SQLite nor PostgreSQL", "name one such as postgresql://user@host/name")
    parsed = parsed.set(drivername="postgresql+psycopg")
    patience = {"connect_timeout": CONNECT_S, "tcp_user_timeout": 1000 * ANSWER_S}
    try:
        engine = create_engine(parsed, pool_pre_ping=True, connect_args=patience)
    except (ImportError, NoSuchModuleError) as error:
        raise BadHistory("PostgreSQL", "its driver is not installed", "pip install sedir-inspect[postgres]") from error
    event.listen(engine, "connect", _limit_waiting)
    try:
        if _version(engine, where) != HEAD:
            _migrate(engine, where)
        _check_tables(engine, where)
    except BaseException:
        engine.dispose()
        raise
    return engine


@contextmanager
def writing(engine: Engine, where: str) -> Iterator[Connection]:
    """A writing transaction, committed at the end. Raises HistoryBusy, CannotWrite, BadHistory."""
    with database_errors(where), engine.connect().execution_options(**WRITES) as connection, connection.begin():
        yield connection


@contextmanager
def database_errors(where: str) -> Iterator[None]:
    """Translate database errors into ours; integrity errors are bugs and pass through."""
    try:
        yield
    except IntegrityError:
        raise
    except DBAPIError as error:
        lost = error.connection_invalidated or not error.statement
        raise _in_words(where, error.orig, lost) from error
    except sqlite3.Error as error:  # raised while connecting, before SQLAlchemy wraps errors
        raise _in_words(where, error) from error


def _open_sqlite(path: Path, create: bool) -> Engine:
    if not create and not path.exists():
        raise BadHistory(path, "no such file", "nothing was recorded yet")
    if path.exists():
        _check_file(path)
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        poolclass=NullPool,  # opening takes a tenth of a millisecond, and no file stays open when nothing is done
        connect_args={"timeout": BUSY_MS / 1000, "isolation_level": None},
    )
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if _version(engine, str(path)) != HEAD:
            with FileLock(f"{path}.lock", timeout=OPEN_LOCK_S):  # two windows started together create it once
                _use_wal(engine, str(path))
                _migrate(engine, str(path))
    except Timeout as error:
        raise HistoryBusy(path, "another program is opening it", "try again") from error
    except OSError as error:
        raise CannotWrite(path, error.strerror or str(error), "check the folder's permissions") from error
    return engine


def _check_file(path: Path) -> None:
    """SQLite takes an empty file for a new database; anything else must begin like one."""
    try:
        if not path.is_file():
            raise BadHistory(path, "is not a regular file", _MOVE_AWAY)
        with path.open("rb") as file:
            head = file.read(16)
    except OSError as error:
        raise BadHistory(path, error.strerror or str(error), "check the permissions") from error
    if head and head != b"SQLite format 3\0":
        raise BadHistory(path, "is damaged, or not a history", _MOVE_AWAY)


def _set_up(connection: sqlite3.Connection, record: object) -> None:
    connection.text_factory = _text
    connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def _text(content: bytes) -> str:
    """SQLite stores any bytes as text: one odd value must not hide the other rows."""
    return content.decode("utf-8", "backslashreplace")


def _limit_waiting(connection: Any, record: object) -> None:
    """A table that somebody has locked, or a server that is overloaded, must not stop the inspection for good."""
    connection.autocommit = True  # what is set in a transaction goes when that is rolled back
    connection.execute(f"SET lock_timeout = '{BUSY_MS}ms'")
    connection.execute(f"SET statement_timeout = '{ANSWER_S}s'")
    connection.autocommit = False


def _begin(connection: Connection) -> None:
    # A reader that begins to write in mid-transaction is refused at once, whatever the timeout: writers say so first.
    writes = connection.get_execution_options().get("sedir_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _version(engine: Engine, where: str) -> str | None:
    """The migration that the tables are at, None where there are none. Raises BadHistory for what is not ours."""
    with database_errors(where), engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            sound = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
            if sound != "ok":
                raise BadHistory(where, "is damaged", _MOVE_AWAY)
            _refuse_statements(connection, where)
        tables = set(inspect(connection).get_table_names())
        if "alembic_version" not in tables:
            if tables:
                raise BadHistory(where, "holds tables of another program", "name another database")
            return None
        found = str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar())
    if not found.isdecimal():
        hint = _MOVE_AWAY if engine.dialect.name == "sqlite" else _NAME_ANOTHER
        raise BadHistory(where, "is damaged: it does not say its version", hint)
    if found > HEAD:
        what = f"was written by a newer version (format {found}, this one knows {HEAD})"
        raise BadHistory(where, what, "update SeDiR Inspect")
    return found


def _refuse_statements(connection: Connection, where: str) -> None:
    """A stranger's database may hold statements of its own, which SQLite executes at every record.

    Raises BadHistory.
    """
    found = connection.exec_driver_sql("SELECT type, name, sql FROM sqlite_master WHERE type IN ('trigger', 'view')")
    for kind, name, sql in found:
        if kind != "trigger" or sql not in OUR_TRIGGERS:
            raise BadHistory(where, f"holds a {kind} of another program: {str(name)[:60]}", _MOVE_AWAY)


def _check_tables(engine: Engine, where: str) -> None:
    """A server converts what it can, so a column of another type is found only when its values are read.

    Raises BadHistory.
    """
    with database_errors(where), engine.connect() as connection:
        found = inspect(connection)
        for table in Base.metadata.sorted_tables:
            there = (
                {one["name"]: one["type"] for one in found.get_columns(table.name)}
                if found.has_table(table.name)
                else {}
            )
            for column in table.columns:
                if column.name not in there:
                    raise _foreign(where, f"{table.name}.{column.name} is missing")
                if _python_type(there[column.name]) is not _python_type(column.type):
                    raise _foreign(where, f"{table.name}.{column.name} is {there[column.name]}")


def _python_type(kind: TypeEngine[Any]) -> type | None:
    try:
        return kind.impl_instance.python_type if isinstance(kind, TypeDecorator) else kind.python_type
    except NotImplementedError:
        return None


def _foreign(where: str, what: str) -> BadHistory:
    return BadHistory(where, f"its tables are not those of this program: {what}", _NAME_ANOTHER)


def _use_wal(engine: Engine, where: str) -> None:
    """Readers and a writer side by side; stays in the file. It can only be set outside of any transaction."""
    with database_errors(where), engine.connect() as connection:
        raw: Any = connection.connection.dbapi_connection
        raw.execute("PRAGMA journal_mode = WAL")


def _migrate(engine: Engine, where: str) -> None:
    with writing(engine, where) as connection:
        if engine.dialect.name == "postgresql":  # one program at a time
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
        migrate(connection)


def migrate(connection: Connection) -> None:
    """Bring the tables to HEAD, in the connection's transaction."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, HEAD)


def _in_words(where: str, original: BaseException | None, lost: bool = False) -> CannotWrite | BadHistory:
    """lost: there is no connection to the server any more."""
    if not isinstance(original, sqlite3.Error):
        return _of_a_server(where, original, lost)
    code = getattr(original, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_ERROR and any(sign in str(original) for sign in ("no such", "no column")):
        return BadHistory(where, f"its tables are not those of this program: {_first_line(original)}", _MOVE_AWAY)
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return HistoryBusy(where, "another program is writing", "it is retried automatically")
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return BadHistory(where, "is damaged", _MOVE_AWAY)
    words = {
        sqlite3.SQLITE_FULL: ("the disk is full", "free some space"),
        sqlite3.SQLITE_READONLY: ("may not be written to", "check the permissions of file and folder"),
        sqlite3.SQLITE_CANTOPEN: ("cannot be opened", "check the permissions of file and folder"),
        sqlite3.SQLITE_IOERR: ("the disk reports an error", "check the free space and the drive"),
    }
    what, hint = words.get(code, (_first_line(original), "check the free space and the permissions"))
    return CannotWrite(where, what, hint)


def _of_a_server(where: str, original: BaseException | None, lost: bool) -> CannotWrite | BadHistory:
    state = getattr(original, "sqlstate", None) or ""
    said = _first_line(original)
    if state in ("28P01", "28000"):
        return BadHistory(where, "the server refuses this login", "check the user and the password")
    if state == "42501":
        return CannotWrite(where, said, f"ask who looks after the database for the right to create and write {_TABLES}")
    if lost and not state:
        return BadHistory(where, "the database cannot be reached", "check the network and the server")
    if state.startswith(("42", "22")):
        return _foreign(where, said)
    if state in _BUSY:
        return HistoryBusy(where, f"the server is busy: {said}", "it is tried again by itself")
    return CannotWrite(where, said, "ask who looks after the database")


def _first_line(error: BaseException | None) -> str:
    return (str(error).splitlines() or ["unknown error"])[0]
