"""Whether the window keeps what it should let go: scans opened, inspected, shown and removed again, many times.

    xvfb-run -s "-screen 0 1920x1080x24" python benchmarks/soak.py [--cycles 1000]

Prints JSON: growth of resident memory, threads and open files from the end of the warm-up to the end. Promise: at most
50 MiB over 1,000 cycles, threads and files constant. The detector is the calculation of a sphere, so a cycle takes a
fraction of a second; reading, drawing, lists and threads are the program's own. Linux only: it reads /proc.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtGui import QSurfaceFormat
from PySide6.QtWidgets import QApplication

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "window"))

from app.__main__ import graphics_format
from app.main_window import MainWindow
from app.state.entries import State
from app.state.session import Session
from app.state.settings import Settings

WARM_UP = 60
N_FILES, N_POINTS = 7, 20_000
MOST_GROWTH_MIB = 50.0


def main() -> int:
    """Measure and print; 1 if the promise is broken."""
    from app_helpers import SphereDetector, dented_sphere, loader, save_ply

    cycles = _parse().cycles
    QSurfaceFormat.setDefaultFormat(graphics_format())
    app = QApplication([])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = [
            save_ply(folder / f"{i}.ply", dented_sphere(N_POINTS + 10 * i, 0.05 * i).points) for i in range(N_FILES)
        ]
        window = MainWindow(Session(loader(SphereDetector()), folder / "run"), Settings(folder / "w.ini"), folder)
        window.resize(1280, 800)
        _until(window.page.clouds.built, window.show)
        start = before = _Held.now()
        began = time.monotonic()
        for cycle in range(cycles + WARM_UP):
            if cycle == WARM_UP:
                before, began = _Held.now(), time.monotonic()
            _open_and_close(app, window, files[cycle % N_FILES])
        after = _Held.now()
        seconds = time.monotonic() - began
        window.close()
    grown = after.mib - before.mib
    result = {
        "cycles": cycles,
        "seconds": round(seconds),
        "mib_at_start": round(start.mib),
        "mib_after_warm_up": round(before.mib),
        "mib_at_the_end": round(after.mib),
        "mib_grown": round(grown, 1),
        "threads": [before.threads, after.threads],
        "open_files": [before.files, after.files],
    }
    print(json.dumps(result, indent=2))
    return int(grown > MOST_GROWTH_MIB or after.threads > before.threads or after.files > before.files)


class _Held:
    """What the process holds."""

    def __init__(self, mib: float, threads: int, files: int) -> None:
        self.mib, self.threads, self.files = mib, threads, files

    @classmethod
    def now(cls) -> _Held:
        gc.collect()
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        mib = pages * os.sysconf("SC_PAGE_SIZE") / 2**20
        return cls(mib, threading.active_count(), len(list(Path("/proc/self/fd").iterdir())))


def _open_and_close(app: QApplication, window: MainWindow, path: Path) -> None:
    _until(window.model.batch_finished, lambda: window.opening.open([path]))
    (entry,) = window.session.entries
    assert entry.state is State.DONE, entry.failure
    for view in window.page.clouds.views:
        view.finish()
    app.processEvents()
    window.session.remove([entry.id])
    app.processEvents()


def _until(signal: object, act: Callable[[], object], timeout_ms: int = 60_000) -> None:
    loop = QEventLoop()
    signal.connect(loop.quit)  # type: ignore[attr-defined]  # any Qt signal
    timer = QTimer(singleShot=True, interval=timeout_ms)
    timer.timeout.connect(lambda: sys.exit("nothing happened for a minute"))
    timer.start()
    act()
    loop.exec()


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Open and close scans until what leaks shows.")
    parser.add_argument("--cycles", type=int, default=1000)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
