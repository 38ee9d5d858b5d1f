"""The whole window without a mouse: Tab reaches everything and leaves it again, and each stop has a name."""

from __future__ import annotations

import pytest
from app_helpers import open_and_wait
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QHeaderView,
    QLineEdit,
    QScrollBar,
    QTabBar,
    QWidget,
)

from app.workspaces.registry import HOME, WORKSPACES

CONTROLS = (QAbstractButton, QAbstractItemView, QAbstractSlider, QAbstractSpinBox, QComboBox, QLineEdit, QTabBar)
PARTS_OF_CONTROLS = (QScrollBar, QHeaderView)
MOST_STOPS = 200
KEYS = [HOME, *(entry.key for entry in WORKSPACES)]

pytestmark = pytest.mark.usefixtures("home")


def walk(window, key: Qt.Key = Qt.Key.Key_Tab) -> list[QWidget]:
    """Where Tab halts, until it comes round."""
    window.setFocus()
    stops: list[QWidget] = []
    for _ in range(MOST_STOPS):
        QTest.keyClick(QApplication.focusWidget() or window, key)
        here = QApplication.focusWidget()
        if here in stops:
            return stops
        if here is not None and here is not window:
            stops.append(here)
    raise AssertionError(f"Tab never comes round, it stays among {[name_of(stop) for stop in stops[-3:]]}")


def controls(window) -> list[QWidget]:
    """What can be operated now, without what belongs to another control."""
    found = [w for w in window.findChildren(QWidget) if isinstance(w, CONTROLS) and w.isVisible() and w.isEnabled()]
    found = [w for w in found if not isinstance(w, PARTS_OF_CONTROLS) and w.focusPolicy() is not Qt.FocusPolicy.NoFocus]
    return [w for w in found if not isinstance(w.parentWidget(), QLineEdit | QAbstractSpinBox)]


def name_of(widget: QWidget) -> str:
    """What a screen reader says of it."""
    text = getattr(widget, "text", None)
    return widget.accessibleName() or (text() if isinstance(widget, QAbstractButton) and text is not None else "")


@pytest.mark.parametrize("workspace", KEYS)
def test_tab_reaches_everything_by_name_and_comes_round(qtbot, window, dented_file, workspace):
    open_and_wait(qtbot, window, dented_file)
    window.show_workspace(workspace)
    stops = walk(window)
    assert [name_of(control) for control in controls(window) if control not in stops] == []
    assert [type(stop).__name__ for stop in stops if not name_of(stop)] == []
    for view in window.page.clouds.views if workspace == HOME else ():
        assert view.stop in stops


def test_tab_goes_as_one_reads_and_backwards_the_same_way(qtbot, window, dented_file):
    open_and_wait(qtbot, window, dented_file)
    stops = walk(window)
    page, bar = window.page, window.tools.switcher.buttons
    order = [
        bar["inspect"], page.scan_panel.filter.field, page.scans, page.clouds.views[0].stop, page.colour_bar,
        page.verdict.bar.ok, page.defects.view,
    ]  # fmt: skip
    places = [stops.index(stop) for stop in order]
    assert places == sorted(places)
    assert walk(window, Qt.Key.Key_Backtab) == stops[::-1]


def test_arrows_belong_to_the_control_that_has_the_focus(qtbot, window, dented_file, good_file):
    open_and_wait(qtbot, window, dented_file, good_file)
    shown = window.session.current
    for holder in (window._category, window.page.alarms.rate, window.page.defects.view):
        holder.setFocus()
        qtbot.keyClick(holder, Qt.Key.Key_Down)
        assert window.session.current == shown
    window.page.scans.setFocus()
    qtbot.keyClick(window.page.scans, Qt.Key.Key_Down)
    assert window.session.current != shown


def test_arrows_turn_the_part_in_a_3d_view_and_plus_comes_nearer(qtbot, window, dented_file):
    open_and_wait(qtbot, window, dented_file)
    left, right = window.page.clouds.views
    before = left.pose
    left.stop.setFocus()
    qtbot.keyClick(left.stop, Qt.Key.Key_Right)
    assert left.pose.position != before.position
    assert right.pose.position == pytest.approx(left.pose.position)
    turned = left.pose.position
    qtbot.keyClick(left.stop, Qt.Key.Key_Plus)
    assert sum(v * v for v in left.pose.position) < sum(v * v for v in turned)


def test_the_focus_goes_along_to_another_workspace(qtbot, window):
    buttons = window.tools.switcher.buttons
    buttons["inspect"].setFocus()
    qtbot.keyClick(window, Qt.Key.Key_5, Qt.KeyboardModifier.ControlModifier)
    assert buttons["runs"].hasFocus() and not buttons["inspect"].hasFocus()


def test_nothing_types_into_a_page_that_is_not_on_show(qtbot, window, dented_file):
    open_and_wait(qtbot, window, dented_file)
    window.page.scan_panel.filter.field.setFocus()
    window.show_workspace("history")
    holder = QApplication.focusWidget()
    assert holder is None or holder.isVisible()
