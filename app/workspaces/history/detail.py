"""Details of one past inspection: facts, reviews, and a button to reopen it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.jobs.past import Detail
from app.widgets.elided import Elided
from app.widgets.error_details import plain_label
from app.widgets.numbers import grouped
from app.widgets.theme import Theme, icon, icon_size, primary_icon, verdict_look
from app.workspaces.history import wording
from sedir_core.config import METHOD_NAMES
from sedir_core.evaluation.report_style import sentence
from sedir_core.evidence.wording import of_limit
from sedir_core.history.records import Inspection

MOST_DEFECTS = 3
"""Most defects named among the facts."""
FACTS = (
    "Scan",
    "Folder",
    "Time",
    "Part",
    "Lot",
    "Operator",
    "Station",
    "Model",
    "Limit",
    "Points",
    "Defects",
    "Took",
    "Checksum",
)
NOTHING = "Select a row to see its details.\nA double-click opens it in Inspect, exactly as it was."


class DetailPane(QFrame):
    """`open_wanted` carries the key of the shown inspection."""

    open_wanted = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self._theme = theme
        self.shown: Detail | None = None
        self._icon, self._word = QLabel(), QLabel(objectName="display")
        self._score = QLabel(objectName="sectionTitle")
        self._reason = plain_label("")
        self._facts = {name: Elided() for name in FACTS}
        self._log_title = QLabel("Operators' reviews", objectName="sectionTitle")
        self._log = plain_label("")
        self.open = QPushButton("Open as it was", objectName="primary")
        self.open.clicked.connect(self._ask)
        self._kept = plain_label("", "faint")
        self._nothing = plain_label(NOTHING, "faint")
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._body = self._layout()
        outer = QVBoxLayout(self)
        outer.setContentsMargins(1, 1, 1, 1)
        outer.addWidget(self._nothing, 1)
        outer.addWidget(self._body, 1)
        self.setMinimumWidth(260)
        self.show_detail(None)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.open.setIcon(primary_icon("magnify-scan", theme))
        self.show_detail(self.shown)

    def show_detail(self, detail: Detail | None) -> None:
        self.shown = detail
        self._body.setVisible(detail is not None)
        self._nothing.setVisible(detail is None)
        if detail is None:
            return
        one = detail.inspection
        word, picture, colour = verdict_look(self._theme, one.final)
        self._icon.setPixmap(icon(picture, colour).pixmap(icon_size(32), self.devicePixelRatioF()))
        self._word.setText(word)
        self._word.setStyleSheet(f"color: {colour}")
        self._score.setText(wording.score_text(one, of_limit))
        self._reason.setText(sentence(one.reason))
        for name, text in _facts(one).items():
            self._facts[name].say(text)
        self._log_title.setVisible(bool(detail.overrides))
        self._log.setVisible(bool(detail.overrides))
        self._log.setText("\n\n".join(wording.override_text(line) for line in reversed(detail.overrides)))
        self.open.setEnabled(bool(one.kept_bytes))
        self._kept.setText(
            "" if one.kept_bytes else "Its result is no longer stored; inspect the scan again to see it."
        )
        self._kept.setVisible(not one.kept_bytes)

    def _ask(self) -> None:
        if self.shown is not None:
            self.open_wanted.emit(self.shown.inspection.key)

    def _layout(self) -> QWidget:
        inside = QWidget()
        head = QHBoxLayout()
        head.setSpacing(10)
        head.addWidget(self._icon)
        head.addWidget(self._word)
        head.addStretch()
        head.addWidget(self._score)
        facts = QFormLayout(horizontalSpacing=16, verticalSpacing=6)
        facts.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        facts.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        for name, label in self._facts.items():
            facts.addRow(QLabel(name, objectName="quiet"), label)
        column = QVBoxLayout(inside)
        column.setContentsMargins(16, 14, 16, 14)
        column.setSpacing(10)
        column.addLayout(head)
        column.addWidget(self._reason)
        column.addLayout(facts)
        column.addWidget(self._log_title)
        column.addWidget(self._log)
        column.addStretch()
        scroll = QScrollArea(widgetResizable=True, horizontalScrollBarPolicy=Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setAccessibleName("Facts of the inspection")
        scroll.setWidget(inside)
        scroll.viewport().setAutoFillBackground(False)
        inside.setAutoFillBackground(False)
        whole = QWidget()
        outer = QVBoxLayout(whole)
        outer.setContentsMargins(0, 0, 0, 12)
        outer.addWidget(scroll, 1)
        foot = QVBoxLayout()
        foot.setContentsMargins(16, 0, 16, 0)
        foot.addWidget(self._kept)
        foot.addWidget(self.open)
        outer.addLayout(foot)
        return whole


def _facts(one: Inspection) -> dict[str, str]:
    moved = "" if one.limit_share == 1 else f", {100 * one.limit_share:.0f} % of the calibrated one"
    weights = f" ({one.model_hash[:8]})" if one.model_hash else ""
    values = (
        wording.file_name(one),
        wording.folder(one),
        f"{one.time.astimezone():%d %B %Y, %H:%M:%S}",
        f"{one.category or 'unknown'} · {100 * one.category_confidence:.0f} % sure",
        one.lot or "–",
        one.operator or "–",
        one.station or "–",
        f"{one.model} · {METHOD_NAMES.get(one.method, one.method)}{weights}",
        f"part {one.threshold:.4g}, point {one.point_threshold:.4g}{moved}",
        grouped(one.n_points),
        _defects_text(one),
        f"{one.seconds:.1f} s",
        one.content_hash[:16],
    )
    return dict(zip(FACTS, values, strict=True))


def _defects_text(one: Inspection) -> str:
    """Their sizes in points; a second percentage beside the verdict's would only be mistaken for it."""
    if not one.n_defects:
        return "none"
    sizes = [grouped(defect.n_points) for defect in one.defects[:MOST_DEFECTS]]
    listed = ", ".join(sizes) + (" …" if one.n_defects > MOST_DEFECTS else "")
    return f"{one.n_defects}, with {listed} points"
