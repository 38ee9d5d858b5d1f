"""Room: nothing is cut or pushed off the screen down to the smallest window, and every dock finds its way back."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from app_helpers import open_and_wait
from PySide6.QtCore import QLocale, QPoint, QRect, Qt
from PySide6.QtGui import QFontMetrics, QImage, QPainter
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QToolButton,
    QWidget,
)

from app.main_window import LEAST_SIZE
from app.state.entries import Past
from app.state.settings import TEXT_SIZES
from app.widgets.empty_state import EmptyState
from app.widgets.numbers import GROUP, grouped, on_screen
from app.widgets.room import resize_on_screen
from app.widgets.theme import LIGHT
from app.workspaces.inspect.defect_panel import WordsRole
from app.workspaces.inspect.scan_row import MARK_PX
from app.workspaces.train.data_panel import DataPanel

SIZES = [LEAST_SIZE, (1024, 640), (1280, 800)]


def resize(qtbot, window, size: tuple[int, int]) -> None:
    window.resize(*size)
    window.page.arrange(*size)
    qtbot.waitUntil(lambda: (window.width(), window.height()) == size)
    QApplication.processEvents()


def on_window(window, widget: QWidget) -> QRect:
    return QRect(widget.mapTo(window, QPoint(0, 0)), widget.size())


def test_the_verdict_its_buttons_and_the_part_are_on_the_screen(qtbot, window, dented_file):
    open_and_wait(qtbot, window, dented_file)
    verdict = window.page.verdict
    for size in SIZES:
        resize(qtbot, window, size)
        for part in (verdict.headline, verdict.bar.ok, verdict.bar.ng, verdict.bar.note, window._category):
            assert part.isVisible() and window.rect().contains(on_window(window, part)), size


@pytest.mark.parametrize("size", SIZES)
def test_the_comment_field_is_as_high_as_its_text_needs(qtbot, window, dented_file, size):
    open_and_wait(qtbot, window, dented_file)
    resize(qtbot, window, size)
    window.page.comment()
    field, bar = window.page.verdict.bar.field, window.page.verdict.bar
    qtbot.waitUntil(lambda: field.height() >= field.sizeHint().height())
    assert on_window(window, field).bottom() < on_window(window, bar.ok).top()
    assert on_window(window, bar.ok).bottom() < on_window(window, window.page.defects).top()


@pytest.mark.parametrize("size", SIZES)
def test_a_long_comment_lies_on_nothing_and_leaves_the_buttons_whole(qtbot, window, dented_file, size):
    (entry,) = open_and_wait(qtbot, window, dented_file)
    resize(qtbot, window, size)
    verdict = window.page.verdict
    window.page.edits.comment(entry.id, "a long comment on what was seen by the operator on this part and on others")
    qtbot.waitUntil(lambda: verdict.bar._comment.isVisible())
    QApplication.processEvents()
    below = [on_window(window, part).bottom() for part in (verdict._scroll, verdict.bar._comment)]
    above = [on_window(window, part).top() for part in (verdict.bar._who, verdict.bar.ok)]
    assert below[0] < above[0] and below[1] < above[1]
    for button in verdict.bar.buttons:
        assert not button.isVisible() or button.width() >= button.sizeHint().width()


def test_no_button_of_the_bars_falls_off(qtbot, window, dented_file):
    open_and_wait(qtbot, window, dented_file)
    for size in SIZES:
        resize(qtbot, window, size)
        for bar in (window.tools, window.page.stage._bar):
            shown = [on_window(window, b) for b in bar.findChildren(QToolButton) if b.isVisible()]
            assert all(window.rect().contains(area) for area in shown), size
            assert not any(a.intersects(b) for i, a in enumerate(shown) for b in shown[i + 1 :]), size


def test_no_choice_or_field_is_cut_in_the_other_workspaces(qtbot, window):
    bars = ("history", "filters"), ("compare", "setup"), ("train", "settings")
    for size, (key, name) in itertools.product((LEAST_SIZE, (1280, 800)), bars):
        window.show_workspace(key)
        resize(qtbot, window, size)
        bar = getattr(window._pages[key], name)
        for part in (*bar.findChildren(QComboBox), *bar.findChildren(QCheckBox)):
            if part.isVisible() and key != "train":  # there all are as wide as the panel
                assert part.width() >= part.sizeHint().width(), (size, key, part.accessibleName())
        for part in (*bar.findChildren(QComboBox), *bar.findChildren(QLineEdit)):
            if part.isVisible():
                assert part.height() >= part.sizeHint().height() - 2, (size, key, part.accessibleName())


def test_the_numbers_of_the_tolerance_have_their_room(qtbot, window, dented_file):
    open_and_wait(qtbot, window, dented_file)
    qtbot.keyClick(window, Qt.Key.Key_4)
    box = window.page.stage.tolerance
    for size in SIZES:
        resize(qtbot, window, size)
        shown = [on_window(window, part) for part in (box.minus, box.plus, box.both, box.rigid)]
        assert not any(a.intersects(b) for i, a in enumerate(shown) for b in shown[i + 1 :]), size
        assert box.rigid.width() >= box.rigid.sizeHint().width(), size


def test_a_row_keeps_its_verdict_apart_from_its_score(qtbot, window, dented_file):
    (entry,) = open_and_wait(qtbot, window, dented_file)
    delegate, drawn = window.page.scans._delegate, []
    delegate._text = lambda painter, room, font, colour, text, edge, cut: drawn.append((text, room.left()))
    picture = QImage(400, 80, QImage.Format.Format_RGB32)
    painter = QPainter(picture)
    for width in (200, 74):
        delegate._second_line(painter, QRect(0, 0, width, 40), window.font(), entry)
    painter.end()
    assert [left for text, left in drawn if text == "NG"] == [MARK_PX + 5, 0]


def test_marks_give_way_to_the_verdict_of_a_narrow_row(qtbot, window, dented_file):
    (entry,) = open_and_wait(qtbot, window, dented_file)
    reviewed = replace(entry, review="ng", review_comment="seen", past=Past(1.0, "Inspected before"))
    delegate, drawn = window.page.scans._delegate, []
    delegate._text = lambda painter, room, font, colour, text, edge, cut: drawn.append((text, room.right()))
    picture = QImage(400, 80, QImage.Format.Format_RGB32)
    painter = QPainter(picture)
    word = QFontMetrics(window.font()).horizontalAdvance("NG")
    taken = [delegate._marks(painter, QRect(0, 0, room, 40), reviewed, room - word) for room in (400, word + 30, word)]
    painter.end()
    assert taken[0] > taken[1] > taken[2] == 0
    assert taken[1] <= 30


@pytest.mark.parametrize("size", SIZES)
def test_a_long_reason_leaves_the_buttons_above_the_defects(qtbot, window, dented_file, size):
    (entry,) = open_and_wait(qtbot, window, dented_file)
    long = replace(entry.detection, reason="one defect, far over the limit, as was said at the time. " * 6)
    window.session.update(entry.id, detection=long, raw=long)
    resize(qtbot, window, size)
    defects = window.page.docks[2]
    qtbot.waitUntil(lambda: on_window(window, window.page.verdict.bar.ok).bottom() < on_window(window, defects).top())


def test_a_defect_s_card_shows_every_measure_whole(qtbot, window, settings, dented_file):
    (entry,) = open_and_wait(qtbot, window, dented_file)
    far = replace(entry.detection.defects[0], extent=np.array([1234.5, 987.6, 1010.1]), area=123456.0)
    window.session.update(entry.id, detection=replace(entry.detection, defects=(far,)))
    view = window.page.defects.view
    for unit, size in itertools.product(("", "mm"), SIZES):
        settings.unit = unit
        resize(qtbot, window, size)
        words = view.model().index(0).data(WordsRole)
        title, below = view.itemDelegate()._lines(words, view.font(), view.viewport().width() - 52)
        shown = " ".join([*title, *below])
        for piece in (*words.title, *words.below):
            assert all(word in shown for word in piece.split()), (unit, size)
        widest = max(QFontMetrics(view.font()).horizontalAdvance(line) for line in below)
        assert widest <= view.viewport().width(), (unit, size)


def test_views_have_more_room_than_everything_around_them(qtbot, window, dented_file):
    open_and_wait(qtbot, window, dented_file)
    resize(qtbot, window, (1280, 800))
    views = sum(view.width() * view.height() for view in window.page.clouds.views)
    assert views > 0.37 * 1280 * 800
    assert all(view.height() > 500 for view in window.page.clouds.views)


def test_one_view_gets_the_room_of_both(qtbot, window, settings, dented_file):
    open_and_wait(qtbot, window, dented_file)
    left, right = window.page.clouds.views
    before = left.width()
    qtbot.keyClick(window, Qt.Key.Key_V)
    qtbot.waitUntil(lambda: left.width() > 1.9 * before)
    assert not right.isVisible() and settings.single_view
    qtbot.keyClick(window, Qt.Key.Key_V)
    qtbot.waitUntil(right.isVisible)


def test_closed_and_pulled_out_docks_come_back(qtbot, window):
    scans, verdict, defects = window.page.docks
    scans.hide()
    verdict.setFloating(True)
    window.page.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, defects)
    action = next(one for one in window.commands() if one.text() == "Reset Layout")
    action.trigger()
    assert all(dock.isVisible() and not dock.isFloating() for dock in window.page.docks)
    qtbot.waitUntil(lambda: on_window(window, verdict).bottom() < on_window(window, defects).top())
    assert on_window(window, scans).right() < on_window(window, window.page.stage).left()
    assert on_window(window, defects).left() > on_window(window, window.page.stage).right()


def test_the_tool_bar_has_what_belongs_to_the_workspace(qtbot, window):
    def tools() -> list[str]:
        switch = set(window.tools.switcher.buttons.values())
        return [
            b.defaultAction().text()
            for b in window.tools.findChildren(QToolButton)
            if b.isVisible() and b not in switch
        ]

    assert tools() == ["Open Scans…", "Inspect Again", "Stop"]
    window.show_workspace("train")
    assert tools() == ["New training", "Choose a data set…", "Import scans…"]
    assert not window._category.isVisible()
    window.show_workspace("inspect")
    assert tools() == ["Open Scans…", "Inspect Again", "Stop"] and window._category.isVisible()


def test_nothing_stops_an_inspection_that_is_not_on_show(qtbot, window, dented_file, monkeypatch):
    monkeypatch.setattr(type(window.model), "busy", property(lambda self: True))
    window.menus.enable()
    assert window.menus.stop.isEnabled()
    window.show_workspace("train")
    assert not window.menus.stop.isEnabled()


def test_text_has_the_size_that_was_asked_for(qtbot, window, settings, dented_file):
    open_and_wait(qtbot, window, dented_file)
    for percent in (TEXT_SIZES[0], 100, TEXT_SIZES[-1]):
        settings.text_size = percent
        usual = window.theme.text_pt
        assert usual >= 10.0 * percent / 100
        for label in window.page.findChildren(QLabel):
            if label.isVisible() and label.text():
                assert label.font().pointSizeF() >= 0.9 * usual, percent
        assert window.page.scans.font().pointSizeF() == pytest.approx(usual), percent


def test_a_dialog_is_no_larger_than_the_screen(qtbot):
    dialog = QWidget()
    qtbot.addWidget(dialog)
    resize_on_screen(dialog, 300, 5000)
    assert dialog.width() == 300 and dialog.height() < dialog.screen().availableSize().height()


def test_the_buttons_over_the_data_are_whole_where_it_is_narrow(qtbot):
    panel = DataPanel(LIGHT)
    qtbot.addWidget(panel)
    panel.show()
    for width, all_of_them in ((1600, True), (420, False)):
        panel.resize(width, 500)
        QApplication.processEvents()
        assert panel.bring.isVisible() is all_of_them
        for button in (panel.all, panel.none, panel.choose):
            assert button.width() >= button.sizeHint().width() or not button.isVisible()


def test_an_empty_page_says_all_of_it_at_every_width(qtbot):
    long = "Choose or drop a folder with one folder of good scans for each kind of part. " * 6
    state = EmptyState("cube-scan", "What shall it learn?", long, LIGHT)
    qtbot.addWidget(state)
    for width in (300, 500, 900):
        state.resize(width, 600)
        with qtbot.waitExposed(state):
            state.show()
        words = state.words
        assert words.height() >= words.heightForWidth(words.width())
        assert words.width() < width


def test_an_empty_page_scrolls_where_it_is_low(qtbot):
    button = QPushButton("Begin")
    state = EmptyState("cube-scan", "What shall it learn?", "Choose a folder. " * 20, LIGHT, [button])
    qtbot.addWidget(state)
    state.resize(300, 160)
    with qtbot.waitExposed(state):
        state.show()
    (area,) = state.findChildren(QScrollArea)
    assert area.verticalScrollBar().maximum() > 0
    area.ensureWidgetVisible(button, 0, 0)
    assert state.rect().contains(QRect(button.mapTo(state, QPoint(0, 0)), button.size()))


def test_all_fields_of_a_new_training_begin_in_one_line(qtbot, window):
    window.show_workspace("train")
    panel = window._pages["train"].settings
    for everything in (False, True):
        panel.everything.setChecked(everything)
        resize(qtbot, window, (1280, 800))
        below = [field for field in panel.form.fields.values() if field.isVisible()]
        starts = {on_window(window, field).left() for field in (panel.name, panel.preset, panel.device, *below)}
        assert len(starts) == 1


@pytest.mark.parametrize("percent", [100, 150])
def test_the_choices_of_the_tolerance_are_whole_with_larger_text(qtbot, window, settings, dented_file, percent):
    open_and_wait(qtbot, window, dented_file)
    qtbot.keyClick(window, Qt.Key.Key_4)
    settings.text_size = percent
    resize(qtbot, window, (1280, 800))
    box = window.page.stage.tolerance
    assert box.rigid.width() >= box.rigid.sizeHint().width()


def test_numbers_on_the_screen_follow_one_locale(qtbot, window):
    assert grouped(4000) == f"4{GROUP}000"
    assert (
        on_screen("4,000 points, 1,046.5 mm², 1,2 and 12,34") == f"4{GROUP}000 points, 1{GROUP}046.5 mm², 1,2 and 12,34"
    )
    before = QLocale()
    try:
        QLocale.setDefault(QLocale(QLocale.Language.German))
        type(window)(window.session, window.settings, window.settings.path.parent).close()
        field = QDoubleSpinBox(decimals=1, maximum=1e6)
        qtbot.addWidget(field)
        field.setValue(1234.5)
        assert field.text() == "1234.5"
    finally:
        QLocale.setDefault(before)
