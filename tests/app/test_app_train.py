"""Training from the window as a user does it: a folder, categories, settings, Train, curves, stop, go on, inspect."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest
from app_helpers import WAIT_MS, SphereDetector, dented_sphere, save_ply
from core.tiny_run import part, scan_of, write_dataset
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from pytestqt.qtbot import QtBot

from app.jobs import training
from app.jobs.training import Phase
from app.session import Session
from app.settings import Settings
from app.views.curves import CurveGrid, readable, smoothed
from app.widgets.config_form import ConfigForm
from app.widgets.theme import DARK, LIGHT
from app.workspaces.train.page import TrainPage
from app.workspaces.train.progress_panel import remaining
from sedir_core.config import preset
from sedir_core.datasets.survey import survey
from sedir_core.detectors.run_files import read_run_config
from sedir_core.detectors.sedir import SedirDetector
from sedir_core.io.export import write_points_ply
from sedir_core.training.events import EpochEvent, read_events
from sedir_core.training.pace import Pace

TRAINING_MS = 120_000


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folders, for the window and the processes that it starts."""
    for name in ("DATA", "CACHE", "CONFIG", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    return tmp_path / "data" / "sedir-inspect" / "runs"


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("parts") / "parts")


@pytest.fixture
def page(qtbot: QtBot, tmp_path: Path) -> Iterator[TrainPage]:
    yield from opened(qtbot, tmp_path)


def opened(qtbot: QtBot, tmp_path: Path) -> Iterator[TrainPage]:
    session = Session(lambda run, device: SphereDetector(), tmp_path / "run", "cpu")
    page = TrainPage(session, Settings(tmp_path / "settings.ini"), LIGHT)
    session.setParent(page)
    page.resize(1100, 700)
    page.activate()
    page.show()
    qtbot.waitExposed(page)
    qtbot.waitUntil(lambda: bool(page.settings.device.currentData()), timeout=WAIT_MS)
    yield page
    assert page.close_down()
    page.close()
    page.deleteLater()


def checked(qtbot: QtBot, page: TrainPage) -> AbstractContextManager[object]:
    """Every category of a data set has been looked through."""
    return qtbot.waitSignal(page.survey.checked, timeout=WAIT_MS, check_params_cb=lambda found: found.complete)


def choose(qtbot: QtBot, page: TrainPage, folder: Path) -> None:
    with checked(qtbot, page):
        page.data.folder_wanted.emit(folder)


def type_into(qtbot: QtBot, form: ConfigForm, section: str, name: str, text: str) -> None:
    editor = form.fields[section, name].editor
    editor.clear()
    qtbot.keyClicks(editor, text)


def begin(qtbot: QtBot, page: TrainPage, parts: Path, epochs: int, name: str = "mine") -> Path:
    choose(qtbot, page, parts)
    page.data.tick(False)
    page.data.tree.topLevelItem(1).setCheckState(0, Qt.CheckState.Checked)
    page.settings.preset.setCurrentIndex(page.settings.preset.findData("tiny"))
    type_into(qtbot, page.settings.form, "training", "epochs", str(epochs))
    page.settings.name.setText(name)
    qtbot.mouseClick(page.settings.train, Qt.MouseButton.LeftButton)
    assert page.model.follow is not None
    return page.model.follow.run_dir


def wait_for(qtbot: QtBot, page: TrainPage, phase: Phase) -> None:
    qtbot.waitUntil(lambda: page.model.follow is not None and page.model.follow.phase is phase, timeout=TRAINING_MS)


def test_from_an_empty_page_to_inspecting_with_the_new_model(
    qtbot: QtBot, page: TrainPage, parts: Path, home: Path
) -> None:
    assert not page.settings.train.isEnabled()
    run_dir = begin(qtbot, page, parts, epochs=3)
    assert run_dir == home / "mine"
    wait_for(qtbot, page, Phase.COMPLETE)
    assert read_run_config(run_dir).training.epochs == 3
    assert page.model.curves.epochs["total"][-1][0] == 3
    assert page.progress.curves.charts.keys() >= {"total", "rec", "scl", "cls", "cos", "learning rate", "steps/s"}
    assert page.progress.limits.item(0, 0).text() == "cup"
    assert page.progress.limits.isColumnHidden(2)
    with qtbot.waitSignal(page.evaluator.finished, timeout=TRAINING_MS) as evaluated:
        qtbot.mouseClick(page.progress.evaluate, Qt.MouseButton.LeftButton)
    assert evaluated.args == [run_dir, ""]
    assert 0 <= float(page.progress.limits.item(0, 2).text()) <= 100
    with qtbot.waitSignal(page._session.workspace_wanted) as wanted:
        qtbot.mouseClick(page.progress.inspect, Qt.MouseButton.LeftButton)
    assert wanted.args == ["inspect"]
    assert page._session.run_dir == run_dir


def test_a_training_outlives_the_page_is_found_again_stopped_and_goes_on(
    qtbot: QtBot, tmp_path: Path, parts: Path
) -> None:
    first = opened(qtbot, tmp_path)
    page = next(first)
    run_dir = begin(qtbot, page, parts, epochs=2_000)
    wait_for(qtbot, page, Phase.RUNNING)
    qtbot.waitUntil(lambda: bool(page.model.curves.epochs), timeout=TRAINING_MS)
    next(first, None)  # the page is closed
    second = opened(qtbot, tmp_path)
    page = next(second)
    wait_for(qtbot, page, Phase.RUNNING)
    assert page.model.follow is not None and page.model.follow.run_dir == run_dir
    qtbot.mouseClick(page.progress.stop, Qt.MouseButton.LeftButton)
    wait_for(qtbot, page, Phase.INTERRUPTED)
    done = last_epoch(run_dir)
    qtbot.mouseClick(page.progress.resume, Qt.MouseButton.LeftButton)
    wait_for(qtbot, page, Phase.RUNNING)
    qtbot.waitUntil(lambda: last_epoch(run_dir) > done, timeout=TRAINING_MS)
    page.stop()
    wait_for(qtbot, page, Phase.INTERRUPTED)
    next(second, None)


def test_the_whole_way_from_an_empty_window_to_inspecting(qtbot: QtBot, tmp_path: Path, home: Path) -> None:
    """Import, selection, training, live curves, close and reopen, resume, inspection with the new model."""
    for i in range(2):
        write_points_ply(tmp_path / "own" / "cup" / f"{i}.ply", part("cup", i, 2_000))
        write_points_ply(tmp_path / "own" / "bracket" / f"{i}.ply", part("bracket", i, 2_000))
    first = opened(qtbot, tmp_path)
    page = next(first)
    assert page.data.how.isVisible() and not page.settings.train.isEnabled()
    dialog = page.import_parts()
    dialog.take(tmp_path / "own")
    qtbot.waitUntil(dialog.start.isEnabled, timeout=WAIT_MS)
    with checked(qtbot, page):
        qtbot.mouseClick(dialog.start, Qt.MouseButton.LeftButton)
    assert page.data.categories == ("bracket", "cup")
    page.data.tree.topLevelItem(0).setCheckState(0, Qt.CheckState.Unchecked)
    assert page.settings.train.text() == "Train 1 category"
    page.settings.preset.setCurrentIndex(page.settings.preset.findData("tiny"))
    type_into(qtbot, page.settings.form, "training", "epochs", "400")
    page.settings.name.setText("cups")
    qtbot.mouseClick(page.settings.train, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(page.model.curves.epochs.get("total", ())) > 1, timeout=TRAINING_MS)
    assert page.progress.curves.charts.keys() >= {"total", "rec", "memory", "steps/s"}
    qtbot.waitUntil(page.progress.previews.isVisible, timeout=TRAINING_MS)
    qtbot.mouseClick(page.progress.stop_later, Qt.MouseButton.LeftButton)
    wait_for(qtbot, page, Phase.INTERRUPTED)
    done = last_epoch(home / "cups")
    next(first, None)  # the window is closed
    second = opened(qtbot, tmp_path)
    page = next(second)
    page.show_run(home / "cups")
    qtbot.mouseClick(page.progress.resume, Qt.MouseButton.LeftButton)
    wait_for(qtbot, page, Phase.COMPLETE)
    epochs = [e.epoch for e in read_events(home / "cups" / "events.jsonl") if isinstance(e, EpochEvent)]
    assert 0 < done < 400
    assert epochs == list(range(1, 401))
    with qtbot.waitSignal(page._session.workspace_wanted):
        qtbot.mouseClick(page.progress.inspect, Qt.MouseButton.LeftButton)
    next(second, None)
    detector = SedirDetector.load(home / "cups", "cpu")
    assert detector.detect(scan_of(part("cup", 5, 2_000))).category == "cup"


LAUNCH = """
import sys, signal
from pathlib import Path
from PySide6.QtCore import QCoreApplication
from app.jobs.training import TrainOrder, launch
from sedir_core.config import preset
app = QCoreApplication([])
dataset, out = map(Path, sys.argv[1:])
launch(TrainOrder(dataset, ("cup",), preset("tiny", training={"epochs": 2000}), out, "cpu"))
print("launched", flush=True)
signal.pause()
"""


@pytest.mark.skipif(os.name == "nt", reason="kills a process as POSIX does")
@pytest.mark.parametrize("both", [False, True], ids=["the window", "the window and the trainer"])
def test_a_training_survives_kill_9_of(qtbot: QtBot, tmp_path: Path, parts: Path, home: Path, both: bool) -> None:
    run_dir = home / "mine"
    window = subprocess.Popen(
        [sys.executable, "-c", LAUNCH, str(parts), str(run_dir)], stdout=subprocess.PIPE, start_new_session=True
    )
    assert window.stdout is not None and window.stdout.readline() == b"launched\n"
    qtbot.waitUntil(lambda: last_epoch(run_dir) > 0, timeout=TRAINING_MS)
    os.killpg(window.pid, signal.SIGKILL)
    window.wait()
    window.stdout.close()
    if both:
        os.kill(process_of(run_dir), signal.SIGKILL)
    pages = opened(qtbot, tmp_path)
    page = next(pages)
    page.show_run(run_dir)
    if both:
        wait_for(qtbot, page, Phase.INTERRUPTED)
        qtbot.mouseClick(page.progress.resume, Qt.MouseButton.LeftButton)
    wait_for(qtbot, page, Phase.RUNNING)
    done = last_epoch(run_dir)
    qtbot.waitUntil(lambda: last_epoch(run_dir) > done, timeout=TRAINING_MS)
    page.stop()
    wait_for(qtbot, page, Phase.INTERRUPTED)
    next(pages, None)


@pytest.mark.skipif(os.name == "nt", reason="kills a process as POSIX does")
def test_a_killed_training_is_said_to_be_interrupted(qtbot: QtBot, page: TrainPage, parts: Path) -> None:
    run_dir = begin(qtbot, page, parts, epochs=2_000)
    wait_for(qtbot, page, Phase.RUNNING)
    qtbot.waitUntil(lambda: bool(page.model.curves.epochs), timeout=TRAINING_MS)
    os.kill(process_of(run_dir), signal.SIGKILL)
    wait_for(qtbot, page, Phase.INTERRUPTED)
    assert page.progress.resume.isVisible()


def test_a_second_training_waits_and_starts_by_itself(qtbot: QtBot, page: TrainPage, parts: Path, home: Path) -> None:
    first = begin(qtbot, page, parts, epochs=2_000, name="first")
    wait_for(qtbot, page, Phase.RUNNING)
    second = begin(qtbot, page, parts, epochs=1, name="second")
    wait_for(qtbot, page, Phase.WAITING)
    assert page.queue.list.count() == 1 and page.queue.isVisible()
    assert not second.exists()
    page.settings.name.setText("second")
    assert page.settings.name_wrong.text() == "there is a model of this name already"
    page.show_run(first)
    page.stop_later(True)
    page.show_run(second)
    wait_for(qtbot, page, Phase.COMPLETE)
    assert not page.queue.isVisible()
    assert training.phase_now(first) is Phase.INTERRUPTED


def test_a_training_that_waits_can_be_taken_off(qtbot: QtBot, page: TrainPage, parts: Path) -> None:
    first = begin(qtbot, page, parts, epochs=2_000, name="first")
    wait_for(qtbot, page, Phase.RUNNING)
    for name in ("second", "third"):
        begin(qtbot, page, parts, epochs=1, name=name)
        wait_for(qtbot, page, Phase.WAITING)
    page.queue.list.setCurrentRow(0)
    qtbot.mouseClick(page.queue.down, Qt.MouseButton.LeftButton)
    assert [path.name for path in training.waiting()] == ["third", "second"]
    for _ in range(2):
        page.queue.list.setCurrentRow(0)
        qtbot.mouseClick(page.queue.remove, Qt.MouseButton.LeftButton)
        page.model._poll()
    assert training.waiting() == []
    page.show_run(first)
    page.stop()
    wait_for(qtbot, page, Phase.INTERRUPTED)


def test_time_and_memory_are_said_once_they_are_measured(qtbot: QtBot, page: TrainPage, parts: Path) -> None:
    line = page.settings.estimate
    assert not line.isVisible()
    choose(qtbot, page, parts)
    page.settings.preset.setCurrentIndex(page.settings.preset.findData("tiny"))
    assert line.measure.isVisible()
    pace = Pace(
        align_s=1, encode_s=1, step_s=0.5, draw_s=0, held_out_s=1, held_out_view_s=0,
        memory_bytes=800_000_000, sampling_bytes=0,
    )  # fmt: skip
    assert page.settings.config is not None
    page.pacer.measured.emit(page.settings.config, page.settings.device.currentData(), pace)
    assert not line.measure.isVisible()
    assert line.text.text() == "Takes about 41 s, 0.8 GB of memory, as measured on this machine"
    type_into(qtbot, page.settings.form, "training", "epochs", "400")
    assert line.text.text().startswith("Takes about 20 min")


def test_a_second_training_of_that_name_cannot_be_asked_for(qtbot: QtBot, page: TrainPage, home: Path) -> None:
    (home / "taken").mkdir(parents=True)
    page.settings.name.setText("taken")
    assert page.settings.name_wrong.text() == "there is a model of this name already"
    page.settings.name.setText("a/b")
    assert "cannot begin with a dot or hold" in page.settings.name_wrong.text()


def test_a_training_that_cannot_begin_says_why(qtbot: QtBot, page: TrainPage, tmp_path: Path) -> None:
    folder = tmp_path / "few"
    for i in range(2):
        (folder / "ball").mkdir(parents=True, exist_ok=True)
        save_ply(folder / "ball" / f"{i}.ply", dented_sphere(100 + i).points)
    choose(qtbot, page, folder)
    page.settings.name.setText("few")
    qtbot.mouseClick(page.settings.train, Qt.MouseButton.LeftButton)
    wait_for(qtbot, page, Phase.FAILED)
    assert "the model groups" in page.progress.message.text()
    assert page.progress.message.isVisible()


def test_an_unreadable_scan_is_named_and_its_category_left_out(qtbot: QtBot, page: TrainPage, tmp_path: Path) -> None:
    folder = tmp_path / "mixed"
    for name in ("bracket", "cup"):
        for i in range(2):
            write_points_ply(folder / name / f"{i}.ply", part(name, i, 500))
    (folder / "cup" / "2.ply").write_bytes(b"ply\nnonsense")
    choose(qtbot, page, folder)
    assert page.data.categories == ("bracket",)
    item = page.data.tree.topLevelItem(1)
    assert item.isDisabled()
    assert item.text(5).startswith("cannot be used: ")
    first = page.data.findings.list.topLevelItem(0)
    assert first.text(0) == "cup / 2.ply"
    assert "move it out of the folder" in first.text(2)
    page.data.tick(True)
    assert page.data.categories == ("bracket",)
    assert page.settings.train.text() == "Train 1 category"


def test_a_folder_that_is_no_data_set_is_said_to_be_none(qtbot: QtBot, page: TrainPage, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with qtbot.waitSignal(page.survey.failed, timeout=WAIT_MS):
        page.use_dataset(tmp_path / "empty")
    assert "is no dataset" in page.messages.text


def test_a_folder_can_be_dropped(qtbot: QtBot, page: TrainPage, parts: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(parts))])
    action, button, key = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    with checked(qtbot, page):
        page.data.dropEvent(QDropEvent(QPointF(5, 5), action, data, button, key))
    assert page.data.categories == ("bracket", "cup", "pipe_elbow")


def test_the_survey_counts_what_is_there(parts: Path) -> None:
    found = survey(parts)
    assert found.layout == "anomaly-shapenet"
    cup = found.categories[1]
    assert (cup.name, cup.n_train, cup.n_good, cup.n_bad, cup.n_unlabelled) == ("cup", 2, 1, 1, 0)
    assert cup.checked is not None
    assert cup.checked.points == (3_000, 3_000, 3_000)
    assert cup.checked.picture.shape == (3_000, 3)
    assert cup.usable


def test_the_form_checks_as_one_types(qtbot: QtBot) -> None:
    form = ConfigForm(preset("desktop"))
    qtbot.addWidget(form)
    field = form.fields["training", "epochs"]
    for text, wrong in (("x", "must be a whole number"), ("0", "must be 1 to 100000"), ("7", "")):
        type_into(qtbot, form, "training", "epochs", text)
        assert field.wrong.text() == wrong
        assert (form.config is None) == bool(wrong)
    assert form.config is not None and form.config.training.epochs == 7
    type_into(qtbot, form, "network", "width", "130")
    assert form.config is None
    assert "multiple of heads" in form.trouble.text()


def test_the_form_keeps_a_preset_as_it_is(qtbot: QtBot) -> None:
    for name in ("desktop", "paper", "tiny"):
        for method in ("sedir", "mc3d-ad"):
            form = ConfigForm(preset(name, method))
            qtbot.addWidget(form)
            form._check()
            assert form.config == preset(name, method)


def test_simple_settings_are_shown_first(qtbot: QtBot) -> None:
    form = ConfigForm(preset("desktop"))
    qtbot.addWidget(form)
    form.show()
    shown = {key for key, field in form.fields.items() if field.isVisible()}
    assert ("training", "epochs") in shown
    assert ("training", "clip_norm") not in shown
    form.show_all(True)
    assert form.fields["training", "clip_norm"].isVisible()


def test_a_strange_log_does_not_stop_the_list(page: TrainPage, home: Path) -> None:
    (home / "odd").mkdir(parents=True)
    (home / "odd" / "about.json").write_text("{")
    (home / "odd" / "events.jsonl").write_bytes(b"\xff\n{}\n")
    page.activate()
    assert page.list.count() == 1
    page.show_run(home / "odd")
    assert page.model.follow is not None and page.model.follow.phase is Phase.INTERRUPTED
    page.resume()
    assert "odd" in page.messages.text


def test_smoothing_keeps_few_points_and_does_not_lag() -> None:
    few = [(float(i), float(i * i)) for i in range(10)]
    assert smoothed(few) == few
    line = [(float(i), 3.0 * i) for i in range(200)]
    assert np.allclose(smoothed(line), line)


def test_numbers_are_short() -> None:
    assert [readable(v) for v in (0.0, 0.43612, 12.345, 0.000988, 123456.0)] == [
        "0",
        "0.436",
        "12.3",
        "9.9e-4",
        "1.2e5",
    ]
    assert [remaining(s) for s in (0.2, 45, 600, 90_000)] == [
        "about 1 s left", "about 45 s left", "about 10 min left", "about 25.0 h left",
    ]  # fmt: skip


def test_charts_come_and_go_with_their_series(qtbot: QtBot) -> None:
    grid = CurveGrid(LIGHT, {})
    qtbot.addWidget(grid)
    grid.show_series({"rec": [(1, 1.0), (2, float("nan")), (3, 0.01)], "lr": [(1, 0.1)]}, 3)
    grid.grab()
    grid.set_theme(DARK)
    grid.show_series({"lr": [(1, 0.1), (2, 0.05)]}, 3)
    grid.grab()
    assert list(grid.charts) == ["lr"]


def last_epoch(run_dir: Path) -> int:
    return max((e.epoch for e in read_events(run_dir / "events.jsonl") if isinstance(e, EpochEvent)), default=0)


def process_of(run_dir: Path) -> int:
    """The process that trains there, from its command line."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if str(run_dir).encode() in words and b"train" in words:
                return int(folder.name)
    raise AssertionError("no such process")


def test_a_run_without_its_data_set_says_so(page: TrainPage, home: Path, parts: Path, qtbot: QtBot) -> None:
    run_dir = begin(qtbot, page, parts, epochs=2_000)
    wait_for(qtbot, page, Phase.RUNNING)
    page.stop()
    wait_for(qtbot, page, Phase.INTERRUPTED)
    about = (run_dir / "about.json").read_text()
    (run_dir / "about.json").write_text(about.replace(str(parts), str(parts) + "-gone"))
    page.resume()
    assert "no longer there" in page.messages.text
    assert training.phase_now(run_dir) is Phase.INTERRUPTED
