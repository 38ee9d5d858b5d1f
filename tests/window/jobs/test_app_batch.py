"""A batch from end to end: broken files among good ones, cancelling at any moment, files that go meanwhile."""

from __future__ import annotations

import random
import threading
from pathlib import Path

import pytest
from app_helpers import WAIT_MS, SphereDetector, dented_sphere, loader, save_ply
from broken_scan_files import BROKEN
from PySide6.QtCore import QEventLoop, QTimer
from pytestqt.qtbot import QtBot

from app.state import session as session_module
from app.state.entries import State
from app.state.session import Session
from app.workspaces.inspect.model import BatchProgress, InspectModel
from sedir_core.io.finding import why_no_scan
from sedir_core.types import Detection

N_GOOD, N_BROKEN = 70, 30
LONG_MS = 120_000  # a busy machine is no failure
CANCELS = 100


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A hundred small files, thirty of them broken, each in its own way."""
    good = dented_sphere(300, 0.0).points
    for number in range(N_GOOD):
        save_ply(tmp_path / f"part_{number}.ply", good)
    binary = [name for name in sorted(BROKEN) if name.endswith((".pcd", ".ply", ".npy", ".npz", ".stl", ".off"))]
    n_written = 0
    for name in random.Random(0).sample(binary, len(binary)):
        path = tmp_path / f"part_{n_written}_{name}"
        path.write_bytes(BROKEN[name][0])
        if why_no_scan(path):  # an array of two numbers is no broken scan, and is passed over
            path.unlink()
        elif (n_written := n_written + 1) == N_BROKEN:
            break
    return tmp_path


def model_of(session: Session) -> InspectModel:
    """The work without the window."""
    return InspectModel(session, session)


def run(qtbot: QtBot, model: InspectModel, *paths: Path) -> list[int]:
    """Open and wait for the end; how many were done, and how many of these failed."""
    with qtbot.waitSignal(model.batch_finished, timeout=LONG_MS) as ended:
        model.open(paths)
    return list(ended.args or [])


def counts(session: Session) -> dict[State, int]:
    states = [entry.state for entry in session.entries]
    return {state: states.count(state) for state in set(states)}


def pass_time(ms: int) -> None:
    """Let the event loop run: what a user at the screen sees."""
    loop = QEventLoop()
    QTimer.singleShot(ms, loop.quit)
    loop.exec()


def test_of_a_hundred_files_the_thirty_broken_ones_say_why(qtbot, session, folder):
    model = model_of(session)
    told: list[BatchProgress] = []
    model.progress_changed.connect(lambda progress: told.append(progress) if progress else None)
    assert run(qtbot, model, folder) == [N_GOOD + N_BROKEN, N_BROKEN]
    assert counts(session) == {State.DONE: N_GOOD, State.FAILED: N_BROKEN}
    failures = [entry.failure for entry in session.entries if entry.state is State.FAILED]
    assert all(failure is not None and failure.what and failure.hint for failure in failures)
    assert told[-1].total == N_GOOD + N_BROKEN and "left" in told[-5].pace
    assert model.close()


def test_failed_scans_are_retried_when_their_files_are_mended(qtbot, session, tmp_path, broken_file):
    good = save_ply(tmp_path / "good.ply", dented_sphere(300).points)
    other = tmp_path / "other.ply"
    other.touch()
    model = model_of(session)
    assert run(qtbot, model, good, broken_file, other) == [3, 2]
    save_ply(other, dented_sphere(300).points)
    failed = [entry.id for entry in session.entries if entry.state is State.FAILED]
    with qtbot.waitSignal(model.batch_finished, timeout=WAIT_MS) as ended:
        model.inspect_again(failed)
    assert ended.args == [2, 1]
    assert counts(session) == {State.DONE: 2, State.FAILED: 1}
    assert model.close()


def test_a_hundred_cancels_at_random_moments(qtbot, tmp_path):
    """Partial results never count, nothing is left running, and the next batch is whole."""
    files = [save_ply(tmp_path / f"{number}.ply", dented_sphere(300).points) for number in range(4)]
    detector = SphereDetector()
    moments = random.Random(0)
    session = Session(loader(detector), tmp_path / "run")
    model = model_of(session)
    model.open(files)
    for _ in range(CANCELS):
        pass_time(moments.choice((0, 0, 1, 3, 8)))
        model.stop()
        assert not model.busy
        for entry in session.entries:
            assert entry.state in (State.DONE, State.STOPPED)
            assert (entry.state is State.DONE) == isinstance(entry.detection, Detection)
        model.inspect_again([entry.id for entry in session.entries])
        model.open(files)
    with qtbot.waitSignal(model.batch_finished, timeout=WAIT_MS):
        pass
    assert counts(session) == {State.DONE: len(files)}
    assert model.close()
    assert not [thread for thread in threading.enumerate() if thread.name in ("reader", "detector")]


def test_a_file_that_is_deleted_while_it_waits_fails_alone(qtbot, tmp_path):
    gate = threading.Event()
    session = Session(loader(SphereDetector(gate)), tmp_path / "run")
    files = [save_ply(tmp_path / f"{number}.ply", dented_sphere(300).points) for number in range(6)]
    model = model_of(session)

    def delete_and_go_on() -> None:
        files[-1].unlink()
        gate.set()

    session.entry_changed.connect(
        lambda entry_id: delete_and_go_on() if session.get(entry_id).state is State.RUNNING and not gate.is_set() else 0
    )
    assert run(qtbot, model, *files) == [6, 1]
    (failed,) = [entry for entry in session.entries if entry.state is State.FAILED]
    assert failed.path == files[-1] and "no such file" in failed.failure.what
    assert model.close()


def test_removing_scans_at_random_moments_is_no_trouble(qtbot, tmp_path):
    files = [save_ply(tmp_path / f"{number}.ply", dented_sphere(300).points) for number in range(30)]
    session = Session(loader(SphereDetector()), tmp_path / "run")
    model = model_of(session)
    moments = random.Random(1)
    with qtbot.waitSignal(session.entries_added, timeout=WAIT_MS):
        model.open(files)
    while len(session.entries) > 5:
        session.remove([moments.choice(session.entries).id])
        pass_time(moments.choice((0, 1, 4)))
    if model.busy:
        with qtbot.waitSignal(model.batch_finished, timeout=WAIT_MS):
            pass
    assert counts(session) == {State.DONE: 5}
    assert model.close()


def test_a_scan_that_is_written_anew_is_read_anew(qtbot, session, tmp_path):
    path = save_ply(tmp_path / "part.ply", dented_sphere(3000, 0.0).points)
    model = model_of(session)
    run(qtbot, model, path)
    assert session.entries[0].verdict == "ok"
    save_ply(path, dented_sphere(3000).points)
    with qtbot.waitSignal(model.batch_finished, timeout=WAIT_MS):
        entry_id = model.inspect_arrival(path)
    assert [entry.id for entry in session.entries] == [entry_id]
    assert session.entries[0].verdict == "ng"
    assert model.close()


@pytest.fixture
def poor(session, monkeypatch) -> Session:
    """Room for the points of one scan only."""
    monkeypatch.setattr(session_module, "SCAN_BUDGET_BYTES", 1)
    return session


def test_points_given_up_are_made_again_when_the_scan_is_shown(qtbot, poor, tmp_path):
    files = [save_ply(tmp_path / f"{number}.ply", dented_sphere(300).points) for number in range(3)]
    model = model_of(poor)
    run(qtbot, model, *files)
    first, second, _ = poor.entries
    assert first.id == poor.current and first.surface is not None
    assert second.scan is None and second.surface is None and second.detection is not None
    poor.show(second.id)
    qtbot.waitUntil(lambda: poor.get(second.id).scan is not None, timeout=WAIT_MS)
    shown = poor.get(second.id)
    assert len(shown.surface) == len(first.surface)
    assert poor.get(first.id).scan is None
    assert model.close()


@pytest.mark.parametrize("change", [Path.unlink, lambda path: save_ply(path, dented_sphere(500).points)])
def test_a_result_outlives_its_file(qtbot, poor, tmp_path, change):
    files = [save_ply(tmp_path / f"{number}.ply", dented_sphere(300).points) for number in range(3)]
    model = model_of(poor)
    run(qtbot, model, *files)
    change(files[1])
    second = poor.entries[1]
    with qtbot.waitSignal(model.failed, timeout=WAIT_MS) as said:
        poor.show(second.id)
    assert said.args[0] == "1.ply cannot be shown, its result stays" and said.args[1].hint
    assert poor.get(second.id).state is State.DONE and poor.get(second.id).verdict == "ng"
    assert not model.busy
    assert model.close()
