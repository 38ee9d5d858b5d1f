"""The Runs workspace driven as a user does: list, rename, archive, delete, undo, compare, hand on, go on."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from app_helpers import WAIT_MS, SphereDetector
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QLineEdit, QMessageBox, QPushButton
from pytestqt.qtbot import QtBot

from app.jobs.training import runs_in
from app.state.navigation import ImportRuns, ShowWorkspace, TrainFurther
from app.state.session import Session
from app.state.settings import Settings
from app.widgets.theme import DARK, LIGHT
from app.workspaces.runs.page import EMPTY, RunsPage
from app.workspaces.train.page import TrainPage
from sedir_core.places import bundled_runs
from sedir_core.rundir import files as run_files
from sedir_core.rundir.lock import held

MEASURED = ("o_auroc", "p_auroc", "o_aupr", "p_aupr")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's runs: two finished ones, the younger one evaluated."""
    for name in ("DATA", "CACHE", "CONFIG", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    runs = tmp_path / "data" / "sedir-inspect" / "runs"
    for day, name in enumerate(("cups", "bolts"), 10):
        made = runs / name
        made.mkdir(parents=True)
        for file in (bundled_runs() / "default").iterdir():
            if file.name == run_files.WEIGHTS:
                os.link(file, made / file.name)
            else:
                (made / file.name).write_bytes(file.read_bytes())
        about = json.loads((made / run_files.ABOUT).read_text()) | {"created": f"2026-10-{day}T10:00:00+00:00"}
        (made / run_files.ABOUT).write_text(json.dumps(about))
    evaluate(runs / "bolts", 0.9)
    return runs


def evaluate(run: Path, share: float) -> None:
    rows = {name: dict.fromkeys(MEASURED, share) for name in ("cup", "gear")}
    (run / run_files.EVALUATION).write_text(json.dumps({"categories": rows}))


@pytest.fixture
def page(qtbot: QtBot, home: Path, tmp_path: Path) -> Iterator[RunsPage]:
    session = Session(lambda run, device: SphereDetector(), home / "cups", "cpu")
    opened = RunsPage(session, Settings(tmp_path / "settings.ini"), LIGHT)
    session.setParent(opened)
    opened.resize(1280, 700)
    opened.show()
    qtbot.waitExposed(opened)
    with qtbot.waitSignal(opened.model.listed, timeout=WAIT_MS):
        opened.activate()
    yield opened
    assert opened.close_down()
    opened.close()
    opened.deleteLater()


def names(page: RunsPage) -> list[str]:
    """As they are listed, from the top."""
    return [page.table.sorted.index(row, 0).data() for row in range(page.table.sorted.rowCount())]


def choose(qtbot: QtBot, page: RunsPage, *runs: Path) -> None:
    with qtbot.waitSignal(page.model.detailed, timeout=WAIT_MS):
        page.table.choose(runs)


def show_others(qtbot: QtBot, page: RunsPage, row: int) -> None:
    with qtbot.waitSignal(page.model.listed, timeout=WAIT_MS):
        page.shown.setCurrentIndex(row)


def press(qtbot: QtBot, page: RunsPage, label: str) -> None:
    """A button of the message bar."""
    button = next(b for b in page.messages.findChildren(QPushButton) if b.text() == label)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def test_runs_are_listed_the_newest_first_and_sorted_by_a_click(qtbot: QtBot, page: RunsPage) -> None:
    assert names(page) == ["default", "bolts", "cups"]
    page.table.sortByColumn(0, Qt.SortOrder.AscendingOrder)
    assert names(page) == ["bolts", "cups", "default"]
    qtbot.keyClicks(page.search, "CUP")
    assert names(page) == ["cups"]


def test_a_chosen_run_is_shown(qtbot: QtBot, page: RunsPage, home: Path) -> None:
    choose(qtbot, page, home / "bolts")
    assert page.detail.title.text() == "bolts"
    row = next(r for r in range(12) if page.detail.categories.item(r, 0).text() == "cup")
    assert page.detail.categories.item(row, 2).text() == "90.0"
    assert not page.detail.unmeasured.isVisible()
    assert page.detail.settings.rowCount() > 20
    page.set_theme(DARK)
    assert page.detail.title.text() == "bolts"
    choose(qtbot, page, home / "cups")
    assert page.detail.unmeasured.isVisible()


def test_two_runs_are_compared_and_the_better_one_is_marked(qtbot: QtBot, page: RunsPage, home: Path) -> None:
    evaluate(home / "cups", 0.8)
    toml = (home / "cups" / run_files.CONFIG).read_text()
    (home / "cups" / run_files.CONFIG).write_text(toml.replace("epochs = 25", "epochs = 50"))
    choose(qtbot, page, home / "cups", home / "bolts")
    table = page.detail.measures
    assert [table.item(0, column).text() for column in (1, 2)] == ["▲ 90.0", "80.0"]
    assert table.item(0, 1).font().bold()
    assert [page.detail.differences.item(0, column).text() for column in range(3)] == ["training.epochs", "25", "50"]
    assert not page.detail.inspect.isVisible()


def test_a_run_is_renamed_in_place_and_the_window_s_model_follows(qtbot: QtBot, page: RunsPage, home: Path) -> None:
    choose(qtbot, page, home / "cups")
    page.rename.trigger()
    editor = page.table.viewport().findChild(QLineEdit)
    assert editor is not None and editor.text() == "cups"
    editor.selectAll()
    qtbot.keyClicks(editor, "line 3")
    with qtbot.waitSignal(page.model.detailed, timeout=WAIT_MS):
        qtbot.keyClick(editor, Qt.Key.Key_Return)
    assert (home / "line 3").is_dir() and not (home / "cups").exists()
    assert page._session.run_dir == home / "line 3"
    assert page.detail.title.text() == "line 3"


def test_a_name_that_is_taken_is_refused_in_words(qtbot: QtBot, page: RunsPage, home: Path) -> None:
    with qtbot.waitSignal(page.model.failed, timeout=WAIT_MS):
        page.rename_run(page.table.rows.entries[1], "cups")
    assert "another run" in page.messages.text


def test_what_ships_with_the_program_cannot_be_changed(qtbot: QtBot, page: RunsPage) -> None:
    choose(qtbot, page, bundled_runs() / "default")
    assert not any(action.isEnabled() for action in (page.rename, page.archive, page.delete))
    assert not page.detail.evaluate.isEnabled()
    assert page.export.isEnabled() and page.detail.inspect.isEnabled()


def test_a_deleted_run_comes_back_with_undo(qtbot: QtBot, page: RunsPage, home: Path) -> None:
    choose(qtbot, page, home / "cups")
    with qtbot.waitSignal(page.model.listed, timeout=WAIT_MS):
        qtbot.keyClick(page.table, Qt.Key.Key_Delete)
    assert names(page) == ["default", "bolts"]
    assert page._session.run_dir == bundled_runs() / "default"
    with qtbot.waitSignal(page.model.detailed, timeout=WAIT_MS):
        press(qtbot, page, "Undo")
    assert names(page) == ["default", "bolts", "cups"]


def test_the_trash_is_listed_restored_from_and_emptied_on_request(qtbot: QtBot, page: RunsPage, home: Path) -> None:
    for run in ("cups", "bolts"):
        choose(qtbot, page, home / run)
        with qtbot.waitSignal(page.model.listed, timeout=WAIT_MS):
            page.delete.trigger()
    show_others(qtbot, page, 2)
    assert sorted(names(page)) == ["bolts", "cups"]
    assert not page.detail.inspect.isVisible() and page.restore.isVisible()
    page.table.choose([entry.path for entry in page.table.rows.entries if entry.name == "cups"])
    qtbot.mouseClick(page.restore, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: names(page) == ["default", "cups"], timeout=WAIT_MS)
    show_others(qtbot, page, 2)
    page.purge.trigger()
    box = page.findChild(QMessageBox)
    assert box is not None and "Permanently delete 1 run" in box.text()
    with qtbot.waitSignal(page.model.listed, timeout=WAIT_MS):
        next(button for button in box.buttons() if button.text() == "Destroy").click()
    qtbot.waitUntil(lambda: page.empty.text() == EMPTY["deleted"], timeout=WAIT_MS)
    assert (home / "cups").is_dir() and not (home / "bolts").exists()


def test_an_archived_run_is_off_the_list_until_it_is_put_back(qtbot: QtBot, page: RunsPage, home: Path) -> None:
    choose(qtbot, page, home / "cups")
    with qtbot.waitSignal(page.model.listed, timeout=WAIT_MS):
        page.archive.trigger()
    assert names(page) == ["default", "bolts"]
    assert runs_in(home) == [home / "bolts"]  # in Train, too
    show_others(qtbot, page, 1)
    choose(qtbot, page, home / "cups")
    assert page.archive.text() == "Put Back onto the List"
    with qtbot.waitSignal(page.model.listed, timeout=WAIT_MS):
        page.archive.trigger()
    assert page.empty.text() == EMPTY["archived"]


def test_a_run_in_training_stays_as_it_is(qtbot: QtBot, page: RunsPage, home: Path) -> None:
    with held(home / "cups"):
        with qtbot.waitSignal(page.model.listed, timeout=WAIT_MS):
            page.activate()
        choose(qtbot, page, home / "cups")
        assert not page.delete.isEnabled() and not page.rename.isEnabled()


def test_a_run_is_exported_and_comes_in_again_by_a_drop(
    qtbot: QtBot, page: RunsPage, home: Path, tmp_path: Path
) -> None:
    page.export_to(home / "cups", tmp_path / "cups.sedir")
    qtbot.waitUntil(lambda: "was written to" in page.messages.text, timeout=3 * WAIT_MS)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "cups.sedir"))])
    action, button, key = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    page.dropEvent(QDropEvent(QPointF(5, 5), action, data, button, key))
    qtbot.waitUntil(lambda: "cups-2 was imported" in page.messages.text, timeout=3 * WAIT_MS)
    qtbot.waitUntil(lambda: "cups-2" in names(page), timeout=WAIT_MS)
    assert (home / "cups-2" / run_files.WEIGHTS).is_file()


def test_a_file_that_is_no_model_is_refused_in_words(qtbot: QtBot, page: RunsPage, tmp_path: Path) -> None:
    (tmp_path / "x.sedir").write_bytes(b"MZ")
    with qtbot.waitSignal(page.model.failed, timeout=WAIT_MS):
        page.take(ImportRuns((tmp_path / "x.sedir",)))
    assert "x.sedir is not imported: is not a model exported by SeDiR Inspect" in page.messages.text


def test_one_click_inspects_with_the_chosen_model(qtbot: QtBot, page: RunsPage, home: Path) -> None:
    choose(qtbot, page, home / "bolts")
    with qtbot.waitSignal(page._session.navigated) as wanted:
        qtbot.mouseClick(page.detail.inspect, Qt.MouseButton.LeftButton)
    assert wanted.args == [ShowWorkspace("inspect")]
    assert page._session.run_dir == home / "bolts"
    assert page._settings.run_dir == home / "bolts"


def test_an_evaluation_that_cannot_begin_says_why(page: RunsPage, home: Path, tmp_path: Path) -> None:
    (home / "cups" / run_files.ABOUT).write_text("{")
    page.evaluate_on(home / "cups", tmp_path)
    assert page.messages.text.startswith("cups: ")


def test_a_model_is_handed_over_to_learn_further_parts(qtbot: QtBot, page: RunsPage, home: Path) -> None:
    train = TrainPage(page._session, page._settings, LIGHT)
    qtbot.addWidget(train)
    choose(qtbot, page, home / "cups")
    with qtbot.waitSignal(page._session.navigated) as wanted:
        qtbot.mouseClick(page.detail.grow, Qt.MouseButton.LeftButton)
    assert wanted.args == [TrainFurther(home / "cups")]
    train.take(wanted.args[0])
    assert "cups" in train.settings.origin.text()
    assert not train.settings.method.isEnabled()
    config = train.settings.config
    assert config is not None and config.training.epochs == 7  # a quarter of 25
    train.begin_anew()
    assert train.settings.method.isEnabled()
    config = train.settings.config
    assert config is not None and config.training.epochs == 25
    assert train.close_down()
