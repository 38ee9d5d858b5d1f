"""Tables whose columns nobody named, and scans that are called defective: the window asks, and keeps the answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from app_helpers import WAIT_MS, dented_sphere
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialogButtonBox, QMessageBox
from pytestqt.qtbot import QtBot
from trainings import choose, opened

from app.jobs import training
from app.main_window import MainWindow
from app.state.entries import State
from app.widgets.columns_dialog import CHOOSE, ColumnsDialog
from app.workspaces.train.page import TrainPage
from sedir_core.io.folder_notes import FolderNotes, notes_for
from sedir_core.io.table_peek import peek_table
from sedir_core.training.orders import TrainOrder

OK = QDialogButtonBox.StandardButton.Ok


def unclear(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    points = dented_sphere(300, 0.0).points
    np.savetxt(path, np.column_stack([np.full(300, 7), points]), fmt="%.5f", header="a b c d", comments="")
    return path


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return unclear(tmp_path / "tables" / "ball.txt")


def test_the_dialog_shows_the_first_rows_under_their_names(qtbot: QtBot, table: Path) -> None:
    dialog = ColumnsDialog(table, peek_table(table))
    qtbot.addWidget(dialog)
    assert [dialog.table.horizontalHeaderItem(i).text() for i in range(4)] == ["1: a", "2: b", "3: c", "4: d"]
    assert dialog.table.item(0, 0).text() == "7.00000" and dialog.table.rowCount() == 8
    assert dialog.columns == ("2", "3", "4")


def test_three_different_columns_have_to_be_chosen(qtbot: QtBot, table: Path) -> None:
    dialog = ColumnsDialog(table, peek_table(table))
    qtbot.addWidget(dialog)
    dialog.axes["x"].setCurrentIndex(3)
    assert not dialog.buttons.button(OK).isEnabled() and dialog.wrong.text()
    dialog.axes["x"].setCurrentIndex(0)
    assert dialog.buttons.button(OK).isEnabled() and not dialog.wrong.text()


def test_arrays_can_be_asked_about_too(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.arange(40.0).reshape(10, 4))
    assert peek_table(tmp_path / "a.npy").rows[1] == ("4", "5", "6", "7")


def test_an_answer_is_kept_for_the_folder_and_the_scans_are_inspected(
    qtbot: QtBot, window: MainWindow, table: Path
) -> None:
    other = unclear(table.parent / "more" / "other.txt")
    with qtbot.waitSignal(window.model.batch_finished, timeout=WAIT_MS):
        window.model.open([table, other])
    messages = window.page.messages
    assert "none is named x, y or z" in messages.text and messages._action.text() == CHOOSE
    with qtbot.waitSignal(window.model.table_seen, timeout=WAIT_MS):
        messages._action.click()
    dialog = window.page.findChild(ColumnsDialog)
    assert dialog is not None
    with qtbot.waitSignal(window.model.batch_finished, timeout=WAIT_MS):
        dialog.buttons.button(OK).click()
    assert [entry.state for entry in window.session.entries] == [State.DONE, State.DONE]
    assert notes_for(other) == FolderNotes(columns=("2", "3", "4"))


def test_what_a_folder_holds_beside_scans_is_said(qtbot: QtBot, window: MainWindow, good_file: Path) -> None:
    (good_file.parent / "README.txt").write_text("Scanned on Monday.\n")
    with qtbot.waitSignals([window.model.noted, window.model.batch_finished], timeout=WAIT_MS):
        window.model.open([good_file.parent])
    assert "README.txt (no rows of coordinates)" in window.page.messages.text


@pytest.fixture
def page(qtbot: QtBot, home: Path, tmp_path: Path) -> Iterator[TrainPage]:
    yield from opened(qtbot, tmp_path)


@pytest.fixture
def orders(monkeypatch: pytest.MonkeyPatch) -> list[TrainOrder]:
    """The trainings that were started; none is."""
    seen: list[TrainOrder] = []
    monkeypatch.setattr(training, "launch", seen.append)
    return seen


def cup(folder: Path, seed: int) -> None:
    folder.mkdir(parents=True)
    for i in range(2):
        np.savetxt(folder / f"{i}.xyz", np.random.default_rng(seed + i).normal(size=(200, 3)))


def test_learning_what_is_called_defective_takes_a_word(
    qtbot: QtBot, page: TrainPage, orders: list[TrainOrder], tmp_path: Path
) -> None:
    cup(tmp_path / "data" / "cup", 0)
    cup(tmp_path / "data" / "cup_NG", 5)
    choose(qtbot, page, tmp_path / "data")
    qtbot.mouseClick(page.settings.train, Qt.MouseButton.LeftButton)
    box = page.findChild(QMessageBox)
    assert box is not None and "cup_NG would learn as good 2 scans" in box.informativeText() and not orders
    next(button for button in box.buttons() if "learn them" in button.text()).click()
    (order,) = orders
    assert order.config.data.defective_names == "learn"


def test_what_is_not_ticked_is_not_asked_about(
    qtbot: QtBot, page: TrainPage, orders: list[TrainOrder], tmp_path: Path
) -> None:
    cup(tmp_path / "data" / "cup", 0)
    cup(tmp_path / "data" / "cup_NG", 5)
    choose(qtbot, page, tmp_path / "data")
    page.data.tree.topLevelItem(1).setCheckState(0, Qt.CheckState.Unchecked)
    qtbot.mouseClick(page.settings.train, Qt.MouseButton.LeftButton)
    (order,) = orders
    assert order.categories == ("cup",) and order.config.data.defective_names == "refuse"


def test_a_data_set_of_unclear_tables_is_asked_about(qtbot: QtBot, page: TrainPage, tmp_path: Path) -> None:
    table = unclear(tmp_path / "data" / "ball" / "0.txt")
    choose(qtbot, page, tmp_path / "data")
    assert page.messages._action.text() == CHOOSE
    page.messages._action.click()
    dialog = page.findChild(ColumnsDialog)
    assert dialog is not None
    with qtbot.waitSignal(page.survey.checked, timeout=WAIT_MS, check_params_cb=lambda found: found.complete) as seen:
        dialog.buttons.button(OK).click()
    assert seen.args[0].categories[0].usable and notes_for(table).columns == ("2", "3", "4")
