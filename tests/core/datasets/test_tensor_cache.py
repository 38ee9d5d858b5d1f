"""The cache saves work and never gives a wrong answer."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
import torch
from torch import Tensor

from sedir_core.datasets.cache import TensorCache, cache_key

CAUSES: tuple[str, dict[str, int], str, int] = ("c" * 64, {"n_groups": 8}, "e" * 64, 0)


class Maker:
    """Counts how often the tensors were made."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> dict[str, Tensor]:
        self.times += 1
        return {"features": torch.arange(256.0)}


@pytest.fixture
def cache(tmp_path: Path) -> TensorCache:
    return TensorCache(tmp_path / "cache")


def test_the_second_time_nothing_is_made(cache: TensorCache) -> None:
    make = Maker()
    first, second = cache.get("k", make), cache.get("k", make)
    assert make.times == 1
    assert torch.equal(first["features"], second["features"])


@pytest.mark.parametrize("damage", [b"", b"garbage", None])
def test_a_damaged_entry_is_made_again(cache: TensorCache, damage: bytes | None) -> None:
    make = Maker()
    cache.get("k", make)
    (entry,) = cache.folder.iterdir()
    content = entry.read_bytes()
    entry.write_bytes(content[:-1] + b"\x7f" if damage is None else damage)
    assert torch.equal(cache.get("k", make)["features"], torch.arange(256.0))
    assert make.times == 2
    assert entry.read_bytes() == content


@pytest.mark.parametrize(
    "changed",
    [("d" * 64, *CAUSES[1:]), (CAUSES[0], {"n_groups": 9}, *CAUSES[2:]), (*CAUSES[:2], "f", 0), (*CAUSES[:3], 1)],
)
def test_every_cause_changes_the_key(changed: tuple[str, dict[str, int], str, int]) -> None:
    assert cache_key(*changed) != cache_key(*CAUSES)


def test_the_order_of_settings_does_not_change_the_key() -> None:
    assert cache_key("c", {"a": 1, "b": 2}, "e", 0) == cache_key("c", {"b": 2, "a": 1}, "e", 0)


def test_the_least_recently_used_entry_goes_first(tmp_path: Path) -> None:
    make = Maker()
    cache = TensorCache(tmp_path)
    for age, key in ((30, "used again"), (20, "unused"), (10, "new")):
        cache.get(key, make)
        os.utime(tmp_path / f"{key}.safetensors", (time.time() - age,) * 2)
    cache.get("used again", make)
    cache.max_bytes = 3 * (tmp_path / "new.safetensors").stat().st_size
    cache.get("newest", make)
    assert {path.stem for path in tmp_path.iterdir()} == {"used again", "new", "newest"}


def test_an_entry_larger_than_the_cache_is_kept_alone(tmp_path: Path) -> None:
    cache = TensorCache(tmp_path, max_bytes=10)
    cache.get("a", Maker())
    cache.get("b", Maker())
    assert [path.stem for path in tmp_path.iterdir()] == ["b"]


def test_abandoned_staging_files_are_swept(cache: TensorCache) -> None:
    cache.folder.mkdir()
    old, fresh = cache.folder / ".x.1.tmp", cache.folder / ".y.2.tmp"
    old.touch()
    fresh.touch()
    os.utime(old, (time.time() - 7200,) * 2)
    cache.get("k", Maker())
    assert not old.exists()
    assert fresh.exists()


def test_a_cache_that_cannot_be_written_costs_time_only(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "taken").touch()
    make = Maker()
    cache = TensorCache(tmp_path / "taken" / "cache")
    assert torch.equal(cache.get("k", make)["features"], torch.arange(256.0))
    assert "not cached" in caplog.text
