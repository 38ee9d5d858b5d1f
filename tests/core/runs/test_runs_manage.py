"""Rename, archive, delete, restore: each all or nothing, none for a run in training, nothing destroyed unasked."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from failing_disk import FailingDisk
from tiny_run import TinyRun

from sedir_core.errors import BadRun, CannotWrite, RunLocked
from sedir_core.places import bundled_runs
from sedir_core.rundir.files import read_about, read_run_tensors
from sedir_core.rundir.lock import held
from sedir_core.runs.catalogue import ARCHIVED, TRASH, list_runs
from sedir_core.runs.manage import (
    Trashed,
    archive_run,
    delete_run,
    empty_trash,
    free_name,
    list_trash,
    rename_run,
    restore_run,
)


@pytest.fixture
def run(tiny: TinyRun, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny.path, tmp_path / "runs" / "mine"))


def names(folder: Path, archived: bool = False) -> list[str]:
    return [entry.name for entry in list_runs([folder], archived)]


def files(run: Path) -> dict[Path, bytes]:
    return {path.relative_to(run): path.read_bytes() for path in run.rglob("*") if path.is_file()}


def test_a_renamed_run_is_the_same_run(run: Path) -> None:
    about = read_about(run)
    renamed = rename_run(run, " cups and brackets ")
    assert renamed == run.with_name("cups and brackets")
    assert not run.exists()
    assert read_about(renamed) == about
    read_run_tensors(renamed)
    assert rename_run(renamed, renamed.name) == renamed


@pytest.mark.parametrize("name", ["", "  ", ".hidden", "a/b", "..", "a\\b", "a:b", "x" * 200, "a\nb", "taken"])
def test_a_name_that_cannot_be_is_refused(run: Path, name: str) -> None:
    (run.parent / "taken").write_text("")
    with pytest.raises(BadRun):
        rename_run(run, name)
    assert names(run.parent) == ["mine"]


@pytest.mark.parametrize("name", ["-rf", "--help", "CON", "con", "nul.old", "COM1", "LPT9.x", "ends with."])
def test_a_name_that_means_something_else_is_refused(run: Path, name: str) -> None:
    with pytest.raises(BadRun):
        rename_run(run, name)


@pytest.mark.parametrize("name", ["Console", "com10", "a-b", "1.0"])
def test_a_name_like_those_is_taken(run: Path, name: str) -> None:
    assert rename_run(run, name).name == name


def test_an_archive_mark_that_is_a_link_is_not_followed(run: Path, tmp_path: Path) -> None:
    (run / ARCHIVED).symlink_to(tmp_path / "elsewhere")
    archive_run(run)
    assert not (tmp_path / "elsewhere").exists()
    assert (run / ARCHIVED).is_file() and not (run / ARCHIVED).is_symlink()
    assert list_runs([run.parent], archived=True)


def test_a_folder_called_like_what_a_kill_leaves_stops_nothing(run: Path) -> None:
    (run / ".x.tmp").mkdir()
    (run / ".y.tmp").touch()
    archive_run(run)
    assert (run / ".x.tmp").is_dir() and not (run / ".y.tmp").exists()


def test_an_archived_run_is_out_of_the_list_and_comes_back(run: Path) -> None:
    archive_run(run)
    assert (names(run.parent), names(run.parent, archived=True)) == ([], ["mine"])
    read_run_tensors(run)
    archive_run(run, on=False)
    assert (names(run.parent), names(run.parent, archived=True)) == (["mine"], [])


def test_a_deleted_run_is_in_the_trash_and_comes_back(run: Path) -> None:
    before = files(run)
    gone = delete_run(run)
    assert names(run.parent) == []
    assert list_trash(run.parent) == [Trashed(gone.place, run.parent, gone.when.replace(microsecond=0))]
    assert restore_run(gone) == run
    assert files(run) == before
    assert list((run.parent / TRASH).iterdir()) == []


def test_a_run_of_the_same_name_does_not_stop_the_restoring(run: Path) -> None:
    gone = delete_run(run)
    run.mkdir()
    assert restore_run(gone).name == "mine-2"


def test_two_deleted_runs_of_one_name_are_both_kept(run: Path) -> None:
    spare = Path(shutil.copytree(run, run.parent / "spare"))
    delete_run(run)
    delete_run(rename_run(spare, "mine"))
    assert [one.name for one in list_trash(run.parent)] == ["mine", "mine"]


@pytest.mark.parametrize("name", [".DS_Store", "zzz"])
def test_what_else_lies_in_the_trash_hides_nothing(run: Path, name: str) -> None:
    delete_run(run)
    (run.parent / TRASH / name).touch()
    assert [one.name for one in list_trash(run.parent)] == ["mine"]


def test_only_emptying_the_trash_destroys(run: Path) -> None:
    gone = delete_run(run)
    assert empty_trash(run.parent) == 1
    assert (list_trash(run.parent), gone.place.exists()) == ([], False)
    with pytest.raises(BadRun, match="no longer in the trash"):
        restore_run(gone)
    assert empty_trash(run.parent) == 0


def test_a_trash_that_is_a_link_is_not_followed(run: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (run.parent / TRASH).symlink_to(precious)
    for act in (lambda: delete_run(run), lambda: empty_trash(run.parent)):
        with pytest.raises(CannotWrite, match="link"):
            act()
    assert run.exists() and precious.exists()


def test_a_run_in_training_is_left_alone(run: Path) -> None:
    with held(run):
        for act in (lambda: rename_run(run, "x"), lambda: archive_run(run), lambda: delete_run(run)):
            with pytest.raises(RunLocked, match="being trained"):
                act()
    assert names(run.parent) == ["mine"]


def test_what_ships_with_the_program_stays() -> None:
    for act in (rename_run, archive_run, delete_run):
        with pytest.raises(BadRun, match="ships with"):
            act(bundled_runs() / "default", *(["x"] if act is rename_run else []))


def test_a_folder_that_is_no_run_is_never_touched(tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    with pytest.raises(BadRun, match="is not a run"):
        delete_run(tmp_path / "thesis")
    assert (tmp_path / "thesis").is_dir()
    assert not (tmp_path / TRASH).exists()


def test_a_damaged_run_can_be_deleted(run: Path) -> None:
    (run / "about.json").write_text("{")
    delete_run(run)
    assert names(run.parent) == []


@pytest.mark.parametrize("act", ["rename", "delete", "restore"])
def test_an_error_at_any_step_leaves_the_run_whole_in_one_place(
    run: Path, act: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, failed = run.parent, 0
    for n in range(1, 12):
        gone = delete_run(run) if act == "restore" else None
        with monkeypatch.context() as patch:
            disk = FailingDisk(n, patch)
            try:
                {
                    "rename": lambda: rename_run(run, "other"),
                    "delete": lambda: delete_run(run),
                    "restore": lambda gone=gone: restore_run(gone),
                }[act]()
            except CannotWrite:
                failed += 1
        found = [entry.path for entry in list_runs([home])] + [one.place for one in list_trash(home)]
        assert len(found) == 1
        read_run_tensors(found[0])
        found[0].rename(run)
        if disk.left > 0:
            break
    assert failed >= 3
    assert disk.left > 0


def test_a_free_name_counts_up(run: Path) -> None:
    assert free_name("new", run.parent) == "new"
    (run.parent / "mine-2").mkdir()
    assert free_name("mine", run.parent) == "mine-3"
