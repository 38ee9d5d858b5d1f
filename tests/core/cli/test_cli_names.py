"""Names of files, parts, lots and comments are shown on one line and stop no batch."""

from __future__ import annotations

import csv
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from roundness import RoundnessDetector, ball
from typer.testing import CliRunner

from sedir_core.cli import app
from sedir_core.io.export import write_points_ply

NAMES = (
    b"part_\xff\xfe.ply", b"a\nOK         12 %  ball.ply", b"b\rOK  ball.ply", b"c\x1b[1A\x1b[2KOK.ply",
    b"<b>d&.ply", "e\u202eylp.ply".encode(), b"=cmd|' C calc'!A0.ply",
)  # fmt: skip


class Renaming(RoundnessDetector):
    """Knows a part whose name forges a line."""

    def detect(self, *arguments: Any) -> Any:
        return replace(super().detect(*arguments), category="ball\nOK  forged", reason="round\r\x1b[1Anot")


@pytest.fixture
def odd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of good scans, and one that is no scan, with odd names."""
    folder = tmp_path / "scans"
    for name in NAMES:
        write_points_ply(folder / os.fsdecode(name), ball())
    (folder / os.fsdecode(b"broken\nOK \xff.ply")).write_bytes(b"nothing")
    monkeypatch.setattr("sedir_core.detectors.base.load_detector", lambda run_dir, device="auto": Renaming())
    return folder


def assert_plain(text: str) -> None:
    """Nothing but what we laid out."""
    text.encode("utf-8")
    assert not [sign for sign in text if not (sign.isprintable() or sign == "\n")]


def test_odd_names_stop_no_batch_and_forge_no_line(sedir, odd: Path, tmp_path: Path) -> None:
    outputs = {kind: tmp_path / f"out.{kind}" for kind in ("json", "csv", "html", "pdf")}
    place = ("--history-url", f"sqlite:///{tmp_path / 'h.sqlite'}", "--history-folder", tmp_path / "kept")
    result = sedir(
        "inspect", odd, "--json", outputs["json"], "--csv", outputs["csv"], "--report", outputs["html"], "--export",
        tmp_path / "export", "--record", "--lot", "A\x1b[1A\nOK", *place,
    )  # fmt: skip
    assert result.exit_code == 4, result.exception
    assert_plain(result.stdout)
    assert_plain(result.stderr)
    verdicts = [line for line in result.stdout.splitlines() if line.startswith("OK")]
    assert len(verdicts) == len(NAMES) and len(result.stdout.splitlines()) == len(NAMES) + 1
    assert len(result.stderr.splitlines()) == 1

    document = json.loads(outputs["json"].read_text("utf-8"))
    assert len(document["results"]) == len(NAMES) and len(document["errors"]) == 1
    rows = list(csv.reader(outputs["csv"].read_text("utf-8").splitlines()))
    assert len(rows) == len(NAMES) + 2
    assert_plain(outputs["html"].read_text("utf-8").replace("\t", ""))
    assert len(list((tmp_path / "export").glob("*.png"))) == len(NAMES)

    for command in (("list",), ("list", "--csv", tmp_path / "list.csv"), ("export", tmp_path / "all.json")):
        said = sedir("history", *command, *place)
        assert said.exit_code == 0, said.exception
        assert_plain(said.stdout)
    key = json.loads(sedir("history", "list", "--json", "-", *place).stdout)[0]["key"]
    assert_plain(sedir("history", "show", key, *place).stdout)
    assert sedir("inspect", odd, "--report", outputs["pdf"]).exit_code == 4


@pytest.mark.parametrize(
    "words",
    [
        ("train", "{}", "--set", "{}"),
        ("train", "{}", "--set", "training.epochs={}"),
        ("inspect", "{}", "--columns", "{}"),
        ("inspect", "{}", "--tolerance", "{}"),
        ("watch", "{}", "--settle", "{}"),
        ("ice", "{}", "{}", "{}", "--seeds", "{}"),
    ],
)
def test_a_mistake_is_repeated_on_one_line(words: tuple[str, ...]) -> None:
    odd = "a\x1b[2J\rOK \udcff"
    result = CliRunner().invoke(app, [word.format(odd) for word in words])
    assert result.exit_code in (1, 2, 4)
    assert not {"\x1b", "\r"} & set(result.output)


def test_json_names_the_file_that_can_be_opened(sedir, tmp_path: Path) -> None:
    path = tmp_path / "a\nb.ply"
    write_points_ply(path, ball())
    (one,) = json.loads(sedir("inspect", path, "--json", "-").stdout)["results"]
    assert Path(one["path"]).is_file()
