"""The pictures of the README, made by the program itself: the window with a defective demo scan, light and dark.

    xvfb-run -s "-screen 0 1600x1000x24" python benchmarks/pictures.py FOLDER [--run RUN] [--scan NAME]

Writes window-light.png and window-dark.png, each below 400 KB. Needs a display.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from PySide6.QtCore import QBuffer, QEventLoop, QIODevice, QTimer
from PySide6.QtGui import QSurfaceFormat
from PySide6.QtWidgets import QApplication

from app.__main__ import graphics_format
from app.jobs.inspection import load
from app.main_window import MainWindow
from app.session import Selection, Session, State
from app.settings import Settings
from sedir_core.io.atomic import write_bytes
from sedir_core.places import DEFAULT_RUN, bundled_runs, demo_scans, find_run

MOST_BYTES = 400_000
TIMEOUT_MS = 600_000
THEMES = ("light", "dark")


def main() -> int:
    """Write the pictures; 1 if the scan could not be inspected."""
    asked = _parse()
    QSurfaceFormat.setDefaultFormat(graphics_format())
    app = QApplication([])
    app.setApplicationDisplayName("SeDiR Inspect")
    with tempfile.TemporaryDirectory() as name:
        run_dir = find_run(asked.run) if asked.run else bundled_runs() / DEFAULT_RUN
        window = MainWindow(Session(load, run_dir), Settings(Path(name) / "window.ini"), demo_scans())
        window.setGeometry(window.screen().availableGeometry())
        _until(window.page.clouds.built, window.show)
        _until(window.model.batch_finished, window.open_demo)
        shown = next(e for e in window.session.entries if asked.scan in e.path.stem)
        window.session.show(shown.id)
        if shown.state is State.DONE:
            for theme in THEMES:
                write_bytes(asked.folder / f"window-{theme}.png", _picture(window, theme))
        window.close()
    return 0 if shown.state is State.DONE else 1


def _picture(window: MainWindow, theme: str) -> bytes:
    window.settings.theme = "dark" if theme == "dark" else "light"
    clouds = window.page.clouds
    if window.session.selection.defect is None:
        _until(clouds.arrived, lambda: window.session.select(Selection(0)))
    for view in clouds.views:
        _until(view.completed, view.redraw)
    _until_idle()
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    # The screen's own picture: what a user sees, 3D views included.
    window.screen().grabWindow(window.winId()).save(buffer, "PNG")
    return _smaller(bytes(buffer.data().data()))


def _smaller(png: bytes) -> bytes:
    """The same picture as small as PNG makes it; its colours are rounded only as far as the size asks for."""
    colours = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
    packed = b""
    for lost_bits in range(4):
        step = 1 << lost_bits
        packed = _packed(Image.fromarray(colours // step * step + step // 2))
        if len(packed) <= MOST_BYTES:
            break
    return packed


def _packed(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()


def _until(signal: object, act: Callable[[], object]) -> None:
    loop = QEventLoop()
    signal.connect(loop.quit)  # type: ignore[attr-defined]  # any Qt signal
    timer = QTimer(singleShot=True, interval=TIMEOUT_MS)
    timer.timeout.connect(lambda: sys.exit("nothing happened for ten minutes"))
    timer.start()
    act()
    loop.exec()


def _until_idle() -> None:
    """Let Qt bring what is drawn to the screen."""
    loop = QEventLoop()
    QTimer.singleShot(400, loop.quit)
    loop.exec()


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Make the pictures of the README.")
    parser.add_argument("folder", type=Path, help="where they go")
    parser.add_argument("--run", help="run directory, or name of a run (default: the bundled one)")
    parser.add_argument("--scan", default="bottle_bulge", help="part of the name of the demo scan that is shown")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
