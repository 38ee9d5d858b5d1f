"""How quick the history is with many rows: each question by itself, and the longest pause of the window beside them.

    xvfb-run python benchmarks/history.py [--rows N]

Prints JSON, in milliseconds: the median of three for each question to the store, then the longest pause of the
window's thread while the table is filled, scrolled from end to end and filtered.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from statistics import median

from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication
from sqlalchemy import insert

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "window"))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "core" / "history"))

from app_helpers import SphereDetector, loader
from history_helpers import CONTENT, DAY, inspection

from app.state.session import Session
from app.state.settings import Settings
from app.widgets.theme import LIGHT
from app.workspaces.history.page import HistoryPage
from sedir_core.history.control import run_chart, share_chart
from sedir_core.history.database import WRITES
from sedir_core.history.place import HistoryPlace
from sedir_core.history.records import Filter
from sedir_core.history.store import History
from sedir_core.history.tables import InspectionRow

BEAT_MS = 10
STOPS = 40


def main() -> None:
    """Fill, ask, show, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    n_rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder:
        place = HistoryPlace(f"sqlite:///{folder}/history.sqlite", Path(folder) / "kept")
        store = place.open()
        fill(store, n_rows)
        found = {"rows": n_rows, "questions_ms": questions(store, place, n_rows)}
        app = QApplication(sys.argv[:1])
        found["longest_pause_ms"] = round(longest_pause(place, Path(folder), n_rows), 1)
        app.quit()
    print(json.dumps(found, indent=2))


def fill(store: History, n_rows: int) -> None:
    """Inspections half a minute apart, 500 a lot, one in twenty NG."""
    names = [column.name for column in InspectionRow.__table__.columns if column.name != "id"]
    values = {name: getattr(inspection(), name) for name in names}
    rows = [
        values
        | {
            "key": f"{number:032x}",
            "time": DAY + timedelta(seconds=30 * number),
            "lot": f"L{number // 500}",
            "category": ("flange", "cup", "ring")[number % 3],
            "path": f"/scans/part_{number:06d}.ply",
            "verdict": "ok" if number % 20 else "ng",
            "score": 0.2 + 0.02 * (number % 7) + (0.0 if number % 20 else 0.4),
        }
        for number in range(n_rows)
    ]
    with store._engine.connect().execution_options(**WRITES) as connection, connection.begin():
        connection.execute(insert(InspectionRow), rows)


def questions(store: History, place: HistoryPlace, n_rows: int) -> dict[str, float]:
    """What the window asks, each by itself."""
    fresh = iter(range(n_rows, n_rows + 9))
    asked: dict[str, Callable[[], object]] = {
        "open": lambda: place.open(),
        "count": lambda: store.count(),
        "first page": lambda: store.page(Filter()),
        "last page": lambda: store.page(Filter(), offset=n_rows - 200),
        "page ordered by score": lambda: store.page(Filter(), order="share", offset=n_rows // 2),
        "text": lambda: store.count(Filter(text="part_0777")),
        "choices": store.choices,
        "share of NG by day": lambda: share_chart(store.tallies(Filter(), by_lot=False), "day"),
        "share of NG by lot": lambda: share_chart(store.tallies(Filter(), by_lot=True), "lot"),
        "scores of a part": lambda: run_chart(store.samples(Filter(category="cup"), 1000)),
        "record": lambda: store.record(inspection(next(fresh)), CONTENT),
    }
    return {name: round(median(timed(act) for _ in range(3)), 1) for name, act in asked.items()}


def timed(act: Callable[[], object]) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    act()
    return 1000 * (time.perf_counter() - began)


def longest_pause(place: HistoryPlace, folder: Path, n_rows: int) -> float:
    """Milliseconds between two beats of a timer in the window's thread, at most, beyond the timer's own interval."""
    session = Session(loader(SphereDetector()), folder / "run")
    session.history = place
    page = HistoryPage(session, Settings(folder / "window.ini"), LIGHT)
    page.resize(1250, 760)
    page.show()
    settle(300)
    beats = [time.perf_counter()]
    heart = QTimer(interval=BEAT_MS)
    heart.timeout.connect(lambda: beats.append(time.perf_counter()))
    heart.start()
    page.activate()
    settle(4000)
    for stop in range(STOPS + 1):
        page.view.scrollTo(page.view.table.index(stop * (page.view.table.rowCount() - 1) // STOPS, 0))
        settle(60)
    page.filters.verdict.setCurrentIndex(2)
    settle(3000)
    heart.stop()
    page.close_down()
    page.close()
    return 1000 * max(after - before for before, after in pairwise(beats)) - BEAT_MS


def settle(milliseconds: int) -> None:
    """Let the window work."""
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


if __name__ == "__main__":
    main()
