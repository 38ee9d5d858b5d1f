"""The History workspace: filters on top, past inspections and charts below, details on the right."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QFileDialog,
    QLabel,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.jobs.past import Detail, Overview
from app.state.entries import Entry, Failure
from app.state.navigation import Navigation, ShowWorkspace
from app.state.session import Session
from app.state.settings import Settings
from app.widgets.empty_state import EmptyState
from app.widgets.error_details import plain_label
from app.widgets.messages import MessageBar
from app.widgets.numbers import grouped
from app.widgets.theme import Theme, icon
from app.workspaces.history import wording
from app.workspaces.history.charts import Charts
from app.workspaces.history.detail import DetailPane
from app.workspaces.history.filters import FilterBar
from app.workspaces.history.model import HistoryModel
from app.workspaces.history.table import HistoryView
from sedir_core.history.place import HistoryPlace
from sedir_core.history.records import Inspection

EMPTY = "Nothing has been inspected yet"
EMPTY_HINT = (
    "Every inspected scan is recorded here automatically: what it was, who inspected it, "
    "the model's verdict and the operator's review. Open scans in Inspect to begin."
)
READING = "Reading the history…"
OFF = "The history is switched off"
NONE_FOUND = "No inspection matches.\nWiden the filter, or show all."


class HistoryPage(QWidget):
    """See the module's docstring."""

    def __init__(self, session: Session, settings: Settings, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._settings, self._theme = session, settings, theme
        self._overview: Overview | None = None
        self._key = ""
        self.model = HistoryModel(session.history or HistoryPlace(), self)
        self.messages = MessageBar(theme)
        self.filters = FilterBar()
        self.view = HistoryView(theme)
        self.detail = DetailPane(theme)
        self.charts = Charts(theme)
        self.foot = plain_label("", "faint")
        self._none_found = QLabel(NONE_FOUND, objectName="faint", alignment=Qt.AlignmentFlag.AlignCenter)
        self._empty = EmptyState("history", READING, "", theme)
        self._empty.setObjectName("panel")
        self._tables, self._stack = QStackedWidget(), QStackedWidget()
        refresh, self.export = QAction("Refresh", self), QAction("Export the Table…", self)
        refresh.triggered.connect(self.model.refresh)
        self.export.triggered.connect(self.export_dialog)
        self.export.setEnabled(False)
        self._actions = [refresh, self.export]
        self._layout()
        self._connect()
        self.set_theme(theme)

    # The contract of a workspace

    def activate(self) -> None:
        """Show what has been recorded in the meantime."""
        if self._session.history is not None:
            self.model.watch(True)
            self.model.refresh()

    def close_down(self) -> bool:
        return self.model.close()

    def actions(self) -> list[QAction]:
        return list(self._actions)

    def tools(self) -> list[QAction]:
        return list(self._actions)

    def take(self, wanted: Navigation) -> None:
        """It handles no requests."""

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        for part in (self.messages, self.view, self.detail, self.charts, self._empty):
            part.set_theme(theme)
        for action, name in zip(self._actions, ("refresh", "table-arrow-right"), strict=True):
            action.setIcon(icon(name, theme.quiet))

    # User actions

    def export_dialog(self) -> None:
        """Ask for a file and export the filtered rows."""
        start = str(self._settings.last_folder / "history.csv")
        name, _ = QFileDialog.getSaveFileName(self, "Export the table", start, "CSV (*.csv);;JSON (*.json)")
        if name:
            self.model.export(Path(name))

    def open_past(self, key: str) -> None:
        """Show an inspection in Inspect, exactly as it was."""
        self.model.reopen(key)

    def hideEvent(self, event: object) -> None:  # noqa: N802
        self.model.watch(False)

    # Wiring

    def _connect(self) -> None:
        model, view = self.model, self.view
        self.filters.changed.connect(model.set_filter)
        view.order_wanted.connect(model.set_order)
        view.table.page_wanted.connect(model.ask_page)
        view.pointed.connect(self._point)
        view.opened.connect(self.open_past)
        self.detail.open_wanted.connect(self.open_past)
        self.charts.chosen.connect(self._point)
        self.charts.lot_chosen.connect(lambda lot: self.filters.choose("lot", lot))
        model.overview_changed.connect(self._show_overview)
        model.page_found.connect(self._on_page)
        model.charts_found.connect(self.charts.show_data)
        model.detail_found.connect(self._on_detail)
        model.reopened.connect(self._on_reopened)
        model.exported.connect(lambda path: self.messages.inform(f"Saved {path}"))
        model.failed.connect(self._on_failed)
        self._session.history_changed.connect(self._on_recorded)
        self._settings.changed.connect(lambda name: self._show_foot() if name == "history_gb" else None)

    def _on_recorded(self) -> None:
        if self.isVisible():
            self.model.refresh()

    def _show_overview(self, overview: Overview) -> None:
        self._overview = overview
        self.filters.offer(overview.choices)
        scroll = self.view.verticalScrollBar().value()
        self.view.table.show_count(overview.count)
        self.view.verticalScrollBar().setValue(scroll)
        self._tables.setCurrentIndex(0 if overview.count else 1)
        self._empty.say(EMPTY, EMPTY_HINT)
        self._stack.setCurrentIndex(0 if overview.total else 1)
        self.export.setEnabled(bool(overview.count))
        self._show_foot()
        if self._key:
            self.model.ask_detail(self._key)

    def _show_foot(self) -> None:
        overview = self._overview
        if overview is None:
            return
        of_all = "" if overview.count == overview.total else f"{grouped(overview.count)} of "
        shown = f"{of_all}{grouped(overview.total)} inspection{'s' * (overview.total != 1)}"
        space = f"past results take {wording.size_text(overview.kept_bytes)} of {self._settings.history_gb} GB"
        self.foot.setText(
            f"{shown} in {self.model.place} · {space}; beyond that the oldest are deleted, their rows stay (Settings)"
        )

    def _on_page(self, number: int, rows: list[Inspection]) -> None:
        self.view.table.add_page(number, rows)
        if self._key:
            self.view.choose(self._key)
        elif number == 0 and rows:
            self._point(rows[0].key)

    def _point(self, key: str) -> None:
        self._key = key
        self.view.choose(key)
        self.model.ask_detail(key)

    def _on_detail(self, detail: Detail | None) -> None:
        self.detail.show_detail(detail)
        if detail is None:
            self._key = ""

    def _on_reopened(self, entry: Entry) -> None:
        self._session.reopen(entry)
        self._session.navigate(ShowWorkspace("inspect"))

    def _on_failed(self, where: str, failure: Failure) -> None:
        self.messages.warn(where, failure, "Try again", self.model.refresh)
        if self._overview is None:
            self._empty.say("The history cannot be read", f"{failure.what}.\n{failure.hint}")
            self._stack.setCurrentIndex(1)

    # Parts

    def _layout(self) -> None:
        for part in (self.view, self._none_found):
            self._tables.addWidget(part)
        left = QSplitter(Qt.Orientation.Vertical, childrenCollapsible=False)
        left.addWidget(self._tables)
        left.addWidget(self.charts)
        left.setStretchFactor(0, 3)
        left.setStretchFactor(1, 2)
        whole = QSplitter(Qt.Orientation.Horizontal, childrenCollapsible=False)
        whole.addWidget(left)
        whole.addWidget(self.detail)
        whole.setStretchFactor(0, 1)
        whole.setSizes([900, 330])
        bench = QWidget()
        column = QVBoxLayout(bench)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.filters)
        column.addWidget(whole, 1)
        column.addWidget(self.foot)
        self._stack.addWidget(bench)
        self._stack.addWidget(self._empty)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(8, 4, 8, 4)
        outer.addWidget(self.messages)
        outer.addWidget(self._stack, 1)
        if self._session.history is None:
            self._empty.say(OFF, "")
        self._stack.setCurrentIndex(1)
