"""What was computed is delivered, whatever fails beside it; what failed is listed; exit status 4."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from roundness import RoundnessDetector, ball

from sedir_core.errors import BadRun, DeviceUnavailable
from sedir_core.io.export import write_points_ply
from sedir_core.rundir.files import read_method
from sedir_core.runs.models import find_model


@pytest.fixture
def three(tmp_path: Path) -> Path:
    folder = tmp_path / "scans"
    for name in "abc":
        write_points_ply(folder / f"{name}.ply", ball())
    return folder


class Failing(RoundnessDetector):
    """At one scan something happens."""

    error: BaseException = MemoryError()

    def detect(self, scan: Any, *arguments: Any) -> Any:
        if scan.name == "b":
            raise self.error
        return super().detect(scan, *arguments)


def fail_with(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    monkeypatch.setattr(Failing, "error", error)
    monkeypatch.setattr("sedir_core.detectors.base.load_detector", lambda run_dir, device="auto": Failing())


def names(document: dict[str, Any], part: str) -> list[str]:
    return [Path(one["path"]).name for one in document[part]]


@pytest.mark.parametrize("error", [MemoryError(), DeviceUnavailable("cuda", "out of memory", "thin it out")])
def test_a_scan_too_large_for_the_memory_stops_no_other(sedir, three, monkeypatch, error) -> None:
    fail_with(monkeypatch, error)
    result = sedir("inspect", three, "--json", "-")
    document = json.loads(result.stdout)
    assert result.exit_code == 4
    assert names(document, "results") == ["a.ply", "c.ply"] and names(document, "errors") == ["b.ply"]
    assert document["complete"]


def test_a_name_too_long_to_export_keeps_no_other_back(sedir, three, tmp_path) -> None:
    long = three / ("b" * 250 + ".ply")
    (three / "b.ply").rename(long)
    result = sedir("inspect", three, "--export", tmp_path / "out", "--json", "-", "--csv", tmp_path / "t.csv")
    document = json.loads(result.stdout)
    assert result.exit_code == 4
    assert len(document["results"]) == 3
    assert [(one["path"], one["kind"]) for one in document["errors"]] == [(str(long), "cannot_write")]
    assert {path.stem for path in (tmp_path / "out").glob("*.png")} == {"a", long.stem, "c"}
    assert len(list(csv.reader((tmp_path / "t.csv").read_text().splitlines()))) == 5


def test_one_file_of_an_export_keeps_the_others_of_its_scan_not_back(sedir, three, tmp_path) -> None:
    long = "b" * 245  # with `_reconstruction.ply` it is too long
    (three / "b.ply").rename(three / f"{long}.ply")
    result = sedir("inspect", three, "--export", tmp_path / "out", "--json", "-")
    assert result.exit_code == 4
    assert {path.name for path in (tmp_path / "out").glob("b*")} == {f"{long}.ply", f"{long}.png"}
    (error,) = json.loads(result.stdout)["errors"]
    assert f"{long}_reconstruction.ply" in error["message"]


def test_no_memory_for_a_picture_ends_no_batch(sedir, three, tmp_path, monkeypatch) -> None:
    def full(*of: object) -> None:
        raise MemoryError

    monkeypatch.setattr("sedir_core.drawing.picture.draw_inspection", full)
    result = sedir("inspect", three, "--export", tmp_path / "out", "--json", "-")
    document = json.loads(result.stdout)
    assert (result.exit_code, len(document["results"]), len(document["errors"])) == (4, 3, 3)
    assert {path.name for path in (tmp_path / "out").glob("[abc].*")} == {"a.ply", "b.ply", "c.ply"}


@pytest.mark.parametrize("option", ["--json", "--csv", "--report"])
def test_an_output_that_cannot_be_written_keeps_no_other_back(sedir, three, tmp_path, option) -> None:
    outputs = {"--json": tmp_path / "o.json", "--csv": tmp_path / "o.csv", "--report": tmp_path / "o.html"}
    outputs[option].mkdir()
    result = sedir("inspect", three, *(word for pair in outputs.items() for word in pair))
    assert result.exit_code == 4
    assert len(result.stdout.splitlines()) == 4
    assert str(outputs[option]) in result.stderr
    for other, path in outputs.items():
        assert path.is_file() == (other != option)
    if option != "--json":
        assert names(json.loads(outputs["--json"].read_text()), "errors") == [outputs[option].name]


def test_a_full_standard_output_is_said(sedir, three, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("typer.echo", full_on_stdout)
    result = sedir("inspect", three, "--csv", tmp_path / "t.csv")
    assert result.exit_code == 4, result.exception
    assert (tmp_path / "t.csv").exists()
    assert sedir("runs", "list").exit_code == 1


def full_on_stdout(text: str, err: bool = False) -> None:
    if not err:
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize("error", [RuntimeError("a bug"), KeyboardInterrupt()])
def test_what_was_found_before_an_end_is_delivered_and_said_to_be_a_part(
    sedir, three, tmp_path, monkeypatch, error
) -> None:
    fail_with(monkeypatch, error)
    result = sedir("inspect", three, "--json", tmp_path / "found.json", "--csv", tmp_path / "t.csv")
    assert result.exit_code not in (0, 4)
    document = json.loads((tmp_path / "found.json").read_text())
    assert names(document, "results") == ["a.ply"] and not document["complete"]
    assert (tmp_path / "t.csv").exists()


def test_a_history_without_rights_hides_no_result(sedir, three, tmp_path) -> None:
    (tmp_path / "h.sqlite").write_bytes(b"SQLite format 3\0" + bytes(5000))
    place = ("--history-url", f"sqlite:///{tmp_path / 'h.sqlite'}", "--history-folder", tmp_path / "kept")
    result = sedir("inspect", three, "--record", *place, "--json", "-")
    document = json.loads(result.stdout)
    assert result.exit_code == 4
    assert len(document["results"]) == 3
    assert [one["kind"] for one in document["errors"]] == ["bad_history"]
    assert "3 of the results are not in the history" in document["errors"][0]["message"]


def test_plain_mistakes_are_said_in_words(sedir, three, tmp_path) -> None:
    long = "x" * 300
    result = sedir("inspect", three, long, "--json", "-")
    assert result.exit_code == 4 and names(json.loads(result.stdout), "errors") == [long]
    for words in (
        ["inspect", three, "--export", long], ["inspect", three, "--csv", long],
        ["evaluate", "default", long], ["runs", "show", long], ["runs", "list", long], ["watch", long],
        ["train", long, "--out", tmp_path / "run"], ["info", long], ["synth", long, tmp_path / "out"],
        ["weights", "import", long], ["history", "list", "--history-folder", long, "--history-url", f"sqlite:///{long}"],
        ["evaluate", "default", three, "--categories", long], ["runs", "import", long], ["ice", long, long, long],
        ["runs", "rename", "default", long], ["runs", "import", three / "a.ply", "--folder", long],
    ):  # fmt: skip
        result = sedir(*words)
        assert result.exit_code in (1, 2, 4) or words[:2] == ["runs", "list"], words
        assert isinstance(result.exception, SystemExit) or result.exception is None, (words, result.exception)


@pytest.mark.parametrize("size", ["inf", "1e300", "0"])
def test_any_size_of_the_history_is_taken(sedir, three, tmp_path, size) -> None:
    place = ("--history-url", f"sqlite:///{tmp_path / 'h.sqlite'}", "--history-folder", tmp_path / "kept")
    assert sedir("inspect", three, "--record", "--history-gb", size, *place).exit_code == 0


def test_a_model_by_an_impossible_name_is_said_not_to_be_one() -> None:
    with pytest.raises(BadRun):
        read_method(find_model("x" * 300))


@pytest.mark.skipif(sys.platform == "win32", reason="starts a shell")
def test_a_program_started_without_streams_writes_to_none_of_its_files() -> None:
    code = (
        "import sys; from sedir_core.__main__ import main; sys.argv[1:] = ['--version']\n"
        "try: main()\nexcept SystemExit: print(sys.stderr.fileno(), sys.stderr.isatty())"
    )
    done = subprocess.run(["sh", "-c", '"$0" -c "$1" 2>&-', sys.executable, code], stdout=subprocess.PIPE, text=True)
    assert done.stdout.splitlines()[-1:] == ["2 False"]


@pytest.mark.parametrize("option", ["--json", "--csv", "--report"])
def test_no_output_replaces_a_scan_or_another_output(sedir, three, tmp_path, option) -> None:
    scan = (three / "a.ply").rename(three / "a.html") if option == "--report" else three / "a.ply"
    before = scan.read_bytes()
    refused = sedir("inspect", scan, three, option, scan)
    assert refused.exit_code == 1 and "is one of the scans" in refused.stderr
    assert scan.read_bytes() == before
    both = tmp_path / "out.html"
    refused = sedir("inspect", three, "--csv" if option == "--json" else "--json", both, option, both)
    assert refused.exit_code == 1 and "two outputs" in refused.stderr
    assert not both.exists()
