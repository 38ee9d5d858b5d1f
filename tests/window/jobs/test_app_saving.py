"""What is saved and what is said: where it begins, progress, stops, folders that are gone, messages that go again."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from app_helpers import WAIT_MS, open_and_wait, save_ply
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QApplication, QFileDialog

from app.jobs.saving import Saver
from app.state.entries import Failure
from app.widgets.messages import NEWS_MS, WARNING_MS, MessageBar
from app.widgets.theme import LIGHT
from sedir_core.errors import Cancelled


@pytest.fixture
def bar(qtbot) -> MessageBar:
    made = MessageBar(LIGHT)
    qtbot.addWidget(made)
    return made


def test_what_was_saved_can_be_opened_from_the_message(qtbot, window, dented_file, tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(Path(url.toLocalFile())))
    open_and_wait(qtbot, window, dented_file)
    with qtbot.waitSignal(window.exporter.saver.saved, timeout=WAIT_MS):
        window.exporter.write(tmp_path / "x.txt", lambda path: path.write_text("x"))
    assert window.page.messages._action.text() == "Open"
    window.page.messages._action.click()
    assert opened == [tmp_path / "x.txt"]


def test_saving_into_a_folder_that_is_gone_says_so(qtbot, window, dented_file, tmp_path):
    open_and_wait(qtbot, window, dented_file)
    gone = tmp_path / "gone"
    gone.mkdir()
    shutil.rmtree(gone)
    with qtbot.waitSignal(window.exporter.saver.failed, timeout=WAIT_MS):
        window.exporter.write(gone / "x.csv", lambda path: path.write_text("x"))
    assert window.page.messages.text == (
        f"x.csv is not saved: the folder {gone} no longer exists. Choose another folder."
    )
    assert not gone.exists()


def test_an_error_of_the_system_is_no_bug(tmp_path):
    failure = Failure.of(FileNotFoundError(2, "No such file or directory"))
    assert failure.what == "No such file or directory" and "folder" in failure.hint


def test_saving_shows_how_far_it_is_and_can_be_stopped(qtbot, window, tmp_path):
    gate = threading.Event()

    def slow(path, report, stop):
        report(0.5, "drawing 5 of 10")
        while not stop():
            gate.wait(0.01)
        raise Cancelled

    with qtbot.waitSignal(
        window.exporter.saver.progress_changed, check_params_cb=lambda p: p is not None and p.fraction == 0.5
    ):
        window.exporter.saver.write(tmp_path / "report.pdf", slow)
    assert window.saving.isVisible() and "Drawing 5 of 10" in window.saving.text
    window.saving.cancel.click()
    assert not window.saving.isVisible() and not window.exporter.saver.busy
    assert not (tmp_path / "report.pdf").exists()


def test_saving_begins_where_it_was_last_and_never_among_the_bundled_scans(qtbot, window, tmp_path, monkeypatch):
    asked = []

    def ask(parent, title, start, kind):
        asked.append(Path(start).parent)
        return str(tmp_path / "out" / "x.csv"), ""

    monkeypatch.setattr(QFileDialog, "getSaveFileName", ask)
    monkeypatch.setattr(window.exporter, "_demo_dir", tmp_path / "demo")
    (tmp_path / "demo").mkdir()
    (tmp_path / "out").mkdir()
    open_and_wait(qtbot, window, save_ply(tmp_path / "demo" / "part.ply", _points()))
    for _ in range(2):
        with qtbot.waitSignal(window.exporter.saver.saved, timeout=WAIT_MS):
            window.exporter.scan_list()
    assert asked == [Path.home(), tmp_path / "out"]


@pytest.mark.parametrize(
    ("name", "what"),
    [("parts.zip", "is an archive. Unpack it"), ("notes.docx", "is a document"), ("photo.JPG", "is a picture")],
)
def test_what_is_no_scan_is_called_what_it_is(qtbot, window, good_file, tmp_path, name, what):
    (tmp_path / name).write_bytes(b"PK\x03\x04 and so on")
    with qtbot.waitSignal(window.model.batch_finished, timeout=WAIT_MS):
        window.opening.open([tmp_path / name, good_file])
    assert window.page.messages.text.startswith(f"{name}: ") and what in window.page.messages.text
    assert [entry.path for entry in window.session.entries] == [good_file]


def test_news_go_by_themselves_and_warnings_stay_longer(bar):
    bar.show()
    bar.inform("Saved x")
    assert bar.expiry.interval() == NEWS_MS
    bar.expiry.timeout.emit()
    assert bar.isHidden()
    bar.warn("x", Failure("failed", "try again", ""))
    assert bar.expiry.interval() == WARNING_MS > NEWS_MS


def test_a_message_stays_while_the_keyboard_is_on_it(qtbot, bar):
    bar.inform("Saved x", "Open", lambda: None)
    with qtbot.waitExposed(bar):
        bar.show()
    bar.activateWindow()
    bar._action.setFocus()
    qtbot.waitUntil(lambda: QApplication.focusWidget() is bar._action)
    bar.expiry.timeout.emit()
    assert bar.isVisible()
    bar._action.clearFocus()
    bar.expiry.timeout.emit()
    assert bar.isHidden()


def test_a_file_that_is_not_finished_leaves_the_old_one(qtbot, tmp_path):
    saver = Saver()
    (tmp_path / "x").write_text("old")

    def fail(path, report, stop):
        raise PermissionError(13, "Permission denied")

    with qtbot.waitSignal(saver.failed, timeout=WAIT_MS) as failed:
        saver.write(tmp_path / "x", fail)
    assert failed.args[1].what == "Permission denied"
    assert (tmp_path / "x").read_text() == "old"
    assert saver.close()


def _points():
    from app_helpers import dented_sphere

    return dented_sphere().points


def test_a_good_scan_is_added_to_what_its_model_learned_from(
    qtbot, window, good_file, dented_file, tmp_path, monkeypatch
) -> None:
    dented, good = open_and_wait(qtbot, window, dented_file, good_file)
    home = tmp_path / "parts" / good.raw.category / "OK"
    home.mkdir(parents=True)
    told = SimpleNamespace(dataset=str(tmp_path / "parts"))
    monkeypatch.setattr("sedir_core.rundir.files.read_about", lambda run_dir: told)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda _, title, suggested: (suggested, ""))
    window.session.show(dented.id)
    window.exporter.training_scan()
    assert "is not OK" in window.page.messages.text and not list(home.iterdir())
    window.session.show(good.id)
    with qtbot.waitSignal(window.exporter.saver.saved, timeout=WAIT_MS):
        window.exporter.training_scan()
    assert (home / good_file.name).read_bytes() == good_file.read_bytes()
