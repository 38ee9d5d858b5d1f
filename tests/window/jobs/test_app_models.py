"""The choice of model and device, and what is said where a model does not fit."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from app_helpers import WAIT_MS, SphereDetector, loader, open_and_wait, open_window
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog

from app.state.entries import State
from app.state.session import Session
from sedir_core.config import preset, to_toml
from sedir_core.io.atomic import write_text
from sedir_core.rundir.files import ABOUT, CONFIG, WEIGHTS, About


def write_run(path: Path, categories: tuple[str, ...] = ("ball",), views: int = 0, finished: bool = True) -> Path:
    """The small files of a run."""
    about = About(
        method="sedir", categories=categories, seed=0, data_hash="0", device="cpu", threads=1,
        created="2026-11-20T08:00:00+00:00", versions={},
    )  # fmt: skip
    write_text(path / ABOUT, about.model_dump_json())
    write_text(path / CONFIG, to_toml(preset("tiny", training={"views": views})))
    if finished:
        (path / WEIGHTS).touch()
    return path


@pytest.fixture
def runs(tmp_path, monkeypatch) -> Path:
    """The user's runs: one that can be used, one that is unfinished, one that is damaged."""
    folder = tmp_path / "runs"
    write_run(folder / "good run", ("ball", "marble"), views=2)
    write_run(folder / "begun", finished=False)
    write_run(folder / "damaged")
    (folder / "damaged" / ABOUT).write_text("{")
    for module in ("sedir_core.runs.catalogue", "app.jobs.models"):
        monkeypatch.setattr(f"{module}.user_runs", lambda: folder)
    return folder


@pytest.fixture
def dialog(qtbot, window, runs):
    shown = window.dialogs.show_models()
    qtbot.waitUntil(lambda: shown.list.count() > 0 and shown._machine is not None, timeout=WAIT_MS)
    yield shown
    if window.dialogs._models is not None:
        shown.close()


def choose(dialog, name: str) -> None:
    names = [run.entry.name for run in dialog._runs]
    dialog.list.setCurrentRow(names.index(name))


def test_known_runs_say_what_they_are(dialog):
    origins = {run.entry.name: run.origin for run in dialog._runs}
    assert (origins["good run"], origins["default"]) == ("yours", "bundled")
    choose(dialog, "good run")
    assert dialog.facts["Knows"].text() == "2 kinds of part: ball, marble"
    assert dialog.facts["Trained"].text() == "20 November 2026"
    assert "single views" in dialog.facts["Sees"].text()
    assert dialog.facts["Measured"].text() == "never evaluated"
    assert dialog.facts["Folder"].text().endswith("good run")
    assert dialog.use.isEnabled()


def test_where_the_bundled_run_lies_is_nobodys_concern(dialog):
    choose(dialog, "default")
    assert dialog.facts["Folder"].text() == "comes with the program"


@pytest.mark.parametrize(("name", "why"), [("begun", "not finished"), ("damaged", "not readable")])
def test_a_run_that_is_of_no_use_says_why_and_cannot_be_taken(dialog, name, why):
    choose(dialog, name)
    assert why in dialog.trouble.text()
    assert not dialog.use.isEnabled()


def test_the_device_says_what_automatic_takes_and_why(dialog):
    assert dialog.device.itemText(0) == "Automatic" and "CPU" in dialog.device.itemText(dialog.device.count() - 1)
    assert dialog.why.text().startswith("Takes this: ")


def test_a_chosen_model_is_loaded_used_and_remembered(qtbot, window, dialog, runs):
    choose(dialog, "good run")
    with qtbot.waitSignal(window.model.model_tried, timeout=WAIT_MS):
        qtbot.mouseClick(dialog.use, Qt.MouseButton.LeftButton)
    assert window.session.run_dir == runs / "good run" and window.session.model is not None
    assert window.settings.run_dir == runs / "good run"
    assert window.settings.recent_models[0] == str(runs / "good run")
    assert "good run" in window._model_label.text()


def test_a_model_that_cannot_be_loaded_says_why_and_the_old_one_stays(qtbot, window, dialog, runs, dented_file):
    before = window.session.run_dir
    write_run(runs / "missing")  # the helpers' loader refuses this name
    dialog.picked.emit(runs / "missing")
    qtbot.waitUntil(lambda: dialog.chosen is not None and dialog.chosen.entry.name == "missing", timeout=WAIT_MS)
    with qtbot.waitSignal(window.model.model_tried, timeout=WAIT_MS):
        dialog.use.click()
    assert "no such run directory" in dialog.trouble.text() and "stays in use" in dialog.trouble.text()
    assert dialog.use.text() == "Use this model"
    assert window.session.run_dir == before and window.settings.run_dir is None
    (entry,) = open_and_wait(qtbot, window, dented_file)
    assert entry.state is State.DONE


def test_a_stop_while_a_model_loads_keeps_the_one_before(qtbot, window, dialog, runs, dented_file, monkeypatch):
    before, gate = window.session.run_dir, threading.Event()
    real = window.model._inspector._load

    def slow(run_dir: Path, device: str) -> SphereDetector:
        if run_dir.name == "good run":
            assert gate.wait(WAIT_MS / 1000)
        return real(run_dir, device)

    monkeypatch.setattr(window.model._inspector, "_load", slow)
    choose(dialog, "good run")
    dialog.use.click()
    with qtbot.waitSignal(window.model.model_tried, timeout=WAIT_MS) as answer:
        window.model.stop()
    assert answer.args[0].what == "loading was stopped"
    assert "was stopped" in dialog.trouble.text() and dialog.use.text() == "Use this model"
    gate.set()
    (entry,) = open_and_wait(qtbot, window, dented_file)
    assert entry.state is State.DONE and entry.model.run_dir == before
    assert window.session.run_dir == before and window.settings.run_dir is None


def test_a_folder_from_elsewhere_joins_the_list(qtbot, window, dialog, tmp_path, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(write_run(tmp_path / "far" / "away")))
    dialog.folder.click()
    qtbot.waitUntil(lambda: dialog.chosen is not None and dialog.chosen.entry.name == "away", timeout=WAIT_MS)
    assert dialog.chosen.origin == "elsewhere"


def test_a_file_that_is_no_model_says_so(qtbot, dialog, tmp_path):
    (tmp_path / "x.sedir").write_text("nothing")
    dialog.picked.emit(tmp_path / "x.sedir")
    qtbot.waitUntil(lambda: bool(dialog.trouble.text()), timeout=WAIT_MS)


class DoubtingDetector(SphereDetector):
    """Never sure."""

    def detect(self, *arguments):
        return replace(super().detect(*arguments), uncertain=True, reason="fits no known category")


def test_a_part_that_the_model_does_not_know_is_said_with_what_it_knows(qtbot, settings, tmp_path, dented_file, runs):
    with open_window(qtbot, Session(loader(DoubtingDetector()), tmp_path / "run"), settings, tmp_path) as window:
        open_and_wait(qtbot, window, dented_file)
        doubt = window.page.verdict.doubt
        assert doubt.isVisible() and "This model knows: ball, marble" in doubt.text.text()
        doubt.button.click()
        assert window.dialogs._models is not None
        window.dialogs._models.close()


def test_a_known_part_raises_no_doubt(qtbot, window, dented_file):
    open_and_wait(qtbot, window, dented_file)
    assert not window.page.verdict.doubt.isVisible()
