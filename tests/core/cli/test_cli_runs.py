"""`sedir runs`: what a user types and reads; what the operations do is tested with them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tiny_run import CATEGORIES, TinyRun
from typer.testing import CliRunner, Result

from sedir_core.cli import app
from sedir_core.rundir.lock import held


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny: TinyRun) -> Path:
    """The user's runs: one, named `mine`."""
    for name in ("DATA", "CACHE", "CONFIG"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    runs = tmp_path / "data" / "sedir-inspect" / "runs"
    shutil.copytree(tiny.path, runs / "mine")
    return runs


def sedir(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def listed(*arguments: str) -> list[str]:
    return [entry["name"] for entry in json.loads(sedir("runs", "list", "--json", *arguments).stdout)]


def test_runs_are_listed_with_the_bundled_one(home: Path) -> None:
    assert listed() == ["mine", "default"]
    said = sedir("runs", "list").stdout
    assert "finished" in said and "tiny" in said


def test_a_run_is_shown(home: Path) -> None:
    document = json.loads(sedir("runs", "show", "mine", "--json").stdout)
    assert list(document["thresholds"]) == list(CATEGORIES)
    assert document["settings"]["training.epochs"] == "15"
    assert "bracket" in sedir("runs", "show", "mine").stdout


def test_two_runs_are_compared(home: Path) -> None:
    said = sedir("runs", "compare", "mine", "default")
    assert said.exit_code == 0
    assert "training.epochs" in said.stdout and "sedir evaluate" in said.stdout
    assert json.loads(sedir("runs", "compare", "mine", "default", "--json").stdout)["settings"]["preset"] == [
        "tiny", "desktop",
    ]  # fmt: skip


def test_rename_archive_delete_restore(home: Path) -> None:
    assert sedir("runs", "rename", "mine", "cups").exit_code == 0
    assert listed() == ["cups", "default"]
    sedir("runs", "archive", "cups")
    assert (listed(), listed("--archived")) == (["default"], ["cups"])
    sedir("runs", "archive", "cups", "--back")
    assert "runs restore cups" in sedir("runs", "delete", "cups").stderr
    assert listed() == ["default"]
    assert [one["name"] for one in json.loads(sedir("runs", "trash", "--json").stdout)] == ["cups"]
    assert sedir("runs", "restore", "cups").exit_code == 0
    assert listed() == ["cups", "default"]
    sedir("runs", "delete", "cups")
    assert "1 run was permanently deleted" in sedir("runs", "empty-trash").stderr
    assert sedir("runs", "restore", "cups").exit_code == 1
    assert "empty" in sedir("runs", "trash").stdout


def test_a_bundle_is_exported_imported_and_inspected_with(home: Path, tmp_path: Path, tiny: TinyRun) -> None:
    written = Path(sedir("runs", "export", "mine", tmp_path / "out" / "cups").stdout.strip())
    assert written.name == "cups.sedir"
    assert sedir("runs", "import", written, "--name", "again").exit_code == 0
    assert "again" in listed()
    scan = next((tiny.dataset / "cup" / "test").glob("*positive*"))
    said = sedir("inspect", scan, "--model", written, "--json", "-", "--device", "cpu")
    assert json.loads(said.stdout)["results"][0]["category"] in CATEGORIES
    assert json.loads(sedir("info", written, "--json").stdout)["categories"] == list(CATEGORIES)


def test_a_run_says_how_many_good_parts_a_tolerance_calls_ng(home: Path) -> None:
    for tolerance, low, high in (("1e6", 0.0, 0.01), ("1e-6", 0.99, 1.0)):
        shares = json.loads(sedir("info", "mine", "--tolerance", tolerance, "--json").stdout)["out_of_tolerance"]
        assert list(shares) == list(CATEGORIES)
        assert all(low <= share <= high for share in shares.values())
    assert "does not keep how far" in sedir("info", "default", "--tolerance", "0.3").stderr


def test_what_is_no_bundle_is_refused_calmly(home: Path, tmp_path: Path) -> None:
    (tmp_path / "x.sedir").write_bytes(b"MZ program")
    for words in (("runs", "import", tmp_path / "x.sedir"), ("inspect", tmp_path, "--model", tmp_path / "x.sedir")):
        result = sedir(*words)
        assert result.exit_code == 1
        assert "is not a model exported by SeDiR Inspect" in result.stderr


def test_what_is_no_run_is_refused_calmly(home: Path, tmp_path: Path) -> None:
    for command in ("show", "delete", "archive"):
        result = sedir("runs", command, tmp_path)
        assert (result.exit_code, "is not a run" in result.stderr) == (1, True)


def test_a_run_in_training_is_not_deleted(home: Path) -> None:
    with held(home / "mine"):
        result = sedir("runs", "delete", "mine")
    assert result.exit_code == 1
    assert "is being trained" in result.stderr
    assert "mine" in listed()


def test_an_empty_folder_says_what_to_do(tmp_path: Path) -> None:
    assert "sedir train" in sedir("runs", "list", tmp_path).stdout
