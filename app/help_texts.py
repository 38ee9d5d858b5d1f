"""The About text, and diagnostics for bug reports without names of parts, people or folders."""

from __future__ import annotations

import logging
import platform
import re
import sys
from pathlib import Path

from PySide6.QtCore import qVersion
from PySide6.QtGui import QGuiApplication, QOffscreenSurface, QOpenGLContext
from PySide6.QtWidgets import QMessageBox, QWidget

from app.lifecycle.endings import LOG
from app.state.session import Session
from app.state.settings import Settings
from sedir_core.names import printable
from sedir_core.places import bundled_runs, writable_folders

log = logging.getLogger(__name__)

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
    "SQLAlchemy",
)
LAST_LINES = 20
GL_VENDOR, GL_RENDERER, GL_VERSION = 0x1F00, 0x1F01, 0x1F02
_PATH = re.compile(r"(?:[A-Za-z]:)?[\\/][^\s:;,'\")]+")
_FILE = re.compile(r"[^\s'\"]+\.(?:pcd|ply|obj|stl|off|xyz|txt|csv|pts|npy|npz|sedir)\b", re.IGNORECASE)


def show_about(parent: QWidget) -> QMessageBox:
    """Name, version and licence."""
    lines = [
        f"<h3>SeDiR Inspect {_version('sedir-inspect')}</h3>",
        "<p>Finds defects in 3D scans with one model for many kinds of part<br>and shows what it considers normal.</p>",
        f"<p>Python {platform.python_version()}, PyTorch {_version('torch')}, Qt {qVersion()}</p>",
        "<p>MIT licence.</p>",
    ]
    box = QMessageBox(QMessageBox.Icon.NoIcon, "About", "".join(lines), QMessageBox.StandardButton.Close, parent)
    box.open()
    return box


def diagnostics(session: Session, settings: Settings) -> str:
    """Plain text for a bug report: versions, screen, graphics, model, scans by state, last log messages."""
    screen = QGuiApplication.primaryScreen()
    method = session.model.method if session.model else "not loaded"
    states = [entry.state.value for entry in session.entries]
    bundled = session.run_dir.parent == bundled_runs()
    lines = [
        f"system: {platform.platform()}",
        f"python: {sys.version.split()[0]}",
        f"qt: {qVersion()} on {QGuiApplication.platformName()}",
        f"screen: {screen.size().width()}x{screen.size().height()} at {screen.devicePixelRatio():g}",
        f"opengl: {_opengl()}",
        f"gpu: {_gpu()}",
        *(f"{name}: {found}" for name in PACKAGES if (found := _version(name)) != "?"),
        f"model: {'bundled ' if bundled else ''}{method}, device {session.device}",
        f"scans: {', '.join(f'{states.count(state)} {state}' for state in sorted(set(states))) or 'none'}",
        f"settings: {_short(settings.path)}, theme {settings.theme}",
        *(f"{what} folder: {_short(folder)}" for what, folder in writable_folders().items()),
    ]
    last = last_words(writable_folders()["log"] / LOG, session)
    return "\n".join([*lines, "last warnings:", *(last or ["none"])])


def last_words(path: Path, session: Session) -> list[str]:
    """The last warnings and errors in the log, without names of scans, parts and folders."""
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return []
    kept = [line for line in lines if re.match(r"\S+ \S+ (WARNING|ERROR|CRITICAL) ", line)]
    paths = [entry.path for entry in session.entries]
    names = {printable(name) for path in paths for name in (path, path.name, path.stem)}  # as the log has them
    return [_without(line, names) for line in kept[-LAST_LINES:]]


def _without(line: str, names: set[str]) -> str:
    for name in sorted(names, key=len, reverse=True):
        line = line.replace(name, "<scan>")
    return _FILE.sub("<file>", _PATH.sub("<path>", line))


def _short(path: Path) -> str:
    """Shorten paths to ~: the home folder contains the user's name."""
    home = str(Path.home())
    return f"~{str(path).removeprefix(home)}" if str(path).startswith(home) else f"<path>/{path.name}"


def _gpu() -> str:
    torch = sys.modules.get("torch")
    if torch is None:
        return "torch is not loaded yet"
    if not torch.cuda.is_available():
        return "none that torch can use"
    return ", ".join(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count()))


def _opengl() -> str:
    surface, context = QOffscreenSurface(), QOpenGLContext()
    surface.create()
    if not context.create() or not context.makeCurrent(surface):
        return "no context"
    try:
        found = [context.functions().glGetString(name) for name in (GL_VERSION, GL_RENDERER, GL_VENDOR)]
    finally:
        context.doneCurrent()
    return ", ".join(str(one) for one in found if one)


def _version(package: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return "?"
