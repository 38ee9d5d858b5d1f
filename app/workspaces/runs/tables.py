"""Tables beside the list of runs: metrics by category, settings, differences between two runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QResizeEvent
from PySide6.QtWidgets import QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from app.widgets.number_field import RIGHT
from app.widgets.plain_text import plain_tip
from app.widgets.theme import Theme
from app.workspaces.runs.table import percent
from sedir_core.names import printable
from sedir_core.runs.catalogue import MEASURES, RunDetail
from sedir_core.runs.compare import RunComparison

SHORT = ("O-AUROC", "P-AUROC", "O-AUPR", "P-AUPR")
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
BETTER = "▲ "
ROOMY = 640
FIRST, SECOND = "①", "②"
FATES = {
    "score": "score of good parts, % of the limit",
    "recognised": "recognised, %",
    "o_auroc": "O-AUROC, %",
    "p_auroc": "P-AUROC, %",
}


class PlainTable(QTableWidget):
    """Read-only; the first column stretches."""

    def __init__(self, heads: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(0, len(heads), parent)
        self.setObjectName("plain")
        self.setHorizontalHeaderLabels(list(heads))
        self.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QTableWidget.SelectionMode.NoSelection)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setShowGrid(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(28)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setDefaultAlignment(LEFT)
        header.setHighlightSections(False)
        header.setSectionsClickable(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)

    def put(self, row: int, column: int, text: str, right: bool = False, tip: str = "") -> QTableWidgetItem:
        item = QTableWidgetItem(printable(text))
        if right:
            item.setTextAlignment(RIGHT)
        item.setToolTip(plain_tip(tip))
        self.setItem(row, column, item)
        return item

    def align_heads(self, columns: Sequence[int]) -> None:
        for column in columns:
            head = self.horizontalHeaderItem(column)
            if head is not None:
                head.setTextAlignment(RIGHT)


class CategoryTable(PlainTable):
    """A run's metrics per category, and how categories inherited from another run have changed."""

    def __init__(self) -> None:
        super().__init__(("Category", "Limit", *SHORT, "Since then"))
        self.align_heads(range(1, 6))

    def show_detail(self, detail: RunDetail, theme: Theme) -> None:
        entry, old = detail.entry, detail.old_categories
        self.setRowCount(len(entry.categories))
        for row, name in enumerate(entry.categories):
            limit = detail.thresholds.get(name)
            self.put(row, 0, name)
            self.put(row, 1, "" if limit is None else f"{limit:#.3g}", right=True)
            for column, measure in enumerate(MEASURES, 2):
                self.put(row, column, percent(entry.measured.get(name, {}).get(measure)), right=True)
            fate = old.get(name, {})
            item = self.put(
                row, 6, "" if fate is None else fate_words(fate), tip="" if fate is None else fate_tip(fate)
            )
            item.setForeground(QColor(theme.ng if fate is not None and fate.get("worse") else theme.quiet))
        for column in range(2, 6):
            self.setColumnHidden(column, not entry.measured)
        self.setColumnHidden(6, not old)


class SettingsTable(PlainTable):
    """Every setting of a run, or those that differ between two."""

    def show_rows(self, rows: Sequence[tuple[str, ...]]) -> None:
        self.setRowCount(len(rows))
        for row, cells in enumerate(rows):
            for column, text in enumerate(cells):
                self.put(row, column, text.replace("_", " ") if column == 0 else text, tip=text)


class MeasuresTable(PlainTable):
    """Two runs side by side, category by category, the better one marked by a sign and in bold."""

    def __init__(self) -> None:
        super().__init__(("Category", *(head for name in SHORT for head in (f"{name}  {FIRST}", SECOND))))
        self.align_heads(range(1, 9))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """A narrow page hides the AUPR columns, which add little to the AUROC."""
        super().resizeEvent(event)
        for column in range(5, 9):
            self.setColumnHidden(column, self.viewport().width() < ROOMY)

    def show_comparison(self, found: RunComparison, theme: Theme) -> None:
        names = list(dict.fromkeys(pair.category for pair in found.pairs))
        self.setRowCount(len(names))
        for row, name in enumerate(names):
            self.put(row, 0, name)
            for pair in (pair for pair in found.pairs if pair.category == name):
                column = 1 + 2 * MEASURES.index(pair.measure)
                for side, value in (("first", pair.first), ("second", pair.second)):
                    won = pair.better == side
                    item = self.put(row, column, (BETTER if won else "") + (percent(value) or "–"), right=True)
                    item.setForeground(QColor(theme.ok if won else theme.ink))
                    font = QFont(item.font())
                    font.setBold(won)
                    item.setFont(font)
                    column += 1


def fate_words(fate: Mapping[str, Any]) -> str:
    """How an inherited category has changed, in a word or two; empty for others."""
    return "" if not fate else "worse" if fate.get("worse") else "as good"


def fate_reasons(fate: Mapping[str, Any]) -> str:
    """In which respects it became worse."""
    return " and ".join(map(str, fate.get("reasons") or ()))


def fate_tip(fate: Mapping[str, Any]) -> str:
    """The numbers behind the change."""
    lines = []
    for key, words in FATES.items():
        pair = fate.get(key)
        if isinstance(pair, list) and len(pair) == 2:
            before, after = (100 * float(value) for value in pair)
            lines.append(f"{words}: {before:.1f} before, {after:.1f} now")
    return "\n".join(lines)
