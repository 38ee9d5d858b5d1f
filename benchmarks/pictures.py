"""The pictures of the README and the user guide, made by the program itself from the bundled model and scans.

    xvfb-run -s "-screen 0 1600x1000x24" python benchmarks/pictures.py resources [--run RUN] [--scan NAME]

Writes pictures/window-light.png and window-dark.png for the README, and guide/*.png. All are quantised to a palette;
together they stay below 1.5 MB. Needs a display.
"""

from __future__ import annotations

import argparse
import io
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from PySide6.QtCore import QBuffer, QDeadlineTimer, QEventLoop, QIODevice, QPoint, QRect, QTimer
from PySide6.QtGui import QCursor, QSurfaceFormat
from PySide6.QtWidgets import QApplication, QWidget

from app.__main__ import graphics_format
from app.jobs.inspection import load
from app.main_window import MainWindow
from app.state.entries import Selection, State
from app.state.session import Session
from app.state.settings import Settings
from sedir_core.datasets.synthesis import built_in_parts, write_dataset
from sedir_core.history.place import HistoryPlace
from sedir_core.io.atomic import write_bytes
from sedir_core.places import DEFAULT_RUN, bundled_runs, demo_scans, find_run

MOST_BYTES = 1_500_000
COLOURS = 256
TIMEOUT_MS = 600_000
SETTLE_MS = 600
SIZE, LARGE = (1280, 800), (1600, 1000)
KINDS = ("bottle", "flange", "hex_bolt", "vase")


def main() -> int:
    """Write the pictures; 1 if the scan could not be inspected or they are too large."""
    asked = _parse()
    QSurfaceFormat.setDefaultFormat(graphics_format())
    app = QApplication([])
    app.setApplicationDisplayName("SeDiR Inspect")
    with tempfile.TemporaryDirectory(prefix="scans-") as name:
        run_dir = find_run(asked.run) if asked.run else bundled_runs() / DEFAULT_RUN
        session = Session(load, run_dir)
        session.history = HistoryPlace(f"sqlite:///{Path(name) / 'history.db'}", Path(name) / "history")
        scans = Path(shutil.copytree(demo_scans(), Path(name) / "scans"))  # whose folder says nothing of this machine
        window = MainWindow(session, Settings(Path(name) / "window.ini"), scans)
        window.settings.theme, window.settings.unit, window.settings.operator = "light", "mm", "Ada"
        _resize(window, SIZE)
        _until(window.page.clouds.built, window.show)
        window.page.arrange(*SIZE)
        _write(asked.folder / "guide" / "first.png", _shot(window))
        _until(window.model.batch_finished, window.opening.open_demo)
        shown = next(e for e in session.entries if asked.scan in e.path.stem)
        if shown.state is State.DONE:
            session.show(shown.id)
            _of_inspecting(window, asked.folder)
            _of_the_rest(window, asked.folder / "guide", Path(name))
            _of_the_readme(window, asked.folder / "pictures")
        window.close()
    total = sum(path.stat().st_size for path in asked.folder.glob("*/*.png"))
    print(f"{total:,} bytes")
    return 0 if shown.state is State.DONE and total <= MOST_BYTES else 1


def _of_inspecting(window: MainWindow, folder: Path) -> None:
    guide, page = folder / "guide", window.page
    _until(page.clouds.arrived, lambda: window.session.select(Selection(0)))
    _joined(window)
    _write(guide / "inspect.png", _shot(window))
    _write(guide / "verdict.png", _part(window, page.docks[1], page.docks[2]))
    _write(guide / "limit.png", _part(window, page.colour_bar, page.alarms))
    page.stage.actions_of_views.section.trigger()
    _write(guide / "section.png", _part(window, page.stage))
    page.stage.actions_of_views.section.trigger()


def _of_the_rest(window: MainWindow, guide: Path, scratch: Path) -> None:
    dialogs = window.dialogs
    for name, show in (("model", dialogs.show_models), ("settings", dialogs.show_settings)):
        dialog = show()
        _pause(6 * SETTLE_MS)
        _write(guide / f"{name}.png", _shot(dialog))
        dialog.close()
    window.show_workspace("history")
    _pause(4 * SETTLE_MS)
    _write(guide / "history.png", _shot(window))
    window.show_workspace("train")
    page = window._pages["train"]
    _until(page.survey.checked, lambda: page.use_dataset(_dataset(scratch / "parts")))  # type: ignore[attr-defined]
    while page.survey.busy:  # type: ignore[attr-defined]  # the page of this workspace
        _pause(SETTLE_MS)
    _write(guide / "train.png", _shot(window))
    window.show_workspace("inspect")


def _of_the_readme(window: MainWindow, pictures: Path) -> None:
    _resize(window, LARGE)
    window.page.arrange(*LARGE)
    for theme in ("light", "dark"):
        window.settings.theme = "dark" if theme == "dark" else "light"
        for view in window.page.clouds.views:
            _until(view.completed, view.redraw)
        _write(pictures / f"window-{theme}.png", _shot(window))


def _dataset(folder: Path) -> Path:
    """Good and defective scans of some kinds of part."""
    parts = built_in_parts()
    write_dataset({kind: parts[kind] for kind in KINDS}, folder, "anomaly-shapenet", seed=0, bad=1)
    return folder


def _resize(window: MainWindow, size: tuple[int, int]) -> None:
    space = window.screen().availableGeometry()
    QCursor.setPos(space.bottomRight())  # where it lights up nothing
    window.setGeometry(QRect(space.x(), space.y(), *size))


def _shot(window: QWidget) -> bytes:
    """The screen's own picture: what a user sees, 3D views included."""
    _pause(SETTLE_MS)
    return _png(window, QRect())


def _part(window: MainWindow, *parts: QWidget) -> bytes:
    """Only these widgets, with a little room around them."""
    _pause(SETTLE_MS)
    area = QRect()
    for part in parts:
        area = area.united(QRect(part.mapTo(window, QPoint(0, 0)), part.size()))
    return _png(window, area.adjusted(-6, -6, 6, 6).intersected(window.rect()))


def _png(window: QWidget, area: QRect) -> bytes:
    picture = window.screen().grabWindow(window.winId())
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    (picture if area.isNull() else picture.copy(area)).save(buffer, "PNG")
    return bytes(buffer.data().data())


def _write(path: Path, png: bytes) -> None:
    """As a palette: a window has few colours, and its 3D views lose nothing that the eye misses."""
    colours = Image.open(io.BytesIO(png)).convert("RGB")
    out = io.BytesIO()
    colours.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, kmeans=2, dither=Image.Dither.NONE).save(
        out, "PNG", optimize=True
    )
    write_bytes(path, out.getvalue())


def _until(signal: object, act: Callable[[], object]) -> None:
    loop = QEventLoop()
    signal.connect(loop.quit)  # type: ignore[attr-defined]  # any Qt signal
    timer = QTimer(singleShot=True, interval=TIMEOUT_MS)
    timer.timeout.connect(lambda: sys.exit("nothing happened for ten minutes"))
    timer.start()
    act()
    loop.exec()


def _joined(window: MainWindow) -> None:
    """Until points are surfaces, and these are drawn."""
    deadline = QDeadlineTimer(TIMEOUT_MS)
    while not deadline.hasExpired():
        entry = window.session.current_entry
        shapes = [] if entry is None else [entry.shape, *entry.surfaces.values()]
        if shapes and all(shape is not None and shape.joined for shape in shapes):
            break
        _pause(SETTLE_MS)
    for view in window.page.clouds.views:
        if not view.complete:
            _until(view.completed, lambda: None)


def _pause(duration_ms: int) -> None:
    """Let jobs answer, and Qt bring what is drawn to the screen."""
    loop = QEventLoop()
    QTimer.singleShot(duration_ms, loop.quit)
    loop.exec()


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Make the pictures of the README and the user guide.")
    parser.add_argument("folder", type=Path, help="the program's resources")
    parser.add_argument("--run", help="run directory, or name of a run (default: the bundled one)")
    parser.add_argument("--scan", default="pipe_elbow_bulge", help="part of the name of the demo scan that is shown")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
