"""The ICE workspace: choose two runs or three and a data set, and compare them on the same samples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QGuiApplication, QKeyEvent
from PySide6.QtWidgets import QFileDialog, QMenu, QStackedWidget, QVBoxLayout, QWidget

from app.jobs.saving import open_file
from app.state.navigation import Navigation, OpenScans, PlaceScans, ShowWorkspace
from app.state.session import Session
from app.state.settings import Settings
from app.widgets.job_status import JobStatus
from app.widgets.messages import MessageBar
from app.widgets.theme import Theme, icon
from app.workspaces.ice.compared import ComparedRuns
from app.workspaces.ice.model import CompareRequest, IceModel, write_figure, write_numbers
from app.workspaces.ice.panels import CompareIntro
from app.workspaces.ice.placing import Placed, PlacePlot, PlaceRequest
from app.workspaces.ice.setup import SetupBar
from sedir_core.places import bundled_runs, user_runs

if TYPE_CHECKING:
    from sedir_core.evaluation.ice import Comparison
    from sedir_core.evaluation.tsne import Flat

FIGURES = "SVG (*.svg);;PDF (*.pdf);;PNG (*.png)"
NUMBERS = "CSV (*.csv);;NPZ (*.npz);;JSON (*.json)"


class IcePage(QWidget):
    """See the module's docstring. `activate` is called whenever the page is shown."""

    def __init__(self, session: Session, settings: Settings, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._settings = session, settings
        self.model = IceModel(self)
        self._request: CompareRequest | None = None
        self.messages = MessageBar(theme)
        self.setup = SetupBar((bundled_runs(), user_runs()), theme)
        self.status = JobStatus(theme)
        self.empty = CompareIntro(theme)
        self.results = ComparedRuns(theme)
        self.own = PlacePlot(theme)
        self.stack = QStackedWidget()
        for page in (self.empty, self.results, self.own):
            self.stack.addWidget(page)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 4, 8, 4)
        column.setSpacing(7)
        for widget in (self.messages, self.setup):
            column.addWidget(widget)
        column.addWidget(self.stack, 1)
        column.addWidget(self.status)
        self.status.hide()
        self._actions = self._make_actions()
        self._connect()
        self.set_theme(theme)

    # The contract of a workspace

    def activate(self) -> None:
        self.setup.refresh()

    def close_down(self) -> bool:
        return self.model.close()

    def actions(self) -> list[QAction]:
        return list(self._actions)

    def tools(self) -> list[QAction]:
        return list(self._actions)

    def take(self, wanted: Navigation) -> None:
        """Place scans among the tokens of their model."""
        if isinstance(wanted, PlaceScans):
            self.messages.hide()
            self.model.place(PlaceRequest(self._session.load, self._session.device, wanted))

    def set_theme(self, theme: Theme) -> None:
        for part in (self.messages, self.setup, self.status, self.empty, self.results, self.own):
            part.set_theme(theme)
        for action, name in zip(self._actions, ("chart-box-outline", "table-arrow-right", "content-copy"), strict=True):
            action.setIcon(icon(name, theme.quiet))

    # User actions

    def compare(self) -> None:
        """Start the comparison chosen at the top."""
        model, baseline = self.setup.runs
        if not self.setup.ready or self.setup.dataset is None or model is None or baseline is None:
            return
        self._request = CompareRequest(
            self._session.load, self._session.device, model, baseline, self.setup.dataset,
            *self.results.wanted_layout, self.setup.anomalous.isChecked(), self.setup.third_run,
        )  # fmt: skip
        self.messages.hide()
        self.model.compare(self._request)

    def command(self) -> str:
        """The command line that reproduces the comparison."""
        flat = self.results.flat
        assert self._request is not None and flat is not None
        return replace(self._request, seed=flat.seed, perplexity=self.results.asked_perplexity).command()

    # Parts

    def _make_actions(self) -> list[QAction]:
        menu = QMenu(self.results.export)
        entries: tuple[tuple[str, Callable[[], object]], ...] = (
            ("Save Figure…", self.save_figure),
            ("Save Numbers…", self.save_numbers),
            ("Copy Command", self.copy_command),
        )
        found = []
        for text, act in entries:
            action = QAction(text, self, enabled=False)
            action.triggered.connect(lambda _=False, act=act: act())
            menu.addAction(action)
            found.append(action)
        self.results.export.setMenu(menu)
        return found

    def _connect(self) -> None:
        self.setup.compare_wanted.connect(self.compare)
        self.setup.anomalous.toggled.connect(self._on_anomalous)
        self.empty.dataset.clicked.connect(self.setup.dataset_button.click)
        self.status.cancel_wanted.connect(self.model.stop)
        self.model.progress_changed.connect(self.status.show_progress)
        self.model.progress_changed.connect(lambda progress: self.status.setVisible(progress is not None))
        self.model.compared.connect(self._on_compared)
        self.model.flattened.connect(self.results.show_flat)
        self.model.placed.connect(self._on_placed)
        self.model.failed.connect(self.messages.warn)
        self.model.pictured.connect(lambda index, points: self.results.show_picture(index, np.asarray(points)))
        self.model.written.connect(self._on_written)
        self.results.open_wanted.connect(lambda path: self._session.navigate(OpenScans((path,))))
        self.results.picture_wanted.connect(self.model.picture)
        self.results.layout_wanted.connect(self._on_layout)
        self.own.back_wanted.connect(self._leave_placed)
        self.own.scan_wanted.connect(self._show_in_inspect)

    def _on_compared(self, found: Comparison, flat: Flat) -> None:
        self.results.show_comparison(found, flat)
        for action in self._actions:
            action.setEnabled(True)
        self.stack.setCurrentWidget(self.results)
        notes = [*found.warnings, *(str(error) for error in found.errors)]
        if notes:
            self.messages.inform(" ".join(f"{note}." for note in notes[:3]))

    def _on_layout(self, seed: int, perplexity: float) -> None:
        if self.results.found is not None:
            self.model.flatten(self.results.found, seed, perplexity)

    def _on_anomalous(self, wanted: bool) -> None:
        """Defective samples are read while the tokens are collected, so they cannot come or go without that."""
        if self.results.found is None or self._request is None:
            return
        if wanted == self._request.anomalous:
            self.messages.hide()
            return
        what = "shown" if wanted else "left out"
        self.messages.inform(
            f"Defective samples are {what} from the next comparison on.", "Compare again", self.compare
        )

    def _on_placed(self, placed: Placed) -> None:
        self.own.show_placed(placed, self._session.current)
        self.stack.setCurrentWidget(self.own)

    def _leave_placed(self) -> None:
        self.stack.setCurrentWidget(self.empty if self.results.found is None else self.results)

    def _show_in_inspect(self, entry_id: int) -> None:
        if self._session.get(entry_id) is not None:
            self._session.show(entry_id)
            self._session.navigate(ShowWorkspace("inspect"))

    def _on_written(self, path: Path) -> None:
        self.messages.inform(f"Saved {path}", "Open", lambda: open_file(path))

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        if event.key() != Qt.Key.Key_Escape:
            super().keyPressEvent(event)
        elif self.model.busy:
            self.model.stop()
        else:
            self.results.end_selection()

    # Files

    def save_figure(self) -> None:
        """Save the figure, in the format of the suffix."""
        self._save("figure", "ice.svg", FIGURES, write_figure)

    def save_numbers(self) -> None:
        """Save one row per sample, or all arrays."""
        self._save("numbers", "ice.csv", NUMBERS, write_numbers)

    def copy_command(self) -> None:
        if self.results.found is not None:
            QGuiApplication.clipboard().setText(self.command())
            self.messages.inform("The command that repeats this comparison is on the clipboard.")

    def _save(self, what: str, name: str, kinds: str, write: Callable[[Path, Comparison, Flat], None]) -> None:
        found, flat = self.results.found, self.results.flat
        if found is None or flat is None:
            return
        start = str(self._settings.last_folder / name)
        text, kind = QFileDialog.getSaveFileName(self, f"Save {what}", start, kinds)
        if text:
            path = Path(text)
            if not path.suffix:
                path = path.with_suffix(kind.rpartition("*")[2].rstrip(")"))
            self._settings.last_folder = path.parent
            self.model.write(path, lambda target: write(target, found, flat))
