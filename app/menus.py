"""Every command of the window: menu, shortcut, icon, and when it is enabled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar

from app.dialogs import Dialogs
from app.opening import Opening
from app.state.navigation import ShowWorkspace
from app.state.session import Session
from app.state.settings import Settings, ThemeChoice
from app.widgets.theme import Theme, icon
from app.workspaces.inspect.exporting import Exporter
from app.workspaces.inspect.model import InspectModel
from app.workspaces.inspect.page import InspectPage
from app.workspaces.inspect.scan_table import Kind
from app.workspaces.registry import HOME, WORKSPACES
from sedir_core.names import printable

THEMES: tuple[tuple[str, ThemeChoice], ...] = (("As the System", "system"), ("Light", "light"), ("Dark", "dark"))
Run = Callable[[], object]


@dataclass(frozen=True)
class WindowActs:
    """Actions that only the window itself can perform."""

    quit: Run
    full_screen: Run
    line_mode: Run
    reset_layout: Run
    palette: Run
    shortcuts: Run
    diagnostics: Run


class Menus(QObject):
    """Fills the menu bar; `open`, `again` and `stop` are also in the tool bar."""

    def __init__(
        self,
        bar: QMenuBar,
        session: Session,
        settings: Settings,
        model: InspectModel,
        page: InspectPage,
        opening: Opening,
        exporter: Exporter,
        dialogs: Dialogs,
        acts: WindowActs,
    ) -> None:
        super().__init__(bar)
        self._bar, self._session, self._settings, self._model, self._page = bar, session, settings, model, page
        self._icons: list[tuple[QAction, str]] = []
        self._needs_scan: list[QAction] = []
        self._needs_result: list[QAction] = []
        self._here = True  # Inspect is on show
        self._build_file(opening, exporter, acts)
        self._build_edit(exporter, dialogs, acts)
        self._build_view(acts)
        self._build_inspect(exporter, dialogs)
        self._build_workspaces()
        self._build_help(dialogs, acts)
        for signal in (session.current_changed, session.entry_changed, session.entries_added, session.entries_removed):
            signal.connect(self.enable)
        for changed in (model.progress_changed, page.watching.changed, page.scans.table.arranged):
            changed.connect(self.enable)
        self.enable()

    def show_workspace(self, key: str) -> None:
        """Single-key shortcuts must not review a hidden scan or stop hidden work."""
        self._here = key == HOME
        self.enable()

    def enable(self, *_: object) -> None:
        """Enable and disable commands by the session's state."""
        entry, entries = self._session.current_entry, self._session.entries
        for action in self._needs_scan:
            action.setEnabled(self._here and bool(entries))
        for action in self._needs_result:
            action.setEnabled(self._here and entry is not None and entry.detection is not None)
        self.stop.setEnabled(self._here and self._model.busy)
        self._unwatch.setEnabled(self._page.watching.folder is not None)
        self._retry.setEnabled(self._page.scans.table.counts[Kind.FAILED] > 0)

    def set_theme(self, theme: Theme) -> None:
        for action, name in self._icons:
            action.setIcon(icon(name, theme.quiet))

    def _build_file(self, opening: Opening, exporter: Exporter, acts: WindowActs) -> None:
        menu = self._menu("&File")
        self.open = self._add(menu, "Open Scans…", opening.ask_files, "Ctrl+O", "folder-open-outline")
        self.open.setIconText("Open")
        self._add(menu, "Open Folder…", opening.ask_folder, "Ctrl+Shift+O")
        self._add(menu, "Watch Folder…", opening.ask_watched, "Ctrl+Shift+W", "radar")
        self._unwatch = self._add(menu, "Stop Watching", self._page.watching.stop)
        self._add(menu, "Open the Demo", opening.open_demo, picture="school-outline")
        self._recent = menu.addMenu("Open Recent")
        self._recent.aboutToShow.connect(lambda: self._fill_recent(opening))
        self.restore = self._add(menu, "Restore Last Scans", lambda: None)
        self.restore.setEnabled(False)
        menu.addSeparator()
        self._needs_result += [
            self._add(menu, "Export Scored Points…", exporter.scored_points, "Ctrl+E", "export-variant"),
            self._add(menu, "Export Expected Surface…", exporter.expected),
            self._add(menu, "Export Reconstruction…", exporter.reconstruction),
        ]
        self._needs_scan.append(self._add(menu, "Save Picture…", exporter.picture, "Ctrl+Shift+S", "camera-outline"))
        self._needs_scan.append(self._add(menu, "Export Scan List…", exporter.scan_list, picture="table-arrow-right"))
        self._needs_scan.append(self._add(menu, "Save Report…", exporter.report, "Ctrl+R", "file-document-outline"))
        menu.addSeparator()
        self._add(menu, "Quit", acts.quit, "Ctrl+Q")

    def _build_edit(self, exporter: Exporter, dialogs: Dialogs, acts: WindowActs) -> None:
        menu, stack = self._menu("&Edit"), self._page.edits.stack
        for action, keys, picture in (
            (stack.createUndoAction(self._bar, "Undo"), "Ctrl+Z", "undo"),
            (stack.createRedoAction(self._bar, "Redo"), "Ctrl+Shift+Z", "redo"),
        ):
            action.setShortcut(QKeySequence(keys))
            self._icons.append((action, picture))
            menu.addAction(action)
        menu.addSeparator()
        self._needs_result.append(self._add(menu, "Copy Result", exporter.copy_result, "Ctrl+C", "content-copy"))
        self._needs_scan.append(self._add(menu, "Find in List", self._page.begin_search, "Ctrl+F", "magnify"))
        self._needs_scan.append(self._add(menu, "Remove from List", self._page.remove_chosen, "Ctrl+Backspace"))
        menu.addSeparator()
        self._add(menu, "Keyboard Shortcuts…", acts.shortcuts, picture="keyboard-outline")
        self._add(menu, "Settings…", dialogs.show_settings, "Ctrl+,", "cog-outline")

    def _build_view(self, acts: WindowActs) -> None:
        menu, settings = self._menu("&View"), self._settings
        self._page.stage.actions_of_views.fill(menu)
        self._needs_scan += self._page.stage.actions_of_views.needs_scan
        for dock in self._page.docks:
            menu.addAction(dock.toggleViewAction())
        self._add(menu, "Reset Layout", acts.reset_layout, picture="view-dashboard-outline")
        menu.addSeparator()
        looks, inner = QActionGroup(self), menu.addMenu("Theme")
        for text, choice in THEMES:
            look = self._add(inner, text, partial(setattr, settings, "theme", choice))
            _make_choice(look, looks, choice == settings.theme)
        self._add(menu, "Full Screen", acts.full_screen, "F11", "fullscreen")
        self._add(menu, "Line Mode", acts.line_mode, "Shift+F11", "monitor-eye")

    def _build_inspect(self, exporter: Exporter, dialogs: Dialogs) -> None:
        menu, session, page = self._menu("&Inspect"), self._session, self._page
        self._needs_scan += [
            self._add(menu, "Next Scan", lambda: page.scans.step(1), "Down"),
            self._add(menu, "Previous Scan", lambda: page.scans.step(-1), "Up"),
        ]
        menu.addSeparator()
        self._needs_result += [
            self._add(menu, "Set to OK", lambda: page.review("ok"), "O", "check-circle-outline"),
            self._add(menu, "Set to NG", lambda: page.review("ng"), "N", "alert-octagon-outline"),
            self._add(menu, "Back to the Model's Verdict", lambda: page.review(None), "Backspace"),
            self._add(menu, "Comment…", page.comment, "E", "comment-text-outline"),
        ]
        self._add(menu, "Back to the Calibrated Limits", lambda: session.set_limits({}))
        self._needs_result.append(self._add(menu, "Where Does It Lie?", page.place, "W", "scatter-plot-outline"))
        self._needs_result.append(self._add(menu, "Keep at the Right", page.pin, "B", "pin-outline"))
        self._needs_result.append(
            self._add(menu, "Add to the Training Data…", exporter.training_scan, picture="school-outline")
        )
        menu.addSeparator()
        self.again = self._add(menu, "Inspect Again", page.inspect_again, "F5", "refresh")
        self._needs_scan += [self.again, self._add(menu, "Inspect All Again", page.inspect_all_again, "Shift+F5")]
        self._retry = self._add(menu, "Retry Failed", page.retry_failed)
        self.stop = self._add(menu, "Stop", self._model.stop, "Esc", "stop-circle-outline")
        menu.addSeparator()
        self._add(menu, "Choose Model…", dialogs.show_models, picture="brain")

    def _build_workspaces(self) -> None:
        """A menu per workspace; its page adds its own commands when built."""
        self.of_workspace: dict[str, QMenu] = {}
        for entry in WORKSPACES:
            menu, wanted = self._menu(f"&{entry.title}"), ShowWorkspace(entry.key)
            self._add(menu, f"Show {entry.title}", partial(self._session.navigate, wanted))
            self.of_workspace[entry.key] = menu

    def _build_help(self, dialogs: Dialogs, acts: WindowActs) -> None:
        menu = self._menu("&Help")
        self._add(menu, "User Guide", dialogs.show_guide, "F1", "help-circle-outline")
        self._add(menu, "Find a Command…", acts.palette, "Ctrl+Shift+P", "magnify")
        menu.addSeparator()
        self._add(menu, "Copy Diagnostics", acts.diagnostics)
        self._add(menu, "Open the Log Folder", dialogs.open_log_folder)
        self._add(menu, "About SeDiR Inspect", dialogs.show_about)

    def _fill_recent(self, opening: Opening) -> None:
        self._recent.clear()
        for path in self._settings.recent:
            # In a menu text an ampersand would underline the next letter.
            shown = self._recent.addAction(printable(path).replace("&", "&&"))
            shown.triggered.connect(lambda _=False, path=path: opening.open([path]))
        if self._recent.isEmpty():
            self._recent.addAction("Nothing yet").setEnabled(False)
        else:
            self._recent.addSeparator()
            self._recent.addAction("Clear the List", self._settings.forget_recent)

    def _menu(self, title: str) -> QMenu:
        return self._bar.addMenu(title)

    def _add(self, menu: QMenu, text: str, run: Run, keys: str = "", picture: str = "") -> QAction:
        action = QAction(text, self._bar)
        action.triggered.connect(lambda: run())  # drops the `checked` argument
        if keys:
            action.setShortcut(QKeySequence(keys))
        if picture:
            self._icons.append((action, picture))
        menu.addAction(action)
        return action


def _make_choice(action: QAction, group: QActionGroup, chosen: bool) -> None:
    action.setCheckable(True)
    action.setChecked(chosen)
    group.addAction(action)
