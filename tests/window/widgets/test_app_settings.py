"""The settings dialog: every typed setting, applied at once, found by typing, restored by a click."""

from __future__ import annotations

import pytest
from app_helpers import WAIT_MS, open_and_wait
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication, QFileDialog, QMessageBox

from app.state.entries import State
from app.state.settings import Settings
from app.widgets.settings_dialog import SettingsDialog
from app.widgets.theme import DARK, LIGHT
from app.workspaces.inspect.defect_panel import WordsRole


@pytest.fixture
def dialog(qtbot, settings):
    shown = SettingsDialog(settings, LIGHT)
    shown.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    shown.show()
    yield shown
    shown.close()


def test_every_setting_with_a_form_is_shown(dialog):
    assert set(dialog.rows) == {name for name, _, _ in Settings.shown()} >= {"theme", "device", "operator", "unit"}


def test_a_choice_is_applied_at_once(qtbot, window):
    dialog = window.dialogs.show_settings()
    editor = dialog.rows["theme"].editor
    editor.setCurrentIndex(editor.findData("dark"))
    editor.activated.emit(editor.currentIndex())
    assert QApplication.palette().color(QPalette.ColorRole.Window) == QColor(DARK.window)
    dialog.close()


def test_a_typed_setting_is_kept_also_when_escape_closes(qtbot, dialog, settings):
    qtbot.keyClicks(dialog.rows["operator"].editor, "Ada")
    qtbot.keyClick(dialog.rows["operator"].editor, Qt.Key.Key_Escape)
    assert Settings(settings.path).operator == "Ada"
    assert not dialog.isVisible()


def test_closing_closes(qtbot, dialog):
    assert dialog.close()
    assert not dialog.isVisible()


def test_the_unit_is_written_after_lengths(qtbot, window, settings, dented_file):
    open_and_wait(qtbot, window, dented_file)
    settings.unit = "mm"
    words = window.page.defects.list.index(0).data(WordsRole)
    assert [text.endswith(unit) for text, unit in zip(words.below, (" mm²", " mm"), strict=True)] == [True, True]


def test_typing_finds_a_setting(qtbot, dialog):
    qtbot.keyClicks(dialog.search, "export")
    assert [name for name, row in dialog.rows.items() if row.isVisible()] == ["export_folder"]
    dialog.search.setText("no such thing")
    assert dialog._nothing.isVisible()


def test_defaults_come_back_one_by_one_and_all_together(qtbot, dialog, settings):
    settings.theme, settings.operator, settings.confirm_quit = "dark", "Ada", True
    qtbot.mouseClick(dialog.rows["theme"].back, Qt.MouseButton.LeftButton)
    assert settings.theme == "system" and settings.operator == "Ada"
    assert not dialog.rows["theme"].back.isVisible()
    qtbot.mouseClick(dialog.restore, Qt.MouseButton.LeftButton)
    assert (settings.operator, settings.confirm_quit) == ("", False)
    assert not dialog.restore.isEnabled()
    assert dialog.rows["operator"].editor.text() == ""


def test_a_setting_changed_elsewhere_is_shown(dialog, settings):
    settings.theme = "light"
    assert dialog.rows["theme"].editor.currentText() == "Light"


def test_the_devices_of_the_machine_are_offered(qtbot, window):
    dialog = window.dialogs.show_settings()
    editor = dialog.rows["device"].editor
    qtbot.waitUntil(lambda: "CPU" in [editor.itemText(i)[:3] for i in range(editor.count())], timeout=WAIT_MS)
    qtbot.waitUntil(lambda: editor.itemText(0).startswith("Automatic: "), timeout=WAIT_MS)
    dialog.close()


def test_a_device_that_is_not_there_is_refused_and_the_old_one_stays(qtbot, window, settings):
    settings.device = "broken"
    qtbot.waitUntil(lambda: settings.device == "auto", timeout=WAIT_MS)
    assert window.session.device == "auto"
    assert "could not be used" in window.page.messages.text
    qtbot.waitUntil(lambda: not window.model._detector.busy, timeout=WAIT_MS)


def test_saving_begins_in_the_export_folder(window, settings, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *words: (seen.append(words[2]), ("", ""))[1])
    settings.export_folder = tmp_path
    window.exporter.scan_list()
    assert seen == [str(tmp_path / "inspection.csv")]


def test_quitting_during_an_inspection_asks_only_who_wants_it(qtbot, window, settings, dented_file, monkeypatch):
    asked = []
    monkeypatch.setattr(type(window.model), "busy", property(lambda self: True))
    monkeypatch.setattr(QMessageBox, "question", lambda *words: (asked.append(words), QMessageBox.StandardButton.No)[1])
    settings.confirm_quit = True
    assert not window.close() and len(asked) == 1
    settings.confirm_quit = False
    assert window.close() and len(asked) == 1


def test_a_damaged_value_reads_as_its_default(tmp_path):
    (tmp_path / "w.ini").write_text("[view]\ntheme=purple\n[window]\nconfirm_quit=maybe\nrestore=7\n")
    damaged = Settings(tmp_path / "w.ini")
    assert (damaged.theme, damaged.confirm_quit, damaged.restore) == ("system", False, "ask")


def test_an_operator_with_a_comma_survives_the_file(settings):
    settings.operator = "Lovelace, Ada"
    settings.flush()
    assert Settings(settings.path).operator == "Lovelace, Ada"


def test_settings_reach_the_session(qtbot, window, settings, dented_file):
    settings.operator = "Ada"
    (entry,) = open_and_wait(qtbot, window, dented_file)
    assert entry.state is State.DONE and window.session.operator == "Ada"
