"""The Train page with real trainings behind it, and what a user does on it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from app_helpers import WAIT_MS, SphereDetector
from core.tiny_run import HARDLY_FITTED
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.jobs.training import Phase
from app.state.session import Session
from app.state.settings import Settings
from app.widgets.config_form import ConfigForm
from app.widgets.theme import LIGHT
from app.workspaces.train.page import TrainPage
from sedir_core.config import preset
from sedir_core.errors import Cancelled
from sedir_core.training.events import EpochEvent, read_events
from sedir_core.training.train import TrainRequest, train

TRAINING_MS = 120_000


def opened(qtbot: QtBot, tmp_path: Path) -> Iterator[TrainPage]:
    session = Session(lambda run, device: SphereDetector(), tmp_path / "run", "cpu")
    page = TrainPage(session, Settings(tmp_path / "settings.ini"), LIGHT)
    session.setParent(page)
    page.resize(1100, 700)
    page.activate()
    page.show()
    qtbot.waitExposed(page)
    qtbot.waitUntil(lambda: bool(page.settings.device.currentData()), timeout=WAIT_MS)
    yield page
    assert page.close_down()
    page.close()
    page.deleteLater()


def checked(qtbot: QtBot, page: TrainPage) -> AbstractContextManager[object]:
    """Every category of a data set has been looked through."""
    return qtbot.waitSignal(page.survey.checked, timeout=WAIT_MS, check_params_cb=lambda found: found.complete)


def choose(qtbot: QtBot, page: TrainPage, folder: Path) -> None:
    with checked(qtbot, page):
        page.data.folder_wanted.emit(folder)


def type_into(qtbot: QtBot, form: ConfigForm, section: str, name: str, text: str) -> None:
    editor = form.fields[section, name].editor
    editor.clear()
    qtbot.keyClicks(editor, text)


def type_short_steps(qtbot: QtBot, form: ConfigForm) -> None:
    """Of all that is fitted and measured beside the network, which is most of a short training otherwise."""
    for name, steps in (HARDLY_FITTED | {"judge_steps": 20}).items():
        type_into(qtbot, form, "training", name, str(steps))


def interrupted(parts: Path, run_dir: Path) -> Path:
    """A run of the cup that was stopped before its first step."""
    request = TrainRequest(parts, ("cup",), preset("tiny"), run_dir, device="cpu")
    with pytest.raises(Cancelled):
        train(request, lambda event: None, stop=lambda: True)
    return run_dir


def begin(qtbot: QtBot, page: TrainPage, parts: Path, epochs: int, name: str = "mine") -> Path:
    choose(qtbot, page, parts)
    page.data.tick(False)
    page.data.tree.topLevelItem(1).setCheckState(0, Qt.CheckState.Checked)
    page.settings.preset.setCurrentIndex(page.settings.preset.findData("tiny"))
    type_into(qtbot, page.settings.form, "training", "epochs", str(epochs))
    type_short_steps(qtbot, page.settings.form)
    page.settings.name.setText(name)
    qtbot.mouseClick(page.settings.train, Qt.MouseButton.LeftButton)
    assert page.model.follow is not None
    return page.model.follow.run_dir


def wait_for(qtbot: QtBot, page: TrainPage, phase: Phase) -> None:
    qtbot.waitUntil(lambda: page.model.follow is not None and page.model.follow.phase is phase, timeout=TRAINING_MS)


def last_epoch(run_dir: Path) -> int:
    return max((e.epoch for e in read_events(run_dir / "events.jsonl") if isinstance(e, EpochEvent)), default=0)


def wait_for_epoch(qtbot: QtBot, run_dir: Path, after: int) -> None:
    """Until a later epoch is done, looking ten times a second: reading the log all the time would slow the training."""
    deadline = time.monotonic() + TRAINING_MS / 1_000
    while last_epoch(run_dir) <= after:
        assert time.monotonic() < deadline, f"no epoch after {after}"
        qtbot.wait(100)


def process_of(run_dir: Path) -> int:
    """The process that trains there, from its command line."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if str(run_dir).encode() in words and b"train" in words:
                return int(folder.name)
    raise AssertionError("no such process")
