"""The main window: wiring only. Work happens in the workspaces, state is in the session, commands are in the menus."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import (
    QAction,
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
)
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QMainWindow,
    QStackedWidget,
    QStatusBar,
    QToolButton,
    QWidget,
)

from app import help_texts
from app.dialogs import Dialogs
from app.jobs.saving import open_file
from app.lifecycle.collecting import Collector
from app.lifecycle.single_instance import Request
from app.menus import Menus, WindowActs
from app.opening import Opening, local_files
from app.recording import RecordingStatus, login_name
from app.state.navigation import Navigation, OpenScans, ShowWorkspace
from app.state.session import Session
from app.state.settings import Settings
from app.state.shortcuts import Shortcuts
from app.widgets import theme as themes
from app.widgets.command_palette import CommandPalette
from app.widgets.error_details import ErrorDetails
from app.widgets.job_status import JobStatus
from app.widgets.keyboard import keeps_key
from app.widgets.numbers import use_one_locale
from app.widgets.tool_bar import ToolBar
from app.workspaces.inspect.exporting import Exporter
from app.workspaces.inspect.line_mode import LineMode
from app.workspaces.inspect.model import InspectModel
from app.workspaces.inspect.page import DOCK_STATE, InspectPage
from app.workspaces.registry import HOME, WORKSPACES, WorkspacePage
from sedir_core.config import METHOD_NAMES
from sedir_core.places import DEFAULT_RUN, bundled_runs

MOST_KINDS = 24
"""Kinds of part listed without scrolling: nothing says that there are more below."""
DEFAULT_SHARE = 0.8
"""Share of the screen used at first start; later the geometry is restored."""
START_SIZE, LEAST_SIZE = (1120, 720), (800, 500)
"""Size at first start if the screen allows, and minimum usable size."""


class MainWindow(QMainWindow):
    """One window of the program. `first_painted` is emitted once, after the first paint."""

    first_painted = Signal()
    workspace_changed = Signal(str)
    closing = Signal()  # before anything is taken down

    def __init__(self, session: Session, settings: Settings, demo_dir: Path) -> None:
        super().__init__()
        use_one_locale()
        self.session, self.settings = session, settings
        self.theme = self._themed()  # before there are widgets that would all be styled anew
        self._painted = False
        self._closed_cleanly = True
        self._must_end = False
        self._collector = Collector(self)
        self.model = InspectModel(session, self)
        self.page = InspectPage(session, self.model, settings, self.theme)
        self.line = LineMode(session, settings, self.page, self)
        self._leave_line = QAction(self, shortcut=QKeySequence("Esc"), enabled=False)
        self._leave_line.triggered.connect(lambda: self.line.set_on(False))
        self.addAction(self._leave_line)
        self._was_full = False
        self.exporter = Exporter(session, settings, self.page, demo_dir, self)
        self.status, self.saving = JobStatus(self.theme), JobStatus(self.theme)
        self.recording = RecordingStatus(session, settings, self.theme, self)
        self._model_label = QToolButton(toolTip="Choose another model, or where it computes", autoRaise=True)
        self._model_label.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._category = QComboBox(toolTip="The kind of part; with Automatic the model identifies it")
        self._category.setAccessibleName("Part")
        self._category.setMaxVisibleItems(MOST_KINDS)
        self.setWindowTitle("SeDiR Inspect")
        self.workspace = HOME
        self._pages: dict[str, WorkspacePage] = {}
        self._widgets: dict[str, QWidget] = {}  # the same, as Qt sees them
        self._stack = QStackedWidget()
        self._stack.addWidget(self.page)
        entries = [(HOME, "Inspect", "magnify-scan"), *((w.key, w.title, w.icon) for w in WORKSPACES)]
        self.tools = ToolBar(entries, self.theme, self)
        self.setCentralWidget(self._stack)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        self.setAcceptDrops(True)
        self.setMinimumSize(*LEAST_SIZE)
        self.opening = Opening(session, settings, self.model, self.page.watching, demo_dir, self)
        self.dialogs = Dialogs(session, settings, self.model, self.page.messages, self.theme, self)
        acts = WindowActs(
            self.close, self.toggle_full_screen, lambda: self.line.set_on(True), self.reset_layout, self.show_palette,
            lambda: self.dialogs.show_shortcuts(self.shortcuts), self.copy_diagnostics,
        )  # fmt: skip
        self.menus = Menus(
            self.menuBar(), session, settings, self.model, self.page, self.opening, self.exporter, self.dialogs, acts
        )
        self.tools.add_tools(HOME, [self.menus.open, self.menus.again, self.menus.stop], "Part", self._category)
        self.addToolBar(self.tools)
        self._build_status_bar()
        self.shortcuts = Shortcuts(settings, self.menuBar(), self.commands, self)
        self._connect()
        self._show_model()
        self._apply_theme()
        self._on_setting_changed("")
        self._restore_layout()

    @property
    def closed_cleanly(self) -> bool:
        """After closing: False if a job could not be stopped in time and its thread is still running."""
        return self._closed_cleanly

    def show_workspace(self, key: str) -> None:
        """Show Inspect or another workspace, building its page on first use."""
        page: QWidget = self.page
        if key != HOME:
            page = self._built(key)
            self._pages[key].activate()
        self.workspace = key
        self.shortcuts.take_in()
        holder = QApplication.focusWidget()
        self._stack.setCurrentWidget(page)
        if holder is not None and holder is not self and not holder.isVisible():
            page.setFocus(Qt.FocusReason.OtherFocusReason)  # a hidden page must not keep the keyboard focus
        self.tools.show_workspace(key)
        self.menus.show_workspace(key)
        self.workspace_changed.emit(key)

    def _built(self, key: str) -> QWidget:
        if key not in self._pages:
            entry = next(entry for entry in WORKSPACES if entry.key == key)
            built = entry.factory(self.session, self.settings, self.theme, self._stack)
            assert isinstance(built, QWidget)
            self._pages[key], self._widgets[key] = built, built
            self._stack.addWidget(built)
            self.menus.of_workspace[key].addSeparator()
            self.menus.of_workspace[key].addActions(self._pages[key].actions())
            self.tools.add_tools(key, self._pages[key].tools())
        return self._widgets[key]

    def _go(self, wanted: Navigation) -> None:
        """Handle a request from one workspace to another."""
        if isinstance(wanted, ShowWorkspace):
            self.show_workspace(wanted.key)
        elif isinstance(wanted, OpenScans):
            self.opening.open(wanted.paths)
        else:
            key = next(entry.key for entry in WORKSPACES if isinstance(wanted, entry.takes))
            self.show_workspace(key)
            self._pages[key].take(wanted)

    # Parts

    def _build_status_bar(self) -> None:
        bar = QStatusBar(sizeGripEnabled=False)
        bar.addWidget(self.status, 1)
        bar.addWidget(self.saving)
        self.saving.hide()
        bar.addPermanentWidget(self.recording.widget)
        bar.addPermanentWidget(self._model_label)
        self.setStatusBar(bar)

    def _connect(self) -> None:
        self.tools.switcher.wanted.connect(self.show_workspace)
        self.session.navigated.connect(self._go)
        self.line.changed.connect(self._on_line)
        self.opening.refused.connect(self.page.messages.warn)
        self.page.open_wanted.connect(self.opening.ask_files)
        self.page.demo_wanted.connect(self.opening.open_demo)
        self.page.watch_wanted.connect(self.opening.ask_watched)
        self.page.guide_wanted.connect(self.dialogs.show_guide)
        self.model.progress_changed.connect(self.status.show_progress)
        self.status.cancel_wanted.connect(self.model.stop)
        self.exporter.said.connect(self.page.messages.inform)
        self.exporter.saver.failed.connect(self.page.messages.warn)
        self.exporter.saver.saved.connect(self._on_saved)
        self.exporter.saver.bug_found.connect(self.model.bug_found)
        self.exporter.saver.progress_changed.connect(self._show_saving)
        self.saving.cancel_wanted.connect(self.exporter.saver.cancel)
        self.recording.said.connect(self.page.messages.inform)
        self.recording.failed.connect(self.page.messages.warn)
        self.recording.bug_found.connect(self.model.bug_found)
        self.page.stage.between.bug_found.connect(self.model.bug_found)
        self.session.model_changed.connect(self._show_model)
        for loaded in (self.page.clouds.built, self.session.model_changed):
            loaded.connect(self._collector.keep_all, Qt.ConnectionType.SingleShotConnection)
        self._category.activated.connect(self._on_category_picked)
        self._model_label.clicked.connect(self.dialogs.show_models)
        self.page.verdict.doubt.model_wanted.connect(self.dialogs.show_models)
        self.settings.changed.connect(self._on_setting_changed)
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._apply_theme)
        self.first_painted.connect(self._prepare, Qt.ConnectionType.QueuedConnection)

    # Startup and shutdown

    def _prepare(self) -> None:
        """Slow initialisation, once the window is up."""
        self.page.stage.regions.load()
        self.model.prepare_graphics()
        self.model.prepare_model()
        self.page.watching.resume()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() is QEvent.Type.ShortcutOverride and keeps_key(event):
            event.accept()
            return True
        handled = super().event(event)
        if event.type() is QEvent.Type.Paint and not self._painted:
            self._painted = True
            # One more event loop iteration: children paint after their window.
            QTimer.singleShot(0, self.first_painted.emit)
        return handled

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        if not (self._must_end or (self.dialogs.may_quit() and self.recording.may_close())):
            event.ignore()
            return
        self.line.set_on(False)
        self.closing.emit()
        self.save_layout()
        QGuiApplication.styleHints().colorSchemeChanged.disconnect(self._apply_theme)
        stopped = [
            self.page.watching.close(),
            self.page.stage.between.close(),
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
        """Close without confirmation, at the system's request."""
        self._must_end = True
        QApplication.closeAllWindows()

    def save_layout(self) -> None:
        """Save geometry and docks for the next start."""
        self.settings.set_layout("window", self.saveGeometry())
        self.settings.set_layout("inspect", self.page.saveState(DOCK_STATE))
        self.settings.flush()

    def take_over(self, request: Request) -> None:
        """Handle a second start of the program: use its model, open its paths, raise this window."""
        if request.model is not None:
            self.use_model(request.model, self.session.device)
        self.opening.open(request.paths)
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.raise_()
        self.activateWindow()

    def reset_layout(self) -> None:
        """Restore the default docks of Inspect."""
        self.page.reset_layout(self.width(), self.height())
        self.save_layout()

    def _restore_layout(self) -> None:
        if not self.restoreGeometry(self.settings.layout("window")):
            room = self.screen().availableGeometry()
            width = min(max(round(DEFAULT_SHARE * room.width()), START_SIZE[0]), room.width())
            height = min(max(round(DEFAULT_SHARE * room.height()), START_SIZE[1]), room.height())
            self.setGeometry(
                room.left() + (room.width() - width) // 2, room.top() + (room.height() - height) // 2, width, height
            )
        if not self.page.restoreState(self.settings.layout("inspect"), DOCK_STATE):
            self.page.arrange(self.width(), self.height())

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802
        if local_files(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802
        event.acceptProposedAction()
        self.opening.drop(event.mimeData())

    # The model

    def use_model(self, run_dir: Path, device: str) -> None:
        """Use this run and device from now on, if it can be loaded."""
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
                "The kind of part was changed; results so far stay.",
                "Inspect this scan again",
                self.page.inspect_again,
            )

    def _show_saving(self, progress: object) -> None:
        self.saving.show_progress(progress)
        self.saving.setVisible(progress is not None)

    def _on_saved(self, path: Path) -> None:
        self.page.messages.inform(f"Saved {path}", "Open", lambda: open_file(path))

    # Look

    def _on_setting_changed(self, name: str) -> None:
        settings, session = self.settings, self.session
        if name in ("theme", "text_size"):
            self._apply_theme()
        elif name == "run_dir":
            self.use_model(settings.run_dir or bundled_runs() / DEFAULT_RUN, session.device)
        elif name == "device":
            self.use_model(session.run_dir, settings.device)
        session.set_who(settings.operator or login_name(), session.lot)
        session.set_unit(settings.unit)

    def _themed(self) -> themes.Theme:
        """The chosen theme, applied to the whole application."""
        theme = themes.choose(self.settings.theme, self.settings.text_size)
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        themes.apply(app, theme)
        return theme

    def _apply_theme(self, *_: object) -> None:
        self.theme = self._themed()
        self.menus.set_theme(self.theme)
        self.tools.set_theme(self.theme)
        self.page.set_theme(self.theme)
        self.dialogs.set_theme(self.theme)
        for page in self._pages.values():
            page.set_theme(self.theme)
        self.status.set_theme(self.theme)
        self.saving.set_theme(self.theme)
        self.recording.set_theme(self.theme)

    def toggle_full_screen(self) -> None:
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def _on_line(self, on: bool) -> None:
        """Hide the bars and go full screen, or restore both. Their commands are disabled meanwhile; Esc leaves."""
        full, state = Qt.WindowState.WindowFullScreen, self.windowState()
        if on:
            self._was_full = bool(state & full)
            self.show_workspace(HOME)
        for bar in (self.menuBar(), self.tools, self.statusBar()):
            bar.setVisible(not on)
        self._leave_line.setEnabled(on)
        self.setWindowState(state | full if on or self._was_full else state & ~full)

    # Help

    def show_palette(self) -> None:
        CommandPalette(self.commands(), self).open()

    def commands(self) -> list[QAction]:
        found = [action for action in self.findChildren(QAction) if action.text() and action.menu() is None]
        return [action for action in found if action.isVisible()]

    def copy_diagnostics(self) -> None:
        QGuiApplication.clipboard().setText(help_texts.diagnostics(self.session, self.settings))
        self.page.messages.inform("Diagnostics are on the clipboard.")


def show_bug(kind: type[BaseException], details: str, parent: QWidget | None) -> ErrorDetails:
    """Last-resort error dialog with copyable details; the program continues."""
    what = f"Something went wrong in the program: {kind.__name__}"
    hint = "Your scans and results are still there. Please report the text below."
    dialog = ErrorDetails("Unexpected error", what, hint, details, parent)
    dialog.show()
    return dialog
