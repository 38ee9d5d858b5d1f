"""The window with real files, a real worker and real pictures on a virtual screen."""

from __future__ import annotations

import os
import sys
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from app_helpers import (
    DENT_DIRECTION,
    WAIT_MS,
    SphereDetector,
    dented_sphere,
    loader,
    open_and_wait,
    open_window,
    save_ply,
)
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QAction, QDropEvent, QGuiApplication
from PySide6.QtWidgets import QAbstractItemView, QLabel, QWidget

from app.state.entries import Selection, State
from app.state.session import Session
from sedir_core.drawing.colours import position


def hot_share(picture: np.ndarray, side: int = 30) -> tuple[float, float]:
    """Mean heat of the middle of a picture, where the dent is, and of the part's rim left and right of it."""
    height, width = picture.shape[:2]
    reach = min(height, width) // 2
    middle = picture[height // 2 - side : height // 2 + side, width // 2 - side : width // 2 + side]
    rows = slice(height // 2 - side // 2, height // 2 + side // 2)
    columns = (width // 2 - int(0.8 * reach), width // 2 + int(0.8 * reach))
    rim = np.concatenate([picture[rows, x - side // 2 : x + side // 2].reshape(-1, 3) for x in columns])
    return float(position(middle.reshape(-1, 3)).mean()), float(position(rim).mean())


def test_the_defect_is_hot_in_the_picture_and_the_rest_is_not(qtbot, window, dented_file):
    open_and_wait(qtbot, window, dented_file)
    inside, around = hot_share(window.page.clouds.views[0].picture())
    assert inside > 0.75
    assert around < 0.25


def test_a_good_part_is_nowhere_hot(qtbot, window, good_file):
    open_and_wait(qtbot, window, good_file)
    inside, around = hot_share(window.page.clouds.views[0].picture())
    assert inside < 0.25 and around < 0.25


def test_the_expected_surface_is_shown_beside_it(qtbot, window, dented_file):
    open_and_wait(qtbot, window, dented_file)
    picture = window.page.clouds.views[1].picture()
    middle = picture[picture.shape[0] // 2 - 20 :, picture.shape[1] // 2 - 20 :][:40, :40].reshape(-1, 3).mean(axis=0)
    assert middle.min() > 130 and np.ptp(middle) < 30  # light grey


def test_the_verdict_is_said_in_words(qtbot, window, dented_file):
    open_and_wait(qtbot, window, dented_file)
    assert window.page.verdict.headline.word == "NG"
    assert window.page.verdict.headline.number == "623 %"
    assert window.page.verdict._reason.text() == "The surface departs from the sphere."


def test_a_broken_file_says_why_and_does_not_stop_the_others(qtbot, window, dented_file, broken_file, good_file):
    entries = {entry.path.stem: entry for entry in open_and_wait(qtbot, window, dented_file, broken_file, good_file)}
    assert entries["dented"].verdict == "ng"
    assert entries["good"].verdict == "ok"
    assert entries["broken"].state is State.FAILED
    assert entries["broken"].failure.what in window.page.messages.text
    assert window.page.messages.isVisible()


def test_detection_runs_beside_the_window(qtbot, window, detector, dented_file):
    open_and_wait(qtbot, window, dented_file)
    assert detector.threads == {"detector"}


def test_choosing_a_defect_flies_both_cameras_to_it(qtbot, window, dented_file):
    open_and_wait(qtbot, window, dented_file)
    left, right = window.page.clouds.views
    before = left.pose
    with qtbot.waitSignal(window.page.clouds.arrived, timeout=WAIT_MS):
        window.page.defects.view.setCurrentIndex(window.page.defects.list.index(0))
    assert window.session.selection.defect == 0
    assert np.allclose(left.pose.focus, right.pose.focus) and np.allclose(left.pose.position, right.pose.position)
    assert np.dot(left.pose.focus, DENT_DIRECTION) > 3
    assert np.linalg.norm(np.subtract(left.pose.position, left.pose.focus)) < np.linalg.norm(before.position)


def test_turning_one_view_turns_the_other(qtbot, window, good_file):
    open_and_wait(qtbot, window, good_file)
    left, right = window.page.clouds.views
    start = right.pose
    plot = left._plot
    middle = plot.rect().center()
    qtbot.mousePress(plot, Qt.MouseButton.LeftButton, pos=middle)
    qtbot.mouseMove(plot, middle + QPointF(60, 20).toPoint())
    qtbot.mouseRelease(plot, Qt.MouseButton.LeftButton, pos=middle + QPointF(60, 20).toPoint())
    assert not np.allclose(left.pose.position, start.position)
    assert np.allclose(left.pose.position, right.pose.position)


def test_files_can_be_dropped_on_the_window(qtbot, window, good_file):
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(good_file))])
    copy, left, no_key = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    drop = QDropEvent(QPointF(50, 50), copy, mime, left, no_key)
    with qtbot.waitSignal(window.model.batch_finished, timeout=WAIT_MS):
        window.dropEvent(drop)
    assert [entry.path for entry in window.session.entries] == [good_file]
    assert not any(view._plot.acceptDrops() for view in window.page.clouds.views)


def test_a_folder_without_scans_is_said_to_be_empty(qtbot, window, tmp_path):
    (tmp_path / "empty").mkdir()
    with qtbot.waitSignal(window.model.failed, timeout=WAIT_MS):
        window.opening.open([tmp_path / "empty"])
    assert "no scans found" in window.page.messages.text


def test_the_operator_overrides_the_verdict_by_key(qtbot, window, dented_file):
    (entry,) = open_and_wait(qtbot, window, dented_file)
    qtbot.keyClick(window, Qt.Key.Key_O)
    assert window.session.get(entry.id).verdict == "ok"
    assert window.page.verdict.headline.word == "OK"
    qtbot.keyClick(window, Qt.Key.Key_Backspace)
    assert window.session.get(entry.id).verdict == "ng"


def test_arrows_walk_through_the_scans(qtbot, window, dented_file, good_file):
    first, second = open_and_wait(qtbot, window, dented_file, good_file)
    window.session.show(first.id)
    qtbot.keyClick(window, Qt.Key.Key_Down)
    assert window.session.current == second.id
    assert window.page.scans.currentIndex().row() == 1


def test_a_file_name_is_never_read_as_markup(qtbot, window, tmp_path):
    path = save_ply(tmp_path / "<b>bold<b>.ply", dented_sphere(depth=0).points)
    open_and_wait(qtbot, window, path)
    assert window.page.clouds._left_pane.caption.textFormat() is Qt.TextFormat.PlainText
    assert "&lt;b&gt;" in window.page.scans.table.index(0).data(Qt.ItemDataRole.ToolTipRole)
    assert not [label.text() for label in window.findChildren(QLabel) if reads_markup(label) and "bold" in label.text()]


def reads_markup(label):
    return label.textFormat() is not Qt.TextFormat.PlainText


@pytest.mark.skipif(sys.platform != "linux", reason="no such names elsewhere")
def test_no_file_name_breaks_lines_turns_words_round_or_looks_like_another(qtbot, window, tmp_path):
    for name in (b"odd\nOK  90 %.ply", b"odd\xff.ply", "odd\u202eylp.ply".encode(), b"odd\x1b[2J.ply"):
        entry, *_ = open_and_wait(qtbot, window, save_ply(tmp_path / os.fsdecode(name), dented_sphere().points))
        window.page.edits.review(entry.id, "ok")
        shown = [text for text in texts_of(window) if "odd" in text]
        assert len(shown) > 3
        for text in shown:
            assert all(line.isprintable() for line in text.splitlines()) and "\nOK  90" not in text
            assert name != b"odd\xff.ply" or "odd\\xff" in text
        window.session.remove([entry.id])


def texts_of(window):
    """All that the window shows in words."""
    found = [window.windowTitle()]
    for widget in window.findChildren(QWidget):
        ways = [getattr(widget, name, None) for name in ("text", "toolTip", "title")]
        found += [way() for way in ways if callable(way)]
    for action in window.findChildren(QAction):
        found += [action.text(), action.toolTip()]
    roles = (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole)
    for view in window.findChildren(QAbstractItemView):
        rows = range(0 if view.model() is None else view.model().rowCount())
        found += [view.model().index(row, 0).data(role) for row in rows for role in roles]
    return [text for text in found if isinstance(text, str)]


def test_the_result_can_be_copied(qtbot, window, dented_file):
    open_and_wait(qtbot, window, dented_file)
    window.exporter.copy_result()
    assert "dented: NG" in QGuiApplication.clipboard().text()
    assert "defect 1" in QGuiApplication.clipboard().text()


@pytest.fixture
def gated(qtbot, settings, tmp_path):
    """A window whose detector waits until the gate opens."""
    gate = threading.Event()
    session = Session(loader(SphereDetector(gate)), tmp_path / "run")
    with open_window(qtbot, session, settings, tmp_path) as window:
        yield window, gate


def test_cancel_stops_at_once_and_the_scan_can_be_inspected_again(qtbot, gated, dented_file):
    window, gate = gated
    with qtbot.waitSignal(
        window.model.progress_changed, check_params_cb=lambda p: p is not None and "sphere" in p.stage, timeout=WAIT_MS
    ):
        window.opening.open([dented_file])
    assert window.status.bar.isVisible() and "Fitting a sphere" in window.status.text
    start = time.monotonic()
    qtbot.mouseClick(window.status.cancel, Qt.MouseButton.LeftButton)
    (entry,) = window.session.entries
    assert entry.state is State.STOPPED and time.monotonic() - start < 1
    gate.set()
    with qtbot.waitSignal(window.model.batch_finished, timeout=WAIT_MS):
        window.model.inspect_again([entry.id])
    assert window.session.get(entry.id).verdict == "ng"


def test_closing_during_a_detection_ends_its_thread(qtbot, gated, dented_file):
    window, _ = gated
    with qtbot.waitSignal(
        window.model.progress_changed, check_params_cb=lambda p: p is not None and "sphere" in p.stage, timeout=WAIT_MS
    ):
        window.opening.open([dented_file])
    start = time.monotonic()
    window.close()
    assert window.closed_cleanly
    assert time.monotonic() - start < 2


def test_removing_a_scan_during_its_detection_is_no_trouble(qtbot, gated, dented_file, good_file):
    window, gate = gated
    with qtbot.waitSignal(
        window.model.progress_changed, check_params_cb=lambda p: p is not None and "sphere" in p.stage, timeout=WAIT_MS
    ):
        window.opening.open([dented_file, good_file])
    running = next(entry for entry in window.session.entries if entry.state is State.RUNNING)
    with qtbot.waitSignal(window.model.batch_finished, timeout=WAIT_MS):
        window.session.remove([running.id])
        gate.set()
    assert [entry.state for entry in window.session.entries] == [State.DONE]


def drag_limit(qtbot, window, share: float) -> None:
    bar = window.page.colour_bar
    inner = bar.width() - 32
    qtbot.mousePress(bar, Qt.MouseButton.LeftButton, pos=QPointF(16 + inner / 2, 40).toPoint())
    qtbot.mouseMove(bar, QPointF(16 + inner * share / 2, 40).toPoint())
    qtbot.mouseRelease(bar, Qt.MouseButton.LeftButton, pos=QPointF(16 + inner * share / 2, 40).toPoint())


def test_dragging_the_limit_judges_anew_and_keeps_the_raw_scores(qtbot, window, tmp_path):
    path = save_ply(tmp_path / "slight.ply", dented_sphere(depth=0.06).points)  # 1.5 times the limit
    (entry,) = open_and_wait(qtbot, window, path)
    assert entry.verdict == "ng"
    drag_limit(qtbot, window, 1.8)
    qtbot.waitUntil(lambda: window.session.get(entry.id).defects_at == window.session.limit, timeout=WAIT_MS)
    moved = window.session.get(entry.id)
    assert moved.verdict == "ok"
    assert moved.detection.defects == ()
    assert moved.raw is entry.raw
    window.session.set_limit(1.0)
    qtbot.waitUntil(lambda: window.session.get(entry.id).defects_at == 1.0, timeout=WAIT_MS)
    assert window.session.get(entry.id).detection.defects == entry.raw.defects


def test_moving_the_limit_leaves_the_colours_alone(qtbot, window, dented_file):
    open_and_wait(qtbot, window, dented_file)
    before = hot_share(window.page.clouds.views[0].picture())
    window.session.set_limit(1.9)
    assert hot_share(window.page.clouds.views[0].picture()) == pytest.approx(before, abs=0.05)


def test_the_layers_change_what_the_left_view_shows(qtbot, window, dented_file):
    open_and_wait(qtbot, window, dented_file)
    view = window.page.clouds.views[0]
    qtbot.keyClick(window, Qt.Key.Key_2)
    centre = view.picture()[view.height() // 2, view.width() // 2].astype(int)
    assert np.ptp(centre) < 30  # grey
    qtbot.keyClick(window, Qt.Key.Key_3)
    # The dent lies behind the expected surface, which now covers it.
    assert np.ptp(view.picture()[view.height() // 2, view.width() // 2].astype(int)) < 30
    qtbot.keyClick(window, Qt.Key.Key_1)
    assert hot_share(view.picture())[0] > 0.75


def test_the_ground_truth_is_painted_where_it_is_known(qtbot, window, tmp_path):
    sphere = dented_sphere()
    for name in ("test", "GT"):
        (tmp_path / name).mkdir()
    path = save_ply(tmp_path / "test" / "ball_dent0.ply", sphere.points)
    np.savetxt(tmp_path / "GT" / "ball_dent0.txt", np.column_stack([sphere.points, sphere.mask]))
    open_and_wait(qtbot, window, path)
    qtbot.keyClick(window, Qt.Key.Key_5)
    picture = window.page.clouds.views[0].picture().astype(int)
    red, _, blue = picture[picture.shape[0] // 2, picture.shape[1] // 2]
    assert blue > red + 60


def test_the_blend_slider_uncovers_the_expected_surface(qtbot, window, dented_file):
    open_and_wait(qtbot, window, dented_file)
    qtbot.keyClick(window, Qt.Key.Key_3)
    assert window.page.stage.blend.isVisible()
    view = window.page.clouds.views[0]
    window.page.stage.blend.slider.setValue(0)
    assert hot_share(view.picture())[0] > 0.75
    window.page.stage.blend.slider.setValue(100)
    assert np.ptp(view.picture()[view.height() // 2, view.width() // 2].astype(int)) < 30


def test_a_large_scan_is_drawn_in_steps_and_ends_complete(qtbot, window, tmp_path):
    view = window.page.clouds.views[0]
    with qtbot.waitSignal(view.completed, timeout=WAIT_MS, check_params_cb=lambda: view._n_chunks == 5):
        window.opening.open([save_ply(tmp_path / "large.ply", dented_sphere(110_000).points)])
    assert view.complete and view._drawn.n_made == 5


def test_drawing_little_very_often_keeps_the_steps_small(qtbot, window, good_file):
    open_and_wait(qtbot, window, good_file)
    view = window.page.clouds.views[0]
    for _ in range(12):
        view.redraw()
        view.finish()
    assert view._batch <= 16  # without a bound it would double each time, at last beyond every float


def test_many_defects_get_few_numbers_and_the_chosen_one_always(qtbot, window, tmp_path):
    (entry,) = open_and_wait(qtbot, window, save_ply(tmp_path / "many.ply", dented_sphere().points))
    many = replace(entry.detection, defects=entry.detection.defects * 9)
    window.session.update(entry.id, detection=many)
    window.session.select(Selection(7))
    marks = window.page.clouds.views[0].marks._marks
    assert [mark.label for mark in marks if mark.label] == ["1", "2", "3", "4", "5", "8"]
    assert len(marks) == window.page.defects.list.rowCount() == 9


def test_the_sides_can_be_swapped(qtbot, window, dented_file):
    open_and_wait(qtbot, window, dented_file)
    qtbot.keyClick(window, Qt.Key.Key_S)
    left, right = window.page.clouds.views
    qtbot.waitUntil(lambda: left.mapToGlobal(left.pos()).x() > right.mapToGlobal(right.pos()).x())
    assert hot_share(left.picture())[0] > 0.75
