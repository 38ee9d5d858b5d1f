"""What is open is kept as it changes, and offered again; the files behind it survive anything."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from app_helpers import WAIT_MS, SphereDetector, dented_sphere, loader, open_and_wait, open_window, save_ply
from PySide6.QtGui import QAction

from app.lifecycle.kept_session import KeptLimit, KeptScan, KeptSession, SessionStore
from app.lifecycle.session_autosave import SessionAutosave, _look
from app.state.entries import State
from app.state.session import Session
from app.state.settings import Settings
from app.views.layers import Layer
from sedir_core.errors import CannotWrite
from sedir_core.history.place import HistoryPlace
from sedir_core.history.records import Filter
from sedir_core.types import never_stop, no_report


@pytest.fixture
def store(tmp_path: Path) -> SessionStore:
    return SessionStore(tmp_path / "windows")


def left(store: SessionStore, *scans: KeptScan, clean: bool = True, limits: tuple[KeptLimit, ...] = ()) -> Path:
    """A session of a window that is gone."""
    gone = SessionStore(store.folder)
    gone.write(KeptSession(scans, scans[0].path if scans else "", limits, clean))
    return gone.own


def start(qtbot, window, store: SessionStore, with_paths: bool = False) -> SessionAutosave:
    """Keep, and wait until what was left behind is known."""
    autosave = SessionAutosave(window, store, store.folder / "log")
    with qtbot.waitSignal(autosave._pool.done, timeout=WAIT_MS):
        autosave.start(with_paths)
    return autosave


def plain_action(window) -> QAction:
    return window.page.stage.actions_of_views.layers[list(Layer).index(Layer.PLAIN)]


def wait_for_kept(qtbot, store: SessionStore, condition) -> KeptSession:
    def kept() -> bool:
        return store.own.exists() and bool(condition(KeptSession.of(store.own.read_text())))

    qtbot.waitUntil(kept, timeout=WAIT_MS)
    return KeptSession.of(store.own.read_text())


def test_a_session_survives_its_file(store):
    kept = KeptSession((KeptScan("/a.ply", "ng", "dust", "ab12"),), "/a.ply", (KeptLimit("ball", True, 1.2),), True)
    assert KeptSession.of(kept.to_text()) == kept


@pytest.mark.parametrize("text", ["", "[]", "{", '{"format": 2}', '{"format": 1, "scans": [1]}', '{"format": 1}'])
def test_a_damaged_session_is_thrown_away(store, text):
    store.folder.mkdir()
    (store.folder / "x.json").write_text(text)
    assert store.left_behind() == []
    assert not (store.folder / "x.json").exists()


def test_a_session_on_a_disk_that_does_not_answer_stays(store, monkeypatch):
    path = left(store, KeptScan("/a.ply"))
    path.rename(store.folder / "real")
    path.mkdir()  # what is no file cannot be read, whoever asks
    assert store.left_behind() == []
    path.rmdir()
    (store.folder / "real").rename(path)
    assert len(store.left_behind()) == 1


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 50_000, "9" * 5_000])
def test_a_session_that_is_a_bomb_is_thrown_away(store, text):
    store.folder.mkdir()
    (store.folder / "x.json").write_text(text)
    assert store.left_behind() == []


def test_scans_on_a_drive_that_is_away_are_offered_when_it_is_back(qtbot, window, store, good_file, tmp_path):
    drive = tmp_path / "drive"
    path = left(store, KeptScan(str(drive / "part.ply"), "ng", "dust"))
    assert start(qtbot, window, store).offer is None
    assert path.exists()
    drive.mkdir()
    save_ply(drive / "part.ply", dented_sphere(300).points)
    assert _look((store, store.folder / "log"), no_report, never_stop).paths == (drive / "part.ply",)


def test_what_is_restored_in_part_is_kept_until_the_drive_is_back(store, good_file, tmp_path):
    both = left(store, KeptScan(str(good_file)), KeptScan(str(tmp_path / "drive" / "part.ply")))
    gone = left(store, KeptScan(str(good_file)), KeptScan(str(tmp_path / "deleted.ply")))
    offer = _look((store, store.folder / "log"), no_report, never_stop)
    assert offer.sources == (gone,) and both.exists()


def test_a_living_window_is_not_left_behind(store):
    other = SessionStore(store.folder)
    other.open()
    other.write(KeptSession((KeptScan("/a.ply"),)))
    assert store.left_behind() == []
    other.close()
    assert [one.kept.scans[0].path for one in store.left_behind()] == ["/a.ply"]


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotWrite):
        SessionStore(tmp_path / "file" / "windows").open()


def test_what_is_open_is_kept_as_it_changes(qtbot, window, store, good_file, dented_file):
    start(qtbot, window, store)
    dented, good = open_and_wait(qtbot, window, good_file, dented_file)
    window.session.show(dented.id)
    window.session.review(dented.id, "ok", "dust")
    window.session.set_limit(1.25)
    kept = wait_for_kept(qtbot, store, lambda k: len(k.scans) == 2 and k.limits)
    assert kept.current == str(dented_file) and not kept.clean
    dented = window.session.get(dented.id)
    assert KeptScan(str(dented_file), "ok", "dust", dented.record) in kept.scans
    assert kept.limits == (KeptLimit("ball", False, 1.25),)
    window.session.remove([good.id])
    assert len(wait_for_kept(qtbot, store, lambda k: len(k.scans) == 1).scans) == 1
    window.close()
    assert KeptSession.of(store.own.read_text()).clean


def test_one_click_opens_the_scans_of_last_time(qtbot, window, store, good_file, dented_file):
    source = left(
        store, KeptScan(str(good_file)), KeptScan(str(dented_file), "ok", "dust"), KeptScan("/gone.ply"),
        limits=(KeptLimit("ball", False, 1.5),),
    )  # fmt: skip
    start(qtbot, window, store)
    assert window.page.messages.text == "Restore the 2 scans from last time? (1 no longer exist.)"
    with qtbot.waitSignal(window.model.batch_finished, timeout=WAIT_MS):
        window.page.messages._action.click()
    found = {entry.path.stem: entry for entry in window.session.entries}
    assert set(found) == {"good", "dented"} and window.session.current == found["good"].id
    assert (found["dented"].review, found["dented"].review_comment) == ("ok", "dust")
    assert window.session.limit == 1.5
    qtbot.waitUntil(lambda: not source.exists(), timeout=WAIT_MS)
    assert not window.menus.restore.isEnabled()


def test_a_word_of_last_time_is_kept_until_its_scan_is_inspected_again(qtbot, settings, tmp_path, store, good_file):
    left(store, KeptScan(str(good_file), "ng", "scratched"))
    gate = threading.Event()
    with open_window(qtbot, Session(loader(SphereDetector(gate)), tmp_path / "run"), settings, tmp_path) as window:
        start(qtbot, window, store).restore()
        kept = wait_for_kept(qtbot, store, lambda k: len(k.scans) == 1)
        assert kept.scans[0].review == "ng"
        assert window.session.entries[0].state is not State.DONE


def test_scans_come_back_without_a_question_where_the_user_wants_that(qtbot, window, settings, store, good_file):
    settings.restore = "always"
    left(store, KeptScan(str(good_file)), clean=False)
    with qtbot.waitSignal(window.model.batch_finished, timeout=WAIT_MS):
        start(qtbot, window, store)
    assert [entry.path for entry in window.session.entries] == [good_file]


def test_nothing_is_offered_where_the_user_does_not_want_it_but_the_menu_can(qtbot, window, settings, store, good_file):
    settings.restore = "never"
    left(store, KeptScan(str(good_file)))
    start(qtbot, window, store)
    assert not window.page.messages.isVisible()
    with qtbot.waitSignal(window.model.batch_finished, timeout=WAIT_MS):
        window.menus.restore.trigger()
    assert len(window.session.entries) == 1


def test_closing_without_scans_keeps_the_offer_for_the_next_start(qtbot, window, store, good_file):
    source = left(store, KeptScan(str(good_file)))
    start(qtbot, window, store)
    window.close()
    assert source.exists() and not store.own.exists()


def test_an_end_without_a_goodbye_is_said(qtbot, window, store, good_file):
    left(store, KeptScan(str(good_file)), clean=False)
    start(qtbot, window, store)
    assert window.page.messages.text == "The program ended unexpectedly. Restore the scan that was open?"


def test_layer_workspace_and_layout_come_back(qtbot, settings, tmp_path, store, detector):
    with open_window(qtbot, Session(loader(detector), tmp_path / "run"), settings, tmp_path) as window:
        start(qtbot, window, store)
        plain_action(window).trigger()
        window.show_workspace("train")
        window.page.docks[2].hide()
        qtbot.waitUntil(lambda: not settings.layout("inspect").isEmpty(), timeout=WAIT_MS)
    again = Settings(settings.path)
    with open_window(qtbot, Session(loader(detector), tmp_path / "run"), again, tmp_path) as window:
        start(qtbot, window, SessionStore(store.folder))
        assert window.page.clouds.layer is Layer.PLAIN and plain_action(window).isChecked()
        assert window.workspace == "train"


def test_scans_of_the_command_line_are_shown_before_the_workspace_of_last_time(qtbot, window, settings, store):
    settings.workspace = "train"
    start(qtbot, window, store, with_paths=True)
    assert window.workspace == "inspect"


def test_a_result_that_is_the_same_again_is_not_recorded_twice(
    qtbot, settings, tmp_path, store, good_file, dented_file, detector
):
    place = HistoryPlace(f"sqlite:///{tmp_path / 'history.sqlite'}", tmp_path / "kept")

    def new_session() -> Session:
        session = Session(loader(detector), tmp_path / "run")
        session.history = place
        return session

    with open_window(qtbot, new_session(), settings, tmp_path) as window:
        start(qtbot, window, store)
        open_and_wait(qtbot, window, good_file, dented_file)
        wait_for_kept(qtbot, store, lambda k: len(k.scans) == 2 and all(one.record for one in k.scans))
    first = {row.path: row.key for row in place.open().page(Filter())}
    save_ply(good_file, dented_sphere(2000, 0.1).points)  # the good part was scanned again in between
    with open_window(qtbot, new_session(), settings, tmp_path) as window:
        recorder = window.recording.recorder
        with (
            qtbot.waitSignal(window.model.batch_finished, timeout=WAIT_MS),
            qtbot.waitSignal(recorder.recognised, timeout=WAIT_MS),
        ):
            start(qtbot, window, SessionStore(store.folder)).restore()
        dented = next(e for e in window.session.entries if e.path == dented_file)
        qtbot.waitUntil(lambda: window.session.get(dented.id).record == first[str(dented_file)], timeout=WAIT_MS)
        window.session.review(dented.id, "ok", "dust")
        qtbot.waitUntil(lambda: recorder.unwritten == 0, timeout=WAIT_MS)
    history = place.open()
    rows = [row.path for row in history.page(Filter())]
    assert sorted(rows) == sorted([str(good_file), str(good_file), str(dented_file)])
    assert [line.comment for line in history.overrides(first[str(dented_file)])] == ["dust"]
