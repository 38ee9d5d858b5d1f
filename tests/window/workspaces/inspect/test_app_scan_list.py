"""The scan list: what it shows, in which order, how the keys walk through it, and that thousands stay quick."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QAbstractItemModel, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot
from scan_entries import GREY, fail, judge

from app.state.session import Session
from app.views.preparing import prepare
from app.views.thumbnail import SIZE, thumbnail
from app.widgets.theme import DARK, LIGHT
from app.workspaces.inspect.scan_panel import ScanPanel
from app.workspaces.inspect.scan_row import ROW_HEIGHT
from app.workspaces.inspect.scan_table import Kind, ScanTable, SortBy

WAIT_MS = 10_000


@pytest.fixture
def panel(qtbot: QtBot, session: Session) -> ScanPanel:
    """The panel alone; a choice in it reaches the session as in the window."""
    built = ScanPanel(session, LIGHT)
    built.list.scan_chosen.connect(session.show)
    qtbot.addWidget(built)
    built.resize(260, 600)
    built.show()
    qtbot.waitExposed(built)
    return built


@pytest.fixture
def mixed(session: Session) -> dict[str, int]:
    """One scan of each kind, in an order that no sorting gives, and one that waits."""
    names = ["part_10", "part_9", "broken", "good", "odd", "waiting"]
    ids = dict(zip(names, session.add([Path(f"{name}.ply") for name in names]), strict=True))
    judge(session, ids["part_10"], 1.2, "bolt")
    judge(session, ids["part_9"], 3.0, "cup")
    fail(session, ids["broken"])
    judge(session, ids["good"], 0.5, "cup")
    judge(session, ids["odd"], 0.7, uncertain=True)
    return ids


def names(table: QAbstractItemModel) -> list[str]:
    return [Path(table.index(row, 0).data()).stem for row in range(table.rowCount())]


def settled(qtbot: QtBot, panel: ScanPanel) -> list[str]:
    """The shown names after what has changed is arranged."""
    if panel.list.table._later.isActive():
        with qtbot.waitSignal(panel.list.table.arranged, timeout=WAIT_MS):
            pass
    return names(panel.list.table)


def test_the_model_keeps_qts_rules(qtbot, session, mixed):
    table = ScanTable(session)
    tester = QAbstractItemModelTester(table, QAbstractItemModelTester.FailureReportingMode.Warning)
    table.sort_by(SortBy.SCORE, False)
    table.show_kind(Kind.NG)
    table.search("cup")
    table.search("")
    table.show_kind(None)
    session.remove([mixed["good"], mixed["part_10"]])
    session.add([Path("late.ply")])
    table.sort_by(SortBy.NAME, True)
    assert tester.model() is table and table.rowCount() == 5


@pytest.mark.parametrize(
    ("by", "wanted"),
    [
        (SortBy.ORDER, ["part_10", "part_9", "broken", "good", "odd", "waiting"]),
        (SortBy.NAME, ["broken", "good", "odd", "part_9", "part_10", "waiting"]),
        (SortBy.SCORE, ["part_9", "part_10", "odd", "good", "broken", "waiting"]),
        (SortBy.VERDICT, ["part_9", "part_10", "odd", "broken", "good", "waiting"]),
    ],
)
def test_every_order(qtbot, session, panel, mixed, by, wanted):
    panel.list.table.sort_by(by, False)
    assert settled(qtbot, panel) == wanted
    panel.list.table.sort_by(by, True)
    assert settled(qtbot, panel) == wanted[::-1]


def test_the_counts_stand_on_the_buttons(qtbot, session, panel, mixed):
    session.review(mixed["good"], "ng")
    settled(qtbot, panel)
    texts = {kind: chip.text() for kind, chip in panel.filter.chips.items() if not chip.isHidden()}
    assert texts == {
        None: "All 6", Kind.NG: "NG 3", Kind.UNCERTAIN: "Uncertain 1", Kind.FAILED: "Failed 1",
        Kind.REVIEWED: "Reviewed 1",
    }  # fmt: skip


def test_a_click_filters_and_a_second_click_shows_all_again(qtbot, panel, mixed):
    settled(qtbot, panel)
    for kind, wanted in [(Kind.FAILED, ["broken"]), (Kind.UNCERTAIN, ["odd"]), (Kind.NG, ["part_10", "part_9"])]:
        qtbot.mouseClick(panel.filter.chips[kind], Qt.MouseButton.LeftButton)
        assert names(panel.list.table) == wanted
    qtbot.mouseClick(panel.filter.chips[Kind.NG], Qt.MouseButton.LeftButton)
    assert len(names(panel.list.table)) == 6 and panel.filter.chips[None].isChecked()


@pytest.mark.parametrize(("text", "wanted"), [("PART", 2), ("cup", 2), ("cup part", 1), ("empty", 1), ("xyz", 0)])
def test_a_search_looks_at_name_part_and_reason(qtbot, panel, mixed, text, wanted):
    settled(qtbot, panel)
    qtbot.keyClicks(panel.filter.field, text)
    assert panel.list.table.rowCount() == wanted
    qtbot.keyClick(panel.filter.field, Qt.Key.Key_Escape)
    assert panel.list.table.rowCount() == 6


def test_a_search_finds_comments(qtbot, session, panel, mixed):
    session.review(mixed["good"], "ok", "only dust")
    settled(qtbot, panel)
    qtbot.keyClicks(panel.filter.field, "dust")
    assert names(panel.list.table) == ["good"]


def test_steps_follow_the_visible_order(qtbot, session, panel, mixed):
    panel.list.table.sort_by(SortBy.SCORE, False)
    session.show(mixed["part_9"])
    walked = []
    for _ in range(3):
        panel.list.step(1)
        walked.append(session.current)
    assert walked == [mixed["part_10"], mixed["odd"], mixed["good"]]
    panel.list.step(-9)
    assert session.current == mixed["part_9"]
    assert panel.list.currentIndex().row() == 0


def test_a_reviewed_scan_stays_until_another_is_looked_at(qtbot, session, panel, mixed):
    settled(qtbot, panel)
    session.show(mixed["odd"])
    panel.list.table.show_kind(Kind.UNCERTAIN)
    session.review(mixed["odd"], "ok")
    assert settled(qtbot, panel) == ["odd"]
    session.show(mixed["good"])
    assert settled(qtbot, panel) == []
    panel.list.step(1)  # nowhere to go
    assert session.current == mixed["good"]


def test_a_new_order_keeps_what_is_chosen(qtbot, session, panel, mixed):
    settled(qtbot, panel)
    session.show(mixed["good"])
    panel.list.table.sort_by(SortBy.SCORE, False)
    assert panel.list.chosen_ids() == [mixed["good"]]
    panel.list.table.show_kind(Kind.OK)
    assert panel.list.chosen_ids() == [mixed["good"]]
    assert session.current == mixed["good"]


def test_the_next_on_the_screen_is_shown_when_scans_go(session, panel, mixed):
    panel.list.table.sort_by(SortBy.SCORE, False)
    session.show(mixed["part_9"])
    assert panel.list.heir([mixed["part_9"], mixed["odd"]]) == mixed["part_10"]
    session.show(mixed["waiting"])
    assert panel.list.heir([mixed["waiting"]]) == mixed["broken"]
    assert panel.list.heir(list(mixed.values())) is None


def test_words_say_what_colours_say(session, panel, mixed):
    spoken = [panel.list.table.index(row).data(Qt.ItemDataRole.AccessibleTextRole) for row in range(6)]
    assert [text.split(", ")[1].split(" ·")[0] for text in spoken] == [
        "NG", "NG", "is empty", "OK", "Uncertain", "waiting",
    ]  # fmt: skip


def test_a_tip_says_the_way_out_and_is_no_markup(session, panel):
    (broken,) = session.add([Path("<i>.ply")])
    fail(session, broken)
    tip = panel.list.table.index(0).data(Qt.ItemDataRole.ToolTipRole)
    assert "&lt;i&gt;.ply" in tip and "is empty" in tip and "Export it again." in tip


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_rows_are_painted_with_their_pictures(qtbot, session, panel, mixed, theme):
    panel.set_theme(theme)
    settled(qtbot, panel)
    picture = panel.list.viewport().grab().toImage()
    ratio = picture.devicePixelRatio()
    shown = picture.pixelColor(int(30 * ratio), int(ROW_HEIGHT / 2 * ratio))
    assert shown.getRgb()[:3] == pytest.approx(GREY[:3], abs=8)  # the screen has 16 bits
    broken = picture.pixelColor(int(12 * ratio), int(2.5 * ROW_HEIGHT * ratio))
    assert broken.getRgb()[:3] == pytest.approx(QColor(theme.raised).getRgb()[:3], abs=8)  # a tile with an icon


def test_five_thousand_scans_stay_quick(qtbot, session, panel):
    ids = session.add([Path(f"scan_{number}.ply") for number in range(5000)])
    random = np.random.default_rng(0)
    for entry_id, share in zip(ids, random.uniform(0, 2, 5000), strict=True):
        judge(session, entry_id, float(share))
    settled(qtbot, panel)
    table = panel.list.table
    start = time.process_time()
    table.sort_by(SortBy.SCORE, False)
    panel.filter.field.setText("scan_49")
    table.show_kind(Kind.NG)
    table.show_kind(None)
    panel.filter.field.clear()
    assert time.process_time() - start < 2.0  # a tenth of that on an idle desktop
    assert names(table)[:1] == [f"scan_{int(np.argmax([e.raw.object_score for e in session.entries]))}"]
    start = time.process_time()
    session.show(ids[2500])
    for _ in range(50):
        panel.list.step(1)
    assert (time.process_time() - start) / 50 < 0.02
    start = time.process_time()
    session.remove(ids[::2])
    assert time.process_time() - start < 1.0
    assert table.rowCount() == 2500


# The small picture


def ball(n: int = 4000) -> np.ndarray:
    points = np.random.default_rng(1).normal(size=(n, 3))
    return points / np.linalg.norm(points, axis=1)[:, None]


def pixels(content: bytes) -> np.ndarray:
    image = QImage.fromData(content, "PNG").convertToFormat(QImage.Format.Format_RGBA8888)
    return np.frombuffer(bytes(image.constBits()), np.uint8).reshape(image.height(), image.width(), 4)


def test_a_thumbnail_shows_the_shape_on_a_clear_ground():
    shown = pixels(thumbnail(prepare(ball()), np.zeros(4000, np.float32), 1.0))
    assert shown.shape == (SIZE, SIZE, 4)
    assert shown[SIZE // 2, SIZE // 2, 3] == 255 and shown[0, 0, 3] == 0
    assert shown[..., 3].mean() / 255 == pytest.approx(np.pi / 4 * 0.88**2, abs=0.08)


@pytest.mark.parametrize("place", [(1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0)])
def test_a_thumbnail_turns_the_defect_to_the_front(place):
    points = ball()
    scores = np.where(points @ place > 0.8, 2.0, 0.1).astype(np.float32)
    shown = pixels(thumbnail(prepare(points), scores, 1.0))
    red, _, blue = shown[shown[..., 3] == 255][:, :3].astype(int).T  # in whatever shade, only heat is warm
    assert (red > blue + 20).mean() > 0.25


def test_a_thumbnail_of_nothing_is_empty():
    assert thumbnail(prepare(np.full((9, 3), np.nan)), np.zeros(9, np.float32), 1.0) == b""


def test_a_thumbnail_of_points_on_a_line_or_on_one_spot_is_a_picture():
    line = np.outer(np.linspace(0, 1, 200), (1.0, 2.0, 3.0))
    for points in (line, np.zeros((200, 3))):
        assert pixels(thumbnail(prepare(points), np.full(200, np.nan, np.float32), 1.0)).shape == (SIZE, SIZE, 4)
