"""A watched folder in the real window: arrivals, counts, a folder that goes and comes back, the next start."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from app_helpers import WAIT_MS, dented_sphere, loader, open_window, save_ply
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog

from app.state.entries import State
from app.state.session import Session
from app.state.settings import Settings
from app.workspaces.inspect.watch_strip import news
from app.workspaces.inspect.watching import Watching
from sedir_core.io.folder_watch import WatchState

SETTLE_S = 0.1


@pytest.fixture
def incoming(tmp_path: Path) -> Path:
    folder = tmp_path / "incoming"
    folder.mkdir()
    save_ply(folder / "old.ply", dented_sphere().points)
    return folder


def begin(qtbot, window, folder: Path) -> Watching:
    watching = window.page.watching
    with qtbot.waitSignal(watching.changed, check_params_cb=lambda: watching.state is not None, timeout=WAIT_MS):
        watching.start(folder, settle_s=SETTLE_S)
    return watching


def arrive(qtbot, window, path: Path, depth: float = 0.25) -> None:
    with qtbot.waitSignal(window.model.batch_finished, timeout=WAIT_MS):
        save_ply(path, dented_sphere(depth=depth).points)


def test_what_arrives_is_inspected_counted_and_shown(qtbot, window, incoming):
    watching = begin(qtbot, window, incoming)
    strip = window.page.strip
    assert strip.isVisible() and strip.title.text() == "incoming"
    assert strip.news.text() == "Nothing arrived yet"
    assert window.page._empty.title.text() == "Waiting for scans in incoming"
    arrive(qtbot, window, incoming / "a.ply")
    (incoming / "line 2").mkdir()
    arrive(qtbot, window, incoming / "line 2" / "b.ply", 0.0)
    assert [entry.path.name for entry in window.session.entries] == ["a.ply", "b.ply"]
    assert window.session.current_entry.path.name == "b.ply"
    assert strip.news.text().startswith("2 arrived today · 1 NG")
    window.session.show(window.session.entries[0].id)  # looking back ends the following
    assert not watching.following and not strip.follow.isChecked()
    arrive(qtbot, window, incoming / "c.ply")
    assert window.session.current_entry.path.name == "a.ply"
    arrive(qtbot, window, incoming / "a.ply", 0.0)  # overwritten: inspected anew, listed once
    assert [entry.verdict for entry in window.session.entries] == ["ok", "ok", "ng"]
    qtbot.mouseClick(strip.stop, Qt.MouseButton.LeftButton)
    assert not strip.isVisible() and watching.folder is None


def test_a_folder_out_of_reach_is_said_calmly(qtbot, window, incoming, tmp_path):
    watching = begin(qtbot, window, incoming)

    def reached(present: bool):
        return lambda: watching.state is not None and watching.state.present is present

    with qtbot.waitSignal(watching.changed, check_params_cb=reached(False), timeout=WAIT_MS):
        incoming.rename(tmp_path / "unplugged")
    assert "Not reachable" in window.page.strip.news.text()
    with qtbot.waitSignal(watching.changed, check_params_cb=reached(True), timeout=WAIT_MS):
        (tmp_path / "unplugged").rename(incoming)
    arrive(qtbot, window, incoming / "a.ply")
    assert [entry.path.name for entry in window.session.entries] == ["a.ply"]


def test_the_folder_is_watched_at_the_next_start_if_wished(qtbot, detector, settings, incoming, tmp_path, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(incoming))
    with open_window(qtbot, Session(loader(detector), tmp_path / "run"), settings, tmp_path) as window:
        window.opening.ask_watched()
        window.page.strip.again.click()
    assert window.closed_cleanly
    later = Settings(settings.path)
    with open_window(qtbot, Session(loader(detector), tmp_path / "run"), later, tmp_path) as window:
        assert window.page.watching.folder == incoming
        assert window.page.strip.again.isChecked()
        window.page.watching.stop()
    assert later.watched_folder is None


def test_a_broken_arrival_says_why_and_a_mended_one_replaces_it(qtbot, window, incoming):
    begin(qtbot, window, incoming)
    with qtbot.waitSignal(window.model.batch_finished, timeout=WAIT_MS):
        (incoming / "a.ply").write_bytes(b"ply\nformat binary_little_endian 1.0\nelement vertex 9\nend_header\n")
    (entry,) = window.session.entries
    assert entry.state is State.FAILED and entry.failure.what
    arrive(qtbot, window, incoming / "a.ply")
    assert window.session.get(entry.id).verdict == "ng"


def test_the_words_of_the_strip(qtbot, window, incoming):
    watching = window.page.watching
    watching.folder = incoming
    assert news(watching) == "Reading the folder…"
    watching.state = WatchState(incoming, True, 2, "it is on a network drive (nfs4), which reports no changes")
    (entry_id,) = window.session.add([incoming / "old.ply"])
    watching._arrivals = {entry_id: date.today(), 99: date.today() - timedelta(days=1)}
    assert news(watching) == (
        "1 arrived today\n2 being written\n"
        "Checked every two seconds: it is on a network drive (nfs4), which reports no changes."
    )
    watching.folder = None
