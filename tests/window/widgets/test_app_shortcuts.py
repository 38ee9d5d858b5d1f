"""The editor of the keys: every command, conflicts, resets, and keys that are kept."""

from __future__ import annotations

import pytest
from app_helpers import loader, open_window
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence

from app.state.session import Session


@pytest.fixture
def dialog(window):
    shown = window.dialogs.show_shortcuts(window.shortcuts)
    yield shown
    shown.close()


def command(window, title: str):
    return next(one for one in window.shortcuts.commands if one.title.rstrip("…") == title)


def press(qtbot, dialog, key: Qt.Key, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    with qtbot.waitSignal(dialog.edit.editingFinished):
        qtbot.keyClick(dialog.edit, key, modifiers)


def test_every_command_of_the_palette_is_listed_under_its_menu(window, dialog):
    listed = {item.data(0, Qt.ItemDataRole.UserRole) for item in dialog._items()}
    assert listed == {one.key for one in window.shortcuts.commands}
    assert {one.action for one in window.shortcuts.commands} == set(window.commands())
    assert command(window, "Dark").group == "View › Theme"


def test_pressed_keys_are_in_force_and_shown_at_once(qtbot, window, dialog):
    again = command(window, "Inspect Again")
    dialog.choose(again.key)
    press(qtbot, dialog, Qt.Key.Key_J, Qt.KeyboardModifier.ControlModifier)
    assert again.action.shortcut() == QKeySequence("Ctrl+J")
    assert dialog.tree.currentItem().text(1) == "Ctrl+J"


def test_keys_that_belong_to_another_command_are_not_taken_without_a_word(qtbot, window, dialog):
    again, opener = command(window, "Inspect Again"), command(window, "Open Scans")
    dialog.choose(again.key)
    press(qtbot, dialog, Qt.Key.Key_O, Qt.KeyboardModifier.ControlModifier)
    assert "is assigned to Open Scans" in dialog.note.text()
    assert again.keys == "F5" and opener.keys == "Ctrl+O"
    dialog.take.click()
    assert again.keys == "Ctrl+O" and opener.keys == ""


def test_one_and_all_go_back_to_their_usual_keys(qtbot, window, dialog):
    again, opener = command(window, "Inspect Again"), command(window, "Open Scans")
    window.shortcuts.set(again.key, "Ctrl+O")
    dialog.choose(again.key)
    dialog.reset.click()
    assert again.keys == "F5" and opener.keys == ""
    dialog.reset_all.click()
    assert opener.keys == "Ctrl+O" and not dialog.reset_all.isEnabled()
    assert window.settings.shortcuts == {}


def test_typing_finds_commands_and_keys(qtbot, dialog):
    dialog.search.setText("ctrl+o")
    assert [item.text(0) for item in dialog._items() if not item.isHidden()] == ["Open Scans"]
    dialog.search.setText("theme")
    assert {item.text(0) for item in dialog._items() if not item.isHidden()} == {"As the System", "Light", "Dark"}


def test_changed_keys_survive_a_restart_also_those_of_a_workspace_that_is_built_later(
    qtbot, window, settings, detector, tmp_path
):
    window.show_workspace("compare")
    own = next(one for one in window.shortcuts.commands if one.group == "Compare" and one.title != "Show Compare")
    window.shortcuts.set(own.key, "Ctrl+T")
    window.shortcuts.set(command(window, "Train").key, "")
    assert command(window, "Train").action.toolTip() == "Train"
    with open_window(qtbot, Session(loader(detector), tmp_path / "run"), settings, tmp_path) as again:
        assert command(again, "Train").keys == ""
        again.shortcuts.set(command(again, "Full Screen").key, "Ctrl+F11")
        again.show_workspace("compare")
        assert command(again, own.title.rstrip("…")).keys == "Ctrl+T"


def test_no_two_commands_come_with_the_same_keys(window):
    window.show_workspace("compare")
    for one in window.shortcuts.commands:
        for keys in filter(None, one.usual.split("; ")):
            assert window.shortcuts.holders(keys, but=one.key) == [], one.title
