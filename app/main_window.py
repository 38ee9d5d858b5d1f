"""The main window: wiring only. Menus and status bar here, work in the workspaces, state in the session."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, QMargins, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QActionGroup, QCloseEvent, QDragEnterEvent, QDropEvent, QGuiApplication, QKeySequence
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QFileDialog,
    QLabel,
    QMainWindow,
    QMenu,
    QStatusBar,
    QToolBar,
    QWidget,
)

from app import help_texts
from app.session import Session, State
from app.settings import Settings, ThemeChoice
from app.views.linked_clouds import Layer
from app.widgets import theme as themes
from app.widgets.command_palette import CommandPalette
from app.widgets.error_details import ErrorDetails
from app.widgets.job_status import JobStatus
from app.workspaces.inspect.exporting import Exporter
from app.workspaces.inspect.model import InspectModel
from app.workspaces.inspect.page import InspectPage

DEFAULT_SIZE = (1440, 900)
DOCK_LAYOUT = 1
"""Version of the saved dock layout; raise it when docks are added, so that old layouts are dropped."""
SCAN_FILTER = "Scans (*.pcd *.ply *.obj *.stl *.off *.xyz *.txt *.csv *.pts *.npy *.npz);;All files (*)"


class MainWindow(QMainWindow):
    """One window of the program. `first_painted` comes once, when something is on the screen."""

    first_painted = Signal()

    def __init__(self, session: Session, settings: Settings, demo_dir: Path) -> None:
        super().__init__()
        self.session, self.settings, self._demo_dir = session, settings, demo_dir
        self._theme = themes.choose(settings.theme)
        self._icons: list[tuple[QAction, str]] = []
        self._painted = False
        self._closed_cleanly = True
        self.model = InspectModel(session, self)
        self.page = InspectPage(session, self.model, self._theme)
        self.exporter = Exporter(session, self.page, self)
        self.status = JobStatus(self._theme)
        self._model_label = QLabel(objectName="quiet", contentsMargins=QMargins(0, 0, 10, 0))
        self._category = QComboBox(toolTip="Which part it is; automatic lets the model find out")
        self.setWindowTitle("SeDiR Inspect")
        self.setCentralWidget(self.page)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        self.setAcceptDrops(True)
        self._build_menus()
        self._build_tool_bar()
        self._build_status_bar()
        self._connect()
        self._show_model()
        self._apply_theme()
        self._restore_layout()

    @property
    def closed_cleanly(self) -> bool:
        """After closing: False if a job could not be stopped in time and its thread still runs."""
        return self._closed_cleanly

    def open_paths(self, paths: Sequence[Path]) -> None:
        """Open files and folders, as from the dialog."""
        if paths:
            self.settings.remember(list(paths))
            self.model.open(paths)

    # Menus

    def _build_menus(self) -> None:
        add, bar, page, session = self._action, self.menuBar(), self.page, self.session
        menu = bar.addMenu("&File")
        self._open = add(menu, "Open Scans…", self._open_dialog, "Ctrl+O", "folder-open-outline")
        add(menu, "Open Folder…", self._open_folder_dialog, "Ctrl+Shift+O")
        self._demo = add(menu, "Open the Demo", self.open_demo, icon="school-outline")
        self._recent = menu.addMenu("Open Recent")
        self._recent.aboutToShow.connect(self._fill_recent)
        menu.addSeparator()
        self._needs_result = [
            add(menu, "Export Scored Points…", self.exporter.scored_points, "Ctrl+E", "export-variant"),
            add(menu, "Export Reconstruction…", self.exporter.reconstruction),
        ]
        self._needs_scan = [add(menu, "Save Picture…", self.exporter.picture, "Ctrl+Shift+S", "camera-outline")]
        menu.addSeparator()
        add(menu, "Quit", self.close, "Ctrl+Q")

        menu = bar.addMenu("&Edit")
        self._needs_result.append(add(menu, "Copy Result", self.exporter.copy_result, "Ctrl+C", "content-copy"))
        self._needs_scan.append(add(menu, "Remove from List", page.remove_chosen, "Ctrl+Backspace"))

        menu = bar.addMenu("&View")
        self._needs_scan.append(add(menu, "Reset Camera", page.clouds.reset_camera, "R", "rotate-orbit"))
        menu.addSeparator()
        self._build_layer_actions(menu)
        menu.addSeparator()
        for dock in page.docks:
            menu.addAction(dock.toggleViewAction())
        menu.addSeparator()
        self._build_theme_menu(menu.addMenu("Theme"))
        self._full_screen = add(menu, "Full Screen", self._toggle_full_screen, "F11")
        self._full_screen.setCheckable(True)

        menu = bar.addMenu("&Inspect")
        self._needs_scan += [
            add(menu, "Next Scan", lambda: session.step(1), "Down"),
            add(menu, "Previous Scan", lambda: session.step(-1), "Up"),
        ]
        menu.addSeparator()
        self._needs_result += [
            add(menu, "Set to OK", lambda: page.review("ok"), "O", "check-circle-outline"),
            add(menu, "Set to NG", lambda: page.review("ng"), "N", "alert-octagon-outline"),
            add(menu, "Back to the Model's Verdict", lambda: page.review(None), "Backspace"),
        ]
        add(menu, "Back to the Calibrated Limit", lambda: session.set_limit(1.0))
        menu.addSeparator()
        self._again = add(menu, "Inspect Again", self._inspect_again, "F5", "refresh")
        self._all_again = add(menu, "Inspect All Again", self._inspect_all_again, "Shift+F5")
        self._retry = add(menu, "Retry Failed", self._retry_failed)
        self._needs_scan += [self._again, self._all_again]
        self._stop = add(menu, "Stop", self.model.stop, "Esc", "stop-circle-outline")
        menu.addSeparator()
        add(menu, "Choose Model…", self._choose_model, icon="brain")

        menu = bar.addMenu("&Help")
        add(menu, "Help", lambda: help_texts.show_help(self), "F1", "help-circle-outline")
        add(menu, "Find a Command…", self._show_palette, "Ctrl+Shift+P", "magnify")
        menu.addSeparator()
        add(menu, "Copy Diagnostics", self._copy_diagnostics)
        add(menu, "About SeDiR Inspect", lambda: help_texts.show_about(self))

    def _action(self, menu: QMenu, text: str, run: Callable[[], object], keys: str = "", icon: str = "") -> QAction:
        action = QAction(text, self)
        action.triggered.connect(lambda: run())  # drops the `checked` argument
        if keys:
            action.setShortcut(QKeySequence(keys))
        if icon:
            self._icons.append((action, icon))
        menu.addAction(action)
        return action

    def _build_layer_actions(self, menu: QMenu) -> None:
        group = QActionGroup(menu)
        for key, layer in enumerate(Layer, 1):
            action = self._action(menu, layer.value, lambda layer=layer: self.page.clouds.set_layer(layer), str(key))
            action.setCheckable(True)
            action.setChecked(layer is Layer.HEAT)
            group.addAction(action)
        self._action(menu, "Swap Sides", self.page.clouds.swap, "S", "swap-horizontal")

    def _build_theme_menu(self, menu: QMenu) -> None:
        group = QActionGroup(menu)
        choices: tuple[tuple[str, ThemeChoice], ...] = (
            ("As the System", "system"),
            ("Light", "light"),
            ("Dark", "dark"),
        )
        for text, choice in choices:
            action = self._action(menu, text, lambda choice=choice: setattr(self.settings, "theme", choice))
            action.setCheckable(True)
            action.setChecked(choice == self.settings.theme)
            group.addAction(action)

    def _build_tool_bar(self) -> None:
        bar = QToolBar("Tools", self, movable=False)
        bar.setObjectName("tools")
        bar.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        bar.toggleViewAction().setVisible(False)
        for action in (self._open, self._demo):
            bar.addAction(action)
        bar.addSeparator()
        bar.addAction(self._again)
        bar.addAction(self._stop)
        bar.addSeparator()
        bar.addWidget(QLabel("Part  ", objectName="quiet"))
        bar.addWidget(self._category)
        self.addToolBar(bar)

    def _build_status_bar(self) -> None:
        bar = QStatusBar(sizeGripEnabled=False)
        bar.addWidget(self.status, 1)
        bar.addPermanentWidget(self._model_label)
        self.setStatusBar(bar)

    def _connect(self) -> None:
        self.page.open_wanted.connect(self._open_dialog)
        self.page.demo_wanted.connect(self.open_demo)
        self.model.progress_changed.connect(self.status.show_progress)
        self.model.progress_changed.connect(self._enable_actions)
        self.status.cancel_wanted.connect(self.model.stop)
        self.exporter.said.connect(self.page.messages.inform)
        self.exporter.failed.connect(self.page.messages.warn)
        for signal in (self.session.current_changed, self.session.entry_changed, self.session.entries_added):
            signal.connect(self._enable_actions)
        self.session.entries_removed.connect(self._enable_actions)
        self.session.model_changed.connect(self._show_model)
        self._category.activated.connect(self._on_category_picked)
        self.settings.changed.connect(self._on_setting_changed)
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._apply_theme)
        self.first_painted.connect(self._prepare, Qt.ConnectionType.QueuedConnection)
        self._enable_actions()

    # Start and end

    def _prepare(self) -> None:
        """What takes long, now that the window is up."""
        self.model.prepare_graphics()
        self.model.prepare_model()

    def event(self, event: QEvent) -> bool:
        handled = super().event(event)
        if event.type() is QEvent.Type.Paint and not self._painted:
            self._painted = True
            # Once more through the event loop: the children paint after their window.
            QTimer.singleShot(0, self.first_painted.emit)
        return handled

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        self.settings.set_layout("window", self.saveGeometry())
        self.settings.set_layout("inspect", self.page.saveState(DOCK_LAYOUT))
        self.settings.flush()
        QGuiApplication.styleHints().colorSchemeChanged.disconnect(self._apply_theme)
        self._closed_cleanly = self.exporter.close() and self.model.close()
        self.page.close_views()
        super().closeEvent(event)

    def _restore_layout(self) -> None:
        if not self.restoreGeometry(self.settings.layout("window")):
            room = self.screen().availableGeometry()
            self.resize(min(DEFAULT_SIZE[0], room.width()), min(DEFAULT_SIZE[1], room.height()))
        if not self.page.restoreState(self.settings.layout("inspect"), DOCK_LAYOUT):
            self.page.arrange(self.width(), self.height())

    # Opening

    def open_demo(self) -> None:
        """The bundled scans."""
        self.model.open([self._demo_dir])

    def _open_dialog(self) -> None:
        names, _ = QFileDialog.getOpenFileNames(self, "Open scans", str(self.settings.last_folder), SCAN_FILTER)
        if names:
            self.settings.last_folder = Path(names[0]).parent
            self.open_paths([Path(name) for name in names])

    def _open_folder_dialog(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "Open a folder of scans", str(self.settings.last_folder))
        if name:
            self.settings.last_folder = Path(name)
            self.open_paths([Path(name)])

    def _fill_recent(self) -> None:
        self._recent.clear()
        for path in self.settings.recent:
            # An ampersand in a menu text would underline the next letter.
            self._recent.addAction(str(path).replace("&", "&&"), lambda path=path: self.open_paths([path]))
        if not self._recent.isEmpty():
            self._recent.addSeparator()
            self._recent.addAction("Clear the List", self.settings.forget_recent)
        else:
            self._recent.addAction("Nothing yet").setEnabled(False)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802
        if _local_files(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802
        paths = _local_files(event)
        if paths:
            event.acceptProposedAction()
            self.open_paths(paths)

    # Inspecting

    def _inspect_again(self) -> None:
        ids = self.page.scans.chosen_ids() or ([self.session.current] if self.session.current is not None else [])
        self.model.inspect_again(ids)

    def _inspect_all_again(self) -> None:
        self.model.inspect_again([entry.id for entry in self.session.entries])

    def _retry_failed(self) -> None:
        self.model.inspect_again([entry.id for entry in self.session.entries if entry.state is State.FAILED])

    def _choose_model(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "Choose a run directory", str(self.session.run_dir.parent))
        if name:
            self.settings.run_dir = Path(name)
            self.session.use_model(Path(name))
            self.model.prepare_model()

    def _show_model(self) -> None:
        info = self.session.model
        self._category.clear()
        self._category.addItem("Choose…" if info is not None and info.needs_category else "Automatic", "auto")
        for category in info.categories if info is not None else ():
            self._category.addItem(category, category)
        self._category.setCurrentIndex(max(self._category.findData(self.session.category), 0))
        name = self.session.run_dir.name
        self._model_label.setText(
            name if info is None else f"{info.method} · {name} · {len(info.categories)} kinds of part"
        )

    def _on_category_picked(self, row: int) -> None:
        self.session.set_category(self._category.itemData(row))
        if self.session.current_entry is not None:
            self.page.messages.inform(
                "The part was changed; results so far stay.", "Inspect this scan again", self._inspect_again
            )

    def _enable_actions(self, *_: object) -> None:
        entry, entries = self.session.current_entry, self.session.entries
        for action in self._needs_scan:
            action.setEnabled(bool(entries))
        for action in self._needs_result:
            action.setEnabled(entry is not None and entry.detection is not None)
        self._stop.setEnabled(self.model.busy)
        self._retry.setEnabled(any(entry.state is State.FAILED for entry in entries))

    # Look

    def _on_setting_changed(self, name: str) -> None:
        if name == "theme":
            self._apply_theme()

    def _apply_theme(self, *_: object) -> None:
        self._theme = themes.choose(self.settings.theme)
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        themes.apply(app, self._theme)
        for action, name in self._icons:
            action.setIcon(themes.icon(name, self._theme.quiet))
        self.page.set_theme(self._theme)
        self.status.set_theme(self._theme)

    def _toggle_full_screen(self) -> None:
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)
        self._full_screen.setChecked(self.isFullScreen())

    # Help

    def _show_palette(self) -> None:
        CommandPalette(self._commands(), self).open()

    def _commands(self) -> list[QAction]:
        return [action for action in self.findChildren(QAction) if action.text() and action.menu() is None]

    def _copy_diagnostics(self) -> None:
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
