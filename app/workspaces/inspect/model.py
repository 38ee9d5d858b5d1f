"""Model of the Inspect workspace: takes scans from path to verdict, in order, without blocking the window.

Two pools, so that the next file is read while the current one is scored. The current scan has priority.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.jobs import inspection
from app.jobs.inspection import (
    AgainRequest,
    DetectRequest,
    InspectedScan,
    Inspector,
    Joined,
    JoinRequest,
    JudgeRequest,
    LoadRequest,
    Opened,
    PastRequest,
    Tolerated,
    TolerateRequest,
)
from app.jobs.pace import Throughput
from app.jobs.pool import Pool
from app.state.entries import Beside, Entry, Failure, ModelInfo, State
from app.state.session import Session
from app.state.shapes import NO_SHAPE
from app.workspaces.inspect.wording import STAGE_WORDS
from sedir_core.errors import UserError
from sedir_core.io.finding import Found, listed
from sedir_core.io.formats import NAMES
from sedir_core.types import Detection

log = logging.getLogger(__name__)

READ_AHEAD = 2
"""Most scans read ahead and not yet scored."""


@dataclass(frozen=True)
class BatchProgress:
    """Progress of the batch: `done` of `total` scans, stage of the current one, pace."""

    done: int
    total: int
    stage: str
    fraction: float
    pace: str = ""


class InspectModel(QObject):
    """Takes the session's entries through reading and detection."""

    progress_changed = Signal(object)  # Progress, or None while idle
    failed = Signal(str, object)  # location, Failure: not related to a single entry
    batch_finished = Signal(int, int)  # number of scans done, number of these that failed
    graphics_ready = Signal()
    model_tried = Signal(object)  # Failure, or None: the answer to `try_model`
    bug_found = Signal(object)  # an exception that is a bug
    noted = Signal(str)  # information for the user
    table_seen = Signal(Path, object)  # the first rows (TableHead): response to `look_at_table`

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._inspector = Inspector(session.load)
        self._reader, self._detector = Pool("reader", self), Pool("detector", self)
        self._joiner = Pool("surfaces", self)
        self._joining: tuple[int, int] | None = None  # job id, entry id
        self._beside = Beside.EXPECTED
        self._finding: dict[int, tuple[Path, ...]] = {}
        self._peeking: dict[int, Path] = {}
        self._reading: tuple[int, int] | None = None  # job id, entry id
        self._detecting: tuple[int, int] | None = None
        self._judging: tuple[int, int, float] | None = None  # job id, entry id, limit
        self._tolerating: tuple[int, int, TolerateRequest] | None = None  # job id, entry id
        self._loading: int | None = None
        self._trying: tuple[int, LoadRequest] | None = None
        self._graphics: int | None = None
        self._batch: dict[int, bool] = {}  # entry id -> finished
        self._pace = Throughput()
        self._lost: set[int] = set()  # inspected, but their points are no longer available
        self._show_next_found = False
        self._first: Path | None = None
        for pool in (self._reader, self._detector, self._joiner):
            pool.done.connect(self._on_done)
            pool.failed.connect(self._on_failed)
            pool.progressed.connect(self._on_progress)
        session.current_changed.connect(self._advance)
        session.entries_added.connect(self._on_added)
        session.entries_removed.connect(self._on_removed)
        session.limit_changed.connect(self._advance)
        session.tolerances_changed.connect(self._advance)
        session.compared_changed.connect(self._advance)

    # Requests of the page

    def prepare_graphics(self) -> None:
        """Import the 3D libraries in the background."""
        self._graphics = self._reader.submit(inspection.import_views, None)

    def prepare_model(self) -> None:
        """Load the model in the background, so that the first scan does not wait for it."""
        self._loading = self._detector.submit(self._inspector.load, self._model)

    def try_model(self, run_dir: Path, device: str) -> None:
        """Switch to another run or device once it is loaded; if loading fails, nothing changes."""
        request = LoadRequest(run_dir, device)
        self._trying = self._detector.submit(self._inspector.load, request), request
        self.progress_changed.emit(BatchProgress(0, 0, "loading the model", 0.0))

    def open(self, paths: Sequence[Path], first: Path | None = None) -> None:
        """Add and inspect every scan among these files and folders. first: the one to show, if present."""
        request = tuple(paths)
        if request:
            self._show_next_found, self._first = True, first
            self._finding[self._reader.submit(inspection.find, request)] = request

    def inspect_again(self, ids: Sequence[int]) -> None:
        """Score again with the current model and category; also retries failures."""
        for entry_id in ids:
            entry = self._session.get(entry_id)
            if entry is not None and entry.state not in (State.WAITING, State.RUNNING):
                self._lost.discard(entry_id)
                self._session.update(entry_id, state=State.WAITING, failure=None, repeats="")
                self._batch[entry_id] = False
        self._advance()

    def look_at_table(self, path: Path) -> None:
        """Read the first rows of a table, so that the user can identify the x, y and z columns."""
        self._peeking[self._reader.submit(inspection.peek, path)] = path

    def show_beside(self, beside: Beside) -> None:
        """Set which surface of the current scan's result to prepare for drawing."""
        self._beside = beside
        self._advance()

    def inspect_arrival(self, path: Path) -> int:
        """Inspect a newly written scan, even if an older one of that path is listed. Returns its id."""
        known = next((e.id for e in self._session.entries if e.path == path and e.past is None), None)
        if known is None:
            return self._session.add([path])[0]
        self._drop_jobs({known})  # they contain the previous points
        self._lost.discard(known)
        self._session.update(known, state=State.WAITING, scan=None, shape=None, surfaces={}, failure=None, repeats="")
        self._batch[known] = False
        self._advance()
        return known

    def stop(self) -> None:
        """Cancel running and waiting work; existing results are kept."""
        for job in self._finding:
            self._reader.cancel(job)
        self._finding.clear()
        for running, pool in ((self._reading, self._reader), (self._detecting, self._detector)):
            if running is not None:
                pool.cancel(running[0])
        self._reading = self._detecting = None
        for entry in self._session.entries:
            if entry.state in (State.WAITING, State.RUNNING):
                self._session.update(entry.id, state=State.DONE if entry.detection else State.STOPPED)
        if self._trying is not None:
            self._detector.cancel(self._trying[0])
            self._trying = None
            self.prepare_model()  # the previous model, which had been unloaded
            self.model_tried.emit(Failure("loading was stopped", "", ""))
        self._finish_batch()

    @property
    def busy(self) -> bool:
        return bool(self._finding or self._reading or self._detecting)

    def close(self) -> bool:
        """End the threads. False if one did not stop within a second."""
        self._session.current_changed.disconnect(self._advance)
        self._session.limit_changed.disconnect(self._advance)
        self._session.tolerances_changed.disconnect(self._advance)
        self._session.compared_changed.disconnect(self._advance)
        return all([self._reader.close(), self._detector.close(), self._joiner.close()])

    # Scheduling

    @property
    def _model(self) -> LoadRequest:
        return LoadRequest(self._session.run_dir, self._session.device)

    def _advance(self, *_: object) -> None:
        if self._reading is None and (entry := self._next_to_read()) is not None:
            self._reading = self._read(entry), entry.id
        self._judge_current()
        self._tolerate_next()
        self._join_shown()
        if self._detecting is None and (entry := self._next_to_detect()) is not None:
            assert entry.scan is not None and entry.shape is not None
            allowed = self._session.tolerances
            request = DetectRequest(entry.scan, entry.shape, self._model, self._session.category, allowed)
            self._detecting = self._detector.submit(self._inspector.detect, request), entry.id
            self._session.update(entry.id, state=State.RUNNING)
        if not (self._reading or self._detecting or self._finding or self._trying):
            self._finish_batch()

    def _read(self, entry: Entry) -> int:
        """Read an entry from its file, with its surfaces if it has a result; a past one from the history."""
        if entry.state is not State.DONE or entry.raw is None:
            return self._reader.submit(inspection.read, entry.path)
        if entry.past is not None and self._session.history is not None:
            return self._reader.submit(inspection.read_past, PastRequest(entry.record, self._session.history))
        return self._reader.submit(inspection.read_again, AgainRequest(entry.path, entry.raw))

    def _judge_current(self) -> None:
        """After a change of limit: find the current scan's defects again; those of others when they are shown."""
        entry = self._session.current_entry
        limit = self._session.limit_of(entry)
        if self._judging is not None or entry is None or entry.scan is None or entry.raw is None:
            return
        if entry.defects_at != limit and entry.state is State.DONE:
            request = JudgeRequest(entry.scan, entry.raw, limit)
            self._judging = self._reader.submit(inspection.judge, request), entry.id, limit

    def _tolerate_next(self) -> None:
        """After a change of a category's tolerances: re-evaluate its scans, the current one first."""
        if self._tolerating is not None:
            return
        entries = self._session.entries
        for entry in sorted(entries, key=lambda entry: entry.id != self._session.current):
            plain = entry.plain or entry.raw
            if entry.state is not State.DONE or entry.past is not None or plain is None:
                continue
            part = self._session.tolerances.get(plain.category)
            if part is not entry.tolerated:
                limit = self._session.limit_of(entry)
                request = TolerateRequest(entry.path, entry.scan, plain, part, limit, self._model)
                self._tolerating = self._detector.submit(self._inspector.tolerate, request), entry.id, request
                return

    def _on_tolerated(self, entry_id: int, asked: TolerateRequest, judged: Tolerated) -> None:
        """Ignored if the scan has been inspected again in the meantime."""
        entry = self._session.get(entry_id)
        if entry is not None and entry.state is State.DONE and (entry.plain or entry.raw) is asked.plain:
            self._session.update(
                entry_id, plain=asked.plain, tolerated=asked.part, raw=judged.raw,
                detection=judged.detection, defects_at=asked.limit,
            )  # fmt: skip

    def _join_shown(self) -> None:
        """Mesh the shown scans and the surface beside the current one."""
        if self._joining is not None:
            return
        for entry in self._shown():
            if entry.shape is None:
                continue
            beside = entry.shown_as(self._beside)
            surface = entry.surfaces.get(beside)
            made = entry.raw is None or beside is Beside.SCAN or (surface is not None and surface.joined)
            if entry.shape.joined and made:
                continue
            request = JoinRequest(entry.shape, entry.surfaces, entry.raw, beside)
            self._joining = self._joiner.submit(inspection.join_surfaces, request), entry.id
            return

    def _on_joined(self, entry_id: int, joined: Joined) -> None:
        """Ignored if the scan has been read or inspected again in the meantime."""
        entry, asked = self._session.get(entry_id), joined.of
        if entry is None or entry.shape is None or entry.shape.points is not asked.shape.points:
            return
        changes: dict[str, object] = {} if entry.shape.joined else {"shape": joined.shape}
        if entry.raw is asked.raw:
            changes["surfaces"] = {**entry.surfaces, **joined.surfaces}
        if changes:
            self._session.update(entry_id, **changes)

    def _shown(self) -> list[Entry]:
        """The current scan and the one beside it."""
        ids = dict.fromkeys((self._session.current, self._session.compared))
        return [entry for entry in map(self._session.get, ids) if entry is not None]

    def _next_to_read(self) -> Entry | None:
        for shown in self._shown():
            if shown.scan is None and shown.id not in self._lost and shown.state in (State.WAITING, State.DONE):
                return shown
        waiting = [entry for entry in self._session.entries if entry.state is State.WAITING]
        if sum(entry.scan is not None for entry in waiting) >= READ_AHEAD:
            return None
        return next((entry for entry in waiting if entry.scan is None), None)

    def _next_to_detect(self) -> Entry | None:
        ready = [e for e in self._session.entries if e.state is State.WAITING and e.scan is not None]
        return next((e for e in ready if e.id == self._session.current), ready[0] if ready else None)

    def _on_done(self, job: int, value: object) -> None:
        if job in self._finding:
            self._found(self._finding.pop(job), value)
        elif job in self._peeking:
            self.table_seen.emit(self._peeking.pop(job), value)
        elif job == self._graphics:
            self.graphics_ready.emit()
        elif job == self._loading and isinstance(value, ModelInfo):
            self._session.set_model(value)
        elif self._trying is not None and job == self._trying[0] and isinstance(value, ModelInfo):
            request, self._trying = self._trying[1], None
            self._session.use_model(request.run_dir, request.device)
            self._session.set_model(value)
            self.model_tried.emit(None)
        elif self._reading is not None and job == self._reading[0] and isinstance(value, Opened):
            entry_id, self._reading = self._reading[1], None
            self._session.update(entry_id, scan=value.scan, shape=value.shape, surfaces=value.surfaces)
        elif self._detecting is not None and job == self._detecting[0] and isinstance(value, InspectedScan):
            entry_id, self._detecting = self._detecting[1], None
            self._session.set_model(value.model)
            self._session.set_result(
                entry_id, value.detection, value.surfaces, value.thumbnail, value.model, value.front,
                value.plain, value.tolerated,
            )  # fmt: skip
            self._tick(entry_id)
        elif self._tolerating is not None and job == self._tolerating[0] and isinstance(value, Tolerated):
            _, entry_id, asked = self._tolerating
            self._tolerating = None
            self._on_tolerated(entry_id, asked, value)
        elif self._joining is not None and job == self._joining[0] and isinstance(value, Joined):
            entry_id, self._joining = self._joining[1], None
            self._on_joined(entry_id, value)
        elif self._judging is not None and job == self._judging[0] and isinstance(value, Detection):
            _, entry_id, limit = self._judging
            self._judging = None
            if limit == self._session.limit_of(self._session.get(entry_id)):
                self._session.update(entry_id, detection=value, defects_at=limit)
        self._advance()

    def _on_failed(self, job: int, error: Exception) -> None:
        failure = Failure.of(error)
        if not isinstance(error, (UserError, MemoryError)):
            log.error("job %d failed", job, exc_info=error)
            self.bug_found.emit(error)
        if job in self._finding:
            paths = self._finding.pop(job)
            where = error.where if isinstance(error, UserError) else ", ".join(path.name for path in paths)
            self.failed.emit(where, failure)
        elif job in self._peeking:
            self.failed.emit(self._peeking.pop(job).name, failure)
        elif job == self._loading:
            self.failed.emit("The model could not be loaded", failure)
        elif self._trying is not None and job == self._trying[0]:
            where, self._trying = self._trying[1].run_dir.name, None
            self.failed.emit(f"{where} could not be used", failure)
            self.prepare_model()  # the previous model, which had been unloaded
            self.model_tried.emit(failure)
        elif self._joining is not None and job == self._joining[0]:
            entry_id, self._joining = self._joining[1], None
            self._leave_points(entry_id)
            self.failed.emit("The surface could not be meshed; the points are shown", failure)
        elif self._tolerating is not None and job == self._tolerating[0]:
            entry_id, self._tolerating = self._tolerating[1], None
            self._fail(entry_id, failure)  # a verdict that ignores its tolerances is invalid
        elif job == self._graphics:
            self.failed.emit("The 3D views could not be loaded", failure)
        elif self._judging is not None and job == self._judging[0]:
            entry_id, limit = self._judging[1:]
            self._judging = None
            self._session.update(entry_id, defects_at=limit)  # or it would be tried for ever
            self.failed.emit("The defects under the new limit", failure)
        elif self._reading is not None and job == self._reading[0]:
            entry_id, self._reading = self._reading[1], None
            self._unread(entry_id, failure)
        elif self._detecting is not None and job == self._detecting[0]:
            entry_id, self._detecting = self._detecting[1], None
            self._fail(entry_id, failure)
        self._advance()

    def _leave_points(self, entry_id: int) -> None:
        """Do not retry meshing after a failure."""
        entry = self._session.get(entry_id)
        if entry is None or entry.shape is None:
            return
        beside = entry.shown_as(self._beside)
        rest = entry.surfaces.get(beside, NO_SHAPE)
        surfaces = {**entry.surfaces, beside: replace(rest, joined=True)}
        self._session.update(entry_id, shape=replace(entry.shape, joined=True), surfaces=surfaces)

    def _fail(self, entry_id: int, failure: Failure) -> None:
        self._session.update(entry_id, state=State.FAILED, failure=failure)
        self._tick(entry_id)

    def _unread(self, entry_id: int, failure: Failure) -> None:
        entry = self._session.get(entry_id)
        if entry is None or entry.state is not State.DONE:
            self._fail(entry_id, failure)
            return
        self._lost.add(entry_id)  # or it would be tried for ever
        self.failed.emit(f"{entry.name} cannot be shown, its result stays", failure)

    def _tick(self, entry_id: int) -> None:
        self._batch[entry_id] = True
        self._pace.tick(time.monotonic())

    def _found(self, asked: tuple[Path, ...], found: object) -> None:
        assert isinstance(found, Found)
        paths = list(found.scans)
        new = self._session.add(paths)
        if found.skipped and paths:
            files = "file that is not a scan" if len(found.skipped) == 1 else "files that are not scans"
            self.noted.emit(f"Skipped {len(found.skipped):,} {files}: {listed(found.skipped)}.")
        if not paths:
            where = ", ".join(path.name or str(path) for path in asked)
            self.failed.emit(where, Failure("no scans found", f"open one of these: {NAMES}", ""))
        elif self._show_next_found:
            self._show_next_found = False
            ids = {entry.path: entry.id for entry in self._session.entries}
            wanted = ids.get(self._first) if self._first is not None else None
            self._session.show(wanted or (new[0] if new else ids.get(paths[0])))

    def _on_added(self, ids: list[int]) -> None:
        waiting = [entry_id for entry_id in ids if (e := self._session.get(entry_id)) and e.state is State.WAITING]
        self._batch |= dict.fromkeys(waiting, False)
        self._advance()

    def _on_removed(self, ids: list[int]) -> None:
        for entry_id in ids:
            self._batch.pop(entry_id, None)
        self._drop_jobs(set(ids))
        self._advance()

    def _drop_jobs(self, ids: set[int]) -> None:
        """Cancel the jobs of these scans."""
        if self._reading is not None and self._reading[1] in ids:
            self._reader.cancel(self._reading[0])
            self._reading = None
        if self._detecting is not None and self._detecting[1] in ids:
            self._detector.cancel(self._detecting[0])
            self._detecting = None
        if self._judging is not None and self._judging[1] in ids:
            self._reader.cancel(self._judging[0])
            self._judging = None

    # Progress

    def _on_progress(self, job: int, fraction: float, stage: str) -> None:
        if self._detecting is None or job == self._detecting[0]:
            self._tell(stage, fraction)

    def _tell(self, stage: str, fraction: float) -> None:
        done = sum(self._batch.values())
        pace = self._pace.text(len(self._batch) - done)
        self.progress_changed.emit(BatchProgress(done, len(self._batch), STAGE_WORDS.get(stage, stage), fraction, pace))

    def _finish_batch(self) -> None:
        self.progress_changed.emit(None)
        if not self._batch:
            return
        entries = [self._session.get(entry_id) for entry_id in self._batch]
        failed = sum(entry is not None and entry.state is State.FAILED for entry in entries)
        done = sum(self._batch.values())
        self._batch.clear()
        self._pace.reset()
        self.batch_finished.emit(done, failed)
