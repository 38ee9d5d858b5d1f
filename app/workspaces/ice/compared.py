"""The result of a comparison: two runs or three side by side, with one selection through all views."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtWidgets import (
    QBoxLayout,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSpinBox,
    QSplitter,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from app.views.category_charts import ConfusionView, DumbbellChart, RelationChart
from app.views.sample_view import SampleView
from app.views.scatter import MarkLook, ScatterView
from app.widgets.elided import Elided
from app.widgets.number_field import indented
from app.widgets.theme import Theme, icon
from app.workspaces.ice.panels import CategoryLegend, MeasureTable, Thumbnail
from sedir_core.config import METHOD_NAMES
from sedir_core.evaluation.ice_style import BASELINE, DARK_RUNS, MODEL, RUN_MARKS, THIRD, category_style
from sedir_core.types import BoolArray, DoubleArray, IntArray

if TYPE_CHECKING:
    from sedir_core.evaluation.ice import Comparison
    from sedir_core.evaluation.tsne import Flat

SIDE_PX = 176
"""Width of the legend, and of the sample below it."""
PERPLEXITIES = (5, 15, 30, 50)
USUAL = 30
NOT_METRIC = "t-SNE preserves neighbourhoods, not distances: only nearness is meaningful."
RUNS = (MODEL, BASELINE, THIRD)


class ComparedRuns(QWidget):
    """Shows a comparison and its embedding; hovering or selecting in one view marks the samples in all of them."""

    open_wanted = Signal(Path)  # of a scan
    picture_wanted = Signal(int, Path)  # index of a sample and its scan; answered by `show_picture`
    layout_wanted = Signal(int, float)  # another seed or perplexity

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.found: Comparison | None = None
        self.flat: Flat | None = None
        self.asked_perplexity = float(USUAL)
        """As chosen by the user; that of the embedding may be lower, since few samples allow no more."""
        self._hovered = self._pictured = -1  # the sample under the mouse, and the last one that was
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
        self._lay_out()
        self.thumbnail = Thumbnail(theme, self)
        self._connect()

    @property
    def wanted_layout(self) -> tuple[int, float]:
        """Seed and perplexity, as set by the user."""
        return self.seed.value(), float(self.perplexity.currentData())

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        for part in (self.thumbnail, self.sample, self.scores, self.errors, self.relation, self.table):
            part.set_theme(theme)
        for view, square in zip(self.scatters, self.confusions, strict=True):
            view.set_theme(theme)
            square.set_theme(theme)
        self.export.setIcon(icon("export-variant", theme.quiet))
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

    def show_comparison(self, found: Comparison, flat: Flat) -> None:
        """Show a comparison and the embedding of its tokens."""
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
        self.show_flat(flat)

    def show_flat(self, flat: Flat) -> None:
        """Show another embedding of the same tokens."""
        assert self.found is not None
        self.flat = flat
        self.asked_perplexity = self.wanted_layout[1]
        self.caution.say(_caution(flat, self.asked_perplexity, len(self.found.labels)))
        looks = self._looks()
        for view, places in zip(self.scatters, flat.places, strict=False):
            view.show_points(places, self.found.labels, self.found.anomalous, looks)
        self.end_selection()

    def show_picture(self, index: int, points: DoubleArray) -> None:
        """The points of a sample's scan: the answer to `picture_wanted`."""
        if index == self._pictured:
            self.sample.show_points(points)
        if self.thumbnail.isVisible() and index == self._hovered:
            self.thumbnail.show_points(points)

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

    def end_selection(self) -> None:
        """Highlight all samples."""
        self.legend.forget()
        self.select(np.zeros(0, np.int64))

    # Parts

    def _lay_out(self) -> None:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(self._options())
        splitter = QSplitter(Qt.Orientation.Vertical, childrenCollapsible=False)
        splitter.addWidget(self._plots())
        splitter.addWidget(self._numbers())
        splitter.setSizes([560, 440])
        column.addWidget(splitter, 1)
        # In a low window the plots scroll; squeezed, their marks would lie on each other.
        scroll = QScrollArea(widgetResizable=True, horizontalScrollBarPolicy=Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(page)
        page.setAutoFillBackground(False)
        scroll.viewport().setAutoFillBackground(False)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(scroll)

    def _options(self) -> QBoxLayout:
        """Above the plots: how they are laid out, what is selected, and export."""
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
        return options

    def _plots(self) -> QWidget:
        """A scatter plot per run, with the legend and the sample last pointed at beside them."""
        top, row = _row()
        self._panels = [_panel(title, view) for title, view in zip(self.titles, self.scatters, strict=True)]
        for panel in self._panels:
            row.addWidget(panel, 1)
        side = QVBoxLayout()
        side.setSpacing(7)
        side.addWidget(self.legend, 3)
        shown = _panel(None, self.sample)
        shown.setFixedWidth(SIDE_PX)
        self.legend.setFixedWidth(SIDE_PX)
        side.addWidget(shown, 2)
        row.addLayout(side)
        return top

    def _numbers(self) -> QWidget:
        """Below the plots: charts by category, and the measures of separation."""
        confusion = QWidget()
        squares = QHBoxLayout(confusion)
        for square in self.confusions:
            squares.addWidget(square)
        self.tabs = QTabWidget(documentMode=True)
        self.tabs.addTab(self.table, "Separation")
        self.tabs.addTab(self.relation, "Score and error")
        self.tabs.addTab(confusion, "Confusion")
        bottom, row = _row()
        row.addWidget(_panel(QLabel("Classification score", objectName="paneTitle"), self.scores), 4)
        row.addWidget(_panel(QLabel("Normal error", objectName="paneTitle"), self.errors), 4)
        row.addWidget(_panel(None, self.tabs), 11)
        return bottom

    def _connect(self) -> None:
        self.seed.editingFinished.connect(self._on_layout)
        self.perplexity.activated.connect(self._on_layout)
        self.show_all.clicked.connect(self.end_selection)
        self.legend.chosen.connect(self._on_categories)
        for chart in (self.scores, self.errors):
            chart.category_clicked.connect(self._choose_category)
        for view in self.scatters:
            view.hovered.connect(lambda index, view=view: self._on_hovered(view, index))
            view.clicked.connect(self._open)
            view.lassoed.connect(self._on_lassoed)

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

    # Hover and selection

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
        self.picture_wanted.emit(index, sample.path)

    def _open(self, index: int) -> None:
        if self.found is not None:
            self.thumbnail.hide()
            self.open_wanted.emit(self.found.samples[index].path)

    def _on_lassoed(self, indices: IntArray) -> None:
        self.legend.forget()
        self.select(indices)

    def _on_categories(self, categories: list[int]) -> None:
        if self.found is not None:
            self.select(np.flatnonzero(np.isin(self.found.labels, categories)))

    def _choose_category(self, category: int) -> None:
        self.legend.clearSelection()
        self.legend.setCurrentRow(category)

    def _on_layout(self, *_: object) -> None:
        if self.flat is not None and self.wanted_layout != (self.flat.seed, self.asked_perplexity):
            self.layout_wanted.emit(*self.wanted_layout)


def _row() -> tuple[QWidget, QHBoxLayout]:
    widget = QWidget()
    row = QHBoxLayout(widget)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(7)
    return widget, row


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
    few = f"{n_samples} samples are few: perplexity {flat.perplexity:.3g}, coarse measures"
    return f"{few}. In t-SNE only nearness is meaningful."  # short enough for the least width
