"""The session: what is listed, what is current, what is kept in memory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from app.state import session as session_module
from app.state.entries import Beside, Entry, Failure, ModelInfo, Past, Selection, State
from app.views.preparing import prepare
from sedir_core.errors import UnreadableScan
from sedir_core.types import Detection, Scan

A, B, C = Path("a.ply"), Path("b.ply"), Path("c.ply")


def scan(name: str) -> Scan:
    return Scan(np.zeros((100, 3)), name)


def found() -> Detection:
    """An NG without defects."""
    return Detection(
        np.ones(1, np.float32), 2.0, 1.0, 1.0, "ball", 1.0, False, "", np.zeros((1, 3)), np.ones(4, np.float32)
    )


def test_a_scan_is_listed_once(session):
    assert len(session.add([A, B, A])) == 2
    assert session.add([B]) == []


def test_removing_the_current_scan_shows_its_neighbour(session):
    first, second, third = session.add([A, B, C])
    session.show(second)
    session.remove([second])
    assert session.current == third
    session.remove([third])
    assert session.current == first


def test_another_scan_drops_the_selection(session):
    first, second = session.add([A, B])
    session.show(first)
    session.select(Selection(2))
    session.show(second)
    assert session.selection == Selection()


def test_an_update_after_removal_is_ignored(session):
    (only,) = session.add([A])
    session.remove([only])
    session.update(only, state=State.DONE)
    assert session.entries == []


def test_points_over_the_budget_leave_memory_and_the_current_ones_stay(session, monkeypatch):
    monkeypatch.setattr(session_module, "SCAN_BUDGET_BYTES", 2 * scan("a").points.nbytes)
    ids = session.add([A, B, C])
    session.show(ids[0])
    for entry_id in ids:
        session.update(entry_id, scan=scan("x"), state=State.DONE)
    assert [entry.scan is not None for entry in session.entries] == [True, False, True]


def test_reopened_inspections_count_and_give_their_points_up(session, monkeypatch):
    monkeypatch.setattr(session_module, "SCAN_BUDGET_BYTES", 2 * scan("a").points.nbytes)
    for record in ("first", "second", "third", "fourth"):
        past = Past(1.0, "long ago")
        session.reopen(Entry(0, Path(record), State.DONE, scan("x"), raw=found(), record=record, past=past))
    assert [entry.scan is not None for entry in session.entries] == [False, False, True, True]


def test_a_removed_scan_that_comes_back_counts_again(session, monkeypatch):
    ids = session.add([A, B, C])
    for entry_id in ids:
        session.update(entry_id, scan=scan("x"), state=State.DONE)
    gone = list(enumerate(session.entries))
    session.remove(ids)
    monkeypatch.setattr(session_module, "SCAN_BUDGET_BYTES", 2 * scan("a").points.nbytes)
    session.restore(gone)
    assert sum(entry.scan is not None for entry in session.entries) == 2


def test_a_review_is_told_once_and_only_of_an_inspected_scan(session):
    waiting, done = session.add([A, B])
    session.set_result(done, found(), {Beside.EXPECTED: prepare(np.zeros((1, 3)))})
    told = []
    session.reviewed.connect(told.append)
    session.review(waiting, "ok")
    session.review(done, "ok", "dust")
    session.review(done, "ok", "dust")
    assert told == [done]
    assert (session.get(done).verdict, session.get(done).review_comment) == ("ok", "dust")
    session.review(done, None)
    assert told == [done, done]
    assert (session.get(done).verdict, session.get(done).review_comment) == ("ng", "")


def test_a_new_result_drops_the_review(session):
    (only,) = session.add([A])
    for _ in range(2):
        session.set_result(only, found(), {Beside.EXPECTED: prepare(np.zeros((1, 3)))})
        assert (session.get(only).review, session.get(only).review_comment) == (None, "")
        session.review(only, "ok", "dust")


def test_news_of_a_model_that_was_swapped_out_is_ignored(session):
    session.use_model(Path("new"))
    session.set_model(ModelInfo(Path("old"), "sedir", ("cup",), False))
    assert session.model is None


def test_a_user_error_becomes_a_reason_and_a_way_out():
    failure = Failure.of(UnreadableScan(A, "it is empty", "export it again"))
    assert (failure.what, failure.hint) == ("it is empty", "export it again")
    assert "a.ply" in failure.details


def test_a_bug_keeps_its_traceback():
    try:
        replace(3)  # not a dataclass
    except TypeError as error:
        assert "Traceback" in Failure.of(error).details
