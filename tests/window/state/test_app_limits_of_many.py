"""Moving the limit with thousands of scans in the list: judged at once, told of once."""

from __future__ import annotations

from pathlib import Path

from scan_entries import judge

from app.state.session import Session


def test_many_scans_are_told_of_in_one_signal(qtbot, session: Session, tmp_path: Path):
    ids = session.add([tmp_path / f"{number}.ply" for number in range(50)])
    for entry_id in ids:
        judge(session, entry_id, 0.9)
    session.show(ids[0])
    one_by_one, together = [], []
    session.entry_changed.connect(one_by_one.append)
    session.entries_judged.connect(together.append)
    session.set_limit(0.5)
    assert one_by_one == [ids[0]] and together == [ids]
    assert {entry.verdict for entry in session.entries} == {"ng"}
