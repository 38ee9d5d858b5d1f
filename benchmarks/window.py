"""How quick the window is: first paint, the longest pause during a detection, switching scans, moving the camera.

    xvfb-run -s "-screen 0 1920x1080x24" python benchmarks/window.py [--repeats N] [--demo]

Prints JSON: the best and the median of each measure over the repeats, and how busy the machine was. Needs a display;
without a graphics card it measures software OpenGL. The detector is the calculation of a sphere in NumPy plus a loop
in Python that holds the interpreter, so the pauses are those of a busy worker; with --demo the bundled model inspects
the bundled scans instead, and only the pauses are measured.

A pause is counted whole, and once more without the time in which the window's thread could have run but other
processes had the processors: on a busy machine only the second says something about the program.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtGui import QSurfaceFormat
from PySide6.QtWidgets import QApplication

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "window"))

from app.__main__ import graphics_format
from app.jobs.inspection import load
from app.main_window import MainWindow
from app.state.session import Session
from app.state.settings import Settings
from app.views.camera import CameraPose
from sedir_core.places import DEFAULT_RUN, bundled_runs, demo_scans

FIRST_PAINT = """
import sys, time
from app import __main__ as program, main_window
class Window(main_window.MainWindow):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.first_painted.connect(lambda: (print(time.time(), flush=True), self.close()))
    def _prepare(self):
        pass
program.MainWindow = Window
program.main(["--new-window"])
"""
N_SWITCH, N_MOVE, TURNS = 200_000, 1_000_000, 60


def main() -> None:
    """Measure and print."""
    asked = _parse()
    QSurfaceFormat.setDefaultFormat(graphics_format())
    app = QApplication([])
    rounds = []
    for _ in range(asked.repeats):
        with tempfile.TemporaryDirectory() as name:
            rounds.append(_measure_demo(Path(name)) if asked.demo else _measure(app, Path(name)))
    results: dict[str, object] = {
        key: {
            "best": (max if key.endswith("fps") else min)(one[key] for one in rounds),
            "median": round(median(one[key] for one in rounds), 2),
        }
        for key in rounds[0]
    }
    print(json.dumps(results | {"repeats": asked.repeats, "load_average": round(os.getloadavg()[0], 1)}, indent=2))


def _first_paint(folder: Path) -> float:
    start = time.time()
    # With settings of its own, and so without the scans and the instance of whoever works on this machine.
    own = {
        name: str(folder / name) for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR")
    }
    (folder / "XDG_RUNTIME_DIR").mkdir(mode=0o700)
    command = [sys.executable, "-c", FIRST_PAINT]
    output = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | own)
    return float(output.stdout.split()[-1]) - start


def _measure(app: QApplication, folder: Path) -> dict[str, float]:
    from app_helpers import SphereDetector, dented_sphere, loader, save_ply

    results = {"first_paint_s": round(_first_paint(folder), 2)}
    window = MainWindow(Session(loader(_Busy(SphereDetector())), folder / "run"), Settings(folder / "w.ini"), folder)
    window.resize(1600, 900)
    _until(window.page.clouds.built, window.show)
    paths = [save_ply(folder / f"{i}.ply", dented_sphere(N_SWITCH).points) for i in range(2)]
    results |= _pauses(window, paths)
    first, second = (entry.id for entry in window.session.entries)
    times = [_switch(app, window, entry_id) for entry_id in (first, second, first, second, first, second)]
    results["switch_200k_ms"] = round(1000 * median(times[1:]))
    big = save_ply(folder / "big.ply", dented_sphere(N_MOVE).points)
    _until(window.model.batch_finished, lambda: window.opening.open([big]))
    results["camera_1m_fps"] = round(_turn(app, window), 1)
    window.close()
    return results


def _measure_demo(folder: Path) -> dict[str, float]:
    window = MainWindow(Session(load, bundled_runs() / DEFAULT_RUN), Settings(folder / "w.ini"), folder)
    window.resize(1600, 900)
    _until(window.page.clouds.built, window.show)
    results = _pauses(window, [demo_scans()])
    window.close()
    return results


def _pauses(window: MainWindow, paths: list[Path]) -> dict[str, float]:
    beats = _Heartbeat()
    _until(window.model.batch_finished, lambda: window.opening.open(paths))
    longest, longest_own = beats.stop()
    return {"longest_pause_ms": round(1000 * longest), "longest_pause_of_its_own_ms": round(1000 * longest_own)}


def _switch(app: QApplication, window: MainWindow, entry_id: int) -> float:
    start = time.perf_counter()
    window.session.show(entry_id)
    for view in window.page.clouds.views:
        view.finish()
    app.processEvents()
    return time.perf_counter() - start


def _turn(app: QApplication, window: MainWindow) -> float:
    """Frames a second of both views together, after the subset has found its size."""
    left, _ = window.page.clouds.views
    home, times = left.pose, []
    for step in range(TURNS):
        angle = 0.05 * step
        x, y, z = home.position
        turned = (x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle), z)
        start = time.perf_counter()
        for view in window.page.clouds.views:
            view.set_pose(CameraPose(turned, home.focus, home.up))
        app.processEvents()
        times.append(time.perf_counter() - start)
    return 1 / float(np.median(times[TURNS // 3 :]))


class _Busy:
    """Adds half a second of Python to a detector."""

    def __init__(self, detector: object) -> None:
        self._detector = detector

    def __getattr__(self, name: str) -> object:
        return getattr(self._detector, name)

    def detect(self, *arguments: object) -> object:
        deadline = time.monotonic() + 0.5
        while time.monotonic() < deadline:
            sum(range(1000))
        return self._detector.detect(*arguments)  # type: ignore[attr-defined]  # the wrapped detector


class _Heartbeat:
    """The longest time the event loop did not come round."""

    def __init__(self) -> None:
        self._last, self._waited = time.perf_counter(), _waited_s()
        self._worst = self._worst_own = 0.0
        self._timer = QTimer(interval=5)
        self._timer.timeout.connect(self._beat)
        self._timer.start()

    def stop(self) -> tuple[float, float]:
        """Seconds, whole and without the wait for a processor."""
        self._timer.stop()
        return self._worst, self._worst_own

    def _beat(self) -> None:
        now, waited = time.perf_counter(), _waited_s()
        pause = now - self._last - 0.005
        self._worst = max(self._worst, pause)
        self._worst_own = max(self._worst_own, pause - (waited - self._waited))
        self._last, self._waited = now, waited


def _waited_s() -> float:
    """For how long this thread was ready to run and did not; 0 where the system does not say."""
    try:
        stat = Path(f"/proc/self/task/{threading.get_native_id()}/schedstat").read_text()
    except OSError:
        return 0.0
    return int(stat.split()[1]) / 1e9


def _until(signal: object, act: Callable[[], object], timeout_ms: int = 600_000) -> None:
    loop = QEventLoop()
    signal.connect(loop.quit)  # type: ignore[attr-defined]  # any Qt signal
    timer = QTimer(singleShot=True, interval=timeout_ms)
    timer.timeout.connect(loop.quit)
    timer.start()
    act()
    loop.exec()


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure how quick the window is.")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--demo", action="store_true", help="pauses while the bundled model inspects the bundled scans")
    return parser.parse_args()


if __name__ == "__main__":
    main()
