"""Where scans lie among a model's own tokens: worked out in the background, shown in one plot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QListWidget, QPushButton, QVBoxLayout, QWidget

from app.state.navigation import PlacedScan, PlaceScans
from app.state.session import Load
from app.views.scatter import MarkLook, ScatterView
from app.widgets.theme import Theme
from app.workspaces.ice.panels import CategoryLegend
from sedir_core.evaluation.ice_style import category_style
from sedir_core.types import FloatArray, Report, Stop

if TYPE_CHECKING:
    from sedir_core.evaluation.own_tokens import OwnTokens

EMBEDDING = 0.8
"""Share of the progress until the model's tokens are there; the rest is t-SNE."""
PERPLEXITY = 15.0
SIDE_PX = 300


@dataclass(frozen=True)
class PlaceRequest:
    """load: the session's."""

    load: Load
    device: str
    wanted: PlaceScans


@dataclass(frozen=True, eq=False)
class Placed:
    """flat: (n + s, 2), the model's own tokens and then those of the scans."""

    run_dir: Path
    own: OwnTokens
    scans: tuple[PlacedScan, ...]
    flat: FloatArray


def place_scans(request: PlaceRequest, report: Report, stop: Stop) -> Placed:
    """Raises BadRun, DeviceUnavailable, Cancelled."""
    report(0.0, "loading the model")
    from sedir_core.evaluation.own_tokens import own_tokens
    from sedir_core.evaluation.tsne import tsne

    wanted = request.wanted
    detector = request.load(wanted.run_dir, request.device)
    own = own_tokens(detector, report=lambda done, stage: report(EMBEDDING * done, stage), stop=stop)
    report(EMBEDDING, "t-SNE")
    flat = tsne(np.concatenate([own.tokens, *(scan.token[None] for scan in wanted.scans)]), 0, PERPLEXITY, stop)
    return Placed(wanted.run_dir, own, wanted.scans, flat)


def place_words(own: OwnTokens, scan: PlacedScan) -> str:
    """`part.ply: nearest to flange (1.2), then cup (7.9)`."""
    ranked = [f"{name} ({away:.1f})" for name, away in own.nearest(scan.token)[:2]]
    return f"{scan.name}: nearest to " + ", then ".join(ranked)


class PlacePlot(QWidget):
    """Small marks are the model's own, hollow ones the scans that are open; each scan in words beside."""

    scan_wanted = Signal(int)  # entry id
    back_wanted = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.placed: Placed | None = None
        self.title = QLabel("Where the open scans lie among what the model knows", objectName="paneTitle")
        self.back = QPushButton("Back to the comparison")
        self.view, self.legend = ScatterView(theme), CategoryLegend()
        self.words = QListWidget()
        self.words.setAccessibleName("The open scans, and which kinds of part they lie nearest to")
        self.words.setWordWrap(True)
        self.words.setFrameShape(QFrame.Shape.NoFrame)
        note = QLabel(
            "Numbers: how far away the nearest token of that kind of part is, as a multiple of what is usual "
            "within one kind. In the picture only neighbourhoods count.",
            objectName="quiet", wordWrap=True,
        )  # fmt: skip
        head = QHBoxLayout()
        head.addWidget(self.title, 1)
        head.addWidget(self.back)
        side = QFrame(objectName="panel")
        side.setFixedWidth(SIDE_PX)
        column = QVBoxLayout(side)
        column.addWidget(self.words, 1)
        column.addWidget(note)
        body = QHBoxLayout()
        body.setSpacing(7)
        body.addWidget(self.view, 1)
        body.addWidget(self.legend)
        body.addWidget(side)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addLayout(head)
        whole.addLayout(body, 1)
        self.title.setTextFormat(Qt.TextFormat.PlainText)
        self.back.clicked.connect(self.back_wanted)
        self.words.currentRowChanged.connect(self._mark)
        self.words.itemActivated.connect(lambda item: self._open(self._n_own + self.words.row(item)))
        self.view.hovered.connect(self._on_hovered)
        self.view.clicked.connect(self._open)
        self.legend.chosen.connect(self._on_categories)

    @property
    def _n_own(self) -> int:
        return 0 if self.placed is None else len(self.placed.own.labels)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.view.set_theme(theme)
        if self.placed is not None:
            self.view.set_looks(self._looks())
            self.legend.set_looks(self._looks()[:-1])

    def show_placed(self, placed: Placed, current: int | None) -> None:
        """current: the id of the scan on show in Inspect."""
        self.placed = placed
        own, looks = placed.own, self._looks()
        self.legend.show_categories(own.categories, looks[:-1])
        labels = np.concatenate([own.labels, np.full(len(placed.scans), len(own.categories), np.int64)])
        self.view.show_points(placed.flat, labels, labels == len(own.categories), looks)
        self.words.clear()
        self.words.addItems([place_words(own, scan) for scan in placed.scans])
        ids = [scan.id for scan in placed.scans]
        self.words.setCurrentRow(ids.index(current) if current in ids else 0)
        self.title.setText(f"Where the open scans lie among what {placed.run_dir.name} knows")

    def _looks(self) -> Sequence[MarkLook]:
        """Of the categories, and last of the open scans."""
        n = 0 if self.placed is None else len(self.placed.own.categories)
        styles = [MarkLook(*category_style(c, self._theme.name == "dark")) for c in range(n)]
        return [*styles, MarkLook(self._theme.ink, "diamond")]

    def _mark(self, row: int) -> None:
        self.view.mark(-1 if row < 0 else self._n_own + row)

    def _on_hovered(self, index: int) -> None:
        if index >= self._n_own:
            self.words.setCurrentRow(index - self._n_own)
        else:
            self._mark(self.words.currentRow())

    def _on_categories(self, chosen: list[int]) -> None:
        if self.placed is None:
            return
        own = np.isin(self.placed.own.labels, chosen)
        self.view.select(np.concatenate([own, np.ones(len(self.placed.scans), np.bool_)]) if chosen else None)

    def _open(self, index: int) -> None:
        if self.placed is not None and index >= self._n_own:
            self.scan_wanted.emit(self.placed.scans[index - self._n_own].id)
