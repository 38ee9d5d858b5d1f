"""Reconstruction error of a few sample parts during training: before the first step beside a selected epoch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QScrollArea, QSlider, QVBoxLayout, QWidget

from app.widgets.error_details import plain_label
from app.widgets.heat_picture import heat_picture
from sedir_core.errors import BadRun
from sedir_core.training.preview_file import Preview, read_previews

PICTURE = 104
WARM = 50  # percentile of the untrained network's token errors at the middle of the colours
EXPLAIN = (
    "Colour: reconstruction error at each place; blue is low. All pictures share one scale.\n"
    "The dent is added for this picture; the network must not learn to reconstruct it."
)


class PreviewPanel(QFrame):
    """One card per sample, with a slider over the epochs. Hidden while empty."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self._files: tuple[tuple[int, Path], ...] = ()
        self._read: dict[Path, list[Preview]] = {}
        self.cards: list[_Card] = []
        self.epoch = QSlider(Qt.Orientation.Horizontal, pageStep=1, minimumWidth=160)
        self.epoch.setAccessibleName("Epoch of the pictures")
        self.epoch.valueChanged.connect(self._show_epoch)
        self.said = QLabel(objectName="quiet", minimumWidth=80)
        head = QHBoxLayout()
        head.addWidget(QLabel("Sample parts", objectName="sectionTitle", toolTip=EXPLAIN))
        head.addWidget(plain_label("reconstruction error before training and now", "faint"), 1)
        head.addWidget(self.said)
        head.addWidget(self.epoch)
        inside = QWidget()
        self._row = QHBoxLayout(inside)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(18)
        self._row.addStretch()
        scroll = QScrollArea(widgetResizable=True, verticalScrollBarPolicy=Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setAccessibleName("Sample parts")
        scroll.setWidget(inside)
        scroll.viewport().setAutoFillBackground(False)
        inside.setAutoFillBackground(False)
        scroll.setFixedHeight(PICTURE + 46)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 10, 14, 6)
        column.setSpacing(6)
        column.addLayout(head)
        column.addWidget(scroll)
        self.hide()

    def show_files(self, files: tuple[tuple[int, Path], ...]) -> None:
        """(epoch, file) in order. Shows the newest, unless the user has selected an earlier one of the same run."""
        if files == self._files:
            return
        grown = self._files == files[: len(self._files)]
        at_end = not grown or self.epoch.value() >= len(self._files) - 1
        self._files = files
        still = {path for _, path in files}
        self._read = {path: read for path, read in self._read.items() if path in still}
        self.epoch.blockSignals(True)
        self.epoch.setRange(0, max(len(files) - 1, 0))
        if at_end:
            self.epoch.setValue(len(files) - 1)
        self.epoch.blockSignals(False)
        self.epoch.setVisible(len(files) > 1)
        self._show_epoch()

    def _show_epoch(self) -> None:
        files = self._files
        at = min(max(self.epoch.value(), 0), max(len(files) - 1, 0))
        first = self._of(files[0][1]) if files else []
        now = self._of(files[at][1]) if files else []
        fits = bool(first) and len(first) == len(now)
        self.setVisible(fits)
        if not fits:
            return
        epoch = files[at][0]
        self.said.setText(f"epoch {epoch}" if epoch else "not trained")
        limit = float(np.percentile(np.concatenate([one.residuals for one in first]), WARM))
        while len(self.cards) < len(now):
            self.cards.append(_Card())
            self._row.insertWidget(len(self.cards) - 1, self.cards[-1])
        for card, before, after in zip(self.cards, first, now, strict=False):
            card.show_pair(before, after, limit, f"epoch {epoch}" if epoch else "not trained")
        for i, card in enumerate(self.cards):
            card.setVisible(i < len(now))

    def _of(self, path: Path) -> list[Preview]:
        if path not in self._read:
            try:
                self._read[path] = read_previews(path)
            except BadRun:  # removed or damaged: nothing to show, nothing lost
                self._read[path] = []
        return self._read[path]


class _Card(QWidget):
    """One sample, before and now."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = QLabel(objectName="quiet")
        self.title.setTextFormat(Qt.TextFormat.PlainText)
        self._pictures = (QLabel(), QLabel())
        self._captions = (QLabel("not trained", objectName="faint"), QLabel(objectName="faint"))
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(2)
        grid.addWidget(self.title, 0, 0, 1, 2)
        for column, (picture, caption) in enumerate(zip(self._pictures, self._captions, strict=True)):
            picture.setFixedSize(PICTURE, PICTURE)
            grid.addWidget(picture, 1, column)
            grid.addWidget(caption, 2, column, Qt.AlignmentFlag.AlignHCenter)

    def show_pair(self, before: Preview, after: Preview, limit: float, caption: str) -> None:
        """limit: the error at the middle of the colours."""
        self.title.setText(f"{after.category}, {'dented' if after.damaged else 'good'}")
        self._captions[1].setText(caption)
        for label, one in zip(self._pictures, (before, after), strict=True):
            picture = heat_picture(one.centres, one.residuals, limit, PICTURE, self.devicePixelRatioF())
            label.setPixmap(picture)
            mean = float(one.residuals.mean())
            label.setToolTip(f"mean error {mean:.3g}, largest {float(one.residuals.max()):.3g}")
