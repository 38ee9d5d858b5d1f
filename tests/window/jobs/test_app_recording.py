"""Results and reviews reach the history, whatever happens to the disk, and the operator is told in plain words."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from app_helpers import WAIT_MS, SphereDetector, dented_sphere, loader, open_and_wait, open_window, save_ply
from PySide6.QtWidgets import QMessageBox

from app.jobs import recorder as recorder_module
from app.jobs.past import Reader
from app.jobs.recorder import Recorder
from app.recording import login_name
from app.state.entries import Beside, State
from app.state.session import Session
from app.views.preparing import prepare
from sedir_core.history.place import HistoryPlace
from sedir_core.history.records import Filter
from sedir_core.history.store import History
from sedir_core.types import Scan, never_stop, no_report


@pytest.fixture
def place(tmp_path) -> HistoryPlace:
    return HistoryPlace(f"sqlite:///{tmp_path / 'data' / 'history.sqlite'}", tmp_path / "data" / "kept")


@pytest.fixture
def recorder(session, place):
    made = Recorder(session, place, lambda: 10**9)
    yield made
    made.close()


def inspect(session: Session, name: str = "a.ply", depth: float = 0.25) -> int:
    """What the Inspect model does with a scan, without files and threads."""
    (entry_id,) = session.add([Path(name)])
    scan = Scan(dented_sphere(2000, depth).points, name)
    detection = SphereDetector().detect(scan)
    session.update(entry_id, scan=scan, shape=prepare(scan.points))
    session.set_result(entry_id, detection, {Beside.EXPECTED: prepare(detection.expected)})
    return entry_id


def test_a_result_is_recorded_with_who_and_what(qtbot, session, recorder, place) -> None:
    session.set_who("anna", "A7")
    with qtbot.waitSignal(recorder.recorded, timeout=WAIT_MS):
        entry_id = inspect(session)
    (row,) = place.open().page(Filter())
    assert (row.operator, row.lot, row.verdict, row.n_defects) == ("anna", "A7", "ng", 1)
    assert row.key == session.get(entry_id).record
    assert Path(row.path).is_absolute()


def test_reviews_are_logged_in_order_and_the_last_one_counts(qtbot, session, recorder, place) -> None:
    session.set_who("berta", "")
    entry_id = inspect(session)
    for verdict, comment in (("ok", "dust"), ("ok", "dust, seen by two"), (None, "")):
        session.review(entry_id, verdict, comment)
    assert recorder.close()
    history = place.open()
    (row,) = history.page(Filter())
    lines = history.overrides(row.key)
    assert [(line.verdict, line.comment) for line in lines] == [("ok", "dust"), ("ok", "dust, seen by two"), (None, "")]
    assert {(line.operator, line.model_verdict) for line in lines} == {("berta", "ng")}
    assert row.review is None


def test_the_limit_that_counted_is_recorded(session, recorder, place) -> None:
    session.set_limits({("ball", False): 0.5})
    inspect(session)
    session.set_limits({("ball", False): 1.5})
    assert recorder.close()
    (row,) = place.open().page(Filter())
    assert (row.limit_share, row.threshold) == (0.5, pytest.approx(0.02))


def test_a_disk_that_refuses_is_said_once_and_everything_is_recorded_later(
    qtbot, session, recorder, place, tmp_path, monkeypatch
) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")
    with qtbot.waitSignal(recorder.troubled, timeout=WAIT_MS) as told:
        entry_id = inspect(session)
    assert told.args[0].hint
    said = []
    recorder.troubled.connect(said.append)
    session.review(entry_id, "ok", "dust")
    inspect(session, "b.ply")
    qtbot.waitUntil(lambda: recorder.unwritten == 3, timeout=WAIT_MS)
    (tmp_path / "data").unlink()
    with qtbot.waitSignals([recorder.recovered, recorder.recorded], timeout=WAIT_MS):
        recorder.retry()
    assert (recorder.unwritten, said) == (0, [])
    history = place.open()
    assert history.count() == 2
    assert history.count(Filter(verdict="overridden")) == 1


def test_it_is_tried_again_by_itself(qtbot, session, recorder, place, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(recorder_module, "RETRY_S", 0.05)
    (tmp_path / "data").write_text("")
    with qtbot.waitSignal(recorder.troubled, timeout=WAIT_MS):
        inspect(session)
    with qtbot.waitSignal(recorder.recovered, timeout=WAIT_MS):
        (tmp_path / "data").unlink()
    assert place.open().count() == 1


def test_a_damaged_history_is_left_alone_and_the_window_works_on(qtbot, session, recorder, tmp_path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "history.sqlite").write_text("this is no database")
    with qtbot.waitSignal(recorder.troubled, timeout=WAIT_MS) as told:
        entry_id = inspect(session)
    assert "damaged" in told.args[0].what and "left as it is" in told.args[0].hint
    assert session.get(entry_id).verdict == "ng"
    assert (tmp_path / "data" / "history.sqlite").read_text() == "this is no database"
    assert not recorder.close()


def test_a_database_taken_away_is_begun_anew(qtbot, session, recorder, place, tmp_path) -> None:
    with qtbot.waitSignal(recorder.recorded, timeout=WAIT_MS):
        inspect(session)
    (tmp_path / "data").rename(tmp_path / "elsewhere")
    with qtbot.waitSignal(recorder.recorded, timeout=WAIT_MS):
        inspect(session, "b.ply")
    assert place.open().count() == 1


def test_a_bug_does_not_keep_the_next_from_being_recorded(qtbot, session, recorder, place, monkeypatch) -> None:
    record, calls = History.record, []

    def fail_once(self, *arguments):
        calls.append(arguments)
        if len(calls) == 1:
            raise ZeroDivisionError
        record(self, *arguments)

    monkeypatch.setattr(History, "record", fail_once)
    with qtbot.waitSignals([recorder.bug_found, recorder.recorded], timeout=WAIT_MS):
        inspect(session)
        inspect(session, "b.ply")
    assert [Path(row.path).name for row in place.open().page(Filter())] == ["b.ply"]


def test_nothing_is_lost_when_the_window_closes_at_once(session, recorder, place) -> None:
    for number in range(5):
        inspect(session, f"{number}.ply")
    assert recorder.close()
    assert place.open().count() == 5


def test_two_windows_on_one_history_lose_nothing_and_complain_of_nothing(session, detector, place, tmp_path) -> None:
    sessions = [session, Session(loader(detector), tmp_path / "run")]
    recorders = [Recorder(one, place, lambda: 10**9) for one in sessions]
    complaints = []
    for one in recorders:
        one.troubled.connect(complaints.append)
    for number in range(6):
        for one in sessions:
            entry_id = inspect(one, f"{number}.ply")
            one.review(entry_id, "ok", "dust")
    assert [one.close(timeout_s=20) for one in recorders] == [True, True]
    history = place.open()
    assert (history.count(Filter(verdict="overridden")), history.count(), complaints) == (12, 12, [])


def test_a_past_inspection_is_exactly_as_it_was(session, recorder, place, tmp_path) -> None:
    path = save_ply(tmp_path / "part.ply", dented_sphere(2000).points)
    session.set_limits({("ball", False): 0.8})
    entry_id = inspect(session, str(path))
    session.review(entry_id, "ok", "dust")
    assert recorder.close()
    then = session.get(entry_id)
    reader = Reader(place)
    for change, remark in ((None, ""), (b"x", "can no longer be read"), ("gone", "no longer exists")):
        if change == "gone":
            path.unlink()
        elif change:
            path.write_bytes(change)
        now = reader.reopen(then.record, no_report, never_stop)
        assert remark in now.past.said
        assert np.array_equal(now.scan.points, then.scan.points)
        assert np.array_equal(now.detection.point_scores, then.detection.point_scores)
        assert (now.detection.threshold, now.defects_at) == (then.detection.threshold, 0.8)
        assert (now.verdict, now.review_comment) == ("ok", "dust")
        assert np.array_equal(now.shape.points, then.shape.points)
        assert now.thumbnail.startswith(b"\x89PNG")
        assert [defect.peak for defect in now.detection.defects] == [defect.peak for defect in then.detection.defects]
    session.reopen(now)
    session.reopen(now)
    session.set_limits({("ball", False): 1.5})
    assert [entry.past is not None for entry in session.entries] == [False, True]
    assert session.current_entry.detection is now.detection  # the limit of today does not change yesterday


def test_a_changed_scan_is_said_to_be(session, recorder, place, tmp_path) -> None:
    path = save_ply(tmp_path / "part.ply", dented_sphere(2000).points)
    entry_id = inspect(session, str(path))
    assert recorder.close()
    save_ply(path, dented_sphere(2000, 0.1).points)
    now = Reader(place).reopen(session.get(entry_id).record, no_report, never_stop)
    assert "has changed since" in now.past.said
    assert np.array_equal(now.scan.points, session.get(entry_id).scan.points)


def test_the_window_says_that_it_cannot_record_and_asks_before_it_closes(
    qtbot, detector, settings, place, tmp_path, dented_file, monkeypatch
) -> None:
    (tmp_path / "data").write_text("")
    session = Session(loader(detector), tmp_path / "run")
    session.history = place
    asked = []
    answers = iter([QMessageBox.StandardButton.Cancel, QMessageBox.StandardButton.Close])
    monkeypatch.setattr(QMessageBox, "warning", lambda *texts: asked.append(texts[2]) or next(answers))
    with open_window(qtbot, session, settings, tmp_path) as window:
        assert login_name() in window.recording.who.text()
        with qtbot.waitSignal(window.recording.failed, timeout=WAIT_MS):
            (entry,) = open_and_wait(qtbot, window, dented_file)
        assert session.get(entry.id).verdict == "ng"
        assert "Not recorded" in window.page.messages.text
        assert window.recording.unwritten.isVisible()
        assert not window.close()
        assert window.isVisible()
    assert len(asked) == 2 and "1 result" in asked[0]


def test_what_was_stopped_or_failed_is_not_recorded(qtbot, settings, place, tmp_path, dented_file, broken_file) -> None:
    gate = threading.Event()
    session = Session(loader(SphereDetector(gate)), tmp_path / "run")
    session.history = place
    with open_window(qtbot, session, settings, tmp_path) as window:
        window.opening.open([broken_file, dented_file])
        qtbot.waitUntil(lambda: State.RUNNING in [entry.state for entry in session.entries], timeout=WAIT_MS)
        window.model.stop()
    assert {entry.state for entry in session.entries} <= {State.FAILED, State.STOPPED}
    assert not (tmp_path / "data").exists()


def test_operator_and_lot_are_set_in_the_status_bar(qtbot, window, settings) -> None:
    window.recording.ask_who()
    from app.recording import WhoDialog

    dialog = window.findChild(WhoDialog)
    dialog.operator.setText("anna")
    dialog.lot.setText("A7")
    dialog.accept()
    assert window.recording.who.text() == "anna · lot A7"
    assert (window.session.operator, window.session.lot, settings.operator) == ("anna", "A7", "anna")
    settings.operator = ""
    assert window.session.operator == login_name()
