"""Two programs, kills, a full disk, a read-only folder, damage, a newer version: nothing committed is lost."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import sqlite3
import subprocess
import tempfile
from contextlib import closing
from datetime import UTC
from pathlib import Path

import pytest
from history_helpers import CONTENT, child, history, inspection, numbers
from sqlalchemy import String, event

from sedir_core.errors import BadHistory, CannotWrite
from sedir_core.history.database import HEAD, HistoryBusy
from sedir_core.history.export import documents
from sedir_core.history.outbox import Outbox
from sedir_core.history.place import HistoryPlace
from sedir_core.history.records import Filter

RECORD = """
from history_helpers import CONTENT, history, inspection
store = history(folder)
first, count = map(int, arguments)
for number in range(first, first + count):
    store.record(inspection(number), CONTENT)
    print(number, flush=True)
"""


def test_two_programs_that_write_at_once_lose_nothing(tmp_path) -> None:
    writers = [child(RECORD, tmp_path, first, 30) for first in (0, 100)]
    done = [number for writer in writers for number in numbers(writer)]
    assert [writer.wait() for writer in writers] == [0, 0]
    store = history(tmp_path)
    assert store.count() == len(done) == 60
    for one in store.page(Filter()):
        store.kept(one)


def test_a_kill_loses_no_committed_record(tmp_path) -> None:
    said: list[int] = []
    chance = random.Random(0)
    for attempt in range(3):
        writer = child(RECORD, tmp_path, 1000 * attempt, 1000)
        assert writer.stdout is not None
        for _ in range(chance.randrange(1, 15)):
            said.append(int(writer.stdout.readline()))
        writer.kill()
        said += numbers(writer)
    store = history(tmp_path)
    recorded = {one.key: one for one in store.page(Filter(), limit=9999)}
    assert {inspection(number).key for number in said} <= recorded.keys()
    for one in recorded.values():
        assert len(store.kept(one).raw.point_scores) == 100


def test_a_writer_that_takes_long_is_waited_for_and_then_said_to_be_busy(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("sedir_core.history.database.BUSY_MS", 50)
    store = history(tmp_path)
    other = sqlite3.connect(tmp_path / "history.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(HistoryBusy):
        store.record(inspection(), CONTENT)
    assert store.count() == 0  # readers do not wait
    other.execute("ROLLBACK")
    other.close()
    store.record(inspection(), CONTENT)
    assert store.count() == 1


@pytest.mark.parametrize("room", range(5))
def test_a_database_that_cannot_grow_is_left_whole(tmp_path, room) -> None:
    store = history(tmp_path)
    store.record(inspection(0), CONTENT)
    with closing(sqlite3.connect(tmp_path / "history.sqlite")) as raw:
        pages = raw.execute("PRAGMA page_count").fetchone()[0]
    event.listen(store._engine, "connect", lambda raw, _: raw.execute(f"PRAGMA max_page_count = {pages + room}"))
    with pytest.raises(CannotWrite, match="the disk is full"):
        for number in range(1, 500):
            store.record(inspection(number, reason="long " * 900), b"")
    assert store.get(inspection(0).key) is not None
    again = history(tmp_path)
    again.record(inspection(number), CONTENT)
    assert again.count() == number + 1


def test_a_full_disk(small_disk: Path) -> None:
    store = history(small_disk)
    filler = small_disk / "filler"
    with pytest.raises(CannotWrite) as caught:
        for number in range(5000):
            filler.write_bytes(b"x" * 40_000 * (number + 1))
            store.record(inspection(number), CONTENT)
    assert "space" in caught.value.hint or "full" in caught.value.what
    filler.unlink()
    store.record(inspection(number), CONTENT)
    assert history(small_disk).count() == number + 1
    assert [path.name for path in (small_disk / "kept").rglob("*.tmp")] == []


@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize("nth", [1, 2])
def test_a_result_that_cannot_be_kept_is_not_recorded(tmp_path, monkeypatch, call, nth) -> None:
    store = history(tmp_path)
    calls = []

    def fail(*arguments: object) -> None:
        calls.append(arguments)
        if len(calls) == nth:
            raise OSError(28, "No space left on device")
        return real(*arguments)

    owner = os if call == "fsync" else Path
    real = getattr(owner, call)
    monkeypatch.setattr(owner, call, fail)
    for number in range(2):
        try:
            store.record(inspection(number), CONTENT)
        except CannotWrite:
            assert store.get(inspection(number).key) is None
            store.record(inspection(number), CONTENT)
    assert store.count() == 2
    assert len(calls) > nth


def test_a_folder_that_may_not_be_written_to() -> None:
    folder = Path(tempfile.mkdtemp())  # pytest's own folders are closed to others
    try:
        history(folder).record(inspection(0), CONTENT)
        for path in (folder, folder / "history.sqlite"):
            path.chmod(0o555 if path.is_dir() else 0o444)
        code = """
import os, tempfile
from history_helpers import CONTENT, history, inspection
from sedir_core.errors import CannotWrite, BadHistory
with tempfile.TemporaryDirectory() as other:  # what is imported late is imported now
    history(Path(other)).record(inspection(), CONTENT)
if os.getuid() == 0:
    os.setuid(65534)
try:
    history(folder).record(inspection(1), CONTENT)
except CannotWrite as error:
    print(error.hint)
"""
        reader = child(code, folder)
        assert "permissions" in reader.communicate()[0]
        assert history(folder).count() == 1
    finally:
        folder.chmod(0o755)
        shutil.rmtree(folder)


def test_a_database_taken_away_is_noticed(tmp_path) -> None:
    store = history(tmp_path)
    assert not store.moved
    (tmp_path / "history.sqlite").rename(tmp_path / "elsewhere.sqlite")
    assert store.moved


def spoil_header(path: Path) -> None:
    path.write_bytes(b"not a database" + path.read_bytes()[14:])


def spoil_pages(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096:] = bytes(len(content) - 4096)
    path.write_bytes(content)


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def make_newer(path: Path) -> None:
    _execute(path, "UPDATE alembic_version SET version_num = '9999'")


def make_foreign(path: Path) -> None:
    path.unlink()
    _execute(path, "CREATE TABLE photos (id INTEGER)")


def _execute(path: Path, statement: str) -> None:
    raw = sqlite3.connect(path)
    with raw:
        raw.execute(statement)
    raw.close()


def spoil_schema(path: Path) -> None:
    """As a bad sector in the first page does."""
    content = path.read_bytes()
    path.write_bytes(content.replace(b"CREATE TABLE inspections", b"CREATE TABEL inspections"))


def forget_version(path: Path) -> None:
    _execute(path, "DELETE FROM alembic_version")


@pytest.mark.parametrize(
    "spoil",
    [spoil_header, spoil_pages, cut_short, make_newer, make_foreign, spoil_schema, forget_version],
)
def test_what_is_not_understood_is_refused_and_left_alone(tmp_path, spoil) -> None:
    history(tmp_path).record(inspection(), CONTENT)
    path = tmp_path / "history.sqlite"
    spoil(path)
    before = hashlib.sha256(path.read_bytes()).digest()
    with pytest.raises(BadHistory) as caught:
        history(tmp_path)
    assert caught.value.hint
    assert hashlib.sha256(path.read_bytes()).digest() == before


@pytest.mark.parametrize("statement", ["DROP TABLE defects", "ALTER TABLE inspections RENAME lot TO charge"])
def test_tables_that_are_not_ours_are_said_to_be_so(tmp_path, statement) -> None:
    history(tmp_path).record(inspection(0), CONTENT)
    _execute(tmp_path / "history.sqlite", statement)
    store = history(tmp_path)
    with pytest.raises(BadHistory, match="not those of this program"):
        store.record(inspection(1), CONTENT)
    with pytest.raises(BadHistory, match="not those of this program"):
        store.get(inspection(0).key)


ODD = ("'odd'", "x'ff00'", "-1e308", "99999999999999")


@pytest.mark.parametrize(
    "column", ["time", "n_points", "category", "score", "threshold", "verdict", "review", "seconds"]
)
def test_a_value_of_another_type_hides_no_other_row(tmp_path, column) -> None:
    store = history(tmp_path)
    for number in range(len(ODD) + 1):
        store.record(inspection(number), CONTENT)
    for number, value in enumerate(ODD):
        _execute(
            tmp_path / "history.sqlite",
            f"UPDATE inspections SET {column} = {value} WHERE key = '{inspection(number).key}'",
        )
    rows = store.page(Filter(), descending=False)
    assert len(rows) == len(ODD) + 1
    assert inspection(len(ODD)).lot == store.get(inspection(len(ODD)).key).lot
    for row in rows:
        assert row.final in ("ok", "ng", "uncertain") and row.time.tzinfo is UTC
        assert row.share is None or isinstance(row.share, float)
    assert len(list(documents(store, Filter()))) == len(rows)
    assert sum(tally.n for tally in store.tallies(Filter(), by_lot=True)) == len(rows)
    store.samples(Filter())
    store.trim(10**9)


def test_only_asking_creates_no_database(tmp_path) -> None:
    with pytest.raises(BadHistory, match="no such file"):
        history(tmp_path, create=False)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_as_a_kill_leaves_it_is_a_new_history(tmp_path) -> None:
    (tmp_path / "history.sqlite").touch()
    assert history(tmp_path).count() == 0


def test_a_migration_that_fails_leaves_nothing_behind(tmp_path, monkeypatch) -> None:
    from alembic import op

    monkeypatch.setattr(op, "create_index", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        history(tmp_path)
    monkeypatch.undo()
    raw = sqlite3.connect(tmp_path / "history.sqlite")
    assert raw.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    raw.close()
    assert history(tmp_path).count() == 0


def test_a_history_of_before_calls_uncertain_what_was_ok_with_a_doubt(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("sedir_core.history.database.HEAD", "0001")
    store = history(tmp_path)
    kinds = [("ok", False, 0.1), ("ok", True, 0.1), ("ng", True, 0.5), ("ok", False, float("nan"))]
    for number, (verdict, uncertain, score) in enumerate(kinds):
        store.record(inspection(number, verdict=verdict, uncertain=uncertain, score=score), b"")
    store.close()
    monkeypatch.undo()
    found = [one.verdict for one in history(tmp_path).page(Filter(), descending=False)]
    assert found == ["ok", "uncertain", "ng", "uncertain"]


def test_two_programs_started_at_once_make_one_database(tmp_path) -> None:
    code = "from history_helpers import history\nprint(history(folder).count())"
    programs = [child(code, tmp_path) for _ in range(2)]
    assert [numbers(program) for program in programs] == [[0], [0]]


def test_the_migrations_make_the_tables_of_the_code(tmp_path) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    import sedir_core.history.migrations as migrations
    from sedir_core.history.tables import Base

    with history(tmp_path)._engine.connect() as connection:
        # SQLite ignores lengths and cannot change them in place; on PostgreSQL they are compared, too.
        opts = {"compare_type": lambda context, one, other, stored, meant: False if isinstance(meant, String) else None}
        assert compare_metadata(MigrationContext.configure(connection, opts=opts), Base.metadata) == []
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
    assert ScriptDirectory(str(Path(migrations.__file__).parent)).get_current_head() == HEAD


@pytest.fixture
def small_disk(tmp_path):
    """Two megabytes and no more."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)], capture_output=True).returncode:
        pytest.skip("a small disk of its own can only be mounted by root")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.mark.parametrize("tidying", ["trim", "sweep"])
def test_results_that_cannot_be_deleted_end_no_recording(tmp_path, monkeypatch, caplog, tidying) -> None:
    """Making room is for later: what was inspected is recorded, for the window and for the command line alike."""
    place = HistoryPlace(f"sqlite:///{tmp_path / 'history.sqlite'}", tmp_path / "kept")
    outbox = Outbox(place, lambda: 0)
    if tidying == "sweep":
        orphan = tmp_path / "kept" / "ab" / "abandoned.tmp"
        orphan.parent.mkdir(parents=True)
        orphan.touch()
        os.utime(orphan, (0, 0))

    def refuse(path: Path, missing_ok: bool = False) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "unlink", refuse)
    outbox.put(lambda store: store.record(inspection(0), CONTENT), len(CONTENT))
    done = outbox.flush()
    outbox.close()
    assert (done.n, done.trouble, done.bugs, len(outbox)) == (1, None, (), 0)
    assert "Permission denied" in caplog.text
