"""Checks for system libraries and a display. Standard library only, because the installer uses it, too."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from pathlib import Path

# Shared library -> Debian package. Qt needs the xcb family, VTK the GL ones, open3d libusb, torch libgomp.
SYSTEM_LIBRARIES = {
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libX11.so.6": "libx11-6",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libXrender.so.1": "libxrender1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgomp.so.1": "libgomp1",
    "libusb-1.0.so.0": "libusb-1.0-0",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
}
FONT_FOLDERS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path.home() / ".fonts")
DISPLAY_PROBE = "from PySide6.QtGui import QGuiApplication; QGuiApplication([])"


def missing_packages(for_tests: bool = False) -> tuple[str, ...]:
    """Debian packages of missing system libraries, sorted; always empty except on Linux.

    for_tests: the window's tests also need the virtual X server.
    """
    if sys.platform != "linux":
        return ()
    missing = {package for library, package in SYSTEM_LIBRARIES.items() if not _loads(library)}
    if not any(folder.is_dir() and next(folder.rglob("*.[to]tf"), None) for folder in FONT_FOLDERS):
        missing.add("fonts-dejavu-core")  # without fonts Qt draws boxes
    if for_tests and shutil.which("Xvfb") is None:
        missing.add("xvfb")
    return tuple(sorted(missing))


def install_line(packages: tuple[str, ...]) -> str:
    """The command line that installs them."""
    return "sudo apt-get install -y --no-install-recommends " + " ".join(packages)


def display_named() -> bool:
    """Whether the environment names a display, reachable or not."""
    if sys.platform != "linux":
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def display_problem() -> str | None:
    """Why no window can open here, or None. Checked in a child process, because Qt aborts without a display."""
    if not display_named():
        return "neither DISPLAY nor WAYLAND_DISPLAY is set"
    if os.environ.get("QT_QPA_PLATFORM", "") in ("offscreen", "minimal"):
        return "QT_QPA_PLATFORM asks for a platform without a screen"
    try:
        probe = subprocess.run([sys.executable, "-c", DISPLAY_PROBE], capture_output=True, text=True, timeout=20)
    except subprocess.TimeoutExpired:
        return "the display does not answer"
    if probe.returncode == 0:
        return None
    said = [line for line in probe.stderr.splitlines() if line.strip()]
    return said[0].strip() if said else f"Qt ended with status {probe.returncode}"


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
