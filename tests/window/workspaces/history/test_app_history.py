"""The History workspace, driven as an operator drives it, on a real database."""

from __future__ import annotations

import csv
import json
import shutil
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from app_helpers import WAIT_MS, dented_sphere, loader, open_and_wait, open_window, save_ply
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QFileDialog
from sqlalchemy import insert

from app.jobs.past import ChartData
from app.main_window import MainWindow
from app.state.entries import Entry, Past, State
from app.state.session import Session
from app.workspaces.history.charts import Charts
from app.workspaces.history.page import EMPTY, READING, HistoryPage
from app.workspaces.history.table import COLUMNS, MOST_PAGES
from app.workspaces.inspect.model import InspectModel
from sedir_core.history.control import run_chart
from sedir_core.history.place import HistoryPlace
from sedir_core.history.records import ChartPoint, Filter, Override
from sedir_core.history.store import History
from sedir_core.history.tables import InspectionRow

sys.path.append(str(Path(__file__).parents[3] / "core" / "history"))
from history_helpers import CONTENT, detection, inspection

COLUMN_NAMES = [column.name for column in InspectionRow.__table__.columns if column.name != "id"]
CONTROL, LEFT = Qt.KeyboardModifier.ControlModifier, Qt.MouseButton.LeftButton


@pytest.fixture
def place(tmp_path) -> HistoryPlace:
    return HistoryPlace(f"sqlite:///{tmp_path / 'data' / 'history.sqlite'}", tmp_path / "data" / "kept")


@pytest.fixture(scope="module")
def template(tmp_path_factory) -> Path:
    """Written once: each commit waits for the disk."""
    folder = tmp_path_factory.mktemp("template") / "data"
    history = HistoryPlace(f"sqlite:///{folder / 'history.sqlite'}", folder / "kept").open()
    now = datetime.now(UTC)
    for number in range(8):
        ng = number % 2 == 0
        history.record(
            inspection(
                number, time=now - timedelta(days=number), verdict="ng" if ng else "ok", score=0.6 if ng else 0.2,
                lot=f"=L{number // 4}", operator="anna" if number < 4 else "berta",
            ),
            CONTENT,
        )  # fmt: skip
    return folder


@pytest.fixture
def store(place, template, tmp_path) -> History:
    """Eight inspections a day apart: the newest is number 0."""
    shutil.copytree(template, tmp_path / "data")
    return place.open()


@pytest.fixture
def page(qtbot, session, settings, place, store) -> Iterator[HistoryPage]:
    """The page by itself, filled."""
    session.history = place
    from app.widgets.theme import LIGHT

    shown = HistoryPage(session, settings, LIGHT)
    shown.resize(1250, 700)
    shown.show()
    refresh(qtbot, shown, shown.activate)
    yield shown
    assert shown.close_down()
    shown.close()
    shown.deleteLater()


@pytest.fixture
def recorded(qtbot, detector, settings, place, tmp_path) -> Iterator[MainWindow]:
    """The real window with a history."""
    session = Session(loader(detector), tmp_path / "run")
    session.history = place
    with open_window(qtbot, session, settings, tmp_path) as opened:
        yield opened


def refresh(qtbot, page: HistoryPage, act) -> None:
    """Do something that asks the history anew, and wait for all of the answer."""
    with qtbot.waitSignals([page.model.overview_changed, page.model.charts_found], timeout=WAIT_MS):
        act()
    count = page.view.table.rowCount()
    qtbot.waitUntil(lambda: not count or page.view.table.at(0) is not None, timeout=WAIT_MS)


def names(page: HistoryPage) -> list[int]:
    table = page.view.table
    return [int(table.at(row).key, 16) for row in range(table.rowCount())]


def choose(combo, words: str) -> None:
    combo.setCurrentIndex(combo.findText(words))


def test_an_inspection_is_found_reviewed_and_opened_again_as_it_was(qtbot, recorded, dented_file, good_file) -> None:
    with qtbot.waitSignal(recorded.session.history_changed, timeout=WAIT_MS):
        entries = open_and_wait(qtbot, recorded, dented_file, good_file)
    dented = next(entry for entry in entries if entry.path == dented_file)
    recorded.session.review(dented.id, "ok", "only dust")
    qtbot.waitUntil(lambda: recorded.recording.recorder.unwritten == 0, timeout=WAIT_MS)
    recorded.session.remove([entry.id for entry in entries])
    save_ply(dented_file, dented_sphere(depth=0.1).points)
    qtbot.keyClick(recorded, Qt.Key.Key_4, CONTROL)
    assert recorded.workspace == "history"
    page = recorded.findChild(HistoryPage)
    qtbot.waitUntil(lambda: page.view.table.rowCount() == 2 and page.view.table.at(1) is not None, timeout=WAIT_MS)
    row = page.view.table.row_of(dented.record)
    place = page.view.visualRect(page.view.table.index(row, 1)).center()
    with qtbot.waitSignal(page.model.detail_found, timeout=WAIT_MS):
        qtbot.mouseClick(page.view.viewport(), LEFT, pos=place)
    qtbot.waitUntil(lambda: page.detail._log.text().endswith("“only dust”"), timeout=WAIT_MS)
    with qtbot.waitSignal(page.model.reopened, timeout=WAIT_MS):
        qtbot.mouseDClick(page.view.viewport(), LEFT, pos=place)
    assert recorded.workspace == "inspect"
    past = recorded.session.current_entry
    assert (past.verdict, past.review_comment, past.record) == ("ok", "only dust", dented.record)
    assert np.array_equal(past.detection.point_scores, dented.detection.point_scores)
    assert "has changed since" in recorded.page.verdict._reason.text()
    assert recorded.page.defects.list.rowCount() == 1


def test_a_review_of_a_past_inspection_is_logged_too(qtbot, recorded, place, dented_file) -> None:
    (entry,) = open_and_wait(qtbot, recorded, dented_file)
    recorded.show_workspace("history")
    page = recorded.findChild(HistoryPage)
    with qtbot.waitSignal(recorded.session.entries_added, timeout=WAIT_MS):
        qtbot.waitUntil(lambda: recorded.recording.recorder.unwritten == 0, timeout=WAIT_MS)
        page.open_past(entry.record)
    recorded.session.set_who("carla", "")
    qtbot.keyClick(recorded, Qt.Key.Key_O)
    qtbot.waitUntil(lambda: recorded.recording.recorder.unwritten == 0, timeout=WAIT_MS)
    (line,) = place.open().overrides(entry.record)
    assert (line.operator, line.verdict, line.model_verdict) == ("carla", "ok", "ng")


def test_the_newest_stand_first_and_the_first_is_shown(qtbot, page) -> None:
    assert names(page) == list(range(8))
    qtbot.waitUntil(lambda: page.detail.shown is not None, timeout=WAIT_MS)
    assert page.detail.shown.inspection.key == inspection(0).key
    assert "8 inspections" in page.foot.text() and "10 GB" in page.foot.text()
    assert page.detail._facts["Defects"]._full == "1, with 3 points"  # the verdict's percentage is the only one


def test_filters_narrow_table_and_charts_and_all_comes_back(qtbot, page) -> None:
    refresh(qtbot, page, lambda: choose(page.filters.verdict, "NG"))
    assert names(page) == [0, 2, 4, 6]
    refresh(qtbot, page, lambda: choose(page.filters.fields["operator"], "berta"))
    assert names(page) == [4, 6]
    assert {sample.verdict for sample in page.charts.run.chart.samples} == {"ng"}
    assert "2 of 8" in page.foot.text()
    refresh(qtbot, page, page.filters.clear.click)
    assert names(page) == list(range(8))
    refresh(qtbot, page, lambda: choose(page.filters.time, "Last 7 days"))
    assert names(page) == list(range(7))


def test_dates_are_whole_days_and_their_order_does_not_matter(qtbot, page) -> None:
    today = page.filters.until.date()
    refresh(qtbot, page, lambda: choose(page.filters.time, "From … to …"))
    assert page.filters.since.isVisible()
    refresh(qtbot, page, lambda: page.filters.since.setDate(today.addDays(-2)))
    assert names(page) == [0, 1, 2]
    refresh(qtbot, page, lambda: page.filters.until.setDate(today.addDays(-4)))
    assert names(page) == [2, 3, 4]


def test_typing_finds_a_scan(qtbot, page) -> None:
    refresh(qtbot, page, lambda: qtbot.keyClicks(page.filters.search, "part_0003"))
    assert names(page) == [3]


def test_a_filter_that_finds_nothing_says_so(qtbot, page) -> None:
    refresh(qtbot, page, lambda: page.filters.search.setText("no such thing"))
    assert page._none_found.isVisible() and not page.export.isEnabled()


def test_a_click_on_a_title_orders_by_it(qtbot, page) -> None:
    header = page.view.horizontalHeader()
    column = [title for title, _, _ in COLUMNS].index("Of limit")
    middle = QPoint(header.sectionViewportPosition(column) + 20, header.height() // 2)
    refresh(qtbot, page, lambda: qtbot.mouseClick(header.viewport(), LEFT, pos=middle))
    shares = [page.view.table.at(row).share for row in range(8)]
    assert shares in (sorted(shares), sorted(shares, reverse=True)) and shares[0] != shares[-1]


def test_the_table_is_exported_as_filtered_and_harmless(qtbot, page, store, tmp_path, monkeypatch) -> None:
    store.override(Override(inspection(0).key, datetime.now(UTC), "anna", "bench", "ok", "dust", "ng", 1.0))
    refresh(qtbot, page, lambda: choose(page.filters.fields["operator"], "anna"))
    for name in ("out.csv", "out.json"):
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, name=name: (str(tmp_path / name), ""))
        with qtbot.waitSignal(page.model.exported, timeout=WAIT_MS):
            page.export.trigger()
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["key"] for row in rows] == [inspection(number).key for number in range(4)]
    assert (rows[0]["lot"], rows[0]["review"]) == ("'=L0", "ok")
    documents = json.loads((tmp_path / "out.json").read_text("utf-8"))
    assert documents[0]["overrides"][0]["comment"] == "dust"
    assert documents[0]["lot"] == "=L0"
    assert "out.json" in page.messages.text


def test_what_another_window_records_appears_by_itself(qtbot, page, store, monkeypatch) -> None:
    page.model._poll.setInterval(20)
    with qtbot.waitSignal(page.model.overview_changed, timeout=WAIT_MS):
        store.record(inspection(99, time=datetime.now(UTC)), CONTENT)
    qtbot.waitUntil(lambda: page.view.table.at(0) is not None and names(page)[0] == 99, timeout=WAIT_MS)
    assert page.detail.shown.inspection.key == inspection(0).key  # what was chosen stays chosen
    qtbot.waitUntil(lambda: page.view.currentIndex().row() == 1, timeout=WAIT_MS)


def test_of_many_rows_only_the_pages_in_sight_are_in_memory(qtbot, page, store) -> None:
    values = {name: getattr(inspection(), name) for name in COLUMN_NAMES}
    with store._engine.connect().execution_options(sedir_writes=True) as connection, connection.begin():
        many = [values | {"key": f"{number:032x}"} for number in range(100, 20_100)]
        connection.execute(insert(InspectionRow), many)
    refresh(qtbot, page, page.model.refresh)
    view = page.view
    assert view.table.rowCount() == 20_008
    for share in np.linspace(0, 1, MOST_PAGES + 5):
        row = int(share * 20_007)
        view.scrollTo(view.table.index(row, 0))
        qtbot.waitUntil(lambda row=row: view.table.at(row) is not None, timeout=WAIT_MS)
    assert len(view.table._pages) <= MOST_PAGES


def test_a_result_that_is_no_longer_kept_cannot_be_opened_and_says_so(qtbot, page, store) -> None:
    qtbot.waitUntil(lambda: page.detail.shown is not None, timeout=WAIT_MS)
    store.trim(0)
    refresh(qtbot, page, page.model.refresh)
    qtbot.waitUntil(lambda: not page.detail.open.isEnabled(), timeout=WAIT_MS)
    assert page.detail._kept.isVisible()
    with qtbot.waitSignal(page.model.failed, timeout=WAIT_MS):
        page.open_past(inspection(0).key)
    assert "no longer stored" in page.messages.text


def test_a_click_into_the_score_chart_shows_that_inspection(qtbot, page) -> None:
    chart = page.charts.run
    index = 2
    where = chart.at(index, chart._values()[index]).toPoint()
    with qtbot.waitSignal(page.model.detail_found, timeout=WAIT_MS):
        qtbot.mouseClick(chart, LEFT, pos=where)
    assert page.detail.shown.inspection.key == chart.chart.samples[index].key


def test_a_click_on_a_lot_filters_by_it(qtbot, page) -> None:
    choose(page.charts.grouping, "by lot")
    chart = page.charts.share
    where = chart.at(0, chart._values()[0]).toPoint()
    refresh(qtbot, page, lambda: qtbot.mouseClick(chart, LEFT, pos=where))
    assert page.model.wanted == Filter(lot="=L1")


def test_a_drift_is_said_and_marked(qtbot) -> None:
    from app.widgets.theme import LIGHT

    charts = Charts(LIGHT)
    start = datetime(2026, 3, 2, 8, tzinfo=UTC)
    shares = [*(0.5 + 0.02 * (i % 2) for i in range(60)), *(0.53 + 0.005 * i for i in range(20))]
    samples = [
        ChartPoint(str(i), start + timedelta(minutes=i), "cup", "A", share, "ok") for i, share in enumerate(shares)
    ]
    charts.show_data(ChartData({}, {"cup": (run_chart(samples[:60]), 60)}))
    assert charts.run.summary == "no drift in the scores under the limit"
    charts.show_data(ChartData({}, {"cup": (run_chart(samples), 80)}))
    assert "drift alarms, the last on" in charts.run.summary
    assert "eight in a row on one side" in charts.run._explain(79)


def test_nothing_yet_says_what_will_be_here(qtbot, session, settings, place) -> None:
    from app.widgets.theme import LIGHT

    session.history = place
    page = HistoryPage(session, settings, LIGHT)
    page.show()
    assert not page.export.isEnabled()
    assert page._empty._title.text() == READING  # nothing is claimed before it is known
    with qtbot.waitSignal(page.model.overview_changed, timeout=WAIT_MS):
        page.activate()
    assert page._empty.isVisible() and not page.export.isEnabled()
    assert page._empty._title.text() == EMPTY
    assert page.close_down()
    page.close()


def test_a_damaged_history_says_so_and_is_left_alone(qtbot, session, settings, place, tmp_path) -> None:
    from app.widgets.theme import LIGHT

    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "history.sqlite").write_text("this is no database")
    session.history = place
    page = HistoryPage(session, settings, LIGHT)
    page.show()
    with qtbot.waitSignal(page.model.failed, timeout=WAIT_MS):
        page.activate()
    assert "damaged" in page._empty.words.text()
    assert (tmp_path / "data" / "history.sqlite").read_text() == "this is no database"
    assert page.close_down()
    page.close()


def test_asking_stops_while_the_page_is_hidden(page) -> None:
    assert page.model._poll.isActive()
    page.hide()
    assert not page.model._poll.isActive()


def test_a_reopened_inspection_whose_points_gave_way_gets_them_from_the_history(qtbot, session, place, store) -> None:
    session.history = place
    model = InspectModel(session)
    past = Past(1.0, "long ago")
    session.reopen(Entry(0, Path("/gone.ply"), State.DONE, raw=detection(), record=inspection(0).key, past=past))
    qtbot.waitUntil(lambda: session.current_entry.scan is not None, timeout=WAIT_MS)
    assert len(session.current_entry.scan) == 100 and session.current_entry.surface is not None
    assert model.close()
