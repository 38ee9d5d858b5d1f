"""Trainings in processes of their own: they outlive the window, wait their turn, are stopped, killed and go on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from app_helpers import WAIT_MS
from core.tiny_run import part, scan_of
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot
from trainings import (
    TRAINING_MS,
    begin,
    checked,
    interrupted,
    last_epoch,
    opened,
    process_of,
    type_into,
    type_short_steps,
    wait_for,
    wait_for_epoch,
)

from app.jobs import training
from app.jobs.training import Phase
from app.workspaces.train.page import TrainPage
from sedir_core.detectors.sedir import SedirDetector
from sedir_core.io.export import write_points_ply
from sedir_core.training.events import EpochEvent, read_events

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def page(qtbot: QtBot, tmp_path: Path) -> Iterator[TrainPage]:
    yield from opened(qtbot, tmp_path)


def test_a_training_outlives_the_page_is_found_again_stopped_and_goes_on(
    qtbot: QtBot, tmp_path: Path, parts: Path
) -> None:
    first = opened(qtbot, tmp_path)
    page = next(first)
    run_dir = begin(qtbot, page, parts, epochs=2_000)
    wait_for(qtbot, page, Phase.RUNNING)
    qtbot.waitUntil(lambda: bool(page.model.curves.epochs), timeout=TRAINING_MS)
    next(first, None)  # the page is closed
    second = opened(qtbot, tmp_path)
    page = next(second)
    wait_for(qtbot, page, Phase.RUNNING)
    assert page.model.follow is not None and page.model.follow.run_dir == run_dir
    qtbot.mouseClick(page.progress.stop, Qt.MouseButton.LeftButton)
    wait_for(qtbot, page, Phase.INTERRUPTED)
    done = last_epoch(run_dir)
    qtbot.mouseClick(page.progress.resume, Qt.MouseButton.LeftButton)
    wait_for(qtbot, page, Phase.RUNNING)
    wait_for_epoch(qtbot, run_dir, after=done)
    page.stop()
    wait_for(qtbot, page, Phase.INTERRUPTED)
    next(second, None)


def test_the_whole_way_from_an_empty_window_to_inspecting(qtbot: QtBot, tmp_path: Path, home: Path) -> None:
    """Import, selection, training, live curves, close and reopen, resume, inspection with the new model."""
    for i in range(2):  # those of all tests: they are aligned already
        write_points_ply(tmp_path / "own" / "cup" / f"{i}.ply", part("cup", i))
        write_points_ply(tmp_path / "own" / "bracket" / f"{i}.ply", part("bracket", i))
    first = opened(qtbot, tmp_path)
    page = next(first)
    assert page.data.how.isVisible() and not page.settings.train.isEnabled()
    dialog = page.import_parts()
    dialog.take(tmp_path / "own")
    qtbot.waitUntil(dialog.start.isEnabled, timeout=WAIT_MS)
    with checked(qtbot, page):
        qtbot.mouseClick(dialog.start, Qt.MouseButton.LeftButton)
    assert page.data.categories == ("bracket", "cup")
    page.data.tree.topLevelItem(0).setCheckState(0, Qt.CheckState.Unchecked)
    assert page.settings.train.text() == "Train 1 category"
    page.settings.preset.setCurrentIndex(page.settings.preset.findData("tiny"))
    type_into(qtbot, page.settings.form, "training", "epochs", "250")
    type_short_steps(qtbot, page.settings.form)
    page.settings.name.setText("cups")
    qtbot.mouseClick(page.settings.train, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(page.model.curves.epochs.get("total", ())) > 1, timeout=TRAINING_MS)
    assert page.progress.curves.charts.keys() >= {"total", "rec", "memory", "steps/s"}
    qtbot.waitUntil(page.progress.previews.isVisible, timeout=TRAINING_MS)
    qtbot.mouseClick(page.progress.stop_later, Qt.MouseButton.LeftButton)
    wait_for(qtbot, page, Phase.INTERRUPTED)
    done = last_epoch(home / "cups")
    next(first, None)  # the window is closed
    second = opened(qtbot, tmp_path)
    page = next(second)
    page.show_run(home / "cups")
    qtbot.mouseClick(page.progress.resume, Qt.MouseButton.LeftButton)
    wait_for(qtbot, page, Phase.COMPLETE)
    epochs = [e.epoch for e in read_events(home / "cups" / "events.jsonl") if isinstance(e, EpochEvent)]
    assert 0 < done < 250
    assert epochs == list(range(1, 251))
    with qtbot.waitSignal(page._session.navigated):
        qtbot.mouseClick(page.progress.inspect, Qt.MouseButton.LeftButton)
    next(second, None)
    detector = SedirDetector.load(home / "cups", "cpu")
    assert detector.detect(scan_of(part("cup", 5, 2_000))).category == "cup"


LAUNCH = """
import sys, signal
from pathlib import Path
from PySide6.QtCore import QCoreApplication
from app.jobs.training import launch
from sedir_core.config import preset
from sedir_core.training.orders import TrainOrder
app = QCoreApplication([])
dataset, out = map(Path, sys.argv[1:])
launch(TrainOrder(dataset, ("cup",), preset("tiny", training={"epochs": 2000, "expectation_steps": 20}), out, "cpu"))
print("launched", flush=True)
signal.pause()
"""


@pytest.mark.skipif(os.name == "nt", reason="kills a process as POSIX does")
def test_a_training_survives_kill_9_of_the_window_and_goes_on_after_one_of_both(
    qtbot: QtBot, tmp_path: Path, parts: Path, home: Path
) -> None:
    run_dir = home / "mine"
    window = subprocess.Popen(
        [sys.executable, "-c", LAUNCH, str(parts), str(run_dir)], stdout=subprocess.PIPE, start_new_session=True
    )
    assert window.stdout is not None and window.stdout.readline() == b"launched\n"
    wait_for_epoch(qtbot, run_dir, after=0)
    os.killpg(window.pid, signal.SIGKILL)
    window.wait()
    window.stdout.close()
    pages = opened(qtbot, tmp_path)
    page = next(pages)
    page.show_run(run_dir)
    wait_for(qtbot, page, Phase.RUNNING)
    wait_for_epoch(qtbot, run_dir, after=last_epoch(run_dir))
    next(pages, None)
    os.kill(process_of(run_dir), signal.SIGKILL)  # now that no window is there, either
    pages = opened(qtbot, tmp_path)
    page = next(pages)
    page.show_run(run_dir)
    wait_for(qtbot, page, Phase.INTERRUPTED)
    qtbot.mouseClick(page.progress.resume, Qt.MouseButton.LeftButton)
    wait_for(qtbot, page, Phase.RUNNING)
    wait_for_epoch(qtbot, run_dir, after=last_epoch(run_dir))
    page.stop()
    wait_for(qtbot, page, Phase.INTERRUPTED)
    next(pages, None)


@pytest.mark.skipif(os.name == "nt", reason="kills a process as POSIX does")
def test_a_training_is_alive_from_the_moment_it_is_ordered_until_it_is_killed(
    qtbot: QtBot, page: TrainPage, parts: Path
) -> None:
    seen: list[Phase] = []
    page.model.followed.connect(lambda follow: seen.append(follow.phase))
    run_dir = begin(qtbot, page, parts, epochs=2_000)
    wait_for(qtbot, page, Phase.RUNNING)
    assert set(seen) <= {Phase.STARTING, Phase.RUNNING}
    qtbot.waitUntil(lambda: bool(page.model.curves.epochs), timeout=TRAINING_MS)
    os.kill(process_of(run_dir), signal.SIGKILL)
    wait_for(qtbot, page, Phase.INTERRUPTED)
    assert page.progress.resume.isVisible()
    seen.clear()
    page.resume()
    assert not page.progress.resume.isVisible()
    assert training.phase_now(run_dir) is Phase.STARTING
    wait_for(qtbot, page, Phase.RUNNING)
    assert set(seen) <= {Phase.STARTING, Phase.RUNNING}
    page.stop()
    wait_for(qtbot, page, Phase.INTERRUPTED)


def test_a_training_cannot_be_ordered_twice_and_one_that_starts_can_be_taken_off(
    qtbot: QtBot, page: TrainPage, parts: Path, home: Path
) -> None:
    run_dir = interrupted(parts, home / "mine")
    page.show_run(run_dir)
    wait_for(qtbot, page, Phase.INTERRUPTED)
    page.resume()
    page.resume()
    assert "already" in page.messages.text
    assert page.progress.stop.isVisible()
    qtbot.mouseClick(page.progress.stop, Qt.MouseButton.LeftButton)
    wait_for(qtbot, page, Phase.INTERRUPTED)
    assert training.orders().waiting == ()
    assert training.phase_now(run_dir) is Phase.INTERRUPTED


def test_trainings_wait_their_turn_can_be_taken_off_and_start_by_themselves(
    qtbot: QtBot, page: TrainPage, parts: Path, home: Path
) -> None:
    first = begin(qtbot, page, parts, epochs=2_000, name="first")
    wait_for(qtbot, page, Phase.RUNNING)
    second = begin(qtbot, page, parts, epochs=1, name="second")
    wait_for(qtbot, page, Phase.WAITING)
    assert page.queue.list.count() == 1 and page.queue.isVisible()
    assert not second.exists()
    page.settings.name.setText("second")
    assert page.settings.name_wrong.text() == "a model with this name already exists"
    for name in ("third", "fourth"):
        begin(qtbot, page, parts, epochs=1, name=name)
        wait_for(qtbot, page, Phase.WAITING)
    page.queue.list.setCurrentRow(0)
    qtbot.mouseClick(page.queue.down, Qt.MouseButton.LeftButton)
    assert [path.name for path in training.waiting()] == ["third", "second", "fourth"]
    for row in (0, 1):
        page.queue.list.setCurrentRow(row)
        qtbot.mouseClick(page.queue.remove, Qt.MouseButton.LeftButton)
        page.model._poll()
    assert [path.name for path in training.waiting()] == ["second"]
    page.show_run(first)
    page.stop_later(True)
    page.show_run(second)
    wait_for(qtbot, page, Phase.COMPLETE)
    assert not page.queue.isVisible()
    assert training.phase_now(first) is Phase.INTERRUPTED
    assert training.waiting() == [] and not (home / "third").exists() and not (home / "fourth").exists()


def test_a_run_without_its_data_set_says_so(page: TrainPage, home: Path, parts: Path, qtbot: QtBot) -> None:
    run_dir = interrupted(parts, home / "mine")
    page.show_run(run_dir)
    wait_for(qtbot, page, Phase.INTERRUPTED)
    about = (run_dir / "about.json").read_text()
    (run_dir / "about.json").write_text(about.replace(str(parts), str(parts) + "-gone"))
    page.resume()
    assert "no longer exists" in page.messages.text
    assert training.phase_now(run_dir) is Phase.INTERRUPTED
