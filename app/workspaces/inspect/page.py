"""The Inspect workspace: scan list | two views and their colour scale | verdict and defects, around the session."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDockWidget,
    QLabel,
    QMainWindow,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.edits import Edits
from app.entries import Failure, Selection, State
from app.session import Session
from app.settings import Settings
from app.widgets.messages import MessageBar
from app.widgets.theme import Theme
from app.workspaces.inspect.alarm_rate import AlarmRate
from app.workspaces.inspect.empty_state import EmptyState
from app.workspaces.inspect.model import InspectModel
from app.workspaces.inspect.panels import DefectPanel
from app.workspaces.inspect.scan_panel import ScanPanel
from app.workspaces.inspect.stage import Stage
from app.workspaces.inspect.verdict_panel import VerdictPanel
from app.workspaces.inspect.watch_strip import WatchStrip
from app.workspaces.inspect.watching import Watching
from sedir_core.types import Verdict


class InspectPage(QMainWindow):
    """A main window inside the main window: its docks move and close without touching other workspaces."""

    open_wanted = Signal()
    demo_wanted = Signal()
    guide_wanted = Signal()
    watch_wanted = Signal()

    def __init__(
        self, session: Session, model: InspectModel, settings: Settings, theme: Theme, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowFlags(Qt.WindowType.Widget)
        self._session, self._model = session, model
        self.messages = MessageBar(theme)
        self.stage = Stage(session, settings, theme)
        self.clouds, self.colour_bar = self.stage.clouds, self.stage.colour_bar
        self.edits = Edits(session, self)
        self.watching = Watching(session, model, settings, self)
        self.scan_panel = ScanPanel(session, theme)
        self.strip = WatchStrip(self.watching, theme)
        self.scan_panel.add_below(self.strip)
        self.scans = self.scan_panel.list
        self.verdict = VerdictPanel(theme)
        self.defects = DefectPanel()
        self.alarms = AlarmRate(session)
        self.stage.add_below_scale(self.alarms)
        self._empty = EmptyState(theme)
        self._stack = QStackedWidget()
        self._stack.addWidget(self._empty)
        self._stack.addWidget(self.stage)
        centre = QWidget()
        column = QVBoxLayout(centre)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.messages)
        column.addWidget(self._stack, 1)
        self.setCentralWidget(centre)
        self.setDockNestingEnabled(True)
        self.docks = [
            self._dock("Scans", self.scan_panel, Qt.DockWidgetArea.LeftDockWidgetArea),
            self._dock("Verdict", self.verdict, Qt.DockWidgetArea.RightDockWidgetArea),
            self._dock("Defects", self.defects, Qt.DockWidgetArea.RightDockWidgetArea),
        ]
        self.setContentsMargins(8, 0, 8, 0)
        self._connect()
        self._show_entry()

    def arrange(self, width: int, height: int) -> None:
        """The docks as they come, for a window of that size."""
        right = min(max(width * 26 // 100, 300), 400)
        self.resizeDocks(self.docks, [min(max(width * 20 // 100, 250), 330), right, right], Qt.Orientation.Horizontal)
        self.resizeDocks(self.docks[1:], [height // 3, height - height // 3], Qt.Orientation.Vertical)

    def set_theme(self, theme: Theme) -> None:
        for part in (self.messages, self.stage, self.scan_panel, self.strip, self.verdict, self._empty):
            part.set_theme(theme)

    def close_views(self) -> None:
        self.clouds.close_views()

    def remove_chosen(self) -> None:
        """Take the chosen scans off the list."""
        self.remove(self.scans.chosen_ids())

    def remove(self, ids: list[int]) -> None:
        """Take these off the list; the one below them on the screen is shown next."""
        heir = self.scans.heir(ids)
        self.edits.remove(ids)
        self._session.show(heir)

    def review(self, verdict: Verdict | None) -> None:
        """The operator's word on the current scan; None takes it back."""
        if self._session.current is not None:
            self.edits.review(self._session.current, verdict)

    def comment(self) -> None:
        """Let the operator say why."""
        self.docks[1].setVisible(True)
        self.verdict.bar.write()

    # Wiring

    def _connect(self) -> None:
        session = self._session
        session.current_changed.connect(self._show_entry)
        session.entry_changed.connect(self._on_entry_changed)
        session.entries_added.connect(self._show_stack)
        session.entries_removed.connect(self._show_stack)
        session.selection_changed.connect(self._on_selection_changed)
        session.limit_changed.connect(self._show_entry)
        self.colour_bar.limit_set.connect(session.set_limit)
        session.model_changed.connect(self._show_entry)
        session.unit_changed.connect(self.defects.table.set_unit)
        self.scans.scan_chosen.connect(session.show)
        self.scans.removal_wanted.connect(self.remove)
        self.verdict.review_wanted.connect(self.edits.review)
        self.verdict.commented.connect(self.edits.comment)
        self.verdict.retry_wanted.connect(lambda entry_id: self._model.inspect_again([entry_id]))
        self.defects.defect_chosen.connect(lambda index: session.select(Selection(index)))
        self.defects.view.doubleClicked.connect(lambda index: self.clouds.choose_defect(index.row()))
        self._empty.open_button.clicked.connect(self.open_wanted)
        self._empty.demo_button.clicked.connect(self.demo_wanted)
        self._empty.guide_button.clicked.connect(self.guide_wanted)
        self._empty.train_button.clicked.connect(lambda: session.workspace_wanted.emit("train"))
        self._empty.watch_button.clicked.connect(self.watch_wanted)
        self.watching.changed.connect(self._show_watched)
        self.clouds.defect_clicked.connect(self._on_callout_clicked)
        self._model.graphics_ready.connect(self.clouds.build)
        self._model.failed.connect(self._on_failed)
        self._model.batch_finished.connect(self._on_batch_finished)

    def _on_entry_changed(self, entry_id: int) -> None:
        if entry_id == self._session.current:
            self._show_entry()

    def _show_entry(self, *_: object) -> None:
        entry = self._session.current_entry
        model = self._session.model
        self.verdict.show_entry(entry, () if model is None else model.categories)
        self.defects.show_entry(entry)
        self.stage.show_entry(entry)
        self._on_selection_changed(self._session.selection)
        self._show_stack()

    def _show_stack(self, *_: object) -> None:
        self._stack.setCurrentIndex(1 if self._session.entries else 0)

    def _show_watched(self) -> None:
        folder = self.watching.folder
        self._empty.show_watched(folder.name or str(folder) if folder is not None else "")

    def _on_selection_changed(self, selection: Selection) -> None:
        self.defects.choose(selection.defect)
        self.clouds.choose_defect(selection.defect)

    def _on_callout_clicked(self, index: int) -> None:
        if self._session.selection.defect == index:
            self.clouds.choose_defect(index)  # fly there again
        self._session.select(Selection(index))

    def _on_failed(self, where: str, failure: Failure) -> None:
        self.messages.warn(where, failure)

    def _on_batch_finished(self, done: int, failed: int) -> None:
        if not failed:
            return
        ids = [entry.id for entry in self._session.entries if entry.state is State.FAILED]
        if failed == 1:
            entry = self._session.get(ids[-1])
            if entry is not None and entry.failure is not None:
                self.messages.warn(entry.path.name, entry.failure, "Retry", lambda: self._model.inspect_again(ids))
            return
        details = "\n\n".join(
            f"{e.path}\n{e.failure.details}" for i in ids if (e := self._session.get(i)) and e.failure
        )
        summary = Failure(f"{failed} of {done} failed; the list says why", "the others are done", details)
        self.messages.warn("Inspection", summary, "Retry failed", lambda: self._model.inspect_again(ids))

    # Parts

    def _dock(self, title: str, content: QWidget, area: Qt.DockWidgetArea) -> QDockWidget:
        dock = QDockWidget(title, self)
        dock.setObjectName(f"inspect.{title.lower()}")
        # Qt's own title bar has buttons that no style sheet makes look right; docks close from the View menu.
        dock.setTitleBarWidget(QLabel(title, objectName="dockTitle"))
        dock.setWidget(content)
        self.addDockWidget(area, dock)
        return dock
