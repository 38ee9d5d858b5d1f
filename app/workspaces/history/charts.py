"""The two charts below the table, with their choices of grouping and part."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QVBoxLayout, QWidget

from app.jobs.past import ChartData
from app.views.control_charts import RunChartView, ShareChartView
from app.widgets.elided import Elided
from app.widgets.theme import Theme
from sedir_core.history.control import Grouping, RunChart, ShareChart

GROUPINGS: tuple[tuple[str, Grouping], ...] = (("by day", "day"), ("by hour", "hour"), ("by lot", "lot"))


class Charts(QWidget):
    """`chosen` carries the key of an inspection, `lot_chosen` a lot."""

    chosen = Signal(str)
    lot_chosen = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._data = ChartData({}, {})
        self.share, self.run = ShareChartView(theme), RunChartView(theme)
        self.grouping, self.part = QComboBox(), QComboBox()
        self.grouping.setAccessibleName("Grouping of the NG share")
        self.part.setAccessibleName("Part of the score chart")
        self.part.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        for words, value in GROUPINGS:
            self.grouping.addItem(words, value)
        self.grouping.currentIndexChanged.connect(self._show_share)
        self.part.currentIndexChanged.connect(self._show_run)
        self.run.chosen.connect(self.chosen)
        self.share.chosen.connect(self._on_group)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(10)
        for title, combo, chart, stretch in (
            ("Share of NG", self.grouping, self.share, 2), ("Score of one part over time", self.part, self.run, 3),
        ):  # fmt: skip
            head = QHBoxLayout()
            caption = Elided("sectionTitle")
            caption.say(title)
            head.addWidget(caption, 1)
            head.addWidget(combo)
            column = QVBoxLayout()
            column.setSpacing(6)
            column.addLayout(head)
            column.addWidget(chart, 1)
            row.addLayout(column, stretch)

    def set_theme(self, theme: Theme) -> None:
        self.share.set_theme(theme)
        self.run.set_theme(theme)

    def show_data(self, data: ChartData) -> None:
        """Show the charts, keeping the selected part if it still occurs."""
        self._data = data
        chosen = self.part.currentData()
        blocked = self.part.blockSignals(True)
        self.part.clear()
        for part in data.runs:
            self.part.addItem(part or "unknown", part)
        self.part.setCurrentIndex(max(0, self.part.findData(chosen)))
        self.part.blockSignals(blocked)
        self.part.setEnabled(len(data.runs) > 1)
        self._show_share()
        self._show_run()

    def _show_share(self, *_: object) -> None:
        self.share.show_chart(self._data.shares.get(self.grouping.currentData(), ShareChart(0.0, ())))

    def _show_run(self, *_: object) -> None:
        self.run.show_chart(*self._data.runs.get(self.part.currentData(), (RunChart((), None, None, {}), 0)))

    def _on_group(self, name: str) -> None:
        if self.grouping.currentData() == "lot":
            self.lot_chosen.emit(name)
