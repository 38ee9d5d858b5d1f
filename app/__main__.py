"""The program with a window: `python -m app [PATH]... [--model RUN]`.

Nothing heavy is imported here: the window is up first, torch and VTK follow.
"""

from __future__ import annotations

import argparse
import atexit
import locale
import logging
import os
import sys
import threading
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from PySide6.QtGui import QSurfaceFormat
from PySide6.QtWidgets import QApplication

from app.jobs.inspection import load
from app.lifecycle.endings import Faults, Signals, log_to
from app.lifecycle.kept_session import SessionStore
from app.lifecycle.session_autosave import SessionAutosave
from app.lifecycle.single_instance import FirstWindow, Request, absolute, hand_over, server_name
from app.main_window import MainWindow, show_bug
from app.state.session import Session
from app.state.settings import Settings, default_path
from app.widgets.error_details import ErrorDetails
from sedir_core.history.place import HistoryPlace
from sedir_core.names import PlainFormatter
from sedir_core.places import DEFAULT_RUN, bundled_runs, demo_scans, writable_folders
from sedir_core.runs.models import find_model

log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Open the window, run until it is closed and end the process; returns only if another window took over."""
    asked = _parse(arguments)
    shown = logging.StreamHandler()
    shown.setFormatter(PlainFormatter("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[shown])
    model = find_model(asked.model) if asked.model else None
    request = Request(absolute(asked.paths), None if model is None else model.absolute())
    name = server_name(default_path())
    if not asked.new_window and hand_over(name, request):
        return 0
    QSurfaceFormat.setDefaultFormat(graphics_format())
    app = QApplication(sys.argv[:1])
    # QApplication sets the user's locale; C libraries could then parse 49.8 as 49.
    locale.setlocale(locale.LC_NUMERIC, "C")
    app.setApplicationName("sedir-inspect")
    app.setApplicationDisplayName("SeDiR Inspect")
    first = FirstWindow(app)
    if not asked.new_window and not first.become(name, request):
        return 0
    folders = writable_folders()
    log_to(folders["log"])
    faults = Faults(folders["log"])
    settings = Settings(default_path())
    run_dir = model or settings.run_dir or bundled_runs() / DEFAULT_RUN
    session = Session(load, run_dir, asked.device or settings.device)
    session.history = HistoryPlace(asked.history_url or settings.history_url, asked.history_folder)
    window = MainWindow(session, settings, demo_scans())
    hooks = CrashHooks(window)
    hooks.install()
    signals = Signals(window.end, app)
    first.asked.connect(window.take_over)
    autosave = SessionAutosave(window, SessionStore(folders["data"] / "windows"), folders["log"])
    window.first_painted.connect(lambda: autosave.start(with_paths=bool(asked.paths)))
    window.closing.connect(first.close)
    window.show()
    window.opening.open(asked.paths)
    status = app.exec()
    signals.close()
    faults.close()
    if window.closed_cleanly:
        atexit._run_exitfuncs()
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    # Everything of ours is closed. Unloading torch, VTK and Qt would take another second, many on a busy machine, and
    # finalising the interpreter would crash while an uninterruptible library call runs in a thread.
    os._exit(status)


class CrashHooks:
    """Unhandled exceptions neither pass silently nor end the program: the first opens a dialog, others are added."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._dialog: ErrorDetails | None = None
        window.model.bug_found.connect(lambda error: self.show(type(error), error, error.__traceback__))

    def install(self) -> None:
        """Install the exception hooks; PySide calls sys.excepthook for errors in slots."""
        sys.excepthook = self.show
        threading.excepthook = lambda args: log.error("error in %s", args.thread, exc_info=args.exc_value)

    def show(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        """Log the error and show it in a copyable dialog."""
        if issubclass(kind, KeyboardInterrupt):
            self._window.close()
            return
        details = "".join(traceback.format_exception(kind, error, trace))
        log.error("unexpected error", exc_info=(kind, error, trace))
        if self._dialog is not None:
            self._dialog.add(details)
            return
        self._dialog = show_bug(kind, details, self._window)
        self._dialog.finished.connect(self._forget)

    def _forget(self) -> None:
        self._dialog = None


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="sedir gui", description="Open the window.")
    parser.add_argument("paths", nargs="*", type=Path, metavar="PATH", help="scans and folders to open")
    parser.add_argument("--model", metavar="RUN", help="run directory, name of a run, or .sedir file, to inspect with")
    parser.add_argument("--new-window", action="store_true", help="open a window of its own beside the first")
    parser.add_argument("--device", help="auto, cpu, cuda or cuda:0 (default: as in the settings)")
    parser.add_argument("--history-url", default="", metavar="URL", help="database of the history")
    parser.add_argument("--history-folder", type=Path, metavar="DIR", help="where past results are kept")
    return parser.parse_args(arguments)


def graphics_format() -> QSurfaceFormat:
    """The surface format VTK needs; it must be set before the first window exists."""
    wanted = QSurfaceFormat()
    wanted.setRenderableType(QSurfaceFormat.RenderableType.OpenGL)
    wanted.setProfile(QSurfaceFormat.OpenGLContextProfile.CoreProfile)
    wanted.setVersion(3, 2)
    wanted.setAlphaBufferSize(8)
    wanted.setDepthBufferSize(24)
    return wanted


if __name__ == "__main__":
    sys.exit(main())
