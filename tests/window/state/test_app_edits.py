"""Undo and redo: everything the operator does comes back, and goes again, and says its name."""

from __future__ import annotations

from pathlib import Path

import pytest
from scan_entries import fail, judge

from app.state import edits as edits_module
from app.state.edits import Edits
from app.state.entries import ModelInfo, State
from app.state.session import Session

NAMES = ["a", "b", "c", "d"]


@pytest.fixture
def ids(session: Session) -> list[int]:
    """Four scans: OK, NG, failed, waiting; a model is loaded."""
    found = session.add([Path(f"{name}.ply") for name in NAMES])
    judge(session, found[0], 0.5)
    judge(session, found[1], 2.0)
    fail(session, found[2])
    session.set_model(ModelInfo(session.run_dir, "sphere", ("ball", "marble"), False))
    return found


@pytest.fixture
def edits(session: Session, ids: list[int]) -> Edits:
    return Edits(session, session)


def review_of(session: Session, entry_id: int) -> tuple[str | None, str]:
    entry = session.get(entry_id)
    assert entry is not None
    return entry.review, entry.review_comment


def listed(session: Session) -> list[str]:
    return [entry.path.stem for entry in session.entries]


def test_a_review_is_undone_and_done_again(session, edits, ids):
    told = []
    session.reviewed.connect(told.append)
    edits.review(ids[1], "ok")
    assert edits.stack.undoText() == "Set b to OK"
    edits.stack.undo()
    assert review_of(session, ids[1]) == (None, "")
    assert edits.stack.redoText() == "Set b to OK"
    edits.stack.redo()
    assert review_of(session, ids[1]) == ("ok", "")
    assert told == [ids[1]] * 3  # the log hears of the undo as of another override


def test_a_comment_stays_with_the_verdict_and_goes_with_it(session, edits, ids):
    edits.review(ids[1], "ok")
    edits.comment(ids[1], "  dust ")
    edits.review(ids[1], "ng")
    assert review_of(session, ids[1]) == ("ng", "dust")
    edits.review(ids[1], None)
    assert review_of(session, ids[1]) == (None, "")
    edits.stack.undo()
    assert review_of(session, ids[1]) == ("ng", "dust")
    edits.stack.undo()
    edits.stack.undo()
    assert review_of(session, ids[1]) == ("ok", "")


def test_what_changes_nothing_is_no_step(session, edits, ids):
    edits.review(ids[1], None)
    edits.comment(ids[1], "  ")
    edits.review(ids[2], "ok")  # failed: nothing to review
    edits.remove([99])
    assert edits.stack.count() == 0


def test_a_step_on_an_older_result_is_dropped(session, edits, ids):
    edits.review(ids[1], "ok")
    judge(session, ids[1], 3.0)
    edits.stack.undo()
    assert review_of(session, ids[1]) == (None, "") and edits.stack.count() == 0


def test_removed_scans_come_back_in_place_with_results_and_reviews(session, edits, ids):
    edits.review(ids[1], "ok")
    session.show(ids[1])
    edits.remove([ids[1], ids[2]])
    assert listed(session) == ["a", "d"] and edits.stack.undoText() == "Remove 2 Scans"
    edits.stack.undo()
    assert listed(session) == NAMES
    assert session.current == ids[1]
    assert review_of(session, ids[1]) == ("ok", "")
    back = session.get(ids[2])
    assert back is not None and back.state is State.FAILED and back.failure is not None
    edits.stack.redo()
    assert listed(session) == ["a", "d"]


def test_a_removed_scan_comes_back_under_the_limit_of_now(session, edits, ids):
    session.show(ids[0])
    edits.remove([ids[1]])
    session.set_limit(1.9)
    session.restore([(1, entry) for _, entry in edits.stack.command(0)._gone])
    entry = session.get(ids[1])
    assert entry is not None and entry.detection is not None and entry.detection.threshold == 1.9


def test_a_scan_opened_again_is_not_listed_twice(session, edits, ids):
    edits.remove([ids[0]])
    session.add([Path("a.ply")])
    edits.stack.undo()
    assert sorted(listed(session)) == NAMES


def test_a_drag_of_the_limit_is_one_step(session, edits, ids):
    session.show(ids[1])
    for share in (0.9, 0.8, 0.7):
        session.set_limit(share)
    assert edits.stack.count() == 1
    edits.stack.undo()
    assert session.limit == 1.0
    edits.stack.redo()
    assert session.limit == 0.7


def test_two_moves_of_the_limit_are_two_steps(session, edits, ids, monkeypatch):
    monkeypatch.setattr(edits_module, "MERGE_S", -1.0)
    session.show(ids[1])
    session.set_limit(0.9)
    session.set_limit(0.8)
    edits.stack.undo()
    assert session.limit == 0.9
    edits.stack.undo()
    assert session.limit == 1.0


def test_there_and_back_is_no_step(session, edits, ids):
    session.show(ids[1])
    session.set_limit(0.9)
    session.set_limit(1.0)
    assert edits.stack.count() == 0 and not edits.stack.canUndo()


def test_the_choice_of_the_part_is_undone(session, edits, ids):
    session.set_category("marble")
    assert edits.stack.undoText() == "Set the Part to marble"
    edits.stack.undo()
    assert session.category == "auto"
    edits.stack.redo()
    assert session.category == "marble"


def test_another_model_ends_the_choices_made_for_the_one_before(session, edits, ids, tmp_path):
    session.set_category("marble")
    session.use_model(tmp_path / "other")
    session.set_model(ModelInfo(tmp_path / "other", "sphere", ("bolt",), False))
    assert session.category == "auto"
    edits.stack.undo()
    assert session.category == "auto" and edits.stack.count() == 0


def test_an_ampersand_in_a_name_stays_one(session, edits):
    (odd,) = session.add([Path("nut&bolt.ply")])
    judge(session, odd, 2.0)
    edits.review(odd, "ok")
    assert edits.stack.undoText() == "Set nut&&bolt to OK"
