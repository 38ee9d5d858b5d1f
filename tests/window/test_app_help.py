"""Help: a guide that names what there is, diagnostics that name no part, and a first run that says where to begin."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest
from app_helpers import open_and_wait
from PySide6.QtCore import QEvent, QSize, Qt, QUrl
from PySide6.QtGui import QGuiApplication, QResizeEvent, QTextDocument

from app import help_texts
from app.state.navigation import ShowWorkspace
from app.widgets.guide import MARGIN, GuideWindow
from sedir_core.places import user_guide

PICTURE = re.compile(r"!\[[^\]]*\]\(([^)]+)\)")
COMMAND = re.compile(r"\*([A-Z]\w+) > ([^*>]+)\*")
MOST_BYTES = 1_500_000


@pytest.fixture
def text() -> str:
    return user_guide().read_text("utf-8")


@pytest.fixture
def guide(qtbot):
    shown = GuideWindow(user_guide())
    shown.show()
    qtbot.waitExposed(shown)
    yield shown
    shown.close()


def test_every_picture_of_the_guide_is_there_and_all_are_small(text):
    pictures = [user_guide().parent / name for name in PICTURE.findall(text)]
    assert pictures and all(path.is_file() for path in pictures)
    shipped = [*user_guide().parent.glob("*.png"), *(user_guide().parents[1] / "pictures").glob("*.png")]
    assert sum(path.stat().st_size for path in shipped) < MOST_BYTES


def test_every_command_that_the_guide_names_is_in_that_menu(window, text):
    menus = {action.text().replace("&", ""): action.menu() for action in window.menuBar().actions()}
    named = COMMAND.findall(text)
    assert len(named) >= 8
    for menu, command in named:
        assert command in [action.text().rstrip("…") for action in menus[menu].actions()], (menu, command)


def test_a_chapter_is_one_click_away(qtbot, guide):
    names = [guide.chapters.item(row).text().strip() for row in range(guide.chapters.count())]
    assert names[0] == "The first minutes" and "Train a model" in names
    item = guide.chapters.item(names.index("Train a model"))
    assert guide.page.verticalScrollBar().value() == 0
    guide.chapters.itemClicked.emit(item)
    assert guide.page.verticalScrollBar().value() > 1000


def test_pictures_are_never_wider_than_the_page(guide):
    name = QUrl("inspect.png")
    for width in (500, 900):
        guide.page.resize(QSize(width, 600))
        picture = guide.page.loadResource(QTextDocument.ResourceType.ImageResource.value, name)
        assert picture.width() / picture.devicePixelRatio() <= width - 2 * MARGIN
        guide.page.resizeEvent(QResizeEvent(guide.page.size(), guide.page.size()))
    assert guide.page._timer.isActive()


def test_words_are_found_and_found_again_from_the_top(qtbot, guide):
    guide.search.setText("Retry Failed")
    qtbot.keyClick(guide.search, Qt.Key.Key_Return)
    first = guide.page.textCursor().position()
    qtbot.keyClick(guide.search, Qt.Key.Key_Return)
    assert guide.page.textCursor().position() == first and guide.page.textCursor().selectedText() == "Retry Failed"


def test_f1_opens_the_guide(qtbot, window):
    qtbot.keyClick(window, Qt.Key.Key_F1)
    (opened,) = window.findChildren(GuideWindow)
    opened.close()


def test_about_names_the_version(window):
    box = window.dialogs.show_about()
    assert "SeDiR Inspect" in box.text() and "MIT" in box.text()
    box.close()


def test_an_empty_window_says_where_to_begin(qtbot, window, monkeypatch):
    empty, wanted = window.page._empty, []
    window.session.navigated.disconnect()
    window.session.navigated.connect(wanted.append)
    assert empty.guide_button.isVisible() and empty.demo_button.isVisible()
    empty.train_button.click()
    assert wanted == [ShowWorkspace("train")]
    empty.guide_button.click()
    (opened,) = window.findChildren(GuideWindow)
    opened.close()
    QGuiApplication.sendPostedEvents(opened, QEvent.Type.DeferredDelete)


def test_diagnostics_name_the_graphics_and_no_part_person_or_folder(qtbot, window, dented_file, tmp_path, monkeypatch):
    log = tmp_path / "log"
    monkeypatch.setattr(help_texts, "writable_folders", lambda: {"log": log})
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    open_and_wait(qtbot, window, dented_file)
    log.mkdir()
    warning = f"2026-11-25 06:00:00,000 WARNING app: {dented_file} and /home/ada/secret part.ply failed: no x\n"
    (log / "window.log").write_text("2026-11-25 06:00:00,000 INFO app: read dented\n" + warning)
    window.copy_diagnostics()
    copied = QGuiApplication.clipboard().text()
    assert "opengl: " in copied and "no context" not in copied and "gpu: " in copied
    assert "WARNING app: <scan> and <path> <file> failed: no x" in copied
    for private in ("dented", "ada", "secret", str(tmp_path)):
        assert private not in copied


def test_a_log_that_is_not_there_is_no_trouble(window, tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        assert help_texts.last_words(tmp_path / "none.log", window.session) == []
