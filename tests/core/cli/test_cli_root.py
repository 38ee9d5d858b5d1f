"""The command itself: quick help, the window by default, statuses of a real process."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from sedir_core.commands import machine
from sedir_core.places import bundled_runs, demo_scans, own_command

COMMANDS = ("gui", "demo", "inspect", "train", "evaluate", "ice", "synth", "weights", "info", "bench", "doctor")


def run(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sedir_core", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **env},
    )


@pytest.fixture
def window(monkeypatch) -> list[list[str]]:
    """A display and a window that only notes how it was opened."""
    opened: list[list[str]] = []

    def main(arguments: list[str]) -> int:
        opened.append(arguments)
        return 0

    monkeypatch.setitem(sys.modules, "app.__main__", SimpleNamespace(main=main))
    monkeypatch.setenv("DISPLAY", ":77")
    monkeypatch.setattr("sedir_core.commands.demo.display_problem", lambda: None)
    return opened


def test_help_names_every_command(sedir) -> None:
    said = sedir("--help").stdout
    assert [name for name in COMMANDS if name not in said] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(sedir, command) -> None:
    assert sedir(command, "--help").exit_code == 0


def test_help_loads_nothing_heavy() -> None:
    listing = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "sedir_core", "--help"], capture_output=True, text=True, timeout=60
    )
    assert listing.returncode == 0
    modules = {line.rsplit("|", 1)[-1].strip() for line in listing.stderr.splitlines()}
    assert modules & {"numpy", "torch", "scipy", "open3d", "matplotlib", "PySide6", "pyvista", "sklearn"} == set()


def shadowed(folder: Path) -> Path:
    """A folder with what a user's project may hold."""
    for name in ("app", "resources", "sedir_core"):
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text("raise SystemExit('the wrong package')\n")
    return folder


def test_the_programs_own_processes_ignore_the_working_directory(tmp_path) -> None:
    command = own_command("runs", "list", "--json")
    found = subprocess.run(command, cwd=shadowed(tmp_path), capture_output=True, text=True, timeout=60)
    assert found.returncode == 0, found.stderr
    assert '"name": "default"' in found.stdout


def test_a_project_with_an_app_and_resources_does_not_hide_ours(tmp_path) -> None:
    shutil.rmtree(shadowed(tmp_path) / "sedir_core")
    command = [sys.executable, "-m", "sedir_core", "runs", "list", "--json"]
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert '"name": "default"' in found.stdout, found.stderr


@pytest.mark.parametrize("module", ["typer._click", "sedir_core.commands.console", "sedir_core.cli", "numpy", "scipy"])
def test_ctrl_c_is_quiet_while_libraries_load(module) -> None:
    python, *words = own_command("inspect", str(demo_scans()))
    command = [python, "-X", "importtime", *words]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if line.rsplit("|", 1)[-1].strip() == module:
            process.send_signal(signal.SIGINT)
            break
    said = process.communicate(timeout=100)[1]
    assert process.returncode == 130
    assert "Traceback" not in said


@pytest.mark.parametrize("inside", ["raise_signal(SIGINT)", "exec('raise_signal(SIGINT)')"])
def test_ctrl_c_has_one_status_even_while_a_class_is_being_made(inside, tmp_path) -> None:
    """Dataclasses are made by `exec`, where a plain KeyboardInterrupt changes how Python 3.11 ends."""
    (tmp_path / "pressed.py").write_text(
        "import sys, types; from signal import SIGINT, raise_signal\n"
        "cli = sys.modules['sedir_core.cli'] = types.ModuleType('sedir_core.cli')\n"
        f"cli.main = lambda: {inside}\n"
        "from sedir_core.__main__ import main; main()\n"
    )
    command = [sys.executable, "-m", "pressed"]  # `-m` as own_command does: a file or -c ends by another path
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (found.returncode, found.stderr) == (130, "interrupted\n")


def test_too_little_memory_is_said_in_words() -> None:
    if sys.platform != "linux":
        pytest.skip("memory is limited in other ways elsewhere")
    command = f"ulimit -v 700000; exec {shlex.join(own_command('inspect', str(demo_scans())))}"
    found = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=120)
    assert found.returncode in (1, 4, -signal.SIGABRT)  # a C++ library may end the process, which no Python can catch
    assert "Traceback" not in found.stderr


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(), OSError(12, "Cannot allocate memory"), RuntimeError("can't start new thread"),
        ImportError("libtorch_cpu.so: failed to map segment from shared object"),
    ],
)  # fmt: skip
def test_a_model_too_large_for_the_memory_is_said_in_words(sedir, good, monkeypatch, error) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("sedir_core.detectors.base.load_detector", fail)
    result = sedir("inspect", good)
    assert result.exit_code == 1
    assert "not enough memory" in result.stderr


def test_a_bug_keeps_its_traceback(sedir, good, monkeypatch) -> None:
    monkeypatch.setattr("sedir_core.detectors.base.load_detector", lambda *_: 1 / 0)
    assert isinstance(sedir("inspect", good).exception, ZeroDivisionError)


def test_no_argument_opens_an_empty_window(sedir, window) -> None:
    assert sedir().exit_code == 0
    assert window == [["--"]]


def test_gui_passes_paths_and_model_on(sedir, window, good, tmp_path) -> None:
    assert sedir("gui", good, "--model", tmp_path).exit_code == 0
    assert window == [["--model", str(tmp_path), "--", str(good)]]


def test_demo_opens_the_bundled_scans_in_the_window(sedir, window) -> None:
    assert sedir("demo").exit_code == 0
    assert window == [["--model", str(bundled_runs() / "default"), "--", str(demo_scans())]]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there always is a display")
def test_gui_without_a_display_says_what_to_do_instead(sedir, monkeypatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    result = sedir("gui")
    assert result.exit_code == 1
    assert "sedir inspect" in result.stderr


def test_an_unknown_command_is_a_usage_error() -> None:
    assert run("inspekt").returncode == 2


def test_a_run_that_is_none_fails_calmly(tmp_path) -> None:
    scan = tmp_path / "a.xyz"
    scan.write_text("0 0 0\n")
    found = run("inspect", str(scan), "--model", str(tmp_path))
    assert found.returncode == 1
    assert "is not a run" in found.stderr
    assert "Traceback" not in found.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="packages are named on Linux only")
def test_a_missing_library_names_its_package(monkeypatch) -> None:
    monkeypatch.setitem(machine.SYSTEM_LIBRARIES, "libnothing-of-the-kind.so.9", "libnothing9")
    assert "libnothing9" in machine.missing_packages()


def test_a_display_that_does_not_answer_is_a_problem(monkeypatch) -> None:
    monkeypatch.setenv("DISPLAY", ":98765")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    assert machine.display_problem() is not None


def test_doctor_reports_versions_and_folders(sedir) -> None:
    said = sedir("doctor").stdout
    assert "torch" in said
    assert "cache folder" in said
    assert "display" in said
