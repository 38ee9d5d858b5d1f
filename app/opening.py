"""How scans enter the window: dialogs, drops, the demo, a watched folder, or another workspace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import QMimeData, QObject, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from app.not_scans import NotAScan, not_a_scan
from app.state.entries import Failure
from app.state.navigation import ImportRuns, ShowWorkspace
from app.state.session import Session
from app.state.settings import Settings
from app.workspaces.inspect.model import InspectModel
from app.workspaces.inspect.watching import Watching
from app.workspaces.registry import HOME
from sedir_core.io.formats import dialog_filter
from sedir_core.places import BUNDLE_SUFFIX


class Opening(QObject):
    """Asks for scans and passes them to the Inspect workspace; exported models are imported into the runs."""

    opened = Signal()  # opening has begun
    refused = Signal(str, object)  # location, Failure: what was given is not a scan

    def __init__(
        self, session: Session, settings: Settings, model: InspectModel, watching: Watching, demo_dir: Path,
        parent: QWidget,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._session, self._settings, self._model, self._watching = session, settings, model, watching
        self._demo_dir, self._parent = demo_dir, parent

    def open(self, paths: Sequence[Path]) -> None:
        """Open files and folders in Inspect; exported models are imported into the runs."""
        if bundles := tuple(path for path in paths if path.suffix == BUNDLE_SUFFIX):
            self._session.navigate(ImportRuns(bundles))
        others = [path for path in paths if path not in bundles]
        if strange := {path: kind for path in others if (kind := not_a_scan(path)) is not None}:
            self._refuse(strange)
        if scans := [path for path in others if path not in strange]:
            self._session.navigate(ShowWorkspace(HOME))
            self._settings.remember(scans)
            self._model.open(scans)
            self.opened.emit()

    def _refuse(self, strange: Mapping[Path, NotAScan]) -> None:
        """Report the first in full and the number of others."""
        path, kind = next(iter(strange.items()))
        others = len(strange) - 1
        more = {0: "", 1: ", and one more file is no scan"}.get(others, f", and {others} more files are not scans")
        details = "\n".join(f"{path}: {kind.what}" for path, kind in strange.items())
        self._session.navigate(ShowWorkspace(HOME))
        self.refused.emit(path.name, Failure(f"{kind.what}{more}", kind.hint, details))

    def open_demo(self) -> None:
        """The bundled scans."""
        self._session.navigate(ShowWorkspace(HOME))
        self._model.open([self._demo_dir])
        self.opened.emit()

    def ask_files(self) -> None:
        start = str(self._settings.last_folder)
        names, _ = QFileDialog.getOpenFileNames(self._parent, "Open scans", start, dialog_filter())
        if names:
            self._settings.last_folder = Path(names[0]).parent
            self.open([Path(name) for name in names])

    def ask_folder(self) -> None:
        start = str(self._settings.last_folder)
        if name := QFileDialog.getExistingDirectory(self._parent, "Open a folder of scans", start):
            self._settings.last_folder = Path(name)
            self.open([Path(name)])

    def ask_watched(self) -> None:
        start = str(self._settings.last_folder)
        if name := QFileDialog.getExistingDirectory(self._parent, "Watch a folder for new scans", start):
            self._session.navigate(ShowWorkspace(HOME))
            self._watching.start(Path(name))

    def drop(self, dropped: QMimeData) -> None:
        """Open what was dropped on the window."""
        if paths := local_files(dropped):
            self._settings.last_folder = paths[0].parent
            self.open(paths)


def local_files(dropped: QMimeData) -> list[Path]:
    """Local files and folders among the dragged data."""
    return [Path(url.toLocalFile()) for url in dropped.urls() if url.isLocalFile()]
