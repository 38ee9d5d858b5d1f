"""`sedir ice`: the document, the files, statuses."""

from __future__ import annotations

import json

from sedir_core.detectors.sedir import SedirDetector
from sedir_core.evaluation.ice_growing import Growth, Step


def test_numbers_figure_and_tables_of_a_real_run(sedir, tiny, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("sedir_core.detectors.base.load_detector", lambda run, device="auto": SedirDetector.load(run))
    files = [tmp_path / name for name in ("a.json", "a.svg", "a.csv", "a.npz")]
    options = [text for pair in zip(("--json", "--figure", "--csv", "--npz"), files, strict=True) for text in pair]
    done = sedir("ice", tiny.path, tiny.path, tiny.dataset, *options, "--seed", 3, "--device", "cpu")
    assert done.exit_code == 0, done.output
    assert all(file.stat().st_size for file in files)
    document = json.loads(files[0].read_text())
    assert document["seed"] == 3
    assert document["model"] == document["baseline"]
    assert set(document["model"]["normal_error"]) == {"bracket", "cup", "pipe_elbow"}
    assert "Probe accuracy" in done.stdout


def test_a_figure_of_unknown_format_is_refused_before_the_work(sedir, tiny, tmp_path) -> None:
    done = sedir("ice", tiny.path, tiny.path, tiny.dataset, "--figure", tmp_path / "a.gif")
    assert done.exit_code == 1
    assert "use .svg, .pdf or .png" in done.output


def test_runs_that_share_no_category_with_the_data_are_refused(sedir, tiny) -> None:
    done = sedir("ice", tiny.path, tiny.path, tiny.dataset)  # the roundness detector knows balls
    assert done.exit_code == 1
    assert "fewer than two categories" in done.output


def test_growing_asks_for_a_folder_and_one_dataset(sedir, tiny, tmp_path) -> None:
    for words in (("--growing", tiny.dataset), ("--growing", tiny.path, tiny.dataset, "--out", tmp_path)):
        assert sedir("ice", *words).exit_code == 2
    assert "--growing" in sedir("ice", tiny.path, tiny.path, tiny.dataset, "--counts", "2").stderr


def test_growing_hands_over_what_was_asked_for(sedir, tiny, tmp_path, monkeypatch) -> None:
    asked = []

    def grow(request, report, stop):
        asked.append(request)
        step = Step("sedir", "SeDiR", 2, 0, 0.9, 0.1, 0.5, 0.8, 0.8, 0.8, 0.8)
        return Growth("parts", ("a", "b"), (step,))

    monkeypatch.setattr("sedir_core.evaluation.ice_growing.grow", grow)
    files = [tmp_path / name for name in ("a.json", "a.svg", "a.md")]
    options = [text for pair in zip(("--json", "--figure", "--table"), files, strict=True) for text in pair]
    sizes = ("--counts", "2,3", "--seeds", "0,1", "--preset", "tiny", "--epochs", 2)
    done = sedir("ice", "--growing", tiny.dataset, "--out", tmp_path / "out", *sizes, *options)
    assert done.exit_code == 0, done.output
    assert (asked[0].counts, asked[0].seeds) == ((2, 3), (0, 1))
    assert [one.config.training.epochs for one in asked[0].growers] == [2, 2, 2]
    assert json.loads(files[0].read_text())["steps"][0]["title"] == "SeDiR"
    assert all(file.stat().st_size for file in files)
