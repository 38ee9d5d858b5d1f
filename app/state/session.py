"""The session: open scans, results, model, selection. Workspaces and views meet here; it knows no widgets."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

from PySide6.QtCore import QObject, Signal

from app.state.entries import Beside, Entry, LimitKey, ModelInfo, Selection, State, limit_key, under_limit
from app.state.navigation import Navigation
from app.state.shapes import Shape, Triple
from sedir_core.detectors.base import Detector
from sedir_core.evaluation.zone_file import PartTolerance
from sedir_core.history.place import HistoryPlace
from sedir_core.types import Decision, Detection

Load = Callable[[Path, str], Detector]
"""From run directory and device to detector."""

SCAN_BUDGET_BYTES = 1_500_000_000
"""Memory for points, reconstructions included; evicted scans are prepared again when shown."""

LOWEST_LIMIT, HIGHEST_LIMIT = 0.05, 1.95


class Session(QObject):
    """The state of one window. Read freely; change it through the methods, which emit signals."""

    entries_added = Signal(list)  # ids
    entries_removed = Signal(list)  # ids
    entry_changed = Signal(int)
    entries_judged = Signal(list)  # ids whose limit was moved; `entry_changed` is emitted only for the current one
    current_changed = Signal(object)  # id or None
    compared_changed = Signal()  # the scan beside the current one
    selection_changed = Signal(object)  # Selection
    model_changed = Signal()
    navigated = Signal(object)  # Request of one workspace to another, see navigation.py
    category_changed = Signal(str)
    limit_changed = Signal(float)
    unit_changed = Signal(str)
    tolerances_changed = Signal()
    inspected = Signal(int)  # id of an entry with a new result
    who_changed = Signal()  # operator or lot
    history_changed = Signal()  # something was recorded
    reviewed = Signal(int)  # id of an entry whose review or comment has changed

    def __init__(self, load: Load, run_dir: Path, device: str = "auto", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.load = load
        self.run_dir, self.device = run_dir, device
        self.history: HistoryPlace | None = None  # None: nothing is recorded
        self.operator, self.lot = "", ""  # operator and lot, for records, reviews and reports; may be empty
        self.unit = ""  # unit of the scans' coordinates, for display
        self.model: ModelInfo | None = None
        self.category = "auto"
        self.limits: dict[LimitKey, float] = {}  # limits set by the operator, as shares of the calibrated ones
        self.tolerances: Mapping[str, PartTolerance] = {}  # tolerances by region, by category
        self.current: int | None = None
        self.compared: int | None = None  # the scan shown beside the current one
        self.selection = Selection()
        self._entries: dict[int, Entry] = {}
        self._held: OrderedDict[int, int] = OrderedDict()  # id -> bytes, the least recently used first
        self._next_id = 1

    # Entries

    @property
    def entries(self) -> list[Entry]:
        return list(self._entries.values())

    def get(self, entry_id: int | None) -> Entry | None:
        return None if entry_id is None else self._entries.get(entry_id)

    @property
    def current_entry(self) -> Entry | None:
        return self.get(self.current)

    def add(self, paths: Iterable[Path]) -> list[int]:
        """Add scans that are not listed yet; if none was shown, the first new one is."""
        known = {entry.path for entry in self._entries.values() if entry.past is None}
        ids = []
        for path in dict.fromkeys(paths):
            if path not in known:
                self._entries[self._next_id] = Entry(self._next_id, path)
                ids.append(self._next_id)
                self._next_id += 1
        if ids:
            self.entries_added.emit(ids)
        return ids

    def remove(self, ids: Iterable[int]) -> None:
        """Remove scans; if the current one is among them, its neighbour becomes current."""
        going = [entry_id for entry_id in ids if entry_id in self._entries]
        if not going:
            return
        order, gone = list(self._entries), set(going)
        after = self.current
        if after in gone:
            at = order.index(after)
            staying = [i for i in order[at:] if i not in gone] or [i for i in order[:at] if i not in gone][-1:]
            after = staying[0] if staying else None
        for entry_id in going:
            del self._entries[entry_id]
            self._held.pop(entry_id, None)
        self.entries_removed.emit(going)
        if self.compared in gone:
            self.compare(None)
        self.show(after)

    def restore(self, gone: Sequence[tuple[int, Entry]]) -> None:
        """Restore removed scans at their old places, except those opened again in the meantime.

        gone: (position before the removal, entry), ascending.
        """
        entries = list(self._entries.values())
        known = {(entry.path, entry.past) for entry in entries}
        back = [(place, entry) for place, entry in gone if (entry.path, entry.past) not in known]
        for place, entry in back:
            share = self.limit_of(entry)
            detection = under_limit(entry.raw, share, entry.detection) if entry.raw and entry.detection else None
            entries.insert(place, replace(entry, detection=detection))
        self._entries = {entry.id: entry for entry in entries}
        for _, entry in back:
            self._hold(self._entries[entry.id])
        if back:
            self.entries_added.emit([entry.id for _, entry in back])

    def update(self, entry_id: int, **changes: object) -> None:
        """Replace fields of an entry; late updates of removed entries are ignored."""
        entry = self._entries.get(entry_id)
        if entry is None:
            return
        self._entries[entry_id] = entry = replace(entry, **changes)  # type: ignore[arg-type]  # checked by the dataclass
        if changes.keys() & {"scan", "surfaces"}:
            self._hold(entry)
        if entry_id == self.current and "detection" in changes:
            self.select(Selection())
        self.entry_changed.emit(entry_id)

    # Results and the limit

    def set_result(
        self,
        entry_id: int,
        raw: Detection,
        surfaces: Mapping[Beside, Shape],
        thumbnail: bytes = b"",
        model: ModelInfo | None = None,
        front: Triple | None = None,
        plain: Detection | None = None,
        tolerated: PartTolerance | None = None,
    ) -> None:
        """Store a result; an earlier review is dropped."""
        detection = under_limit(raw, self.limits.get(limit_key(raw), 1.0), raw)
        self.update(
            entry_id, state=State.DONE, raw=raw, surfaces=surfaces, detection=detection,
            defects_at=1.0, review=None, review_comment="", reviewer="", thumbnail=thumbnail, record=uuid4().hex,
            model=model, past=None, front=front, plain=plain or raw, tolerated=tolerated,
        )  # fmt: skip
        if entry_id in self._entries:
            self.inspected.emit(entry_id)

    def reopen(self, past: Entry) -> None:
        """Show an inspection from the history under its own id; it is listed only once."""
        known = next((e for e in self.entries if e.past is not None and e.record == past.record), None)
        if known is not None:
            self.show(known.id)
            return
        entry = replace(past, id=self._next_id)
        self._next_id += 1
        self._entries[entry.id] = entry
        self._hold(entry)
        self.entries_added.emit([entry.id])
        self.show(entry.id)

    def set_who(self, operator: str, lot: str) -> None:
        """Set operator and lot for subsequent inspections."""
        if (operator, lot) != (self.operator, self.lot):
            self.operator, self.lot = operator, lot
            self.who_changed.emit()

    def review(self, entry_id: int, verdict: Decision | None, comment: str = "") -> None:
        """Set the operator's verdict and comment; None returns to the model's verdict."""
        entry = self._entries.get(entry_id)
        if entry is None or entry.detection is None or entry.state is not State.DONE:
            return
        if (entry.review, entry.review_comment) != (verdict, comment):
            reviewer = self.operator if verdict is not None or comment else ""
            self.update(entry_id, review=verdict, review_comment=comment, reviewer=reviewer)
            self.reviewed.emit(entry_id)

    @property
    def limit(self) -> float:
        """Limit of the current scan, as a share of the calibrated one."""
        return self.limit_of(self.current_entry)

    def limit_of(self, entry: Entry | None) -> float:
        """Limit of a scan as a share of the calibrated one; for a past inspection, the one in force then."""
        if entry is not None and entry.past is not None:
            return entry.past.limit
        return 1.0 if entry is None or entry.raw is None else self.limits.get(limit_key(entry.raw), 1.0)

    def set_limit(self, share: float) -> None:
        """Set the limit for scans of the current one's kind, as a share of the calibrated limit."""
        entry = self.current_entry
        if entry is not None and entry.raw is not None and entry.past is None:
            self.set_limits({**self.limits, limit_key(entry.raw): share})

    def set_limits(self, shares: Mapping[LimitKey, float]) -> None:
        """Set the limits of several kinds; kinds not given return to the calibrated limit."""
        near = {key: round(min(max(share, LOWEST_LIMIT), HIGHEST_LIMIT), 3) for key, share in shares.items()}
        before, self.limits = self.limits, {key: share for key, share in near.items() if share != 1.0}
        if before == self.limits:
            return
        judged = {}
        for entry in self.entries:
            if entry.raw is None or entry.detection is None or entry.past is not None:
                continue
            if (share := self.limit_of(entry)) != before.get(limit_key(entry.raw), 1.0):
                judged[entry.id] = replace(entry, detection=under_limit(entry.raw, share, entry.detection))
        self._entries |= judged
        self.entries_judged.emit(list(judged))
        if self.current is not None and self.current in judged:
            self.update(self.current, detection=judged[self.current].detection)
        self.limit_changed.emit(self.limit)

    def set_tolerances(self, tolerances: Mapping[str, PartTolerance]) -> None:
        """Set the tolerances by region of these categories; existing results are re-evaluated."""
        self.tolerances = dict(tolerances)
        self.tolerances_changed.emit()

    # Current scan and selection

    def navigate(self, wanted: Navigation) -> None:
        """Request another workspace, or an action there."""
        self.navigated.emit(wanted)

    def show(self, entry_id: int | None) -> None:
        """Make a scan the current one."""
        if entry_id == self.current:
            return
        self.current = entry_id
        self.selection = Selection()
        if entry_id is not None and entry_id in self._held:
            self._held.move_to_end(entry_id)
        self.current_changed.emit(entry_id)
        self.selection_changed.emit(self.selection)

    def compare(self, entry_id: int | None) -> None:
        """Show a scan beside the current one."""
        if entry_id == self.compared:
            return
        self.compared = entry_id
        if entry_id is not None and entry_id in self._held:
            self._held.move_to_end(entry_id)
        self.compared_changed.emit()

    def select(self, selection: Selection) -> None:
        if selection != self.selection:
            self.selection = selection
            self.selection_changed.emit(selection)

    # Model

    def use_model(self, run_dir: Path, device: str | None = None) -> None:
        """Use another run or device from now on; existing results keep their own thresholds."""
        self.run_dir, self.model = run_dir, None
        self.device = device or self.device
        self.set_category("auto")
        self.model_changed.emit()

    def set_model(self, info: ModelInfo) -> None:
        """The run has been loaded. Ignored if another one has been chosen in the meantime."""
        if info.run_dir == self.run_dir and info != self.model:
            self.model = info
            self.model_changed.emit()

    def set_unit(self, unit: str) -> None:
        if unit != self.unit:
            self.unit = unit
            self.unit_changed.emit(unit)

    def set_category(self, category: str) -> None:
        if category != self.category:
            self.category = category
            self.category_changed.emit(category)

    def _hold(self, entry: Entry) -> None:
        """Account for this entry's memory; over budget, the least recently used entries are evicted."""
        self._held[entry.id] = entry.memory
        self._held.move_to_end(entry.id)
        total = sum(self._held.values())
        for old in list(self._held):
            if total <= SCAN_BUDGET_BYTES:
                return
            done = self._entries[old].state is State.DONE
            if done and old not in (self.current, self.compared, entry.id):
                total -= self._held.pop(old)
                self._entries[old] = self._entries[old].without_points()
