"""Fixtures of the window's tests: files, a session, and the real window."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from app_helpers import SphereDetector, dented_sphere, loader, open_window, save_ply
from core.tiny_run import write_dataset
from PySide6.QtCore import QtMsgType
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.main_window import MainWindow
from app.state.session import Session
from app.state.settings import Settings
from app.widgets import theme
from app.widgets.style_sheet import style_sheet
from sedir_core.places import writable_folders

SCREEN_COMPLAINTS = ("This plugin does not support", "propagateSizeHints")


@pytest.fixture
def good_file(tmp_path: Path) -> Path:
    return save_ply(tmp_path / "good.ply", dented_sphere(depth=0.0).points)


@pytest.fixture
def dented_file(tmp_path: Path) -> Path:
    return save_ply(tmp_path / "dented.ply", dented_sphere().points)


@pytest.fixture
def broken_file(tmp_path: Path) -> Path:
    path = tmp_path / "broken.ply"
    path.write_bytes(b"ply\nformat binary_little_endian 1.0\nelement vertex 99999999\nproperty double x\nend_header\n")
    return path


@pytest.fixture
def detector() -> SphereDetector:
    return SphereDetector()


@pytest.fixture
def session(detector: SphereDetector, tmp_path: Path) -> Session:
    return Session(loader(detector), tmp_path / "run")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path / "window.ini")


@pytest.fixture
def window(qtbot: QtBot, session: Session, settings: Settings, tmp_path: Path) -> Iterator[MainWindow]:
    """The real window, painted, its 3D views built and its model loaded."""
    with open_window(qtbot, session, settings, tmp_path) as opened:
        yield opened


@pytest.fixture(autouse=True)
def usual_text(qapp: QApplication) -> None:
    """Every test begins with the program's own style and its usual text, whatever another test asked for."""
    usual = theme.choose("light")
    if qapp.styleSheet() != style_sheet(usual) or qapp.font().pointSizeF() != usual.text_pt:
        theme.apply(qapp, usual)


@pytest.fixture(autouse=True)
def no_garbage_collected_by_threads() -> Iterator[None]:
    """A thread that deletes what is left of another test's window crashes; the program itself never lets one do so."""
    gc.disable()
    yield
    gc.enable()


@pytest.fixture(autouse=True)
def no_qt_warnings(qtlog) -> Iterator[None]:
    """What Qt complains about is a bug until it is shown to be the virtual screen's."""
    yield
    complaints = [record.message for record in qtlog.records if record.type is not QtMsgType.QtDebugMsg]
    assert [text for text in complaints if not text.startswith(SCREEN_COMPLAINTS)] == []


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where trainings go: the user's folders, for the window and the processes that it starts, are empty ones.

    Aligned and encoded scans alone are those of all tests, so that not every training begins with the same work.
    """
    tensors = writable_folders()["cache"] / "tensors"
    for name in ("DATA", "CACHE", "CONFIG", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    own = writable_folders()["cache"] / "tensors"
    if own != tensors:  # they are elsewhere where XDG is nothing
        for folder in (tensors, own.parent):
            folder.mkdir(parents=True, exist_ok=True)
        own.symlink_to(tensors)
    return tmp_path / "data" / "sedir-inspect" / "runs"


@pytest.fixture(scope="session")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set to train on."""
    return write_dataset(tmp_path_factory.mktemp("parts") / "parts")
