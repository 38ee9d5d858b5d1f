"""The same history on a real PostgreSQL server, started for this test."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from history_helpers import CONTENT, DAY, child, inspection, numbers
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError

import sedir_core.history.database as history_database
import sedir_core.history.store as history_store
from sedir_core.errors import BadHistory, CannotWrite
from sedir_core.history.database import HistoryBusy
from sedir_core.history.place import HistoryPlace
from sedir_core.history.records import Filter, Override
from sedir_core.history.store import History
from sedir_core.history.tables import Base

RECORD = """
from history_helpers import CONTENT, inspection
from sedir_core.history.store import History
store = History(arguments[0], folder)
for number in range(int(arguments[1]), int(arguments[1]) + 30):
    store.record(inspection(number), CONTENT)
    print(number, flush=True)
"""


def server_folder() -> Path | None:
    """The programs of a server; installed first where this machine is ours to change, as in a container."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found and os.getuid() == 0 and shutil.which("apt-get"):
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update"], ["install", "-y", "--no-install-recommends", "postgresql"]):
            subprocess.run(["apt-get", "-qq", *command], env=quiet, capture_output=True, timeout=280)
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The URL of an empty database on a server of its own, reached by a socket in a folder of its own."""
    programs = server_folder()
    if programs is None:
        pytest.skip("no PostgreSQL server on this machine, and it cannot be installed: apt-get install postgresql")
    pytest.importorskip("psycopg", reason="no driver: pip install sedir-inspect[postgres]")
    # The server refuses to run as root. Paths of sockets must be short, and pytest's are closed to others.
    as_user = ["runuser", "-u", "nobody", "--"] if os.getuid() == 0 else []
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    folder.chmod(0o777)
    data = folder / "data"

    def run(program: str, *arguments: str) -> None:
        command = [*as_user, str(programs / program), *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder, timeout=60)

    try:
        run("initdb", "-D", str(data), "-U", "sedir", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        options = f"-c listen_addresses= -k {folder} -c fsync=off"
        run("pg_ctl", "-D", str(data), "-o", options, "-l", str(folder / "log"), "-w", "start")
        try:
            yield f"postgresql://sedir@/postgres?host={folder}"
        finally:
            run("pg_ctl", "-D", str(data), "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder)


def test_a_history_on_a_postgresql_server(server, tmp_path) -> None:
    two = [child(RECORD, tmp_path, server, first) for first in (0, 100)]  # both find an empty database
    done = [number for one in two for number in numbers(one)]
    store = History(server, tmp_path)
    assert store.count() == len(done) == 60
    newest = store.page(Filter(), limit=5)
    assert [one.key for one in newest] == [inspection(number).key for number in (129, 128, 127, 126, 125)]
    assert store.get(inspection(3).key).defects == inspection(3).defects
    assert store.get(inspection(3).key).time == inspection(3).time
    store.record(inspection(500, score=float("nan"), path="/scans/Ärger_%.ply"), CONTENT)
    assert store.count(Filter(text="RGER_%")) == 1
    assert store.page(Filter(), order="share")[-1].key == inspection(500).key

    with store._engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    unsure = inspection(501, verdict="uncertain", uncertain=True)
    store.record(unsure, b"")
    assert [one.key for one in store.page(Filter(verdict="uncertain"))] == [unsure.key]
    with store._engine.begin() as connection:
        connection.execute(text("DELETE FROM defects WHERE inspection_id = (SELECT max(id) FROM inspections)"))
        connection.execute(text("DELETE FROM inspections WHERE verdict = 'uncertain'"))

    key = inspection(3).key
    store.override(Override(key, DAY, "berta", "bench", "ok", "dust", "ng", 1.0))
    assert [line.comment for line in store.overrides(key)] == ["dust"]
    assert store.count(Filter(verdict="ok")) == 1
    with pytest.raises(DBAPIError, match="append-only"), store._engine.begin() as connection:
        connection.execute(text("DELETE FROM overrides"))
    assert store.trim(2 * len(CONTENT)) == 59
    assert store.choices().lots == ("A1",)
    assert len(store.samples(Filter())) == 60  # one has no score
    assert sum(tally.n for tally in store.tallies(Filter(), by_lot=False)) == 61
    assert [(tally.lot, tally.n, tally.n_ng) for tally in store.tallies(Filter(), by_lot=True)] == [("A1", 61, 60)]
    assert store.parts(Filter()) == {"ball": 60}
    store.close()

    with store._engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    store.close()
    with pytest.raises(BadHistory, match="newer version"):
        History(server, tmp_path)


@pytest.fixture
def admin(server) -> Iterator[Connection]:
    """Who may do anything in an empty database of its own; `guest` may log in there."""
    with _connected(server) as outside:
        outside.execute(text("DROP DATABASE IF EXISTS faults WITH (FORCE)"))
        outside.execute(text("CREATE DATABASE faults"))
        if not outside.execute(text("SELECT 1 FROM pg_roles WHERE rolname = 'guest'")).scalar():
            outside.execute(text("CREATE ROLE guest LOGIN"))
    with _connected(_faults(server)) as inside:
        yield inside


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _faults(server: str, user: str = "sedir") -> str:
    return server.replace("/postgres?", "/faults?").replace("sedir@", f"{user}@")


def _recorded(server: str, folder: Path, **changes: object) -> None:
    with closing(History(_faults(server, "guest"), folder)) as store:
        store.record(inspection(**changes), CONTENT)


def test_a_login_that_may_not_create_tables_is_told_so(server, admin, tmp_path) -> None:
    with pytest.raises(CannotWrite, match="permission denied") as caught:
        _recorded(server, tmp_path)
    assert "right to create" in caught.value.hint


def test_a_login_that_may_not_write_is_told_so(server, admin, tmp_path) -> None:
    History(_faults(server), tmp_path).close()
    admin.execute(text("GRANT SELECT ON ALL TABLES IN SCHEMA public TO guest"))
    with pytest.raises(CannotWrite, match="permission denied"):
        _recorded(server, tmp_path)
    with closing(History(_faults(server, "guest"), tmp_path)) as store:
        assert store.count() == 0


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("ALTER TABLE inspections DROP COLUMN lot", "tables are not those of this program"),
        ("DROP TABLE defects", "tables are not those of this program"),
        ("ALTER TABLE inspections ALTER COLUMN reason TYPE integer USING 0", "tables are not those of this program"),
        ("ALTER TABLE inspections ALTER COLUMN score TYPE text USING 'x'", "inspections.score is TEXT"),
        ("DELETE FROM alembic_version", "does not say its version"),
        ("UPDATE alembic_version SET version_num = 'x'", "does not say its version"),
    ],
)
def test_damaged_tables_are_said_to_be_so(server, admin, tmp_path, damage, said) -> None:
    History(_faults(server), tmp_path).close()
    admin.execute(text("GRANT ALL ON ALL TABLES IN SCHEMA public TO guest"))
    admin.execute(text("GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO guest"))
    admin.execute(text(damage))
    with pytest.raises(BadHistory, match=said):
        _recorded(server, tmp_path)


def test_a_table_that_somebody_has_locked_does_not_stop_the_inspection(server, admin, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(history_database, "BUSY_MS", 50)
    with closing(History(_faults(server), tmp_path)) as store:
        with _connected(_faults(server)) as other:
            other.exec_driver_sql("BEGIN")
            other.exec_driver_sql("LOCK TABLE inspections")
            with pytest.raises(HistoryBusy, match="lock timeout"):
                store.record(inspection(0), b"")
            other.exec_driver_sql("ROLLBACK")
        store.record(inspection(0), b"")
        assert store.count() == 1


def test_a_connection_that_breaks_is_said_and_the_next_try_works(server, admin, tmp_path) -> None:
    store = History(_faults(server), tmp_path)
    store.record(inspection(0), b"")
    admin.execute(text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"))
    try:
        store.record(inspection(1), b"")
    except (BadHistory, CannotWrite):
        store.record(inspection(1), b"")
    assert store.count() == 2
    store.close()


def test_two_that_record_the_same_at_once_record_it_once(server, admin, tmp_path, monkeypatch) -> None:
    one, other = History(_faults(server), tmp_path), History(_faults(server), tmp_path)
    real = history_store.DbSession.scalar

    def late(session: Any, query: Any) -> Any:
        found = real(session, query)
        monkeypatch.undo()
        other.record(inspection(), b"")  # between the question and the answer
        return found

    monkeypatch.setattr(history_store.DbSession, "scalar", late)
    one.record(inspection(), b"")
    assert one.count() == 1
    for store in (one, other):
        store.close()


def test_a_server_that_does_not_answer_is_said_in_words(tmp_path) -> None:
    pytest.importorskip("psycopg", reason="no driver: pip install sedir-inspect[postgres]")
    with pytest.raises(BadHistory, match="cannot be reached") as caught:
        History(f"postgresql://anna:secret@/x?host={tmp_path}", tmp_path)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://anna:se@cret@host.invalid/x", "postgresql://anna:se/cr@et@/x?host=/none",
        "postgresql://host.invalid/x?user=anna&password=secret", "postgresql://anna:secret@host.invalid:port/x",
        "mysql://anna:se@cret@host/x", "nonsense://anna:secret@",
    ],
)  # fmt: skip
def test_no_part_of_a_password_is_said(tmp_path, url) -> None:
    if url.startswith("postgresql"):
        pytest.importorskip("psycopg", reason="no driver: pip install sedir-inspect[postgres]")
    with pytest.raises(BadHistory) as caught:
        History(url, tmp_path)
    said = f"{caught.value} {HistoryPlace(url)}"
    assert not [part for part in ("secret", "cret", "se@", "se/", "cr@") if part in said]


@pytest.mark.parametrize("url", ["nonsense", "mysql://x/y", "postgresql+nope://x/y", "sqlite://"])
def test_other_urls_are_refused(tmp_path, url) -> None:
    if url == "postgresql+nope://x/y":
        pytest.importorskip("psycopg", reason="no driver: pip install sedir-inspect[postgres]")
    with pytest.raises(BadHistory):
        History(url, tmp_path)
