"""A history of strangers may hold any value and statement: no row hides another, and no file elsewhere is touched."""

from __future__ import annotations

import io
import json
import math
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from history_helpers import CONTENT, history, inspection
from typer.testing import CliRunner

from sedir_core.cli import app
from sedir_core.errors import BadHistory
from sedir_core.history.records import Filter
from sedir_core.history.stored_result import read_result

TEXTS = ("path", "category", "lot", "operator", "station", "model", "reason", "key")


def execute(folder: Path, statement: str) -> None:
    with closing(sqlite3.connect(folder / "history.sqlite", isolation_level=None)) as raw:
        raw.execute(statement)


@pytest.mark.parametrize("value", ["x'ff00'", "CAST(x'ff41' AS TEXT)", "''", "'a' || char(10) || 'b'"])
@pytest.mark.parametrize("column", [*TEXTS, "time"])
def test_text_that_is_none_hides_no_row_and_fails_no_command(tmp_path, column, value) -> None:
    store = history(tmp_path)
    for number in range(2):
        store.record(inspection(number), CONTENT)
    execute(tmp_path, f"UPDATE inspections SET {column} = {value} WHERE id = 1")
    assert len(store.page(Filter())) == 2
    assert all(isinstance(choice, str) for choices in vars(store.choices()).values() for choice in choices)
    place = ["--history-url", f"sqlite:///{tmp_path / 'history.sqlite'}", "--history-folder", str(tmp_path / "kept")]
    commands = (
        ["list"], ["list", "--json", "-"], ["export", str(tmp_path / "all.json")], ["drift", "--json", "-"],
        ["drift", "--by", "lot", "--json", "-"], ["drift", "--by", "hour"],
    )  # fmt: skip
    for words in commands:
        result = CliRunner().invoke(app, ["history", *words, *place])
        assert result.exit_code == 0, (words, result.exception, result.output)


@pytest.mark.parametrize("key", ["{}/scan", "../scan", "..", "a/../../scan", "A" * 33, "", "\u0000"])
def test_a_key_names_no_file_elsewhere(tmp_path, key) -> None:
    """Else making room for new results deletes scans, in any folder that the user may write to."""
    scan = tmp_path / "scan.npz"
    scan.write_bytes(b"a scan")
    home = tmp_path / "home"
    store = history(home)
    for number in range(2):
        store.record(inspection(number), CONTENT)
    with closing(sqlite3.connect(home / "history.sqlite", isolation_level=None)) as raw:
        raw.execute("UPDATE inspections SET key = ? WHERE id = 1", [key.format(tmp_path)])
    odd = store.page(Filter(), descending=False)[0]
    with pytest.raises(BadHistory):
        store.kept(odd)
    store.trim(0)
    assert scan.read_bytes() == b"a scan"
    assert store.kept_bytes() == 0


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER t AFTER INSERT ON inspections BEGIN DELETE FROM inspections WHERE id < new.id; END",
        "CREATE TRIGGER overrides_INSERT BEFORE INSERT ON overrides BEGIN SELECT RAISE(IGNORE); END",
        "CREATE VIEW v AS WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n FROM c",
    ],
)
def test_statements_in_a_database_are_never_executed(tmp_path, statement) -> None:
    history(tmp_path).record(inspection(0), CONTENT)
    execute(tmp_path, statement)
    with pytest.raises(BadHistory, match="of another program"):
        history(tmp_path).record(inspection(1), CONTENT)


def rewritten(path: Path, name: str, content: bytes) -> Path:
    """The stored result with another content of one of its members."""
    with zipfile.ZipFile(io.BytesIO(CONTENT)) as old, zipfile.ZipFile(path, "w") as new:
        for member in old.namelist():
            new.writestr(member, content if member == name else old.read(member))
    return path


def saved(values: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, values)
    return file.getvalue()


HOSTILE = (None, [], {}, "x", -1, 1e308, math.nan, True, [[1]], {"a": {"b": 1}}, {"a": "b"}, "\ud800")


@pytest.mark.parametrize(
    "field", ["seconds", "category", "reason", "uncertain", "from_one_side", "unit", "to_unit", "sampled", "words"]
)
def test_a_stored_result_is_of_the_promised_types_or_refused(tmp_path, field) -> None:
    with zipfile.ZipFile(io.BytesIO(CONTENT)) as whole:
        meta = json.loads(bytes(np.load(io.BytesIO(whole.read("meta.npy")))))
    for value in HOSTILE:
        said = saved(np.frombuffer(json.dumps(meta | {field: value}).encode(), np.uint8))
        try:
            kept = read_result(rewritten(tmp_path / "r.npz", "meta.npy", said))
        except BadHistory:
            continue
        shown = kept.shown
        (shown.category + shown.reason + shown.unit).encode()
        assert shown.to_unit > 0 and sum(shown.seconds.values()) >= 0
        assert all(isinstance(flag, bool) for flag in (shown.uncertain, shown.from_one_side, kept.sampled))


@pytest.mark.parametrize("values", [np.zeros(100, complex), np.zeros(100, "M8[s]"), np.zeros(100, "U3")])
@pytest.mark.parametrize("name", ["point_scores.npy", "reconstruction.npy", "points.npy", "token.npy"])
def test_a_stored_array_of_no_real_numbers_is_damage(tmp_path, name, values) -> None:
    with pytest.raises(BadHistory):
        read_result(rewritten(tmp_path / "r.npz", name, saved(values)))
