"""The ICE workspace: two runs or three on the same samples, side by side, with one selection through all views."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QAction, QGuiApplication, QKeyEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QScrollArea,
    QSpinBox,
    QSplitter,
    QStackedWidget,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from app.jobs.saving import open_file
from app.state.navigation import Navigation, OpenScans, PlaceScans, ShowWorkspace
from app.state.session import Session
from app.state.settings import Settings
from app.views.category_charts import ConfusionView, DumbbellChart, RelationChart
from app.views.sample_view import SampleView
from app.views.scatter import MarkLook, ScatterView
from app.widgets.elided import Elided
from app.widgets.job_status import JobStatus
from app.widgets.messages import MessageBar
from app.widgets.number_field import indented
from app.widgets.theme import Theme, icon
from app.workspaces.ice.model import CompareRequest, IceModel, write_figure, write_numbers
from app.workspaces.ice.panels import CategoryLegend, CompareIntro, MeasureTable, Thumbnail
from app.workspaces.ice.placing import Placed, PlacePlot, PlaceRequest
from app.workspaces.ice.setup import SetupBar
from sedir_core.config import METHOD_NAMES
from sedir_core.evaluation.ice_style import BASELINE, DARK_RUNS, MODEL, RUN_MARKS, THIRD, category_style
from sedir_core.places import bundled_runs, user_runs
from sedir_core.types import BoolArray, IntArray

if TYPE_CHECKING:
    from sedir_core.evaluation.ice import Comparison
    from sedir_core.evaluation.tsne import Flat

SIDE_PX = 176
"""Width of the legend, and of the sample below it."""
PERPLEXITIES = (5, 15, 30, 50)
USUAL = 30
NOT_METRIC = "t-SNE preserves neighbourhoods, not distances: only nearness is meaningful."
FIGURES = "SVG (*.svg);;PDF (*.pdf);;PNG (*.png)"
NUMBERS = "CSV (*.csv);;NPZ (*.npz);;JSON (*.json)"
RUNS = (MODEL, BASELINE, THIRD)


class IcePage(QWidget):
    """See the module's docstring. `activate` is called whenever the page is shown."""

    def __init__(self, session: Session, settings: Settings, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._settings, self._theme = session, settings, theme
        self.model = IceModel(self)
        self.found: Comparison | None = None
        self.flat: Flat | None = None
        self._request: CompareRequest | None = None
        self.messages = MessageBar(theme)
        self.setup = SetupBar((bundled_runs(), user_runs()), theme)
        self.status = JobStatus(theme)
        self.empty = CompareIntro(theme)
        self.scatters = tuple(ScatterView(theme) for _ in RUNS)
        self.titles = tuple(Elided("paneTitle") for _ in RUNS)
        self.legend = CategoryLegend()
        self.sample = SampleView(theme)
        self.scores, self.errors = DumbbellChart(theme, RUNS), DumbbellChart(theme, RUNS)
        self.relation = RelationChart(theme, RUNS)
        self.confusions = tuple(ConfusionView(theme, RUNS, run) for run in range(len(RUNS)))
        self.table = MeasureTable(theme)
        self.seed = indented(QSpinBox(maximum=9999, toolTip="Another seed gives another plot of the same tokens"))
        self.perplexity = QComboBox(toolTip="Roughly the number of neighbours considered per sample")
        self.seed.setAccessibleName("Seed")
        self.perplexity.setAccessibleName("Perplexity")
        for value in PERPLEXITIES:
            self.perplexity.addItem(str(value), value)
        self.perplexity.setCurrentIndex(PERPLEXITIES.index(USUAL))
        self.caution = Elided("quiet")
        self.chosen_label = QLabel(objectName="quiet")
        self.show_all = QPushButton("Show all", toolTip="Clear the selection (Esc)", visible=False)
        self.export = QPushButton("Export")
        self.stack = QStackedWidget()
        self.stack.addWidget(self.empty)
        self.stack.addWidget(self._results())
        self.own = PlacePlot(theme)
        self.stack.addWidget(self.own)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 4, 8, 4)
        column.setSpacing(7)
        for widget in (self.messages, self.setup):
            column.addWidget(widget)
        column.addWidget(self.stack, 1)
        column.addWidget(self.status)
        self.status.hide()
        self.thumbnail = Thumbnail(theme, self)
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
        self._theme = theme
        for part in (
            self.messages, self.setup, self.status, self.empty, self.own, self.thumbnail, self.sample, self.scores,
            self.errors, self.relation, self.table,
        ):  # fmt: skip
            part.set_theme(theme)
        for view, square in zip(self.scatters, self.confusions, strict=True):
            view.set_theme(theme)
            square.set_theme(theme)
        self.export.setIcon(icon("export-variant", theme.quiet))
        for action, name in zip(self._actions, ("chart-box-outline", "table-arrow-right", "content-copy"), strict=True):
            action.setIcon(icon(name, theme.quiet))
        colours = DARK_RUNS if theme.name == "dark" else RUNS
        for chart in (self.scores, self.errors, self.relation, *self.confusions):
            chart.set_runs(*colours)
        for title, colour in zip(self.titles, colours, strict=True):
            title.setStyleSheet(f"color: {colour};")
        if self.found is not None:
            looks = self._looks()
            self.legend.set_looks(looks)
            for view in self._shown:
                view.set_looks(looks)

    # User actions

    def compare(self) -> None:
        """Start the comparison chosen at the top."""
        model, baseline = self.setup.runs
        if not self.setup.ready or self.setup.dataset is None or model is None or baseline is None:
            return
        self._request = CompareRequest(
            self._session.load, self._session.device, model, baseline, self.setup.dataset,
            self.seed.value(), float(self.perplexity.currentData()), self.setup.anomalous.isChecked(),
            self.setup.third_run,
        )  # fmt: skip
        self.messages.hide()
        self.model.compare(self._request)

    def select(self, indices: IntArray) -> None:
        """Highlight these samples in every view; none highlights all."""
        if self.found is None:
            return
        mask: BoolArray | None = None
        if len(indices):
            mask = np.zeros(len(self.found.samples), np.bool_)
            mask[indices] = True
        categories = None if mask is None else frozenset(self.found.labels[mask].tolist())
        for view in self._shown:
            view.select(mask)
        for chart in (self.scores, self.errors, self.relation):
            chart.choose(categories)
        self._show_confusion(mask)
        n_categories = len(categories or ())
        kinds = "category" if n_categories == 1 else "categories"
        text = f"{len(indices)} of {len(self.found.samples)} samples, {n_categories} {kinds}"
        self.chosen_label.setText("" if mask is None else text)
        self.show_all.setVisible(mask is not None)

    def command(self) -> str:
        """The command line that reproduces the comparison."""
        assert self._request is not None and self.flat is not None
        from dataclasses import replace

        return replace(self._request, seed=self.flat.seed, perplexity=self._asked_perplexity).command()

    # Parts

    def _results(self) -> QWidget:
        options = QHBoxLayout()
        options.setSpacing(8)
        options.addWidget(QLabel("Seed", objectName="quiet"))
        options.addWidget(self.seed)
        options.addWidget(QLabel("Perplexity", objectName="quiet"))
        options.addWidget(self.perplexity)
        options.addSpacing(8)
        options.addWidget(self.caution, 1)
        options.addWidget(self.chosen_label)
        options.addWidget(self.show_all)
        options.addWidget(self.export)
        top = QWidget()
        row = QHBoxLayout(top)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(7)
        self._panels = []
        for title, view in zip(self.titles, self.scatters, strict=True):
            self._panels.append(_panel(title, view))
            row.addWidget(self._panels[-1], 1)
        side = QVBoxLayout()
        side.setSpacing(7)
        side.addWidget(self.legend, 3)
        shown = _panel(None, self.sample)
        shown.setFixedWidth(SIDE_PX)
        self.legend.setFixedWidth(SIDE_PX)
        side.addWidget(shown, 2)
        row.addLayout(side)
        confusion = QWidget()
        second = QHBoxLayout(confusion)
        for square in self.confusions:
            second.addWidget(square)
        self.tabs = QTabWidget(documentMode=True)
        self.tabs.addTab(self.table, "Separation")
        self.tabs.addTab(self.relation, "Score and error")
        self.tabs.addTab(confusion, "Confusion")
        bottom = QWidget()
        row = QHBoxLayout(bottom)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(7)
        row.addWidget(_panel(QLabel("Classification score", objectName="paneTitle"), self.scores), 4)
        row.addWidget(_panel(QLabel("Normal error", objectName="paneTitle"), self.errors), 4)
        row.addWidget(_panel(None, self.tabs), 11)
        splitter = QSplitter(Qt.Orientation.Vertical, childrenCollapsible=False)
        splitter.addWidget(top)
        splitter.addWidget(bottom)
        splitter.setSizes([560, 440])
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(options)
        column.addWidget(splitter, 1)
        # In a low window the plots scroll; squeezed, their marks would lie on each other.
        scroll = QScrollArea(widgetResizable=True, horizontalScrollBarPolicy=Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(page)
        page.setAutoFillBackground(False)
        scroll.viewport().setAutoFillBackground(False)
        return scroll

    def _make_actions(self) -> list[QAction]:
        menu = QMenu(self.export)
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
        self.export.setMenu(menu)
        return found

    def _connect(self) -> None:
        self.setup.compare_wanted.connect(self.compare)
        self.empty.dataset.clicked.connect(self.setup.dataset_button.click)
        self.status.cancel_wanted.connect(self.model.stop)
        self.model.progress_changed.connect(self.status.show_progress)
        self.model.progress_changed.connect(lambda progress: self.status.setVisible(progress is not None))
        self.model.compared.connect(self._on_compared)
        self.model.flattened.connect(self._show_flat)
        self.model.placed.connect(self._on_placed)
        self.own.back_wanted.connect(lambda: self.stack.setCurrentIndex(0 if self.found is None else 1))
        self.own.scan_wanted.connect(self._show_in_inspect)
        self.model.failed.connect(self.messages.warn)
        self.model.pictured.connect(self._on_pictured)
        self.model.written.connect(self._on_written)
        self.seed.editingFinished.connect(self._lay_out)
        self.perplexity.activated.connect(self._lay_out)
        self.show_all.clicked.connect(self._end_selection)
        self.legend.chosen.connect(self._on_categories)
        for chart in (self.scores, self.errors):
            chart.category_clicked.connect(self._choose_category)
        for view in self.scatters:
            view.hovered.connect(lambda index, view=view: self._on_hovered(view, index))
            view.clicked.connect(self._open)
            view.lassoed.connect(self._on_lassoed)

    # Results

    def _on_compared(self, found: Comparison, flat: Flat) -> None:
        self.found = found
        self.legend.show_categories(found.categories, self._looks())
        for run, title, mark in zip(found.runs, self.titles, RUN_MARKS, strict=False):
            told = " · category given" if run.needs_category else ""
            title.say(f"{mark}  {METHOD_NAMES.get(run.method, run.method)} · {run.name}{told}")
        for i, (panel, square) in enumerate(zip(self._panels, self.confusions, strict=True)):
            panel.setVisible(i < len(found.runs))
            square.setVisible(i < len(found.runs))
        self.scores.show_values(found.categories, [run.classification_score for run in found.runs], unit=True)
        self.errors.show_values(found.categories, [run.normal_error for run in found.runs], unit=False)
        self.relation.show_points(
            found.categories,
            [np.column_stack([run.classification_score, run.normal_error]) for run in found.runs],
        )
        self.sample.show_sample("", "")
        self.table.show_comparison(found)
        self._show_flat(flat)
        self._end_selection()
        for action in self._actions:
            action.setEnabled(True)
        self.stack.setCurrentIndex(1)
        notes = [*found.warnings, *(str(error) for error in found.errors)]
        if notes:
            self.messages.inform(" ".join(f"{note}." for note in notes[:3]))

    def _on_placed(self, placed: Placed) -> None:
        self.own.show_placed(placed, self._session.current)
        self.stack.setCurrentWidget(self.own)

    def _show_in_inspect(self, entry_id: int) -> None:
        if self._session.get(entry_id) is not None:
            self._session.show(entry_id)
            self._session.navigate(ShowWorkspace("inspect"))

    def _show_flat(self, flat: Flat) -> None:
        assert self.found is not None
        self.flat = flat
        self._asked_perplexity = float(self.perplexity.currentData())
        self.caution.say(_caution(flat, self._asked_perplexity, len(self.found.labels)))
        looks = self._looks()
        for view, places in zip(self.scatters, flat.places, strict=False):
            view.show_points(places, self.found.labels, self.found.anomalous, looks)
        self._end_selection()

    @property
    def _shown(self) -> tuple[ScatterView, ...]:
        """The plots that have a run."""
        return self.scatters[: 0 if self.found is None else len(self.found.runs)]

    def _looks(self) -> list[MarkLook]:
        n = len(self.found.categories) if self.found is not None else 0
        return [MarkLook(*category_style(c, self._theme.name == "dark")) for c in range(n)]

    def _show_confusion(self, mask: BoolArray | None) -> None:
        assert self.found is not None
        normal = ~self.found.anomalous
        rows = normal if mask is None else normal & mask
        for view, run in zip(self.confusions, self.found.runs, strict=False):
            view.show_counts(self.found.categories, run.confusion(self.found.labels, rows))

    def _on_pictured(self, index: int, points: object) -> None:
        if index == self._pictured:
            self.sample.show_points(np.asarray(points))
        if self.thumbnail.isVisible() and index == self._hovered:
            self.thumbnail.show_points(np.asarray(points))

    def _on_written(self, path: Path) -> None:
        self.messages.inform(f"Saved {path}", "Open", lambda: open_file(path))

    # Hover and selection

    _hovered = -1
    _pictured = -1  # the last one that was hovered
    _asked_perplexity = float(USUAL)

    def _on_hovered(self, view: ScatterView, index: int) -> None:
        self._hovered = index
        for other in self._shown:
            other.mark(index)
        if self.found is None or index < 0:
            self.thumbnail.hide()
            return
        sample = self.found.samples[index]
        at = view.mapTo(self, view.position(index).toPoint())
        kind = (sample.defect or "defective") if sample.anomalous else "normal"
        self.thumbnail.show_sample(sample.path.name, f"{sample.category} · {kind}", QPointF(at))
        self.sample.show_sample(sample.path.name, f"{sample.category} · {kind}")
        self._pictured = index
        self.model.picture(index, sample.path)

    def _open(self, index: int) -> None:
        if self.found is not None:
            self.thumbnail.hide()
            self._session.navigate(OpenScans((self.found.samples[index].path,)))

    def _on_lassoed(self, indices: IntArray) -> None:
        self.legend.forget()
        self.select(indices)

    def _on_categories(self, categories: list[int]) -> None:
        if self.found is not None:
            self.select(np.flatnonzero(np.isin(self.found.labels, categories)))

    def _choose_category(self, category: int) -> None:
        self.legend.clearSelection()
        self.legend.setCurrentRow(category)

    def _end_selection(self) -> None:
        self.legend.forget()
        self.select(np.zeros(0, np.int64))

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        if event.key() != Qt.Key.Key_Escape:
            super().keyPressEvent(event)
        elif self.model.busy:
            self.model.stop()
        else:
            self._end_selection()

    def _lay_out(self, *_: object) -> None:
        wanted = self.seed.value(), float(self.perplexity.currentData())
        if self.found is not None and self.flat is not None and wanted != (self.flat.seed, self._asked_perplexity):
            self.model.flatten(self.found, *wanted)

    # Files

    def save_figure(self) -> None:
        """Save the figure, in the format of the suffix."""
        self._save("figure", "ice.svg", FIGURES, write_figure)

    def save_numbers(self) -> None:
        """Save one row per sample, or all arrays."""
        self._save("numbers", "ice.csv", NUMBERS, write_numbers)

    def copy_command(self) -> None:
        if self.found is not None:
            QGuiApplication.clipboard().setText(self.command())
            self.messages.inform("The command that repeats this comparison is on the clipboard.")

    def _save(self, what: str, name: str, kinds: str, write: Callable[[Path, Comparison, Flat], None]) -> None:
        if self.found is None or self.flat is None:
            return
        found, flat = self.found, self.flat
        start = str(self._settings.last_folder / name)
        text, kind = QFileDialog.getSaveFileName(self, f"Save {what}", start, kinds)
        if text:
            path = Path(text)
            if not path.suffix:
                path = path.with_suffix(kind.rpartition("*")[2].rstrip(")"))
            self._settings.last_folder = path.parent
            self.model.write(path, lambda target: write(target, found, flat))


def _panel(title: QLabel | None, content: QWidget) -> QFrame:
    panel = QFrame(objectName="panel")
    column = QVBoxLayout(panel)
    column.setContentsMargins(10, 8, 10, 8)
    column.setSpacing(4)
    if title is not None:
        column.addWidget(title)
    column.addWidget(content, 1)
    return panel


def _caution(flat: Flat, asked: float, n_samples: int) -> str:
    """Caveat on how far the embedding can be trusted."""
    if flat.perplexity >= asked:
        return NOT_METRIC
    return f"{n_samples} samples: perplexity lowered to {flat.perplexity:g}, and measures are coarse. {NOT_METRIC}"
