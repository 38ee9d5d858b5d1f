"""What is open: scans, their results, the model, the selection. Workspaces and views meet here; no widget is known."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

from PySide6.QtCore import QObject, Signal

from app.state.entries import Beside, Entry, LimitKey, ModelInfo, Selection, State, limit_key, under_limit
from app.state.navigation import Navigation
from app.views.camera import Triple
from app.views.shapes import Shape
from sedir_core.detectors.base import Detector
from sedir_core.evaluation.zone_file import PartTolerance
from sedir_core.history.place import HistoryPlace
from sedir_core.types import Decision, Detection

Load = Callable[[Path, str], Detector]
"""Run directory and device in, detector out."""

SCAN_BUDGET_BYTES = 1_500_000_000
"""Points kept in memory, reconstructions included; those of older scans are made again when they are shown."""

LOWEST_LIMIT, HIGHEST_LIMIT = 0.05, 1.95


class Session(QObject):
    """The state of one window. Everybody may read; changes go through the methods and come back as signals."""

    entries_added = Signal(list)  # ids
    entries_removed = Signal(list)  # ids
    entry_changed = Signal(int)
    entries_judged = Signal(list)  # ids: the limit of their kind was moved; only the current one is told of by itself
    current_changed = Signal(object)  # id or None
    compared_changed = Signal()  # the scan beside the current one
    selection_changed = Signal(object)  # Selection
    model_changed = Signal()
    navigated = Signal(object)  # Navigation: what one workspace wants of another
    category_changed = Signal(str)
    limit_changed = Signal(float)
    unit_changed = Signal(str)
    tolerances_changed = Signal()
    inspected = Signal(int)  # id of an entry that has just got a result
    who_changed = Signal()  # operator or lot
    history_changed = Signal()  # something was recorded
    reviewed = Signal(int)  # id of an entry whose review or comment the operator changed

    def __init__(self, load: Load, run_dir: Path, device: str = "auto", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.load = load
        self.run_dir, self.device = run_dir, device
        self.history: HistoryPlace | None = None  # None: nothing is recorded
        self.operator, self.lot = "", ""  # who inspects, and what: for records, reviews and reports; may be empty
        self.unit = ""  # of the scans' coordinates, for lengths on the screen
        self.model: ModelInfo | None = None
        self.category = "auto"
        self.limits: dict[LimitKey, float] = {}  # what the operator set, as shares of the calibrated limits
        self.tolerances: Mapping[str, PartTolerance] = {}  # by region, of those kinds of part that have any
        self.current: int | None = None
        self.compared: int | None = None  # the scan that is shown beside the current one
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
        """List these scans, those that are listed already left out; the first new one is shown if none was."""
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
        """Take scans off the list; the neighbour of a removed current one becomes current."""
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
        """Put removed scans back, each at the place it had; one that was opened again meanwhile stays out.

        gone: place in the list before the removal, ascending, and what was there.
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
        """Replace fields of an entry; a removed one is ignored, its job was late."""
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
        """A scan is inspected; an earlier review no longer counts."""
        detection = under_limit(raw, self.limits.get(limit_key(raw), 1.0), raw)
        self.update(
            entry_id, state=State.DONE, raw=raw, surfaces=surfaces, detection=detection,
            defects_at=1.0, review=None, review_comment="", reviewer="", thumbnail=thumbnail, record=uuid4().hex,
            model=model, past=None, front=front, plain=plain or raw, tolerated=tolerated,
        )  # fmt: skip
        if entry_id in self._entries:
            self.inspected.emit(entry_id)

    def reopen(self, past: Entry) -> None:
        """Show an inspection of the history; it gets an id of its own, and is listed once."""
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
        """From now on this operator inspects this lot."""
        if (operator, lot) != (self.operator, self.lot):
            self.operator, self.lot = operator, lot
            self.who_changed.emit()

    def review(self, entry_id: int, verdict: Decision | None, comment: str = "") -> None:
        """The operator's word on an inspected scan, and why; None goes back to the model's verdict."""
        entry = self._entries.get(entry_id)
        if entry is None or entry.detection is None or entry.state is not State.DONE:
            return
        if (entry.review, entry.review_comment) != (verdict, comment):
            reviewer = self.operator if verdict is not None or comment else ""
            self.update(entry_id, review=verdict, review_comment=comment, reviewer=reviewer)
            self.reviewed.emit(entry_id)

    @property
    def limit(self) -> float:
        """That of the scan on show."""
        return self.limit_of(self.current_entry)

    def limit_of(self, entry: Entry | None) -> float:
        """What a scan is judged by, as a share of its calibrated limit; a past one by what counted then."""
        if entry is not None and entry.past is not None:
            return entry.past.limit
        return 1.0 if entry is None or entry.raw is None else self.limits.get(limit_key(entry.raw), 1.0)

    def set_limit(self, share: float) -> None:
        """Judge scans of the shown one's kind by this share of their calibrated limit; raw scores stay as they are."""
        entry = self.current_entry
        if entry is not None and entry.raw is not None and entry.past is None:
            self.set_limits({**self.limits, limit_key(entry.raw): share})

    def set_limits(self, shares: Mapping[LimitKey, float]) -> None:
        """The same for several kinds at once; those that are not named go back to the calibrated limit."""
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
        """Judge scans of these kinds of part region by region, too; results so far will be judged again."""
        self.tolerances = dict(tolerances)
        self.tolerances_changed.emit()

    # What is shown and pointed at

    def navigate(self, wanted: Navigation) -> None:
        """Ask the window to go somewhere, and another workspace to do something there."""
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
        """Inspect with another run, or elsewhere, from now on; results so far stay, each knows its threshold."""
        self.run_dir, self.model = run_dir, None
        self.device = device or self.device
        self.set_category("auto")
        self.model_changed.emit()

    def set_model(self, info: ModelInfo) -> None:
        """The run is loaded. Information on a run that was swapped out meanwhile is ignored."""
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
        """Count what this entry has in memory; where that makes too much, the longest unseen give theirs up."""
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
