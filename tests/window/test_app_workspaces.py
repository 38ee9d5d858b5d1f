"""From workspace to workspace: built when shown, keys that act only where they are seen, scans that find their way."""

from __future__ import annotations

from app_helpers import WAIT_MS, open_and_wait
from PySide6.QtCore import Qt

from app.state.navigation import OpenScans
from app.workspaces.ice.page import IcePage
from app.workspaces.inspect.page import InspectPage


def test_a_workspace_is_built_when_it_is_shown(qtbot, window) -> None:
    assert not window.findChildren(IcePage)
    qtbot.keyClick(window, Qt.Key.Key_3, Qt.KeyboardModifier.ControlModifier)
    assert window.workspace == "compare"
    assert window.findChildren(IcePage)[0].isVisible()
    assert window.tools.switcher.by_key["compare"].isChecked()
    qtbot.keyClick(window, Qt.Key.Key_1, Qt.KeyboardModifier.ControlModifier)
    assert window.findChildren(InspectPage)[0].isVisible()
    window.show_workspace("compare")
    assert len(window.findChildren(IcePage)) == 1


def test_no_scan_is_judged_from_another_workspace(qtbot, window, dented_file) -> None:
    (entry,) = open_and_wait(qtbot, window, dented_file)
    window.show_workspace("compare")
    qtbot.keyClick(window, Qt.Key.Key_O)
    assert window.session.get(entry.id).review is None
    window.show_workspace("inspect")
    qtbot.keyClick(window, Qt.Key.Key_O)
    assert window.session.get(entry.id).review == "ok"


def test_a_scan_from_another_workspace_opens_in_inspect(qtbot, window, good_file) -> None:
    window.show_workspace("compare")
    with qtbot.waitSignal(window.model.batch_finished, timeout=WAIT_MS):
        window.session.navigate(OpenScans((good_file,)))
    assert window.workspace == "inspect"
    assert [entry.path for entry in window.session.entries] == [good_file]


def test_a_workspace_brings_its_commands_into_its_menu(window) -> None:
    menu = next(action.menu() for action in window.menuBar().actions() if action.text() == "&Compare")
    menu.actions()[0].trigger()
    assert window.workspace == "compare"
    assert [action.text() for action in menu.actions()][-3:] == ["Save Figure…", "Save Numbers…", "Copy Command"]


def test_closing_ends_every_workspace(window) -> None:
    window.show_workspace("compare")
    window.close()
    assert window.closed_cleanly
