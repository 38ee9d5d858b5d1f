"""`sedir inspect` keeps its contract: documents, exports, exit statuses."""

from __future__ import annotations

import csv
import json
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from roundness import RoundnessDetector, ball

from sedir_core.evaluation.inspection import Exports
from sedir_core.evidence.limits import Calibration
from sedir_core.io.export import write_points_ply
from sedir_core.io.scans import read_scan

RESULT_KEYS = {
    "path",
    "n_points",
    "category",
    "category_confidence",
    "score",
    "threshold",
    "verdict",
    "uncertain",
    "defects",
    "seconds",
}


def document(result: Any) -> dict[str, Any]:
    return json.loads(result.stdout)


def test_json_has_every_promised_key(sedir, dented) -> None:
    found = document(sedir("inspect", dented, "--json", "-"))
    assert found.keys() >= {"model", "results", "errors"}
    (result,) = found["results"]
    assert result.keys() >= RESULT_KEYS
    assert result["defects"][0].keys() >= {"centroid", "extent", "n_points", "peak"}
    assert result["seconds"].keys() >= {"read", "measure", "total"}


def test_good_is_ok_and_dented_is_ng(sedir, good, dented) -> None:
    found = document(sedir("inspect", good, dented, "--json", "-"))
    assert {Path(one["path"]).stem: one["verdict"] for one in found["results"]} == {"good": "ok", "dented": "ng"}


def test_json_to_a_file_leaves_the_table_on_stdout(sedir, good, tmp_path) -> None:
    result = sedir("inspect", good, "--json", tmp_path / "found.json")
    assert json.loads((tmp_path / "found.json").read_text())["results"][0]["verdict"] == "ok"
    assert result.stdout.splitlines()[1].startswith("OK")


def test_a_folder_stands_for_its_scans(sedir, good, dented) -> None:
    assert len(document(sedir("inspect", good.parent, "--json", "-"))["results"]) == 2


def test_ng_alone_does_not_fail(sedir, dented) -> None:
    assert sedir("inspect", dented).exit_code == 0


def test_ng_fails_where_asked(sedir, good, dented) -> None:
    assert sedir("inspect", good, dented, "--fail-on-ng").exit_code == 3
    assert sedir("inspect", good, "--fail-on-ng").exit_code == 0


def test_an_unreadable_scan_is_listed_and_the_others_are_done(sedir, good, broken, tmp_path) -> None:
    result = sedir("inspect", broken, good, tmp_path / "missing.ply", "--json", "-")
    assert result.exit_code == 4
    found = document(result)
    assert [Path(one["path"]).stem for one in found["results"]] == ["good"]
    assert {(Path(one["path"]).stem, one["kind"]) for one in found["errors"]} == {
        ("broken", "unreadable_scan"),
        ("missing", "unreadable_scan"),
    }
    assert all(one["message"] for one in found["errors"])


def test_report_and_table_name_every_file(sedir, good, dented, broken, tmp_path) -> None:
    html, table = tmp_path / "report.html", tmp_path / "table.csv"
    result = sedir("inspect", good, dented, broken, "--report", html, "--csv", table)
    assert result.exit_code == 4
    rows = list(csv.DictReader(table.read_text().splitlines()))
    assert [row["verdict"] for row in rows] == ["ng", "ok", ""]
    assert rows[2]["reason"]
    for path in (good, dented, broken):
        assert path.name in html.read_text()


def test_a_report_of_another_kind_is_refused_before_the_work(sedir, good, tmp_path) -> None:
    result = sedir("inspect", good, "--report", tmp_path / "report.docx")
    assert result.exit_code == 1
    assert "neither .html nor .pdf" in result.stderr
    assert result.stdout == ""


def test_a_report_says_who_inspected_which_lot(sedir, good, tmp_path) -> None:
    html = tmp_path / "report.html"
    assert sedir("inspect", good, "--report", html, "--operator", "Ada", "--lot", "L-7").exit_code == 0
    assert "<dd>Ada</dd>" in html.read_text() and "<dd>L-7</dd>" in html.read_text()


def test_a_logo_that_is_no_picture_is_refused_before_the_work(sedir, good, tmp_path) -> None:
    (tmp_path / "logo.svg").write_text("<svg/>")
    result = sedir("inspect", good, "--report", tmp_path / "r.html", "--logo", tmp_path / "logo.svg")
    assert result.exit_code == 1 and "not a PNG or JPEG" in result.stderr
    assert result.stdout == "" and not (tmp_path / "r.html").exists()


def test_an_unreadable_scan_outranks_ng(sedir, broken, dented) -> None:
    assert sedir("inspect", broken, dented, "--fail-on-ng").exit_code == 4


def test_an_empty_folder_is_said_to_be_empty(sedir, tmp_path) -> None:
    (tmp_path / "empty").mkdir()
    result = sedir("inspect", tmp_path / "empty", "--json", "-")
    assert result.exit_code == 4
    assert document(result)["errors"][0]["path"] == str(tmp_path / "empty")


def test_an_unknown_category_is_refused_with_the_known_ones(sedir, good) -> None:
    result = sedir("inspect", good, "--category", "cube")
    assert result.exit_code == 1
    assert "ball, globe" in result.stderr
    assert result.stdout == ""


def test_the_category_reaches_the_detector(sedir, good) -> None:
    found = document(sedir("inspect", good, "--category", "globe", "--json", "-"))
    assert found["results"][0]["category"] == "globe"


def test_no_path_is_a_usage_error(sedir) -> None:
    assert sedir("inspect").exit_code == 2


def test_exports_keep_points_and_order(sedir, dented, tmp_path) -> None:
    out = tmp_path / "out"
    assert sedir("inspect", dented, "--export", out).exit_code == 0
    assert {path.name for path in out.iterdir()} == {"dented.ply", "dented_reconstruction.ply", "dented.png"}
    assert np.array_equal(read_scan(out / "dented.ply").points, read_scan(dented).points)
    assert b"property float scalar_anomaly" in (out / "dented.ply").read_bytes()[:400]
    assert (out / "dented.png").read_bytes().startswith(b"\x89PNG")


def test_exports_of_equal_stems_get_a_number(tmp_path) -> None:
    paths = [tmp_path / "a" / "part.ply", tmp_path / "b" / "Part.pcd", tmp_path / "part_reconstruction.ply"]
    assert Exports(tmp_path / "out").plan(paths) == ["part", "Part_2", "part_reconstruction_2"]


def test_a_later_command_replaces_no_export_of_another_scan(sedir, tmp_path) -> None:
    out, names = tmp_path / "out", ("part.xyz", "part.ply", "part_reconstruction.ply")
    for n_points, name in enumerate(names, 301):
        points = ball(n_points=n_points)
        np.savetxt(tmp_path / name, points) if name.endswith("xyz") else write_points_ply(tmp_path / name, points)
        assert sedir("inspect", tmp_path / name, "--export", out).exit_code == 0
    again = sorted((tmp_path / name for name in names), reverse=True)
    assert sedir("inspect", *again, "--export", out).exit_code == 0
    lengths = {path.stem: len(read_scan(path)) for path in out.glob("*.ply")}
    assert (lengths["part"], lengths["part_2"], lengths["part_reconstruction_2"]) == (301, 302, 303)
    assert len(list(out.glob("*.png"))) == 3


def test_an_export_replaces_nothing_that_is_no_export(sedir, good, tmp_path) -> None:
    (tmp_path / "out").mkdir()
    for photo in (tmp_path / "out" / "good.png", tmp_path / "out" / "good_2.ply"):
        photo.write_bytes(b"mine")
    for _ in range(2):
        assert sedir("inspect", good, "--export", tmp_path / "out").exit_code == 0
    kept = {path.name: path.read_bytes() == b"mine" for path in (tmp_path / "out").glob("good*")}
    ours = ("good_3.ply", "good_3_reconstruction.ply", "good_3.png")
    assert kept == {"good.png": True, "good_2.ply": True} | dict.fromkeys(ours, False)


def test_an_export_never_replaces_a_scan(sedir, good) -> None:
    before = good.read_bytes()
    result = sedir("inspect", good, "--export", good.parent)
    assert result.exit_code == 1
    assert "another folder" in result.stderr
    assert good.read_bytes() == before


def test_a_stop_records_nothing(sedir, good, tmp_path, monkeypatch) -> None:
    read = read_scan

    def read_and_interrupt(path: Path, **options: object) -> Any:
        os.kill(os.getpid(), signal.SIGINT)
        return read(path)

    monkeypatch.setattr("sedir_core.evaluation.inspection.read_scan", read_and_interrupt)
    result = sedir("inspect", good, "--json", tmp_path / "found.json")
    assert result.exit_code == 130
    assert not (tmp_path / "found.json").exists()


@pytest.mark.parametrize("source", ["short variable", "full variable", "file", "file at the top"])
def test_defaults_come_from_outside(sedir, good, tmp_path, monkeypatch, source) -> None:
    if "variable" in source:
        monkeypatch.setenv("SEDIR_INSPECT_CATEGORY" if "full" in source else "SEDIR_CATEGORY", "globe")
    else:
        head = "" if "top" in source else "[inspect]\n"
        (tmp_path / "config.toml").write_text(head + 'category = "globe"\n')
    assert document(sedir("inspect", good, "--json", "-"))["results"][0]["category"] == "globe"


def test_command_line_over_variable_over_file(sedir, good, dented, tmp_path, monkeypatch) -> None:
    (tmp_path / "config.toml").write_text('[inspect]\ncategory = "cube"\nfail-on-ng = true\n')
    monkeypatch.setenv("SEDIR_CATEGORY", "globe")
    assert document(sedir("inspect", good, "--json", "-"))["results"][0]["category"] == "globe"
    given = sedir("inspect", good, dented, "--category", "ball", "--json", "-")
    assert document(given)["results"][0]["category"] == "ball"
    assert given.exit_code == 3


@pytest.mark.parametrize("text", ["queue = true", 'json = "a.json"', "json = true", "record = true\nqueue = false"])
def test_an_option_of_one_command_breaks_no_other(sedir, good, tmp_path, monkeypatch, text) -> None:
    """`queue` is a command and an option of another; `json` a switch here and a file there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sedir_core.history.place.writable_folders", lambda: {"data": tmp_path / "data"})
    (tmp_path / "config.toml").write_text(text)
    for words in (("inspect", good), ("queue", "list"), ("runs", "list"), ("info", "default"), ("weights", "list")):
        result = sedir(*words)
        assert result.exit_code == 0, (words, result.exception, result.stderr)
    assert not (tmp_path / "True").exists()


@pytest.mark.parametrize(("value", "file"), [("a.json", True), ("1", False), ("true", False)])
def test_a_variable_of_one_command_breaks_no_other(sedir, good, tmp_path, monkeypatch, value, file) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEDIR_JSON", value)
    assert sedir("inspect", good).exit_code == 0
    assert (tmp_path / value).exists()
    assert sedir("runs", "list").stdout.startswith("name") == file


@pytest.mark.parametrize("text", ["[inspect]\ncolour = 1", "inspekt = 1", "[inspekt]\nmodel = 1", "= nonsense"])
def test_a_configuration_file_with_mistakes_is_refused(sedir, good, tmp_path, text) -> None:
    (tmp_path / "config.toml").write_text(text)
    result = sedir("inspect", good)
    assert result.exit_code == 1
    assert "config.toml" in result.stderr


def test_a_rate_of_false_alarms_moves_the_limit(sedir, good, monkeypatch) -> None:
    class Keeping(RoundnessDetector):
        def calibration(self) -> Calibration:
            return Calibration(0.05, {name: np.linspace(0.01, 0.03, 20) for name in self.categories}, {})

    monkeypatch.setattr("sedir_core.detectors.base.load_detector", lambda run_dir, device="auto": Keeping())
    (usual,) = document(sedir("inspect", good, "--json", "-"))["results"]
    (calm,) = document(sedir("inspect", good, "--false-alarm-rate", 0.001, "--json", "-"))["results"]
    assert calm["threshold"] > usual["threshold"]
    assert calm["score"] == usual["score"]


def test_a_run_that_keeps_no_scores_refuses_a_rate(sedir, good) -> None:
    result = sedir("inspect", good, "--false-alarm-rate", 0.01)
    assert result.exit_code == 1
    assert "train it again" in result.stderr


class Doubtful(RoundnessDetector):
    """Finds everything round, and does not know what it is."""

    score: float = 0.5

    def detect(self, *arguments: Any) -> Any:
        return replace(super().detect(*arguments), object_score=self.score, uncertain=True, reason="what is it?")


class Numberless(Doubtful):
    """Its arithmetic fails."""

    score = float("nan")


@pytest.fixture
def doubtful(monkeypatch) -> None:
    monkeypatch.setattr("sedir_core.detectors.base.load_detector", lambda run_dir, device="auto": Doubtful())


@pytest.fixture
def numberless(monkeypatch) -> None:
    monkeypatch.setattr("sedir_core.detectors.base.load_detector", lambda run_dir, device="auto": Numberless())


def test_uncertain_is_a_verdict_of_its_own(sedir, good, doubtful, tmp_path) -> None:
    html, table = tmp_path / "report.html", tmp_path / "table.csv"
    (result,) = document(sedir("inspect", good, "--json", "-", "--csv", table, "--report", html))["results"]
    assert (result["verdict"], result["uncertain"]) == ("uncertain", True)
    assert next(csv.DictReader(table.read_text().splitlines()))["verdict"] == "uncertain"
    assert '<td class="verdict Uncertain">Uncertain</td>' in html.read_text()
    assert sedir("inspect", good).stdout.splitlines()[1].startswith("Uncertain")


def test_uncertain_fails_only_where_asked(sedir, good, doubtful) -> None:
    assert sedir("inspect", good, "--fail-on-ng").exit_code == 0
    assert sedir("inspect", good, "--fail-on-uncertain").exit_code == 3


def test_a_score_that_is_no_number_fails_every_check(sedir, good, numberless, tmp_path) -> None:
    (result,) = document(sedir("inspect", good, "--json", "-"))["results"]
    assert (result["verdict"], result["uncertain"], result["score"]) == ("uncertain", True, None)
    assert sedir("inspect", good, "--fail-on-ng").exit_code == 3
    assert sedir("inspect", good, "--fail-on-uncertain").exit_code == 3


def test_a_score_that_is_no_number_is_recorded_as_uncertain(sedir, good, numberless, tmp_path) -> None:
    place = ("--history-url", f"sqlite:///{tmp_path / 'h.sqlite'}", "--history-folder", tmp_path / "kept")
    assert sedir("inspect", good, "--record", *place).exit_code == 0
    (row,) = json.loads(sedir("history", "list", "--json", "-", *place).stdout)
    assert (row["verdict"], row["uncertain"], row["score"]) == ("uncertain", True, None)
    assert json.loads(sedir("history", "list", "--verdict", "ok", "--json", "-", *place).stdout) == []
