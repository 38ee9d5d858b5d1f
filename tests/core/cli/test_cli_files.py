"""Files as people have them, on the command line: columns, side files, folders that mean what they are called."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from roundness import ball
from scan_files import text_rows

from sedir_core.config import Config, preset
from sedir_core.io.folder_notes import FolderNotes, notes_for, write_notes
from sedir_core.training.train import TrainRequest

UNCLEAR = b"a b c d\n" + text_rows([[7, *point] for point in np.round(ball(), 4).tolist()])


@pytest.fixture
def unclear(tmp_path: Path) -> Path:
    path = tmp_path / "tables" / "ball.txt"
    path.parent.mkdir()
    path.write_bytes(UNCLEAR)
    return path


def test_unclear_columns_are_refused_and_the_way_out_works(sedir, unclear) -> None:
    refused = sedir("inspect", unclear, "--json", "-")
    assert refused.exit_code == 4
    (error,) = json.loads(refused.stdout)["errors"]
    assert error["kind"] == "unknown_columns" and "a, b, c, d" in error["message"] and "--columns" in error["message"]
    for columns in ("2,3,4", "b,c,d"):
        answered = sedir("inspect", unclear, "--json", "-", "--columns", columns)
        assert answered.exit_code == 0 and len(json.loads(answered.stdout)["results"]) == 1


def test_columns_come_from_the_environment_and_the_configuration_too(sedir, unclear, tmp_path, monkeypatch) -> None:
    (tmp_path / "config.toml").write_text('[inspect]\ncolumns = "2,3,4"\n')
    assert sedir("inspect", unclear).exit_code == 0
    (tmp_path / "config.toml").unlink()
    monkeypatch.setenv("SEDIR_COLUMNS", "b,c,d")
    assert sedir("inspect", unclear).exit_code == 0


def test_a_note_in_the_folder_answers_for_good(sedir, unclear) -> None:
    write_notes(unclear.parent, FolderNotes(columns=("2", "3", "4")))
    assert notes_for(unclear) == FolderNotes(columns=("2", "3", "4"))
    assert sedir("inspect", unclear.parent).exit_code == 0


def test_a_note_that_cannot_be_understood_is_named(sedir, unclear) -> None:
    (unclear.parent / "sedir-data.toml").write_text('unit = "parsec"\n')
    result = sedir("inspect", unclear)
    assert result.exit_code == 4 and "sedir-data.toml" in result.stderr


def test_files_that_are_no_scans_are_listed_once_and_stop_nothing(sedir, good) -> None:
    (good.parent / "README.txt").write_text("Scanned on Monday.\n")
    (good.parent / "measurements.csv").write_text("part;length;width\nA1;80,02;50,01\n")
    result = sedir("inspect", good.parent, "--json", "-")
    found = json.loads(result.stdout)
    assert result.exit_code == 0 and not found["errors"] and len(found["results"]) == 1
    assert [Path(one["path"]).name for one in found["skipped"]] == ["README.txt", "measurements.csv"]
    assert result.stderr.count("README.txt") == 1 and "skipped 2 files that are not scans" in result.stderr


def test_a_file_that_was_named_is_never_passed_over(sedir, good, tmp_path) -> None:
    (tmp_path / "README.txt").write_text("Scanned on Monday.\n")
    assert sedir("inspect", good, tmp_path / "README.txt").exit_code == 4


def test_points_that_were_not_measured_are_named_in_the_reason(sedir, tmp_path) -> None:
    points = np.round(ball(), 4)
    points[::50, 2] = -32768
    (tmp_path / "a.xyz").write_bytes(text_rows(points.tolist()))
    (result,) = json.loads(sedir("inspect", tmp_path / "a.xyz", "--json", "-").stdout)["results"]
    assert "60 rows without a measurement were left out (z = -32768)" in result["reason"]


@pytest.fixture
def asked(monkeypatch) -> list[Config]:
    """The configurations with which trainings began."""
    seen: list[Config] = []

    def begin(request: TrainRequest, *rest: object) -> object:
        seen.append(request.config)
        raise KeyboardInterrupt

    monkeypatch.setattr("sedir_core.training.train._open_run", begin)
    return seen


def parts(root: Path, *folders: str) -> Path:
    for folder in folders:
        for i in range(2):
            path = root / folder / f"{i}.xyz"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text_rows(np.round(ball(seed=i), 4).tolist()))
    return root


def test_training_says_the_layout_and_what_it_makes_of_each_folder(sedir, asked, tmp_path) -> None:
    result = sedir("train", parts(tmp_path / "parts", "lid/OK", "lid/NG"), "--out", tmp_path / "run")
    assert "layout: folder, one kind of part (lid); OK/ to learn from (2), NG/ defective" in result.stderr


def test_training_on_what_is_called_defective_has_to_be_answered_for(sedir, asked, tmp_path) -> None:
    data = parts(tmp_path / "parts", "lid", "lid_NG")
    refused = sedir("train", data, "--out", tmp_path / "run")
    assert refused.exit_code == 1 and not asked
    assert "lid_NG would learn as good 2 scans that are called 'lid_NG'" in refused.stderr
    assert "--learn-defective" in refused.stderr
    sedir("train", data, "--out", tmp_path / "run", "--learn-defective")
    assert asked[0].data.defective_names == "learn"


def test_what_is_said_of_the_scans_is_in_the_run_s_configuration(sedir, asked, tmp_path) -> None:
    data = parts(tmp_path / "parts", "lid")
    sedir("train", data, "--preset", "tiny", "--out", tmp_path / "run", "--unit", "inch", "--columns", "x,y,z")
    assert asked[0] == preset("tiny", data={"unit": "inch", "columns": "x,y,z"})


def test_the_unit_of_a_data_set_is_noted_in_its_folder(sedir, asked, tmp_path) -> None:
    data = parts(tmp_path / "parts", "lid")
    write_notes(data, FolderNotes(unit="mm"))
    sedir("train", data, "--preset", "tiny", "--out", tmp_path / "run")
    assert asked[0].data.unit == "mm"


def test_a_part_from_cad_is_in_millimetres(sedir, asked, tmp_path) -> None:
    (tmp_path / "part.step").write_bytes(b"ISO-10303-21;\n")
    result = sedir("train", tmp_path / "part.step", "--preset", "tiny", "--out", tmp_path / "run")
    assert asked[0].data.unit == "mm"
    assert "layout: one part, one kind of part (part); part.step to learn from (1)" in result.stderr


def test_a_waiting_training_is_refused_as_one_that_begins_now(sedir, tmp_path) -> None:
    refused = sedir("train", parts(tmp_path / "parts", "lid_NG"), "--out", tmp_path / "run", "--queue")
    assert refused.exit_code == 1 and "--learn-defective" in refused.stderr
