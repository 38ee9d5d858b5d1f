"""The same history on a real PostgreSQL server, started for this test."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from history_helpers import CONTENT, DAY, child, inspection, numbers
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from sedir_core.errors import BadHistory
from sedir_core.history.records import Filter, Override
from sedir_core.history.store import History

RECORD = """
from history_helpers import CONTENT, inspection
from sedir_core.history.store import History
store = History(arguments[0], folder)
for number in range(int(arguments[1]), int(arguments[1]) + 30):
    store.record(inspection(number), CONTENT)
    print(number, flush=True)
"""


def server_folder() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The URL of an empty database on a server of its own, reached by a socket in a folder of its own."""
    programs = server_folder()
    if programs is None:
        pytest.skip("no PostgreSQL server on this machine: apt-get install postgresql")
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


def test_a_server_that_does_not_answer_is_said_in_words(tmp_path) -> None:
    pytest.importorskip("psycopg", reason="no driver: pip install sedir-inspect[postgres]")
    with pytest.raises(BadHistory, match="cannot be reached") as caught:
        History(f"postgresql://anna:secret@/x?host={tmp_path}", tmp_path)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["nonsense", "mysql://x/y", "postgresql+nope://x/y", "sqlite://"])
def test_other_urls_are_refused(tmp_path, url) -> None:
    if url == "postgresql+nope://x/y":
        pytest.importorskip("psycopg", reason="no driver: pip install sedir-inspect[postgres]")
    with pytest.raises(BadHistory):
        History(url, tmp_path)
