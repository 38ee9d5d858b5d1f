"""JSON and TOML from strangers: read within limits of time, depth and size, or refused; numbers and dates bounded."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sedir_core.documents import (
    CONFIG_BYTES,
    moment,
    moment_of,
    number,
    numbers,
    parse_json,
    parse_toml,
    read_json,
    read_toml,
)
from sedir_core.errors import BadConfig, BadRun

MOST_SECONDS = 2.0
DOTTED = ".".join(["a"] * 30_000)
JSON_BOMBS = {
    "brackets": "[" * 100_000,
    "braces": '{"a":' * 100_000,
    "nested and closed": "[" * 500 + "]" * 500,
    "digits": "1" * 5_000 + "x",
    "an open string of quotes": '"' + '\\"' * 500_000,
    "long": '"' + "x" * 5_000_000 + '"',
    "no json": "{nonsense}",
    "latin 1": b'{"name": "\xff"}',
    "two bytes a letter": '{"a": 1}'.encode("utf-16"),
}
TOML_BOMBS = {
    "a dotted key": f"{DOTTED} = 1",
    "a dotted table": f"[{DOTTED}]\n" + "".join(f"k{i} = 1\n" for i in range(400)),
    "arrays": "a = " + "[" * 20_000 + "]" * 20_000,
    "tables": "a = " + "{a=" * 15_000 + "1" + "}" * 15_000,
    "digits": "a = " + "1" * 5_000,
    "long": "a = '" + "x" * CONFIG_BYTES + "'",
}


@pytest.mark.parametrize("name", JSON_BOMBS)
def test_a_json_bomb_is_refused_at_once(name: str) -> None:
    began = time.perf_counter()
    with pytest.raises(ValueError):
        parse_json(JSON_BOMBS[name])
    assert time.perf_counter() - began < MOST_SECONDS


@pytest.mark.parametrize("name", TOML_BOMBS)
def test_a_toml_bomb_is_refused_at_once(name: str) -> None:
    began = time.perf_counter()
    with pytest.raises(ValueError):
        parse_toml(TOML_BOMBS[name])
    assert time.perf_counter() - began < MOST_SECONDS


def test_the_slowest_toml_that_passes_is_quick() -> None:
    line = ".".join(["a"] * 60) + ".k"
    text = "".join(f"{line}{i} = 1\n" for i in range(CONFIG_BYTES // (len(line) + 9)))
    began = time.perf_counter()
    parse_toml(text)
    assert time.perf_counter() - began < MOST_SECONDS


def test_numbers_that_are_none_are_unknown() -> None:
    found = parse_json("[1e999, -1e400, NaN, Infinity, " + "9" * 4_000 + ", 1e308, 12, 0.5, true]")
    assert found == [None, None, None, None, None, None, 12, 0.5, True]
    assert parse_toml("a = inf\nb = nan\nc = [1e308, 2.0]\nd = 999999999999999999999") == {
        "a": None, "b": None, "c": [None, 2.0], "d": None,
    }  # fmt: skip


def test_brackets_in_strings_are_no_nesting() -> None:
    assert parse_json('["' + "[" * 1000 + '\\"{"]') == ["[" * 1000 + '"{']


def test_a_number_is_in_its_range_or_unknown() -> None:
    assert number(0.5, 0, 1) == 0.5
    assert [number(value, 0, 1) for value in (2, -1, 10**400, float("nan"), True, "1", None)] == [None] * 7
    assert numbers({"a": 1, "b": "x", "c": 1e300}) == {"a": 1.0}
    assert numbers([1, 2]) == {}


def test_a_date_is_sane_or_unknown() -> None:
    assert moment("2026-03-02T08:00:00+00:00") == datetime(2026, 3, 2, 8, tzinfo=UTC)
    assert moment("2026-03-02") == datetime(2026, 3, 2, tzinfo=UTC)
    for odd in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "yesterday", "", None, 5):
        assert moment(odd) is None
    assert [moment_of(seconds) for seconds in (1e300, -1e18, float("nan"), 2**60)] == [None] * 4
    when = moment_of(1_700_000_000.0)
    assert when is not None and when.year == 2023


def test_files_that_are_none_are_refused_in_words(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "list.json").write_text("[1]")
    (tmp_path / "bytes.toml").write_bytes(b"a = '\xff'")
    for name in ("pipe", "missing", ".", "list.json", "x" * 300):
        with pytest.raises(BadRun):
            read_json(tmp_path / name, BadRun)
    with pytest.raises(BadConfig, match="not readable"):
        read_toml(tmp_path / "bytes.toml", BadConfig)
