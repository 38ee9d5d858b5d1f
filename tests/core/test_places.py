"""Which run a name means: never a folder that happens to be called like one."""

from __future__ import annotations

from pathlib import Path

import pytest
from runs_on_disk import write_run

from sedir_core.places import bundled_runs, find_run


@pytest.fixture(autouse=True)
def somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory, and a user with a run of her own."""
    monkeypatch.setattr("sedir_core.places.user_runs", lambda: tmp_path / "mine")
    write_run(tmp_path / "mine" / "bolts")
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    return here


def test_a_folder_called_default_is_not_the_bundled_model(somewhere: Path) -> None:
    (somewhere / "default").mkdir()
    assert find_run("default") == bundled_runs() / "default"
    write_run(somewhere / "default" / "inner")
    assert find_run("default") == bundled_runs() / "default"


def test_a_run_called_default_is_meant_by_its_path(somewhere: Path) -> None:
    write_run(somewhere / "default")
    assert find_run("default") == bundled_runs() / "default"
    assert find_run("./default") == Path("./default")
    assert find_run(str(somewhere / "default")) == somewhere / "default"


def test_a_folder_that_is_no_run_does_not_hide_one(somewhere: Path, tmp_path: Path) -> None:
    (somewhere / "bolts").mkdir()
    assert find_run("bolts") == tmp_path / "mine" / "bolts"


def test_a_run_in_the_working_directory_goes_before_a_name(somewhere: Path) -> None:
    write_run(somewhere / "bolts")
    assert find_run("bolts") == Path("bolts")


@pytest.mark.parametrize("name", ["nowhere", "a/b", "x" * 300, "bolts.sedir"])
def test_what_is_nowhere_is_taken_as_a_path(name: str) -> None:
    assert find_run(name) == Path(name)
