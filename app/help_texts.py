"""What Help shows, and the facts a bug report needs."""

from __future__ import annotations

import platform
import sys

from PySide6.QtCore import qVersion
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMessageBox, QWidget

from app.session import Session
from app.settings import Settings

PACKAGES = (
    "sedir-inspect",
    "torch",
    "numpy",
    "scipy",
    "open3d-cpu",
    "open3d",
    "PySide6-Essentials",
    "pyvista",
    "pyvistaqt",
    "vtk",
)

HELP = """
<h3>Inspect a scan</h3>
<p>Drop scans or folders on the window, or use <b>File &gt; Open Scans</b>. Each scan is read, compared with what the
model knows as normal, and shown: on the left the scan with its heat, on the right the normal surface the model expects.
Both views share one camera: drag to turn, Shift+drag to shift, wheel to zoom.</p>
<h3>Read the picture</h3>
<p>The colour scale is fixed: its middle is the limit the model was calibrated to, so good parts stay blue.
Grey points were not evaluated. A click on a defect flies to it.</p>
<h3>Keys</h3>
<table cellspacing="6">
<tr><td><b>Up, Down</b></td><td>previous, next scan</td></tr>
<tr><td><b>O, N, Backspace</b></td><td>set to OK, set to NG, back to the model's verdict</td></tr>
<tr><td><b>1 to 5</b></td><td>heat, plain scan, scan over reconstruction, distance to it, ground truth</td></tr>
<tr><td><b>S</b></td><td>swap the sides</td></tr>
<tr><td><b>R</b></td><td>reset the camera</td></tr>
<tr><td><b>F5, Esc</b></td><td>inspect again, stop</td></tr>
<tr><td><b>Ctrl+E</b></td><td>export the points with their scores</td></tr>
<tr><td><b>Ctrl+Shift+P</b></td><td>find any command</td></tr>
<tr><td><b>F11</b></td><td>full screen</td></tr>
</table>
"""


def show_help(parent: QWidget) -> None:
    """How to use the window, in one page."""
    _box(parent, "Help", HELP)


def show_about(parent: QWidget) -> None:
    """Name and version."""
    about = "<p>Finds defects in 3D scans with one model for many kinds of part.</p>"
    _box(parent, "About", f"<h3>SeDiR Inspect {_version('sedir-inspect')}</h3>{about}<p>MIT licence.</p>")


def diagnostics(session: Session, settings: Settings) -> str:
    """Plain text for a bug report: versions, screen, model and how many scans are in which state. No file names."""
    screen = QGuiApplication.primaryScreen()
    method = session.model.method if session.model else "not loaded"
    states = [entry.state.value for entry in session.entries]
    lines = [
        f"system: {platform.platform()}",
        f"python: {sys.version.split()[0]}",
        f"qt: {qVersion()} on {QGuiApplication.platformName()}",
        f"screen: {screen.size().width()}x{screen.size().height()} at {screen.devicePixelRatio():g}",
        *(f"{name}: {found}" for name in PACKAGES if (found := _version(name)) != "?"),
        f"model: {session.run_dir} ({method}), device {session.device}",
        f"scans: {', '.join(f'{states.count(state)} {state}' for state in sorted(set(states))) or 'none'}",
        f"settings: {settings.path}, theme {settings.theme}",
    ]
    return "\n".join(lines)


def _box(parent: QWidget, title: str, html: str) -> None:
    box = QMessageBox(QMessageBox.Icon.NoIcon, title, html, QMessageBox.StandardButton.Close, parent)
    box.open()


def _version(package: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return "?"
