"""A user's own scans, from a folder somewhere to a data set in the Train workspace."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from app_helpers import WAIT_MS
from core.tiny_run import part
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from pytestqt.qtbot import QtBot

from app.widgets.theme import DARK, LIGHT
from app.workspaces.train.import_dialog import ImportDialog
from sedir_core.datasets.index import open_dataset
from sedir_core.io.export import write_points_ply


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """Folders of scans of two kinds of part, one of them with a defective scan."""
    for name in ("bracket", "cup"):
        for i in range(2):
            write_points_ply(tmp_path / "own" / name / f"{i}.ply", part(name, i, 500))
    write_points_ply(tmp_path / "own" / "cup" / "ng" / "9.ply", part("cup", 9, 500))
    return tmp_path / "own"


@pytest.fixture
def dialog(qtbot: QtBot, tmp_path: Path) -> Iterator[ImportDialog]:
    found = ImportDialog(tmp_path / "sets", LIGHT)
    qtbot.addWidget(found)
    found.show()
    yield found
    assert found.model.close()


def drop(dialog: ImportDialog, *paths: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    action, button, key = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    dialog.dropEvent(QDropEvent(QPointF(5, 5), action, data, button, key))


def ready(qtbot: QtBot, dialog: ImportDialog) -> None:
    qtbot.waitUntil(dialog.start.isEnabled, timeout=WAIT_MS)


def press_import(qtbot: QtBot, dialog: ImportDialog) -> Path:
    with qtbot.waitSignal(dialog.imported, timeout=WAIT_MS) as imported:
        qtbot.mouseClick(dialog.start, Qt.MouseButton.LeftButton)
    return Path(imported.args[0])


def test_a_dropped_folder_of_folders_becomes_a_data_set(
    qtbot: QtBot, dialog: ImportDialog, own: Path, tmp_path: Path
) -> None:
    drop(dialog, own)
    ready(qtbot, dialog)
    assert dialog.said.text() == "5 scans of 2 kinds of part"
    dialog.name.setText("mine")
    data = open_dataset(press_import(qtbot, dialog))
    assert data.root == tmp_path / "sets" / "mine"
    assert [len(data.train(name)) for name in ("bracket", "cup")] == [2, 2]
    assert [one.anomalous for one in data.test("cup")] == [True]


def test_files_are_added_by_hand_and_named(qtbot: QtBot, dialog: ImportDialog, own: Path) -> None:
    assert dialog.said.text() == "the new kind of part: give it a name"
    qtbot.keyClicks(dialog.part.name, "cup 7")
    assert dialog.said.text() == "cup 7: add good scans to learn from"
    drop(dialog, own / "cup" / "0.ply", own / "cup" / "1.ply")
    dialog.part.add("ok", [own / "bracket" / "0.ply"])
    ready(qtbot, dialog)
    dialog.part.unit.setCurrentIndex(dialog.part.unit.findData("inch"))
    dialog.part.unit.activated.emit(dialog.part.unit.currentIndex())
    assert dialog.part.tree.topLevelItem(0).text(3).endswith(" mm")
    assert open_dataset(press_import(qtbot, dialog)).categories == ("cup 7",)


def test_what_cannot_be_read_is_named_and_can_be_left_out(qtbot: QtBot, dialog: ImportDialog, own: Path) -> None:
    (own / "cup" / "2.ply").write_bytes(b"ply\nnonsense")
    drop(dialog, own / "cup")
    qtbot.waitUntil(dialog.part.leave_out.isVisible, timeout=WAIT_MS)
    assert not dialog.start.isEnabled()
    row = next(r for r in range(4) if dialog.part.tree.topLevelItem(r).text(0) == "2.ply")
    assert dialog.part.tree.topLevelItem(row).text(3).startswith("cannot be read: ")
    qtbot.mouseClick(dialog.part.leave_out, Qt.MouseButton.LeftButton)
    ready(qtbot, dialog)
    assert len(open_dataset(press_import(qtbot, dialog)).train("cup")) == 2


def test_names_that_cannot_be_are_said_beside_the_field(qtbot: QtBot, dialog: ImportDialog, own: Path) -> None:
    drop(dialog, own)
    ready(qtbot, dialog)
    dialog.part.name.clear()
    qtbot.keyClicks(dialog.part.name, "a/b")
    assert "cannot begin with a dot" in dialog.part.name_wrong.text()
    assert not dialog.start.isEnabled()
    dialog.part.name.clear()
    qtbot.keyClicks(dialog.part.name, "bracket")
    assert dialog.said.text() == "Two kinds of part have the same name"
    qtbot.mouseClick(dialog.remove, Qt.MouseButton.LeftButton)
    ready(qtbot, dialog)


def test_a_failed_import_says_why_and_leaves_nothing(
    qtbot: QtBot, dialog: ImportDialog, own: Path, tmp_path: Path
) -> None:
    drop(dialog, own)
    ready(qtbot, dialog)
    (own / "cup" / "1.ply").unlink()  # after it was looked at
    with qtbot.waitSignal(dialog.model.failed, timeout=WAIT_MS):
        qtbot.mouseClick(dialog.start, Qt.MouseButton.LeftButton)
    assert "Nothing has been imported" in dialog.wrong.text()
    assert dialog.wrong.isVisible()
    assert not (tmp_path / "sets").exists() or list((tmp_path / "sets").iterdir()) == []


def test_cancel_stops_an_import_and_the_dialog_stays(
    qtbot: QtBot, dialog: ImportDialog, own: Path, tmp_path: Path
) -> None:
    drop(dialog, own)
    ready(qtbot, dialog)
    dialog._begin()
    dialog.reject()
    assert dialog.isVisible()
    assert not dialog.model.importing
    ready(qtbot, dialog)
    assert dialog.model.close()  # waits for the thread: whatever it had begun is taken back
    assert not (tmp_path / "sets" / "my parts").exists()
    assert not list(tmp_path.glob("sets/.import-*"))


def test_it_can_be_drawn_in_the_dark(qtbot: QtBot, tmp_path: Path, own: Path) -> None:
    found = ImportDialog(tmp_path / "sets", DARK)
    qtbot.addWidget(found)
    found.take(own)
    assert not found.grab().isNull()
    assert found.model.close()
