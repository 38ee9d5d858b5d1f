"""Line mode: the part, a verdict that can be read from afar, one sentence, a sound if wished, and the way back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from app_helpers import WAIT_MS, open_and_wait
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from app.main_window import MainWindow
from app.state.entries import Entry, Failure, State
from app.views.layers import Layer
from app.widgets.tokens import DARK, LIGHT, Theme
from app.workspaces.inspect.line_banner import LineBanner, LineWords, line_words


def luminance(colour: str) -> float:
    """Relative, as WCAG 2 defines it."""
    parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in QColor(colour).getRgbF()]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("state", ["ok", "ng", "uncertain", ""])
def test_the_banner_is_legible_at_arm_s_length(qtbot: QtBot, theme: Theme, state: str) -> None:
    banner = LineBanner(theme)
    qtbot.addWidget(banner)
    banner.say(LineWords(state, "OK", "Nothing above the limit."), "")
    ground, ink = sorted(map(luminance, banner.colours))
    assert (ink + 0.05) / (ground + 0.05) >= 4.5


def test_before_there_is_a_verdict_it_says_what_it_waits_for() -> None:
    assert line_words(None, "incoming") == LineWords("", "Ready", "Waiting for scans in incoming.")
    assert line_words(None, "").sentence == "No folder is watched."
    running = Entry(1, Path("a.ply"), State.RUNNING)
    assert line_words(running, "") == LineWords("", "Inspecting…", "", "a.ply")


def test_a_scan_that_failed_is_never_ok() -> None:
    failed = Entry(1, Path("a.ply"), State.FAILED, failure=Failure("is cut off", "", ""))
    assert line_words(failed, "") == LineWords("uncertain", "Not inspected", "Is cut off.", "a.ply")


def test_the_sentence_is_about_the_strongest_defect_or_what_a_person_said(
    qtbot: QtBot, window: MainWindow, dented_file: Path, good_file: Path
) -> None:
    dented, good = open_and_wait(qtbot, window, dented_file, good_file)
    assert line_words(good, "") == LineWords("ok", "OK", "The surface follows the sphere.", "good.ply")
    words = line_words(dented, "")
    assert (words.state, words.word) == ("ng", "NG") and words.sentence.endswith(".") and len(words.sentence) < 80
    assert " mm" not in words.sentence and " mm" in line_words(dented, "", "mm").sentence
    overruled = replace(dented, review="ok", reviewer="Ada", review_comment="a stain")
    assert line_words(overruled, "") == LineWords("ok", "OK", "Set by Ada: a stain.", "dented.ply")


def test_defects_are_hot_whatever_was_on_show_before(qtbot: QtBot, window: MainWindow, dented_file: Path) -> None:
    """Where material is missing no point deviates: the part would be green, and NG."""
    open_and_wait(qtbot, window, dented_file)
    window.page.clouds.set_layer(Layer.DEVIATION)
    window.line.set_on(True)
    assert window.page.clouds.layer is Layer.HEAT
    window.line.set_on(False)
    assert window.page.clouds.layer is Layer.DEVIATION


def test_nothing_but_the_part_and_its_verdict_is_on_show_and_esc_brings_all_back(
    qtbot: QtBot, window: MainWindow, dented_file: Path
) -> None:
    open_and_wait(qtbot, window, dented_file)
    page = window.page
    rest = (window.menuBar(), window.tools, window.statusBar(), *page.docks, page.stage._bar, page.stage._scale)
    shown = [part.isVisible() for part in rest]
    qtbot.keyClick(window, Qt.Key.Key_F11, Qt.KeyboardModifier.ShiftModifier)
    assert window.line.on and window.isFullScreen()
    assert not any(part.isVisible() for part in rest)
    assert page.banner.isVisible() and page.banner.words.word == "NG" and page.clouds.views[0].isVisible()
    assert page.banner.height() >= 0.25 * page.height()
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    assert not window.line.on and not window.isFullScreen() and not page.banner.isVisible()
    assert [part.isVisible() for part in rest] == shown


def test_single_keys_judge_nothing_meanwhile(qtbot: QtBot, window: MainWindow, dented_file: Path) -> None:
    open_and_wait(qtbot, window, dented_file)
    window.line.set_on(True)
    qtbot.keyClick(window, Qt.Key.Key_O)
    assert window.session.entries[0].review is None
    window.line.set_on(False)


def test_what_arrives_in_the_watched_folder_is_shown_and_counted(
    qtbot: QtBot, window: MainWindow, dented_file: Path, tmp_path: Path
) -> None:
    incoming = tmp_path / "incoming"
    incoming.mkdir()
    window.page.watching.start(incoming, settle_s=0.1)
    window.line.set_on(True)
    qtbot.waitUntil(lambda: window.page.watching.state is not None, timeout=WAIT_MS)  # it has looked what is there
    assert window.page.banner.words.sentence == "Waiting for scans in incoming."
    with qtbot.waitSignal(window.session.inspected, timeout=WAIT_MS):
        dented_file.rename(incoming / "a.ply")
    assert (window.page.banner.words.name, window.page.banner.words.word) == ("a.ply", "NG")
    assert window.page.banner.tally == "Today 1 inspected, 1 NG"
    window.line.set_on(False)
    window.page.watching.stop()


@pytest.mark.parametrize(("wished", "beeps"), [(True, 3), (False, 0)])
def test_a_verdict_sounds_if_wished(
    qtbot: QtBot, window: MainWindow, dented_file: Path, wished: bool, beeps: int
) -> None:
    heard: list[int] = []
    window.line._beep = lambda: heard.append(1)
    window.settings.line_sound = wished
    window.line.set_on(True)
    open_and_wait(qtbot, window, dented_file)
    if wished:
        qtbot.waitUntil(lambda: not window.line._beeper.isActive(), timeout=WAIT_MS)
    assert len(heard) == beeps
    window.line.set_on(False)
