"""Filters of the table: time, verdict, part, model, lot, operator, and free text."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from PySide6.QtCore import QDate, QTimer, Signal
from PySide6.QtWidgets import QComboBox, QDateEdit, QLabel, QLineEdit, QPushButton, QWidget

from app.widgets.grouped_bar import GroupedBar
from sedir_core.history.records import Choices, Filter

TYPING_MS = 250
TIMES = (("Any time", None), ("Today", 0), ("Last 7 days", 6), ("Last 30 days", 29), ("From … to …", -1))
"""Label, and start in days before today; -1: taken from the two date fields."""
VERDICTS = (
    ("Any verdict", None), ("OK", "ok"), ("NG", "ng"), ("Uncertain", "uncertain"), ("Set by hand", "overridden"),
)  # fmt: skip
FIELDS = (
    ("category", "categories", "Any part"),
    ("lot", "lots", "Any lot"),
    ("operator", "operators", "Any operator"),
    ("model", "models", "Any model"),
)
"""Field of `Filter`, field of `Choices`, label for no choice."""


class FilterBar(GroupedBar):
    """`changed` carries a Filter."""

    changed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.search = QLineEdit(placeholderText="Find a scan, lot, reason…", clearButtonEnabled=True)
        self.search.setAccessibleName("Find in the history")
        self.time = _combo("Time", TIMES)
        self.verdict = _combo("Verdict", VERDICTS)
        self.fields = {name: _combo(words, ((words, ""),)) for name, _, words in FIELDS}
        today = QDate.currentDate()
        self.since, self.until = (QDateEdit(day, calendarPopup=True) for day in (today.addDays(-6), today))
        self._to = QLabel("to", objectName="quiet")
        for box in (self.since, self.until):
            box.setDisplayFormat("yyyy-MM-dd")
        self.clear = QPushButton("Show all")
        # Debounced: not one query per keystroke.
        self._typing = QTimer(self, interval=TYPING_MS, singleShot=True)
        self.set_margins(0, 0, 0, 0)
        first, second = self.add_group(6, stretch=1), self.add_group(6)
        first.addWidget(self.search, 1)
        for widget in (self.time, self.since, self._to, self.until, self.verdict):
            first.addWidget(widget)
        for chosen in (*self.fields.values(), self.clear):
            second.addWidget(chosen)
        self.search.textChanged.connect(lambda _: self._typing.start())
        self._typing.timeout.connect(self._tell)
        for combo in (self.time, self.verdict, *self.fields.values()):
            combo.currentIndexChanged.connect(self._tell)
        for box in (self.since, self.until):
            box.dateChanged.connect(self._tell)
        self.clear.clicked.connect(self.reset)
        self._enable()

    @property
    def wanted(self) -> Filter:
        """The current filter."""
        since, until = self._times()
        values = {name: str(combo.currentData() or "") for name, combo in self.fields.items()}
        return Filter(since, until, self.verdict.currentData(), text=self.search.text().strip(), **values)

    def offer(self, choices: Choices) -> None:
        """Offer the values that occur in the history, keeping the selection."""
        for name, plural, words in FIELDS:
            combo = self.fields[name]
            chosen = combo.currentData()
            offered = list(getattr(choices, plural))
            if chosen and chosen not in offered:
                offered.append(chosen)
            if offered == [combo.itemData(i) for i in range(1, combo.count())]:
                continue
            blocked = combo.blockSignals(True)
            combo.clear()
            combo.addItem(words, "")
            for value in offered:
                combo.addItem(value, value)
            combo.setCurrentIndex(max(0, combo.findData(chosen)))
            combo.blockSignals(blocked)

    def choose(self, name: str, value: str) -> None:
        """Set one field of FIELDS, as a click in a chart does."""
        combo = self.fields[name]
        if combo.findData(value) >= 0:
            combo.setCurrentIndex(combo.findData(value))

    def reset(self) -> None:
        """Clear the filter."""
        parts = (self.search, self.time, self.verdict, *self.fields.values())
        blocked = [part.blockSignals(True) for part in parts]
        self.search.clear()
        for combo in (self.time, self.verdict, *self.fields.values()):
            combo.setCurrentIndex(0)
        for part, before in zip(parts, blocked, strict=True):
            part.blockSignals(before)
        self._tell()

    def _times(self) -> tuple[datetime | None, datetime | None]:
        days = self.time.currentData()
        if days is None:
            return None, None
        if days >= 0:
            return _midnight(date.today() - timedelta(days=days)), None
        first, last = (date(*box.date().getDate()) for box in (self.since, self.until))
        return _midnight(min(first, last)), _midnight(max(first, last) + timedelta(days=1))

    def _tell(self, *_: object) -> None:
        self._typing.stop()
        self._enable()
        self.changed.emit(self.wanted)

    def _enable(self) -> None:
        for widget in (self.since, self._to, self.until):
            widget.setVisible(self.time.currentData() == -1)
        self.clear.setEnabled(self.wanted != Filter())


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day).astimezone()


def _combo(name: str, entries: tuple[tuple[str, object], ...]) -> QComboBox:
    combo = QComboBox()
    combo.setAccessibleName(name)
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
    for words, value in entries:
        combo.addItem(words, value)
    return combo
