"""How quick the window is: first paint, the longest pause during a detection, switching scans, moving the camera.

    xvfb-run -s "-screen 0 1920x1080x24" python benchmarks/window.py

Prints JSON. Needs a display; without a graphics card it measures software OpenGL. The detector is the calculation of
a sphere in NumPy plus a loop in Python that holds the interpreter, so the pauses are those of a busy worker.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "app"))

from app.main_window import MainWindow
from app.session import Session
from app.settings import Settings
from app.views.camera import Pose

FIRST_PAINT = """
import sys, time
from app import __main__ as program, main_window
class Window(main_window.MainWindow):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.first_painted.connect(lambda: (print(time.time()), self.close()))
    def _prepare(self):
        pass
program.MainWindow = Window
program.main(["--new-window"])
"""
N_SWITCH, N_MOVE, TURNS = 200_000, 1_000_000, 60


def main() -> None:
    """Measure and print."""
    results = {"first_paint_s": round(min(_first_paint() for _ in range(3)), 2)}
    app = QApplication([])
    with tempfile.TemporaryDirectory() as name:
        results |= _measure(app, Path(name))
    print(json.dumps(results, indent=2))


def _first_paint() -> float:
    start = time.time()
    output = subprocess.run([sys.executable, "-c", FIRST_PAINT], capture_output=True, text=True, check=True)
    return float(output.stdout.split()[-1]) - start


def _measure(app: QApplication, folder: Path) -> dict[str, float]:
    from app_helpers import SphereDetector, dented_sphere, loader, save_ply

    window = MainWindow(Session(loader(_Busy(SphereDetector())), folder / "run"), Settings(folder / "w.ini"), folder)
    window.resize(1600, 900)
    _until(window.page.clouds.built, window.show)
    paths = [save_ply(folder / f"{i}.ply", dented_sphere(N_SWITCH).points) for i in range(2)]
    beats = _Heartbeat()
    _until(window.model.batch_finished, lambda: window.open_paths(paths))
    results = {"longest_pause_during_detection_ms": round(1000 * beats.stop())}
    first, second = (entry.id for entry in window.session.entries)
    results["switch_200k_ms"] = round(1000 * max(_switch(app, window, entry_id) for entry_id in (first, second, first)))
    big = save_ply(folder / "big.ply", dented_sphere(N_MOVE).points)
    _until(window.model.batch_finished, lambda: window.open_paths([big]))
    results["camera_1m_fps"] = round(_turn(app, window), 1)
    window.close()
    return results


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
            view.set_pose(Pose(turned, home.focus, home.up))
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
        self._last, self._worst = time.perf_counter(), 0.0
        self._timer = QTimer(interval=5)
        self._timer.timeout.connect(self._beat)
        self._timer.start()

    def stop(self) -> float:
        self._timer.stop()
        return self._worst

    def _beat(self) -> None:
        now = time.perf_counter()
        self._worst, self._last = max(self._worst, now - self._last - 0.005), now


def _until(signal: object, act: Callable[[], object], timeout_ms: int = 60_000) -> None:
    loop = QEventLoop()
    signal.connect(loop.quit)  # type: ignore[attr-defined]  # any Qt signal
    QTimer.singleShot(timeout_ms, loop.quit)
    act()
    loop.exec()


if __name__ == "__main__":
    main()
