"""Table model of the session's scans: filter, order, and counts by verdict.

Sorting and filtering are done here rather than in a proxy: one sort of plain keys takes milliseconds for 5,000 scans,
and changes that arrive a hundred times a second during a batch are applied only a few times.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum
from functools import lru_cache
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, Qt, QTimer, Signal

from app.state.entries import Entry, State
from app.state.session import Session
from app.widgets.plain_text import plain_tip
from app.workspaces.inspect import wording
from sedir_core.names import printable

Index = QModelIndex | QPersistentModelIndex
EntryRole = Qt.ItemDataRole.UserRole
ARRANGE_MS = 80
MOST_RANGES = 40
"""If removed rows form more ranges than this, the model is reset instead."""


class Kind(Enum):
    """Outcome of an inspection; the values are the filter's labels."""

    OK = "OK"
    NG = "NG"
    UNCERTAIN = "Uncertain"
    FAILED = "Failed"
    REVIEWED = "Reviewed"


class SortBy(Enum):
    ORDER = "Order of opening"
    NAME = "Name"
    SCORE = "Score, highest first"
    VERDICT = "Verdict, NG first"


RANK = {Kind.NG: 0, Kind.UNCERTAIN: 1, Kind.FAILED: 2, Kind.OK: 3, None: 4}


def kind_of(entry: Entry) -> Kind | None:
    """OK, NG, UNCERTAIN or FAILED; None without a complete result. A review resolves an uncertain one."""
    if entry.state is State.FAILED:
        return Kind.FAILED
    if entry.state is not State.DONE or entry.detection is None:
        return None
    return {"ng": Kind.NG, "uncertain": Kind.UNCERTAIN, "ok": Kind.OK, None: None}[entry.verdict]


def is_of(entry: Entry, kind: Kind | None) -> bool:
    """Whether an entry is of that kind; None matches all."""
    if kind is Kind.REVIEWED:
        return entry.review is not None or bool(entry.review_comment)
    return kind is None or kind_of(entry) is kind


def mentions(entry: Entry, words: list[str]) -> bool:
    """Whether name, category, comment and reason together contain all these lower-case words."""
    if not words:
        return True
    part = entry.detection.category if entry.detection else ""
    reason = entry.failure.what if entry.failure else ""
    text = f"{entry.name}\n{part}\n{entry.review_comment}\n{reason}".casefold()
    return all(word in text for word in words)


class ScanTable(QAbstractListModel):
    """Rows are the scans that match the filter. The current scan stays listed until another becomes current."""

    arranged = Signal()  # rows or counts may have changed

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._ids: list[int] = []
        self._rows: dict[int, int] = {}
        self._kind: Kind | None = None
        self._words: list[str] = []
        self._by, self._backwards = SortBy.ORDER, False
        self._kept: int | None = None  # listed although it no longer matches
        self.arranging = False  # rows are moving; the selection is unchanged
        self.counts: dict[Kind, int] = dict.fromkeys(Kind, 0)
        self._later = QTimer(self, singleShot=True, interval=ARRANGE_MS)
        self._later.timeout.connect(self._arrange)
        session.entries_added.connect(self._arrange)
        session.entries_removed.connect(self._arrange)
        session.entry_changed.connect(self._on_changed)
        session.entries_judged.connect(self._on_judged)
        session.current_changed.connect(self._on_current_changed)
        self._arrange()

    # Rows

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008
        return 0 if parent.isValid() else len(self._ids)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        entry = self._session.get(self._ids[index.row()]) if index.isValid() else None
        if entry is None:
            return None
        if role == EntryRole:
            return entry
        if role == Qt.ItemDataRole.DisplayRole:
            return entry.name
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{entry.name}, {wording.state_text(entry)}"
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip(f"{printable(entry.path)}\n{wording.entry_text(entry)}")
        return None

    def row_of(self, entry_id: int | None) -> int:
        """Its row, or -1."""
        return -1 if entry_id is None else self._rows.get(entry_id, -1)

    def id_at(self, row: int) -> int:
        return self._ids[row]

    # Filter and order

    @property
    def total(self) -> int:
        """Number of scans, listed or not."""
        return len(self._session.entries)

    @property
    def kind(self) -> Kind | None:
        return self._kind

    @property
    def filtered(self) -> bool:
        return self._kind is not None or bool(self._words)

    def show_kind(self, kind: Kind | None) -> None:
        """Filter by kind; None shows all."""
        self._kind, self._kept = kind, None
        self._arrange()

    def search(self, text: str) -> None:
        """Filter by words in name, category, comment or reason."""
        self._words, self._kept = text.casefold().split(), None
        self._arrange()

    def sort_by(self, by: SortBy, backwards: bool) -> None:
        self._by, self._backwards = by, backwards
        self._arrange()

    # Following the session

    def _on_changed(self, entry_id: int) -> None:
        row = self.row_of(entry_id)
        if row >= 0:
            if entry_id == self._session.current:
                self._kept = entry_id
            self.dataChanged.emit(self.index(row), self.index(row))
        if not self._later.isActive():
            self._later.start()

    def _on_judged(self, ids: list[int]) -> None:
        if self._ids:
            self.dataChanged.emit(self.index(0), self.index(len(self._ids) - 1))
        if not self._later.isActive():
            self._later.start()

    def _on_current_changed(self, entry_id: int | None) -> None:
        if self._kept is not None and self._kept != entry_id:
            self._kept = None
            self._later.start()

    def _arrange(self, *_: object) -> None:
        """Count, filter and sort; rows are moved, inserted or removed so that the view keeps its selection."""
        self._later.stop()
        entries = self._session.entries
        self.counts = {kind: sum(is_of(entry, kind) for entry in entries) for kind in Kind}
        if self.filtered:
            entries = [e for e in entries if e.id == self._kept or (is_of(e, self._kind) and mentions(e, self._words))]
        key = _KEYS[self._by]
        if key is not None:
            entries.sort(key=key)
        if self._backwards:
            entries.reverse()
        self.arranging = True
        try:
            self._put([entry.id for entry in entries])
        finally:
            self.arranging = False
        self.arranged.emit()

    def _put(self, ids: list[int]) -> None:
        if ids == self._ids:
            return
        wanted = set(ids)
        staying = [entry_id for entry_id in self._ids if entry_id in wanted]
        gaps = _ranges([row for row, entry_id in enumerate(self._ids) if entry_id not in wanted])
        if len(gaps) > MOST_RANGES or (len(staying) < len(ids) and ids[: len(staying)] != staying):
            self.beginResetModel()
            self._take(ids)
            self.endResetModel()
            return
        for first, last in reversed(gaps):
            self.beginRemoveRows(QModelIndex(), first, last)
            self._take(self._ids[:first] + self._ids[last + 1 :])
            self.endRemoveRows()
        if len(ids) > len(staying):
            self.beginInsertRows(QModelIndex(), len(staying), len(ids) - 1)
            self._take(ids)
            self.endInsertRows()
        elif ids != self._ids:
            self._permute(ids)

    def _permute(self, ids: list[int]) -> None:
        self.layoutAboutToBeChanged.emit()
        before = self.persistentIndexList()
        held = [self._ids[index.row()] for index in before]
        self._take(ids)
        self.changePersistentIndexList(before, [self.index(self._rows[entry_id]) for entry_id in held])
        self.layoutChanged.emit()

    def _take(self, ids: list[int]) -> None:
        self._ids = ids
        self._rows = {entry_id: row for row, entry_id in enumerate(ids)}


def _ranges(rows: list[int]) -> list[tuple[int, int]]:
    """Ascending numbers as ranges: first and last of each."""
    runs: list[tuple[int, int]] = []
    for row in rows:
        if runs and runs[-1][1] == row - 1:
            runs[-1] = (runs[-1][0], row)
        else:
            runs.append((row, row))
    return runs


@lru_cache(maxsize=20_000)
def _natural(name: str) -> tuple[tuple[bool, int, str], ...]:
    """`part_9` before `part_10`."""
    pieces = re.findall(r"\d+|\D+", name.casefold())
    return tuple((False, int(piece), "") if piece.isdecimal() else (True, 0, piece) for piece in pieces)


def _by_name(entry: Entry) -> tuple[object, ...]:
    return _natural(entry.name), str(entry.path.parent)


def _by_score(entry: Entry) -> float:
    """Highest first, scans without a result last."""
    share = wording.limit_share(entry.detection) if entry.detection and entry.state is State.DONE else None
    return float("inf") if share is None else -share


def _by_verdict(entry: Entry) -> tuple[int, float]:
    return RANK[kind_of(entry)], _by_score(entry)


_KEYS: dict[SortBy, Callable[[Entry], Any] | None] = {
    SortBy.ORDER: None,
    SortBy.NAME: _by_name,
    SortBy.SCORE: _by_score,
    SortBy.VERDICT: _by_verdict,
}
