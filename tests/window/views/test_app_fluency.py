"""What keeps the window answering: views that draw in turns, small steps, and garbage that is looked for at leisure."""

from __future__ import annotations

import gc
from itertools import pairwise

from app_helpers import dented_sphere, save_ply
from PySide6.QtCore import QTimer

from app.lifecycle.collecting import Collector
from app.views.shape_actors import CHUNK
from app.views.turns import Turns


def test_between_two_turns_the_event_loop_comes_round(qtbot):
    turns, seen = Turns(), []
    turns.ask("left", lambda: (seen.append("left"), QTimer.singleShot(0, lambda: seen.append("loop"))))
    turns.ask("right", lambda: seen.append("right"))
    qtbot.waitUntil(lambda: len(seen) == 3)
    assert seen.index("left") < seen.index("right") and seen[0] == "left"


def test_who_asks_twice_draws_once_and_who_leaves_not_at_all(qtbot):
    turns, seen = Turns(), []
    turns.ask("left", lambda: seen.append("old"))
    turns.ask("left", lambda: seen.append("new"))
    turns.ask("right", lambda: seen.append("right"))
    turns.leave("right")
    turns.ask("last", lambda: seen.append("last"))
    qtbot.waitUntil(lambda: "last" in seen)
    assert seen == ["new", "last"]


def test_a_step_of_the_full_picture_makes_one_chunk_at_most(qtbot, window, tmp_path):
    made = []
    view = window.page.clouds.views[0]
    draw = view._plot.draw_hidden
    view._plot.draw_hidden = lambda: (made.append(view._drawn.n_made if view._drawn else 0), draw())
    big = save_ply(tmp_path / "big.ply", dented_sphere(4 * CHUNK + 10).points)
    with qtbot.waitSignal(window.model.batch_finished, timeout=60_000):
        window.opening.open([big])
    qtbot.waitUntil(lambda: view.complete and view.shape is not None, timeout=60_000)
    steps = [later - earlier for earlier, later in pairwise(made) if later >= earlier]
    assert max(made) == 5 and max(steps) == 1


def test_the_views_keep_their_height_when_a_result_comes(qtbot, window, good_file):
    with qtbot.waitSignal(window.session.entries_added):
        window.opening.open([good_file])
    qtbot.waitUntil(lambda: window.page.stage.isVisible())
    before = window.page.clouds.height()
    qtbot.waitUntil(lambda: window.session.current_entry.detection is not None, timeout=60_000)
    assert window.page.alarms.isVisible() and window.page.clouds.height() == before


def test_garbage_is_looked_for_by_the_window_until_it_closes():
    collector = Collector()
    assert not gc.isenabled()
    collector.keep_all()
    assert gc.get_freeze_count() > 0
    collector.close()
    assert gc.isenabled() and gc.get_freeze_count() == 0
