"""The main window: wiring only. Work is done in the workspaces, state is in the session, commands are in the menus."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QCloseEvent, QDragEnterEvent, QDropEvent, QGuiApplication
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QFileDialog,
    QLabel,
    QMainWindow,
    QStackedWidget,
    QStatusBar,
    QToolBar,
    QToolButton,
    QWidget,
)

from app import help_texts
from app.collecting import Collector
from app.dialogs import Dialogs
from app.entries import State
from app.menus import Menus
from app.recording import Recording, login_name
from app.session import Session
from app.settings import Settings
from app.shortcuts import Shortcuts
from app.single import Request
from app.widgets import theme as themes
from app.widgets.command_palette import CommandPalette
from app.widgets.error_details import ErrorDetails
from app.widgets.job_status import JobStatus
from app.widgets.workspace_switcher import WorkspaceSwitcher
from app.workspaces.inspect.exporting import Exporter
from app.workspaces.inspect.model import InspectModel
from app.workspaces.inspect.page import InspectPage
from app.workspaces.registry import HOME, WORKSPACES, WorkspacePage
from sedir_core.config import METHOD_NAMES
from sedir_core.places import BUNDLE_SUFFIX, DEFAULT_RUN, bundled_runs

DEFAULT_SHARE = 0.8
"""Of the screen's width and height, for the first start; later the window comes back as it was left."""
LEAST_SIZE = (1120, 720)
DOCK_LAYOUT = 1
"""Version of the saved dock layout; raise it when docks are added, so that old layouts are dropped."""
SCAN_FILTER = "Scans (*.pcd *.ply *.obj *.stl *.off *.xyz *.txt *.csv *.pts *.npy *.npz);;All files (*)"


class MainWindow(QMainWindow):
    """One window of the program. `first_painted` comes once, when something is on the screen."""

    first_painted = Signal()
    workspace_changed = Signal(str)
    closing = Signal()  # before anything is taken down

    def __init__(self, session: Session, settings: Settings, demo_dir: Path) -> None:
        super().__init__()
        self.session, self.settings, self._demo_dir = session, settings, demo_dir
        self.theme = themes.choose(settings.theme)
        self._painted = False
        self._closed_cleanly = True
        self._must_end = False
        self._collector = Collector(self)
        self.model = InspectModel(session, self)
        self.page = InspectPage(session, self.model, settings, self.theme)
        self.exporter = Exporter(session, self.page, self)
        self.status = JobStatus(self.theme)
        self.recording = Recording(session, settings, self.theme, self)
        self._model_label = QToolButton(toolTip="Choose another model, or where it computes", autoRaise=True)
        self._category = QComboBox(toolTip="Which part it is; automatic lets the model find out")
        self.setWindowTitle("SeDiR Inspect")
        self.workspace = HOME
        self._pages: dict[str, WorkspacePage] = {}
        self._stack = QStackedWidget()
        self._stack.addWidget(self.page)
        entries = [(HOME, "Inspect", "magnify-scan"), *((w.key, w.title, w.icon) for w in WORKSPACES)]
        self.switcher = WorkspaceSwitcher(entries, self.theme)
        self.setCentralWidget(self._stack)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        self.setAcceptDrops(True)
        self.dialogs = Dialogs(self)
        self.menus = Menus(self)
        self._build_tool_bar()
        self._build_status_bar()
        self.shortcuts = Shortcuts(settings, self.menuBar(), self.commands, self)
        self._connect()
        self._show_model()
        self._apply_theme()
        self._on_setting_changed("")
        self._restore_layout()

    @property
    def closed_cleanly(self) -> bool:
        """After closing: False if a job could not be stopped in time and its thread still runs."""
        return self._closed_cleanly

    def open_paths(self, paths: Sequence[Path]) -> None:
        """Open files and folders in Inspect, as from the dialog; exported models join the runs."""
        if bundles := [path for path in paths if path.suffix == BUNDLE_SUFFIX]:
            self.show_workspace("runs")
            self.session.import_wanted.emit(bundles)
        if paths := [path for path in paths if path not in bundles]:
            self.show_workspace(HOME)
            self.settings.remember(list(paths))
            self.model.open(paths)

    def show_workspace(self, key: str) -> None:
        """Inspect or one of the registry's workspaces, built at its first showing."""
        page: QWidget = self.page
        if key != HOME:
            if key not in self._pages:
                entry = next(entry for entry in WORKSPACES if entry.key == key)
                built = entry.factory(self.session, self.settings, self.theme, self._stack)
                self._pages[key] = built
                self._stack.addWidget(built)
                self.menus.of_workspace[key].addSeparator()
                self.menus.of_workspace[key].addActions(self._pages[key].actions())
            self._pages[key].activate()
            page = self._pages[key]
        self.workspace = key
        self.shortcuts.take_in()
        self._stack.setCurrentWidget(page)
        self.switcher.show_current(key)
        self.menus.enable()
        self.workspace_changed.emit(key)

    # Parts

    def _build_tool_bar(self) -> None:
        bar = QToolBar("Tools", self, movable=False)
        bar.setObjectName("tools")
        bar.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        bar.toggleViewAction().setVisible(False)
        bar.addWidget(self.switcher)
        bar.addSeparator()
        for action in (self.menus.open, self.menus.demo):
            bar.addAction(action)
        bar.addSeparator()
        bar.addAction(self.menus.again)
        bar.addAction(self.menus.stop)
        bar.addSeparator()
        bar.addWidget(QLabel("Part  ", objectName="quiet"))
        bar.addWidget(self._category)
        self.addToolBar(bar)

    def _build_status_bar(self) -> None:
        bar = QStatusBar(sizeGripEnabled=False)
        bar.addWidget(self.status, 1)
        bar.addPermanentWidget(self.recording.widget)
        bar.addPermanentWidget(self._model_label)
        self.setStatusBar(bar)

    def _connect(self) -> None:
        self.switcher.wanted.connect(self.show_workspace)
        self.session.open_wanted.connect(self.open_paths)
        self.session.workspace_wanted.connect(self.show_workspace)
        self.page.open_wanted.connect(self.open_dialog)
        self.page.demo_wanted.connect(self.open_demo)
        self.page.guide_wanted.connect(self.dialogs.show_guide)
        self.page.watch_wanted.connect(self.watch_dialog)
        self.model.progress_changed.connect(self.status.show_progress)
        self.model.progress_changed.connect(self.menus.enable)
        self.status.cancel_wanted.connect(self.model.stop)
        self.exporter.said.connect(self.page.messages.inform)
        self.exporter.failed.connect(self.page.messages.warn)
        self.recording.said.connect(self.page.messages.inform)
        self.recording.failed.connect(self.page.messages.warn)
        self.recording.bug_found.connect(self.model.bug_found)
        for signal in (self.session.current_changed, self.session.entry_changed, self.session.entries_added):
            signal.connect(self.menus.enable)
        self.session.entries_removed.connect(self.menus.enable)
        self.session.model_changed.connect(self._show_model)
        for loaded in (self.page.clouds.built, self.session.model_changed):
            loaded.connect(self._collector.keep_all, Qt.ConnectionType.SingleShotConnection)
        self._category.activated.connect(self._on_category_picked)
        self._model_label.clicked.connect(self.dialogs.show_models)
        self.page.verdict.doubt.model_wanted.connect(self.dialogs.show_models)
        self.settings.changed.connect(self._on_setting_changed)
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._apply_theme)
        self.first_painted.connect(self._prepare, Qt.ConnectionType.QueuedConnection)
        self.menus.enable()

    # Start and end

    def _prepare(self) -> None:
        """What takes long, now that the window is up."""
        self.model.prepare_graphics()
        self.model.prepare_model()
        self.page.watching.resume()

    def event(self, event: QEvent) -> bool:
        handled = super().event(event)
        if event.type() is QEvent.Type.Paint and not self._painted:
            self._painted = True
            # Once more through the event loop: the children paint after their window.
            QTimer.singleShot(0, self.first_painted.emit)
        return handled

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        if not (self._must_end or (self.dialogs.may_quit() and self.recording.may_close())):
            event.ignore()
            return
        self.closing.emit()
        self.save_layout()
        QGuiApplication.styleHints().colorSchemeChanged.disconnect(self._apply_theme)
        stopped = [
            self.page.watching.close(),
            self.exporter.close(),
            self.dialogs.close(),
            self.model.close(),
            *(page.close_down() for page in self._pages.values()),
            self.recording.close(),
        ]
        self._closed_cleanly = all(stopped)
        self._collector.close()
        self.page.close_views()
        super().closeEvent(event)

    def end(self) -> None:
        """Close without a question: the system asks for it."""
        self._must_end = True
        QApplication.closeAllWindows()

    def save_layout(self) -> None:
        """Where the window and its docks are, for the next start."""
        self.settings.set_layout("window", self.saveGeometry())
        self.settings.set_layout("inspect", self.page.saveState(DOCK_LAYOUT))
        self.settings.flush()

    def take_over(self, request: Request) -> None:
        """What a second start of the program wants: its model, its paths, and this window in front."""
        if request.model is not None:
            self.use_model(request.model, self.session.device)
        self.open_paths(request.paths)
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.raise_()
        self.activateWindow()

    def _restore_layout(self) -> None:
        if not self.restoreGeometry(self.settings.layout("window")):
            room = self.screen().availableGeometry()
            width = min(max(round(DEFAULT_SHARE * room.width()), LEAST_SIZE[0]), room.width())
            height = min(max(round(DEFAULT_SHARE * room.height()), LEAST_SIZE[1]), room.height())
            self.setGeometry(
                room.left() + (room.width() - width) // 2, room.top() + (room.height() - height) // 2, width, height
            )
        if not self.page.restoreState(self.settings.layout("inspect"), DOCK_LAYOUT):
            self.page.arrange(self.width(), self.height())

    # Opening

    def open_demo(self) -> None:
        """The bundled scans."""
        self.show_workspace(HOME)
        self.model.open([self._demo_dir])

    def open_dialog(self) -> None:
        names, _ = QFileDialog.getOpenFileNames(self, "Open scans", str(self.settings.last_folder), SCAN_FILTER)
        if names:
            self.settings.last_folder = Path(names[0]).parent
            self.open_paths([Path(name) for name in names])

    def open_folder_dialog(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "Open a folder of scans", str(self.settings.last_folder))
        if name:
            self.settings.last_folder = Path(name)
            self.open_paths([Path(name)])

    def watch_dialog(self) -> None:
        name = QFileDialog.getExistingDirectory(
            self, "Watch a folder that scans arrive in", str(self.settings.last_folder)
        )
        if name:
            self.show_workspace(HOME)
            self.page.watching.start(Path(name))

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802
        if _local_files(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802
        paths = _local_files(event)
        if paths:
            self.settings.last_folder = paths[0].parent
            event.acceptProposedAction()
            self.open_paths(paths)

    # Inspecting

    def inspect_again(self) -> None:
        ids = self.page.scans.chosen_ids() or ([self.session.current] if self.session.current is not None else [])
        self.model.inspect_again(ids)

    def inspect_all_again(self) -> None:
        self.model.inspect_again([entry.id for entry in self.session.entries])

    def retry_failed(self) -> None:
        self.model.inspect_again([entry.id for entry in self.session.entries if entry.state is State.FAILED])

    def use_model(self, run_dir: Path, device: str) -> None:
        """Inspect with this run from now on, if it can be loaded there."""
        if (run_dir, device) != (self.session.run_dir, self.session.device):
            self.model.try_model(run_dir, device)

    def _show_model(self) -> None:
        info = self.session.model
        self._category.clear()
        self._category.addItem("Choose…" if info is not None and info.needs_category else "Automatic", "auto")
        for category in info.categories if info is not None else ():
            self._category.addItem(category, category)
        self._category.setCurrentIndex(max(self._category.findData(self.session.category), 0))
        name = self.session.run_dir.name
        self._model_label.setText(
            name
            if info is None
            else f"{METHOD_NAMES.get(info.method, info.method)} · {name} · {len(info.categories)} kinds of part"
        )

    def _on_category_picked(self, row: int) -> None:
        self.session.set_category(self._category.itemData(row))
        if self.session.current_entry is not None:
            self.page.messages.inform(
                "The part was changed; results so far stay.", "Inspect this scan again", self.inspect_again
            )

    # Look

    def _on_setting_changed(self, name: str) -> None:
        settings, session = self.settings, self.session
        if name == "theme":
            self._apply_theme()
        elif name == "run_dir":
            self.use_model(settings.run_dir or bundled_runs() / DEFAULT_RUN, session.device)
        elif name == "device":
            self.use_model(session.run_dir, settings.device)
        self.exporter.start_in = settings.export_folder
        session.set_who(settings.operator or login_name(), session.lot)
        session.set_unit(settings.unit)

    def _apply_theme(self, *_: object) -> None:
        self.theme = themes.choose(self.settings.theme)
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        themes.apply(app, self.theme)
        self.menus.set_theme(self.theme)
        self.switcher.set_theme(self.theme)
        for page in (self.page, self.dialogs, *self._pages.values()):
            page.set_theme(self.theme)
        self.status.set_theme(self.theme)
        self.recording.set_theme(self.theme)

    def toggle_full_screen(self) -> None:
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    # Help

    def show_palette(self) -> None:
        CommandPalette(self.commands(), self).open()

    def commands(self) -> list[QAction]:
        found = [action for action in self.findChildren(QAction) if action.text() and action.menu() is None]
        return [action for action in found if action.isVisible()]

    def copy_diagnostics(self) -> None:
        QGuiApplication.clipboard().setText(help_texts.diagnostics(self.session, self.settings))
        self.page.messages.inform("Diagnostics are on the clipboard.")


def _local_files(event: QDropEvent) -> list[Path]:
    return [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]


def show_bug(kind: type[BaseException], details: str, parent: QWidget | None) -> ErrorDetails:
    """The dialog of last resort: the program goes on, the details can be copied."""
    what = f"Something went wrong in the program: {kind.__name__}"
    hint = "Your scans and results are still there. Please report the text below."
    dialog = ErrorDetails("Unexpected error", what, hint, details, parent)
    dialog.show()
    return dialog
