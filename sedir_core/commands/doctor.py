"""`sedir doctor`: checks this machine and prints a one-page report."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

import typer

from sedir_core.commands.console import Status, echo
from sedir_core.commands.machine import display_problem, install_line, missing_packages
from sedir_core.errors import UserError
from sedir_core.places import DEFAULT_RUN, bundled_runs, demo_scans, user_config, writable_folders

OPEN3D = "open3d-cpu" if sys.platform == "linux" and platform.machine() == "x86_64" else "open3d"
LIBRARIES = ("torch", "numpy", "scipy", "scikit-learn", OPEN3D, "PySide6-Essentials", "pyvista", "vtk", "matplotlib")


class MachineCheck(NamedTuple):
    """One line. good is None for optional items, such as a GPU."""

    good: bool | None
    what: str
    detail: str


def doctor() -> None:
    """Check display, GPU, libraries, folders and the bundled model. Exits with 1 if something is broken."""
    findings = [_python(), *_libraries(), _system_libraries(), _display(), _gpu(), *_folders(), _bundled()]
    for finding in findings:
        mark = {True: "ok  ", False: "LACK", None: "-   "}[finding.good]
        echo(f"{mark}  {finding.what:<22} {finding.detail}")
    if any(finding.good is False for finding in findings):
        raise typer.Exit(Status.FAILED)


def _python() -> MachineCheck:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return MachineCheck(True, "Python", f"{platform.python_version()} on {platform.platform()}, {cores} CPU cores")


def _libraries() -> list[MachineCheck]:
    found = []
    for name in LIBRARIES:
        try:
            found.append(MachineCheck(True, name, version(name)))
        except PackageNotFoundError:
            found.append(MachineCheck(False, name, "not installed: pip install sedir-inspect"))
    from sedir_core.io.formats import readers  # imports NumPy, which would slow down `--help`

    return found + [_optional(name, read) for name, read in readers().items()]


def _optional(name: str, read: str) -> MachineCheck:
    """A library needed only for some formats."""
    try:
        return MachineCheck(True, name, version(name))
    except PackageNotFoundError:
        return MachineCheck(None, name, f"not installed: needed for {read}")


def _system_libraries() -> MachineCheck:
    missing = missing_packages()
    return MachineCheck(not missing, "system libraries", install_line(missing) if missing else "all there")


def _display() -> MachineCheck:
    problem = display_problem()
    return MachineCheck(None if problem else True, "display", problem or "a window can open")


def _gpu() -> MachineCheck:
    from sedir_core.runtime import choose_device

    device, reason = choose_device("auto")
    return MachineCheck(None if device.type == "cpu" else True, "GPU", reason)


def _folders() -> list[MachineCheck]:
    found = []
    for what, path in writable_folders().items():
        good = _writable(path)
        found.append(MachineCheck(good, f"{what} folder", f"{path}{'' if good else ' cannot be written'}"))
    if user_config().is_file():
        found.append(MachineCheck(True, "configuration file", str(user_config())))
    return found


def _writable(folder: Path) -> bool:
    """Whether the folder, or its nearest existing parent, is writable."""
    while not folder.exists():
        folder = folder.parent
    return folder.is_dir() and os.access(folder, os.W_OK)


def _bundled() -> MachineCheck:
    from sedir_core.detectors.base import load_detector

    run_dir = bundled_runs() / DEFAULT_RUN
    try:
        detector = load_detector(run_dir, "cpu")
    except UserError as error:
        return MachineCheck(False, "bundled model", str(error))
    n_scans = sum(1 for path in demo_scans().rglob("*") if path.is_file())
    holds = f"{detector.method}, {len(detector.categories)} categories, {n_scans} demo files"
    return MachineCheck(True, "bundled model", holds)
