"""The Inspect workspace: scan list | two views and their colour scale | verdict and defects."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDockWidget,
    QLabel,
    QMainWindow,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.state.edits import Edits
from app.state.entries import Beside, Entry, Failure, Selection, State
from app.state.navigation import PlacedScan, PlaceScans, ShowWorkspace
from app.state.session import Session
from app.state.settings import Settings
from app.widgets.columns_dialog import CHOOSE, ColumnsDialog
from app.widgets.messages import MessageBar
from app.widgets.theme import Theme
from app.workspaces.inspect.alarm_rate import AlarmRate
from app.workspaces.inspect.defect_panel import DefectPanel
from app.workspaces.inspect.empty_state import InspectIntro
from app.workspaces.inspect.line_banner import LineBanner
from app.workspaces.inspect.model import InspectModel
from app.workspaces.inspect.scan_panel import ScanPanel
from app.workspaces.inspect.stage import ScanViews
from app.workspaces.inspect.verdict_panel import VerdictPanel
from app.workspaces.inspect.watch_strip import WatchStrip
from app.workspaces.inspect.watching import Watching
from sedir_core.errors import UnknownColumns
from sedir_core.io.table_peek import TableHead
from sedir_core.types import Decision

VIEWS, BANNER = 7, 3
"""Stretch factors in line mode."""
AREAS = (Qt.DockWidgetArea.LeftDockWidgetArea, *[Qt.DockWidgetArea.RightDockWidgetArea] * 2)
"""Default docks: scans, verdict, defects."""
DOCK_STATE = 1
"""Version of the saved dock layout; raise it when docks are added, so that old layouts are dropped."""
LEFT, RIGHT = (180, 180, 320), (225, 230, 400)
"""Width of the docks in thousandths of the window's, and bounds in pixels."""


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
        self._line = False
        self.messages = MessageBar(theme)
        self.stage = ScanViews(session, settings, theme)
        self.clouds, self.colour_bar = self.stage.clouds, self.stage.colour_bar
        self.edits = Edits(session, self)
        self.stage.regions.edited.connect(self.edits.stack.push)
        self.watching = Watching(session, model, settings, self)
        self.scan_panel = ScanPanel(session, theme)
        self.strip = WatchStrip(self.watching, theme)
        self.scan_panel.add_below(self.strip)
        self.scans = self.scan_panel.list
        self.verdict = VerdictPanel(theme)
        self.defects = DefectPanel(theme)
        self.alarms = AlarmRate(session)
        self.stage.add_beside_scale(self.alarms)
        self._empty = InspectIntro(theme)
        self.banner = LineBanner(theme)
        self.banner.hide()
        self._stack = QStackedWidget()
        self._stack.addWidget(self._empty)
        self._stack.addWidget(self.stage)
        centre = QWidget()
        column = QVBoxLayout(centre)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.messages)
        column.addWidget(self._stack, VIEWS)
        column.addWidget(self.banner, BANNER)
        self.setCentralWidget(centre)
        self.setDockNestingEnabled(True)
        self.docks = [
            self._dock("Scans", self.scan_panel, AREAS[0]),
            self._dock("Verdict", self.verdict, AREAS[1]),
            self._dock("Defects", self.defects, AREAS[2]),
        ]
        self.setContentsMargins(8, 0, 8, 0)
        self.scan_panel.setMinimumWidth(LEFT[1] - 12)
        self.verdict.setMinimumWidth(RIGHT[1] - 10)
        self._order_focus()
        self._connect()
        self._show_entry()

    def reset_layout(self, width: int, height: int) -> None:
        """Restore the default layout, including closed and floating docks."""
        for dock, area in zip(self.docks, AREAS, strict=True):
            dock.setFloating(False)
            self.addDockWidget(area, dock)
            dock.show()
        self.splitDockWidget(self.docks[1], self.docks[2], Qt.Orientation.Vertical)
        self.arrange(width, height)

    def arrange(self, width: int, height: int) -> None:
        """Default dock sizes for a window of that size, favouring the views."""
        left, right = (min(max(width * share // 1000, least), most) for share, least, most in (LEFT, RIGHT))
        self.resizeDocks(self.docks, [left, right, right], Qt.Orientation.Horizontal)
        self.resizeDocks(self.docks[1:], [height // 3, height - height // 3], Qt.Orientation.Vertical)

    def set_theme(self, theme: Theme) -> None:
        for part in (
            self.messages, self.stage, self.banner, self.scan_panel, self.strip, self.verdict, self.defects,
            self._empty,
        ):  # fmt: skip
            part.set_theme(theme)

    def show_line(self, on: bool) -> None:
        """Show only scan and banner; the caller restores the docks from their saved state."""
        self._line = on
        for dock in self.docks:
            dock.setVisible(not on)
        self.stage.show_line(on)
        self.banner.setVisible(on)
        self._show_stack()

    def close_views(self) -> None:
        self.clouds.close_views()

    def remove_chosen(self) -> None:
        """Remove the selected scans from the list."""
        self.remove(self.scans.chosen_ids())

    def remove(self, ids: list[int]) -> None:
        """Remove these from the list; the one below them is shown next."""
        heir = self.scans.heir(ids)
        self.edits.remove(ids)
        self._session.show(heir)

    def inspect_again(self) -> None:
        """Inspect the selected scans, or the current one, again with the current model and category."""
        self._model.inspect_again(self.scans.chosen_ids() or [self._session.current or 0])

    def inspect_all_again(self) -> None:
        self._model.inspect_again([entry.id for entry in self._session.entries])

    def retry_failed(self) -> None:
        self._model.inspect_again([entry.id for entry in self._session.entries if entry.state is State.FAILED])

    def place(self) -> None:
        """Show in Compare where the scans inspected by the current model lie among its training tokens."""
        run_dir = self._session.run_dir
        scans = tuple(
            PlacedScan(entry.id, entry.name, entry.raw.token)
            for entry in self._session.entries
            if entry.raw is not None and entry.model is not None and entry.model.run_dir == run_dir
        )
        if scans:
            self._session.navigate(PlaceScans(run_dir, scans))
        else:
            self.messages.inform("No open scan was inspected with this model.")

    def pin(self) -> None:
        """Pin the current scan on the right to compare others with it, or unpin it."""
        pinned = self.clouds.beside is Beside.SCAN and self._session.compared == self._session.current
        if self._session.current is not None and not pinned:
            self._session.compare(self._session.current)
        self.clouds.set_beside(Beside.EXPECTED if pinned else Beside.SCAN)

    def begin_search(self) -> None:
        """Open the scan list and start a search."""
        self.docks[0].setVisible(True)
        self.scan_panel.begin_search()

    def review(self, verdict: Decision | None) -> None:
        """Set the operator's verdict on the current scan; None withdraws it."""
        if self._session.current is not None:
            self.edits.review(self._session.current, verdict)

    def comment(self) -> None:
        """Let the operator write a comment."""
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
        session.unit_changed.connect(self.defects.list.set_unit)
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
        self._empty.train_button.clicked.connect(lambda: session.navigate(ShowWorkspace("train")))
        self._empty.watch_button.clicked.connect(self.watch_wanted)
        self.watching.changed.connect(self._show_watched)
        self.clouds.beside_changed.connect(self._model.show_beside)
        self.clouds.defect_clicked.connect(self._on_callout_clicked)
        self._model.graphics_ready.connect(self.clouds.build)
        self.clouds.built.connect(self._order_focus)
        self._model.failed.connect(self._on_failed)
        self.stage.regions.failed.connect(self.messages.warn)
        self.stage.region_panel.wrong.connect(self.messages.warn)
        self._model.batch_finished.connect(self._on_batch_finished)
        self._model.noted.connect(self.messages.inform)
        self._model.table_seen.connect(self._ask_columns)

    def _on_entry_changed(self, entry_id: int) -> None:
        if entry_id == self._session.current:
            self._show_entry()
        elif entry_id == self._session.compared:
            self.stage.show_compared()

    def _show_entry(self, *_: object) -> None:
        entry = self._session.current_entry
        model = self._session.model
        self.verdict.show_entry(entry, () if model is None else model.categories)
        self.defects.show_entry(entry)
        self.stage.show_entry(entry)
        self._on_selection_changed(self._session.selection)
        self._show_stack()

    def _show_stack(self, *_: object) -> None:
        self._stack.setCurrentIndex(1 if self._session.entries or self._line else 0)

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
        if unclear := self._unclear():
            path, failure = unclear[0].path, unclear[0].failure
            assert failure is not None
            more = f" and {len(unclear) - 1} more" if len(unclear) > 1 else ""
            look = lambda: self._model.look_at_table(path)  # noqa: E731
            self.messages.warn(f"{path.name}{more}", failure, CHOOSE, look)
            return
        if failed == 1:
            entry = self._session.get(ids[-1])
            if entry is not None and entry.failure is not None:
                self.messages.warn(entry.name, entry.failure, "Retry", lambda: self._model.inspect_again(ids))
            return
        details = "\n\n".join(
            f"{e.path}\n{e.failure.details}" for i in ids if (e := self._session.get(i)) and e.failure
        )
        summary = Failure(f"{failed} of {done} failed; the list shows why", "the others are done", details)
        self.messages.warn("Inspection", summary, "Retry failed", lambda: self._model.inspect_again(ids))

    def _unclear(self) -> list[Entry]:
        """The tables whose columns have not been identified yet."""
        return [e for e in self._session.entries if e.failure is not None and e.failure.kind == UnknownColumns.KIND]

    def _ask_columns(self, path: Path, head: TableHead) -> None:
        dialog = ColumnsDialog(path, head, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.answered.connect(self._on_columns_known)
        dialog.open()

    def _on_columns_known(self, folder: Path) -> None:
        self._model.inspect_again([entry.id for entry in self._unclear() if entry.path.is_relative_to(folder)])

    # Parts

    def _order_focus(self) -> None:
        """Tab order follows the reading order: scans, views and scale, verdict, defects."""
        stops = [
            *self.scan_panel.stops, *self.stage.stops, self.alarms.rate, self.alarms.back, *self.verdict.stops,
            self.defects.view,
        ]  # fmt: skip
        for before, after in pairwise(stops):
            QWidget.setTabOrder(before, after)

    def _dock(self, title: str, content: QWidget, area: Qt.DockWidgetArea) -> QDockWidget:
        dock = QDockWidget(title, self)
        dock.setObjectName(f"inspect.{title.lower()}")
        # Qt's title bar buttons cannot be styled properly; docks are closed from the View menu.
        dock.setTitleBarWidget(QLabel(title, objectName="dockTitle"))
        dock.setWidget(content)
        self.addDockWidget(area, dock)
        return dock
