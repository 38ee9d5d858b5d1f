"""Starting and ending: what is imported before the first paint, arguments, and the crash dialog."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from app_helpers import WAIT_MS

from app.__main__ import CrashHooks
from app.lifecycle.single_instance import server_name
from app.state.entries import State

ROOT = Path(__file__).parents[3]
HEAVY = ("torch", "open3d", "vtkmodules", "pyvista", "pyvistaqt", "scipy", "sklearn", "matplotlib")


def run(code: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, cwd=ROOT, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_the_window_imports_nothing_heavy():
    code = f"import sys, app.main_window; print([name for name in {HEAVY} if name in sys.modules])"
    assert run(code).strip() == "[]"


def test_the_program_opens_the_paths_of_its_command_line_and_ends_with_zero(dented_file, tmp_path, monkeypatch):
    for folder in ("CONFIG", "DATA", "STATE"):
        monkeypatch.setenv(f"XDG_{folder}_HOME", str(tmp_path / folder))
    code = """
import locale, sys
from app import __main__ as program
class Window(program.MainWindow):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.session.entries_added.connect(self.told)
    def told(self, ids):
        print(self.session.get(ids[0]).path.name, self.session.run_dir, locale.localeconv()["decimal_point"])
        self.close()
program.MainWindow = Window
sys.exit(program.main(sys.argv[1:]))
"""
    assert run(code, str(dented_file), "--model", "my_run").split() == ["dented.ply", "my_run", "."]


def test_a_bug_opens_a_dialog_and_a_second_one_joins_it(qtbot, window, monkeypatch):
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    hooks = CrashHooks(window)
    for text in ("first", "second"):
        try:
            raise RuntimeError(text)
        except RuntimeError as error:
            hooks.show(type(error), error, error.__traceback__)
    shown = hooks._dialog._text.toPlainText()
    assert "RuntimeError: first" in shown and "RuntimeError: second" in shown
    hooks._dialog.close()
    assert hooks._dialog is None


def test_a_bug_in_a_detector_fails_its_scan_only(qtbot, window, detector, dented_file, monkeypatch):
    monkeypatch.setattr(detector, "detect", lambda *_: 1 / 0)
    with qtbot.waitSignals([window.model.bug_found, window.model.batch_finished], timeout=WAIT_MS):
        window.opening.open([dented_file])
    (entry,) = window.session.entries
    assert entry.state is State.FAILED
    assert "ZeroDivisionError" in entry.failure.details


def test_a_model_that_cannot_be_loaded_is_said_so(qtbot, window, tmp_path):
    window.session.use_model(tmp_path / "missing")
    with qtbot.waitSignal(window.model.failed, timeout=WAIT_MS):
        window.model.prepare_model()
    assert "no such run directory" in window.page.messages.text


def test_a_home_folder_whose_name_is_not_valid_text_has_windows_of_its_own():
    names = {server_name(Path(os.fsdecode(home)) / "window.ini") for home in (b"/home/\xff", b"/home/\xfe", b"/home/a")}
    assert len(names) == 3
