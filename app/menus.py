"""Every command of the window: its menu, shortcut and icon, and when it can be used."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu

from app.settings import ThemeChoice
from app.widgets.theme import Theme, icon
from app.workspaces.inspect.scan_table import Kind
from app.workspaces.registry import HOME, WORKSPACES

if TYPE_CHECKING:
    from app.main_window import MainWindow

THEMES: tuple[tuple[str, ThemeChoice], ...] = (("As the System", "system"), ("Light", "light"), ("Dark", "dark"))


class Menus:
    """Builds the menu bar of a window; `open`, `demo`, `again` and `stop` are for its tool bar too."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._icons: list[tuple[QAction, str]] = []
        self._needs_scan: list[QAction] = []
        self._needs_result: list[QAction] = []
        self._build_file()
        self._build_edit()
        self._build_view()
        self._build_inspect()
        self._build_workspaces()
        self._build_help()

    def enable(self, *_: object) -> None:
        """Follow the session: what cannot be done now is grey."""
        window, session = self._window, self._window.session
        entry, entries = session.current_entry, session.entries
        here = self._window.workspace == HOME  # single keys must not judge a scan that nobody sees
        for action in self._needs_scan:
            action.setEnabled(here and bool(entries))
        for action in self._needs_result:
            action.setEnabled(here and entry is not None and entry.detection is not None)
        self.stop.setEnabled(self._window.model.busy)
        self._unwatch.setEnabled(self._window.page.watching.folder is not None)
        self._retry.setEnabled(window.page.scans.table.counts[Kind.FAILED] > 0)

    def set_theme(self, theme: Theme) -> None:
        for action, name in self._icons:
            action.setIcon(icon(name, theme.quiet))

    def _build_file(self) -> None:
        window, menu, exporter = self._window, self._menu("&File"), self._window.exporter
        self.open = self._add(menu, "Open Scans…", window.open_dialog, "Ctrl+O", "folder-open-outline")
        self._add(menu, "Open Folder…", window.open_folder_dialog, "Ctrl+Shift+O")
        self._add(menu, "Watch Folder…", window.watch_dialog, "Ctrl+Shift+W", "radar")
        self._unwatch = self._add(menu, "Stop Watching", window.page.watching.stop)
        window.page.watching.changed.connect(self.enable)
        window.page.scans.table.arranged.connect(self.enable)
        self.demo = self._add(menu, "Open the Demo", window.open_demo, picture="school-outline")
        self._recent = menu.addMenu("Open Recent")
        self._recent.aboutToShow.connect(self._fill_recent)
        self.restore = self._add(menu, "Restore Last Scans", lambda: None)
        self.restore.setEnabled(False)
        menu.addSeparator()
        self._needs_result += [
            self._add(menu, "Export Scored Points…", exporter.scored_points, "Ctrl+E", "export-variant"),
            self._add(menu, "Export Reconstruction…", exporter.reconstruction),
        ]
        self._needs_scan.append(self._add(menu, "Save Picture…", exporter.picture, "Ctrl+Shift+S", "camera-outline"))
        self._needs_scan.append(self._add(menu, "Export Scan List…", exporter.scan_list, picture="table-arrow-right"))
        self._needs_scan.append(self._add(menu, "Save Report…", exporter.report, "Ctrl+R", "file-document-outline"))
        menu.addSeparator()
        self._add(menu, "Quit", window.close, "Ctrl+Q")

    def _build_edit(self) -> None:
        window, menu, stack = self._window, self._menu("&Edit"), self._window.page.edits.stack
        for action, keys, picture in (
            (stack.createUndoAction(window, "Undo"), "Ctrl+Z", "undo"),
            (stack.createRedoAction(window, "Redo"), "Ctrl+Shift+Z", "redo"),
        ):
            action.setShortcut(QKeySequence(keys))
            self._icons.append((action, picture))
            menu.addAction(action)
        menu.addSeparator()
        self._needs_result.append(
            self._add(menu, "Copy Result", window.exporter.copy_result, "Ctrl+C", "content-copy"),
        )
        self._needs_scan.append(self._add(menu, "Find in List", window.page.scan_panel.find, "Ctrl+F", "magnify"))
        self._needs_scan.append(self._add(menu, "Remove from List", window.page.remove_chosen, "Ctrl+Backspace"))
        menu.addSeparator()
        self._add(menu, "Keyboard Shortcuts…", window.dialogs.show_shortcuts, picture="keyboard-outline")
        self._add(menu, "Settings…", window.dialogs.show_settings, "Ctrl+,", "cog-outline")

    def _build_view(self) -> None:
        window, menu = self._window, self._menu("&View")
        window.page.stage.actions_of_views.fill(menu)
        self._needs_scan += window.page.stage.actions_of_views.needs_scan
        for dock in window.page.docks:
            menu.addAction(dock.toggleViewAction())
        menu.addSeparator()
        looks, inner = QActionGroup(window), menu.addMenu("Theme")
        for text, choice in THEMES:
            look = self._add(inner, text, lambda choice=choice: setattr(window.settings, "theme", choice))
            _make_choice(look, looks, choice == window.settings.theme)
        self._add(menu, "Full Screen", window.toggle_full_screen, "F11", "fullscreen")

    def _build_inspect(self) -> None:
        window, menu = self._window, self._menu("&Inspect")
        session, review = window.session, window.page.review
        self._needs_scan += [
            self._add(menu, "Next Scan", lambda: window.page.scans.step(1), "Down"),
            self._add(menu, "Previous Scan", lambda: window.page.scans.step(-1), "Up"),
        ]
        menu.addSeparator()
        self._needs_result += [
            self._add(menu, "Set to OK", lambda: review("ok"), "O", "check-circle-outline"),
            self._add(menu, "Set to NG", lambda: review("ng"), "N", "alert-octagon-outline"),
            self._add(menu, "Back to the Model's Verdict", lambda: review(None), "Backspace"),
            self._add(menu, "Comment…", window.page.comment, "E", "comment-text-outline"),
        ]
        self._add(menu, "Back to the Calibrated Limits", lambda: session.set_limits({}))
        menu.addSeparator()
        self.again = self._add(menu, "Inspect Again", window.inspect_again, "F5", "refresh")
        self._needs_scan += [self.again, self._add(menu, "Inspect All Again", window.inspect_all_again, "Shift+F5")]
        self._retry = self._add(menu, "Retry Failed", window.retry_failed)
        self.stop = self._add(menu, "Stop", window.model.stop, "Esc", "stop-circle-outline")
        menu.addSeparator()
        self._add(menu, "Choose Model…", window.dialogs.show_models, picture="brain")

    def _build_workspaces(self) -> None:
        """A menu for each of the other workspaces; its page's own commands join when the page is built."""
        self.of_workspace: dict[str, QMenu] = {}
        for entry in WORKSPACES:
            menu = self._menu(f"&{entry.title}")
            self._add(menu, f"Show {entry.title}", lambda key=entry.key: self._window.show_workspace(key))
            self.of_workspace[entry.key] = menu

    def _build_help(self) -> None:
        window, menu = self._window, self._menu("&Help")
        self._add(menu, "User Guide", window.dialogs.show_guide, "F1", "help-circle-outline")
        self._add(menu, "Find a Command…", window.show_palette, "Ctrl+Shift+P", "magnify")
        menu.addSeparator()
        self._add(menu, "Copy Diagnostics", window.copy_diagnostics)
        self._add(menu, "Open the Log Folder", window.dialogs.open_log_folder)
        self._add(menu, "About SeDiR Inspect", window.dialogs.show_about)

    def _fill_recent(self) -> None:
        window = self._window
        self._recent.clear()
        for path in window.settings.recent:
            # An ampersand in a menu text would underline the next letter.
            self._recent.addAction(str(path).replace("&", "&&"), lambda path=path: window.open_paths([path]))
        if self._recent.isEmpty():
            self._recent.addAction("Nothing yet").setEnabled(False)
        else:
            self._recent.addSeparator()
            self._recent.addAction("Clear the List", window.settings.forget_recent)

    def _menu(self, title: str) -> QMenu:
        return self._window.menuBar().addMenu(title)

    def _add(self, menu: QMenu, text: str, run: Callable[[], object], keys: str = "", picture: str = "") -> QAction:
        action = QAction(text, self._window)
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
