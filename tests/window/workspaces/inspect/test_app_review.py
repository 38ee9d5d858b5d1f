"""Review by keyboard in the real window, and what the verdict panel says of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from app_helpers import WAIT_MS, open_and_wait
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot
from scan_entries import PICTURE, SHAPE, fail, found, judge

from app.state.entries import Beside, State
from app.state.session import Session
from app.widgets.theme import LIGHT
from app.workspaces.inspect.verdict_panel import VerdictPanel


@pytest.fixture
def panel(qtbot: QtBot) -> VerdictPanel:
    built = VerdictPanel(LIGHT)
    qtbot.addWidget(built)
    built.resize(330, 300)
    built.show()
    qtbot.waitExposed(built)
    return built


def texts(panel: VerdictPanel) -> str:
    shown = [panel._reason, panel._hint, panel.bar._who, panel.bar._comment]
    words = [label.text() for label in shown if label.isVisible()]
    return " | ".join(text for text in (panel.headline.word, panel.headline.number, *words) if text)


def test_the_keys_review_comment_and_undo(qtbot, window, dented_file, good_file):
    dented, good = open_and_wait(qtbot, window, dented_file, good_file)
    window.session.operator = "Ana"
    window.session.show(dented.id)
    bar = window.page.verdict.bar
    qtbot.keyClick(window, Qt.Key.Key_O)
    assert bar._who.text() == "Set to OK by Ana; the model said NG"
    qtbot.keyClick(window, Qt.Key.Key_E)
    assert bar.field.hasFocus()
    qtbot.keyClicks(bar.field, "only dust")
    qtbot.keyClick(bar.field, Qt.Key.Key_Return)
    assert window.session.get(dented.id).review_comment == "only dust"
    assert bar._comment.text() == "“only dust”" and not bar.field.isVisible()
    qtbot.keyClick(window, Qt.Key.Key_E)
    qtbot.keyClicks(bar.field, "no, sand")
    qtbot.keyClick(bar.field, Qt.Key.Key_Escape)
    assert window.session.get(dented.id).review_comment == "only dust"
    qtbot.keyClick(window, Qt.Key.Key_Down)
    qtbot.keyClick(window, Qt.Key.Key_O)
    assert bar._who.text() == "OK confirmed by Ana"
    for _ in range(3):
        qtbot.keyClick(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert [window.session.get(entry.id).review for entry in (dented, good)] == [None, None]
    qtbot.keyClick(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    assert window.session.get(dented.id).review == "ok"


def test_removal_is_undone_from_the_menu(qtbot, window, dented_file, good_file):
    dented, good = open_and_wait(qtbot, window, dented_file, good_file)
    window.session.show(dented.id)
    window.page.scans.setFocus()
    qtbot.keyClick(window.page.scans, Qt.Key.Key_Delete)
    assert [entry.id for entry in window.session.entries] == [good.id]
    assert window.session.current == good.id
    undo = next(action for action in window.commands() if action.text().startswith("Undo"))
    assert undo.text() == "Undo Remove dented.ply"
    undo.trigger()
    assert window.session.current == dented.id
    qtbot.waitUntil(lambda: window.session.get(dented.id).scan is not None, timeout=WAIT_MS)
    assert window.page.verdict.headline.word == "NG"


def test_a_scan_removed_before_its_turn_is_inspected_when_it_comes_back(qtbot, window, dented_file):
    (entry,) = open_and_wait(qtbot, window, dented_file)
    waiting = replace(entry, state=State.WAITING, raw=None, detection=None, scan=None, shape=None)
    window.session.remove([entry.id])
    with qtbot.waitSignal(window.model.batch_finished, timeout=WAIT_MS):
        window.session.restore([(0, waiting)])
    assert window.session.get(entry.id).verdict == "ng"


def test_a_comment_under_way_is_kept_when_another_scan_is_shown(qtbot, session, panel, good_file, dented_file):
    first, second = session.add([good_file, dented_file])
    for entry_id in (first, second):
        judge(session, entry_id, 0.5)
    panel.show_entry(session.get(first))
    panel.bar.write()
    qtbot.keyClicks(panel.bar.field, "scratch")
    with qtbot.waitSignal(panel.commented, timeout=WAIT_MS) as kept:
        panel.show_entry(session.get(second))
    assert kept.args == [first, "scratch"]
    assert not panel.bar.writing


def test_the_buttons_ask_for_what_the_keys_do(qtbot, session: Session, panel, good_file):
    (only,) = session.add([good_file])
    judge(session, only, 0.5)
    panel.show_entry(session.get(only))
    asked = []
    panel.review_wanted.connect(lambda entry_id, verdict: asked.append((entry_id, verdict)))
    for button in (panel.bar.ok, panel.bar.ng):
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    session.review(only, "ng")
    panel.show_entry(session.get(only))
    qtbot.mouseClick(panel.bar.back, Qt.MouseButton.LeftButton)
    assert asked == [(only, "ok"), (only, "ng"), (only, None)]


def test_the_panel_says_all_in_words(session, panel, good_file):
    (only,) = session.add([good_file])
    judge(session, only, 1.42)
    panel.show_entry(session.get(only))
    assert texts(panel) == "NG | 142 % | Because."
    judge(session, only, 0.8, uncertain=True)
    panel.show_entry(session.get(only))
    assert texts(panel).startswith("Uncertain | 80 %")
    session.review(only, "ok")
    panel.show_entry(session.get(only))
    assert texts(panel).endswith("Set to OK; the model said Uncertain")
    fail(session, only)
    panel.show_entry(session.get(only))
    assert texts(panel) == "Not inspected | Is empty. | Export it again."
    assert panel._retry.isVisible() and not panel.bar.isVisible()


def test_the_panel_says_how_much_was_judged(session, panel, good_file):
    (only,) = session.add([good_file])
    scores = np.where(np.arange(64) < 3, np.nan, 0.5).astype(np.float32)
    raw = replace(found(0.5), from_one_side=True, point_scores=scores)
    session.set_result(only, raw, {Beside.EXPECTED: SHAPE}, PICTURE)
    panel.show_entry(session.get(only))
    part, points = panel._facts.text().splitlines()
    assert part == "ball · 90 % sure · one side seen"
    assert points.startswith("64 points, 3 not evaluated")


def test_a_stopped_scan_can_be_inspected_from_the_panel(qtbot, session, panel, good_file):
    (only,) = session.add([good_file])
    session.update(only, state=State.STOPPED)
    panel.show_entry(session.get(only))
    with qtbot.waitSignal(panel.retry_wanted, timeout=WAIT_MS) as asked:
        qtbot.mouseClick(panel._retry, Qt.MouseButton.LeftButton)
    assert asked.args == [only]
