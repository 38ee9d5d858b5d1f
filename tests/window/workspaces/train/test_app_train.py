"""Training from the window as a user does it: a folder, categories, settings, Train, metrics, inspect."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from app_helpers import WAIT_MS, dented_sphere, save_ply
from core.runs_on_disk import write_run
from core.tiny_run import part
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from pytestqt.qtbot import QtBot
from trainings import TRAINING_MS, begin, checked, choose, opened, type_into, wait_for

from app.jobs import training
from app.jobs.training import Phase
from app.state.navigation import ShowWorkspace
from app.workspaces.train.data_panel import NUMBERS
from app.workspaces.train.page import TrainPage
from sedir_core.datasets.survey import survey
from sedir_core.io.export import write_points_ply
from sedir_core.rundir.files import read_run_config
from sedir_core.training.pace import Pace

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def page(qtbot: QtBot, tmp_path: Path) -> Iterator[TrainPage]:
    yield from opened(qtbot, tmp_path)


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
    with qtbot.waitSignal(page._session.navigated) as wanted:
        qtbot.mouseClick(page.progress.inspect, Qt.MouseButton.LeftButton)
    assert wanted.args == [ShowWorkspace("inspect")]
    assert page._session.run_dir == run_dir


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
    assert page.settings.name_wrong.text() == "a model with this name already exists"
    page.settings.name.setText("a/b")
    assert "cannot begin with a dot or contain" in page.settings.name_wrong.text()


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
    item, head = page.data.tree.topLevelItem(1), page.data.tree.headerItem()
    assert item.isDisabled()
    assert [head.textAlignment(i) for i in NUMBERS] == [item.textAlignment(i) for i in NUMBERS]
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


def test_a_strange_log_does_not_stop_the_list(page: TrainPage, home: Path) -> None:
    (home / "odd").mkdir(parents=True)
    (home / "odd" / "about.json").write_text("{")
    (home / "odd" / "events.jsonl").write_bytes(b"\xff\n{}\n")
    page.activate()
    assert page.list.count() == 1
    page.show_run(home / "odd")
    assert page.model.follow is not None and page.model.follow.phase is Phase.DAMAGED
    assert "about.json" in page.progress.message.text() and page.progress.message.isVisible()
    assert not page.progress.resume.isVisible()


def test_a_finished_run_that_cannot_be_read_is_not_called_complete(page: TrainPage, home: Path) -> None:
    write_run(home / "odd")
    (home / "odd" / "about.json").write_text("{")
    page.activate()
    assert training.phase_now(home / "odd") is Phase.DAMAGED
    page.show_run(home / "odd")
    assert not page.progress.inspect.isVisible()
