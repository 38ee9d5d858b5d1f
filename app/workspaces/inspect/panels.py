"""The right-hand side: what the verdict is and why, and the defects it rests on."""

from __future__ import annotations

from PySide6.QtCore import QAbstractTableModel, QEvent, QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QKeyEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QSizePolicy,
    QTableView,
    QVBoxLayout,
    QWidget,
)  # fmt: skip

from app.session import Entry, State
from app.widgets.error_details import plain_label
from app.widgets.theme import Theme, icon, icon_size, verdict_look
from app.workspaces.inspect import wording
from sedir_core.types import Detection

Index = QModelIndex | QPersistentModelIndex
COLUMNS = ("#", "Peak", "Area", "Extent", "Place")
COLUMN_TIPS = (
    "Number in the picture",
    "Highest point score, as a share of the point limit",
    "Surface over the limit, in square units of the scan",
    "Size along x, y and z, in units of the scan",
    "Centre, in the scan's own coordinates",
)


class VerdictPanel(QFrame):
    """Icon and word, how far from the limit, which part it is, and the reason."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent, objectName="panel")
        self._theme = theme
        self._entry: Entry | None = None
        self._icon = QLabel()
        self._word = QLabel(objectName="verdict")
        font = QFont(self.font())
        font.setPointSizeF(font.pointSizeF() * 2.5)
        font.setWeight(QFont.Weight.Bold)
        self._word.setFont(font)
        self._score, self._margin = QLabel(objectName="sectionTitle"), QLabel(objectName="quiet")
        self._gauge = Gauge(theme)
        self._reason = plain_label("")
        self._facts = {name: _fact() for name in ("Part", "Points", "Time")}
        head = QHBoxLayout()
        head.setSpacing(12)
        head.addWidget(self._icon)
        head.addWidget(self._word, 1)
        numbers = QHBoxLayout()
        numbers.addWidget(self._score)
        numbers.addStretch()
        numbers.addWidget(self._margin)
        facts = QFormLayout(horizontalSpacing=16, verticalSpacing=5)
        facts.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        facts.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        for name, label in self._facts.items():
            facts.addRow(QLabel(name, objectName="quiet"), label)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 16, 18, 16)
        layout.setSpacing(9)
        layout.addLayout(head)
        layout.addLayout(numbers)
        layout.addWidget(self._gauge)
        layout.addWidget(self._reason)
        layout.addLayout(facts)
        layout.addStretch()
        self.show_entry(None)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self._gauge.theme = theme
        self.show_entry(self._entry)

    def show_entry(self, entry: Entry | None) -> None:
        """What is known of this scan so far."""
        self._entry = entry
        detection = None if entry is None else entry.detection
        word, picture, colour = self._headline(entry)
        self._icon.setPixmap(icon(picture, colour).pixmap(icon_size(46), self.devicePixelRatioF()))
        self._word.setText(word)
        self._word.setStyleSheet(f"color: {colour}")
        self._score.setText("" if detection is None else wording.score_text(detection))
        self._margin.setText("" if detection is None else wording.margin_text(detection))
        self._gauge.show_detection(detection, colour)
        self._reason.setText(self._why(entry))
        self._reason.setVisible(bool(self._reason.text()))
        self._facts["Part"].setText("–" if detection is None else wording.category_text(detection))
        self._facts["Points"].setText(_points_text(entry))
        total = None if detection is None else detection.seconds.get("total")
        self._facts["Time"].setText("–" if total is None else f"{total:.1f} s")

    def _headline(self, entry: Entry | None) -> tuple[str, str, str]:
        if entry is None:
            return "No scan", "circle-outline", self._theme.faint
        if entry.detection is not None and entry.state is State.DONE:
            return verdict_look(self._theme, entry.verdict, entry.detection.uncertain and entry.review is None)
        return {
            State.FAILED: ("Not inspected", "file-alert-outline", self._theme.uncertain),
            State.STOPPED: ("Stopped", "pause-circle-outline", self._theme.faint),
            State.RUNNING: ("Inspecting…", "progress-wrench", self._theme.accent),
        }.get(entry.state, ("Waiting", "clock-outline", self._theme.faint))

    @staticmethod
    def _why(entry: Entry | None) -> str:
        if entry is None:
            return ""
        if entry.failure is not None:
            return f"{entry.failure.what}. {entry.failure.hint}".strip()
        if entry.detection is None:
            return ""
        machine = "NG" if entry.detection.verdict == "ng" else "OK"
        review = f"Set to {entry.review.upper()} by the operator; the model said {machine}. " if entry.review else ""
        limit = wording.percent(entry.defects_at)
        moved = f"; limit set to {limit} of the calibrated one" if entry.defects_at != 1 else ""
        return review + entry.detection.reason + moved


class Gauge(QWidget):
    """The object score on a bar from 0 to twice the limit, with the limit marked."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self._share: float | None = None
        self._colour = theme.faint
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(200, 20)

    def show_detection(self, detection: Detection | None, colour: str) -> None:
        self._share = None if detection is None else wording.limit_share(detection)
        self._colour = colour
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        bar = QRectF(0, self.height() / 2 - 4, self.width(), 8)
        painter.setBrush(QColor(self.theme.line))
        painter.drawRoundedRect(bar, 4, 4)
        if self._share is not None:
            filled = QRectF(bar.left(), bar.top(), bar.width() * min(max(self._share / 2, 0.02), 1.0), bar.height())
            painter.setBrush(QColor(self._colour))
            painter.drawRoundedRect(filled, 4, 4)
        painter.setBrush(QColor(self.theme.ink))
        painter.drawRoundedRect(QRectF(bar.center().x() - 1, 1, 2, self.height() - 2), 1, 1)


class DefectTable(QAbstractTableModel):
    """The defects of one detection as rows, the strongest first as the core lists them."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._detection: Detection | None = None
        self._unit = ""

    def set_unit(self, unit: str) -> None:
        """Of the scans' coordinates; empty where nobody said."""
        self._unit = unit
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(COLUMNS) - 1)

    def show_detection(self, detection: Detection | None) -> None:
        self.beginResetModel()
        self._detection = detection
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008
        return 0 if parent.isValid() or self._detection is None else len(self._detection.defects)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:  # noqa: N802
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        if role == Qt.ItemDataRole.DisplayRole:
            unit = {"Area": f" ({self._unit}²)", "Extent": f" ({self._unit})"} if self._unit else {}
            return COLUMNS[section] + unit.get(COLUMNS[section], "")
        return COLUMN_TIPS[section] if role == Qt.ItemDataRole.ToolTipRole else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or self._detection is None:
            return None
        defect = self._detection.defects[index.row()]
        if role == Qt.ItemDataRole.ToolTipRole:
            return wording.defect_text(index.row() + 1, defect, self._detection).replace(", ", "\n", 2).capitalize()
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        return (
            str(index.row() + 1),
            wording.peak_text(defect, self._detection),
            wording.number(defect.area),
            wording.size_text(defect.extent),
            wording.place_text(defect),
        )[index.column()]


class _DefectView(QTableView):
    """A table whose arrow keys stay its own; elsewhere they walk through the scans.

    A column that would be cut is hidden, the last first: the tool tip of a row says everything.
    """

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        self.fit()

    def fit(self) -> None:
        """Show the columns that there is room for."""
        room, used = self.viewport().width(), 0
        for column in range(len(COLUMNS)):
            used += max(self.sizeHintForColumn(column), self.horizontalHeader().sectionSizeHint(column))
            self.setColumnHidden(column, column > 1 and used > room)

    def event(self, event: QEvent) -> bool:
        asks = isinstance(event, QKeyEvent) and event.type() is QEvent.Type.ShortcutOverride
        if asks and event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            event.accept()
            return True
        return super().event(event)


class DefectPanel(QFrame):
    """The table of defects, and a sentence where there is none."""

    defect_chosen = Signal(object)  # index, or None

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, objectName="panel")
        self._note = QLabel(objectName="faint", wordWrap=True, alignment=Qt.AlignmentFlag.AlignCenter)
        self.table = DefectTable(self)
        self.view = _DefectView()
        self.view.setModel(self.table)
        self.view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.view.setShowGrid(False)
        self.view.setWordWrap(False)
        self.view.setFrameShape(QFrame.Shape.NoFrame)
        self.view.verticalHeader().hide()
        self.view.verticalHeader().setDefaultSectionSize(30)
        header = self.view.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setStretchLastSection(True)
        header.setHighlightSections(False)
        self.view.setAccessibleName("Defects")
        self.view.selectionModel().currentRowChanged.connect(self._on_row_changed)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(1, 1, 1, 1)
        layout.addWidget(self._note, 1)
        layout.addWidget(self.view, 1)
        self.show_entry(None)

    def show_entry(self, entry: Entry | None) -> None:
        """The defects of that scan."""
        detection = None if entry is None else entry.detection
        self.table.show_detection(detection)
        self.view.fit()
        found = detection is not None and bool(detection.defects)
        self.view.setVisible(found)
        self._note.setVisible(not found)
        self._note.setText(_no_defects(entry))

    def choose(self, index: int | None) -> None:
        """Mark a row without asking for it again."""
        selection = self.view.selectionModel()
        blocked = selection.blockSignals(True)
        if index is None:
            self.view.clearSelection()
            self.view.setCurrentIndex(QModelIndex())
        elif index != self.view.currentIndex().row():
            self.view.selectRow(index)
        selection.blockSignals(blocked)
        self.view.viewport().update()

    def _on_row_changed(self, now: QModelIndex, before: QModelIndex) -> None:
        if now.isValid():
            self.defect_chosen.emit(now.row())


def _no_defects(entry: Entry | None) -> str:
    if entry is None or (entry.detection is None and entry.state in (State.FAILED, State.STOPPED)):
        return "Defects are listed here, the strongest first.\nA click flies to one."
    return "Not known yet." if entry.detection is None else "No region of the surface is over the limit."


def _fact() -> QLabel:
    label = QLabel()
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label


def _points_text(entry: Entry | None) -> str:
    if entry is None or (entry.scan is None and entry.detection is None):
        return "–"
    count = len(entry.scan) if entry.scan is not None else len(entry.detection.point_scores) if entry.detection else 0
    text = f"{count:,}"
    if entry.detection is not None and (blank := int((~entry.detection.evaluated).sum())):
        text += f", {blank:,} not evaluated"
    return text + (" (sampled from a mesh)" if entry.scan is not None and entry.scan.sampled else "")
