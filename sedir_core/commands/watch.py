"""`sedir watch`: inspects every new scan in a folder, printing one line each, until Ctrl-C."""

from __future__ import annotations

import queue
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sedir_core.commands.console import Failing, Status, interruptible, say
from sedir_core.commands.options import (
    AllowedDeviation,
    Columns,
    Device,
    EvidenceChoice,
    ExportFolder,
    FailOnUncertain,
    FalseAlarmRate,
    Model,
    PartCategory,
    RuleChoice,
    ToleranceFiles,
)
from sedir_core.commands.recording import Folder, Lot, Operator, Record, Recorded, Recording, Space, Url
from sedir_core.commands.watch_lines import WatchLog
from sedir_core.errors import CannotWrite
from sedir_core.history.place import HistoryPlace
from sedir_core.places import DEFAULT_RUN, whole_path
from sedir_core.runs.models import find_model

if TYPE_CHECKING:
    from sedir_core.detectors.base import Detector
    from sedir_core.evaluation.inspection import Exports, Inspected, Refused
    from sedir_core.io.arrivals import Arrival
    from sedir_core.io.finding import SkippedFile
    from sedir_core.io.folder_watch import WatchState
    from sedir_core.types import Stop

STOP_INTERVAL_S = 0.2


def watch(
    folder: Annotated[Path, typer.Argument(help="Folder to watch, including subfolders.")],
    model: Model = DEFAULT_RUN,
    category: PartCategory = "auto",
    json_file: Annotated[
        str | None,
        typer.Option(
            "--json", help="Append one JSON object per line to this file; - for standard output.", metavar="FILE"
        ),
    ] = None,
    export: ExportFolder = None,
    columns: Columns = "",
    device: Device = "auto",
    false_alarm_rate: FalseAlarmRate = None,
    evidence: EvidenceChoice = None,
    rule: RuleChoice = None,
    tolerance: AllowedDeviation = None,
    tolerance_files: ToleranceFiles = None,
    existing: Annotated[bool, typer.Option("--existing", help="Also inspect the existing scans.")] = False,
    settle: Annotated[
        float,
        typer.Option(min=0.1, max=3600, help="Seconds for which a file's size must be stable.", metavar="SECONDS"),
    ] = 2.0,
    fail_on_ng: Annotated[
        bool, typer.Option("--fail-on-ng", help="Stop with exit status 3 at the first scan that is NG.")
    ] = False,
    fail_on_uncertain: FailOnUncertain = False,
    record: Record = False,
    operator: Operator = None,
    lot: Lot = "",
    history_url: Url = "",
    history_folder: Folder = None,
    history_gb: Space = 10.0,
) -> None:
    """Inspect every new scan in a folder as soon as it is completely written, until Ctrl-C.

    With --record a restart loses nothing: scans already in the history, by path and content, count as done, and all
    others in the folder are inspected, whenever they arrived.
    """
    from sedir_core.detectors.relimit import load_relimited
    from sedir_core.evaluation.inspection import check_category
    from sedir_core.evaluation.zone_file import read_part_tolerance
    from sedir_core.evaluation.zones import ByZone
    from sedir_core.io.columns import parse_columns

    asked = parse_columns(columns)
    allowed = [read_part_tolerance(path) for path in tolerance_files or ()]
    place = HistoryPlace(history_url, history_folder)
    _check_folders(folder, export, place if record else None)
    failing = Failing(fail_on_ng, fail_on_uncertain)
    exports = None if export is None else _MirroredExports(folder, export)
    run_dir = find_model(model)
    recording = Recording(record, place, operator, lot, history_gb)
    lines = WatchLog(json_file)
    with ExitStack() as stack:
        stack.callback(lines.close)
        stop = stack.enter_context(interruptible())
        detector = load_relimited(run_dir, device, evidence, rule, tolerance, false_alarm_rate)
        check_category(detector, category)
        recorded = stack.enter_context(recording.of(run_dir, detector))
        recorded.require()
        arrivals = _Arrivals(recorded, asked)
        # Everything missing in the history is inspected, including scans that arrived while not watching.
        _start_watching(stack, folder, arrivals, settle, existing or record)
        judge = ByZone(detector, allowed, category)
        for one in _inspected(detector, category, arrivals, stop, asked):
            outcome = judge(one)
            _export(outcome, exports, lines)
            lines.write(outcome)
            recorded(outcome)
            if _is_reason_to_stop(outcome, failing):
                raise typer.Exit(Status.NG)
    if recording.trouble is not None:
        say(f"error: {recording.trouble}")
    lost = recording.trouble is not None or lines.n_waiting
    raise typer.Exit(Status.UNREADABLE if lost else Status.INTERRUPTED)


def _start_watching(stack: ExitStack, folder: Path, arrivals: _Arrivals, settle_s: float, existing: bool) -> None:
    """Watch the folder for as long as the stack is open."""
    from sedir_core.io.folder_watch import FolderWatch

    watcher = FolderWatch(
        folder, arrivals.put, _StateReporter(), settle_s=settle_s, existing=existing, on_skipped=_say_skipped
    )
    watcher.start()
    stack.callback(watcher.stop)


def _export(outcome: Inspected | Refused, exports: _MirroredExports | None, lines: WatchLog) -> None:
    """Export an inspected scan; a failure is printed, and watching goes on."""
    from sedir_core.evaluation.inspection import Inspected

    if isinstance(outcome, Inspected) and exports is not None:
        try:
            exports.write(outcome)
        except CannotWrite as error:
            lines.fail(outcome.path, error)


def _is_reason_to_stop(outcome: Inspected | Refused, failing: Failing) -> bool:
    from sedir_core.evaluation.inspection import Inspected

    found = outcome.detection if isinstance(outcome, Inspected) else None
    return found is not None and failing.on(found.verdict, found.uncertain, found.measured)


class _Arrivals:
    """Queue of arrivals. New paths come before known ones, which must be read to see whether they have changed."""

    def __init__(self, recorded: Recorded, columns: tuple[str, ...]) -> None:
        self._recorded = recorded
        self._columns = columns
        self._queue: queue.SimpleQueue[Arrival] = queue.SimpleQueue()
        self._new: deque[Arrival] = deque()
        self._known: deque[tuple[Arrival, set[str]]] = deque()

    def put(self, arrival: Arrival) -> None:
        """Called in the watcher's thread."""
        self._queue.put(arrival)

    def next(self) -> Arrival | None:
        """The next scan that is not done, or None after a timeout."""
        wait_s = 0.0 if self._new or self._known else STOP_INTERVAL_S
        with suppress(queue.Empty):
            while True:
                self._sort(self._queue.get(timeout=wait_s) if wait_s else self._queue.get_nowait())
                wait_s = 0.0
        if self._new:
            return self._new.popleft()
        if not self._known:
            return None
        arrival, contents = self._known.popleft()
        return None if _content(arrival.path, self._columns) in contents else arrival

    def _sort(self, arrival: Arrival) -> None:
        contents = self._recorded.contents(arrival.path)
        if contents:
            self._known.append((arrival, contents))
        else:
            self._new.append(arrival)


def _content(path: Path, columns: tuple[str, ...]) -> str | None:
    """Content hash as in the history; None if unreadable."""
    from sedir_core.errors import UserError
    from sedir_core.history.stored_result import content_hash
    from sedir_core.io.scans import read_scan

    try:
        return content_hash(read_scan(path, columns=columns).points)
    except (UserError, MemoryError):  # inspecting it tells which
        return None


def _inspected(
    detector: Detector, category: str, arrivals: _Arrivals, stop: Stop, columns: tuple[str, ...]
) -> Iterator[Inspected | Refused]:
    """Yield inspected arrivals until the user stops. Raises Cancelled if that happens during a scan."""
    from sedir_core.evaluation.inspection import Refused, inspect_scans

    while not stop():
        arrival = arrivals.next()
        if arrival is None or not arrival.unchanged:
            continue  # timeout, rewritten (so it will arrive again), or removed
        (outcome,) = inspect_scans(detector, [arrival.path], category, stop=stop, columns=columns)
        if isinstance(outcome, Refused) and not arrival.unchanged:
            continue
        yield outcome


class _MirroredExports:
    """Writes what is exported of a subfolder into a subfolder of the same name."""

    def __init__(self, watched: Path, export: Path) -> None:
        self._watched, self._export = whole_path(watched), export
        self._folders: dict[Path, Exports] = {}

    def write(self, outcome: Inspected) -> None:
        """Raises CannotWrite."""
        from sedir_core.evaluation.inspection import Exports

        folder = self._export / outcome.path.parent.relative_to(self._watched)
        self._folders.setdefault(folder, Exports(folder)).write(outcome)


def _check_folders(folder: Path, export: Path | None, place: HistoryPlace | None) -> None:
    from sedir_core.errors import UnreadableScan

    if not folder.is_dir():
        raise UnreadableScan(folder, "no such folder", "check the path; a drive must be plugged in at the start")
    if export is not None and export.resolve().is_relative_to(folder.resolve()):
        raise CannotWrite(export, "lies in the watched folder: exports would be inspected too", "export elsewhere")
    # A stored result holds the scan's points, so it would be inspected and recorded, and so on for ever.
    if place is not None and place.results.resolve().is_relative_to(folder.resolve()):
        what = "lies in the watched folder: recorded results would be inspected too"
        raise CannotWrite(place.results, what, "name another folder with --history-folder")


def _say_skipped(other: SkippedFile) -> None:
    say(f"skipped {other.path}: {other.why}")


class _StateReporter:
    """Reports changes of the folder's state; called in the watcher's thread."""

    def __init__(self) -> None:
        self._said = ""

    def __call__(self, state: WatchState) -> None:
        if not state.present:
            text = f"{state.folder} is not reachable; watching resumes when it is available again"
        else:
            text = f"watching {state.folder}" + (f", polling every two seconds: {state.polling}" * bool(state.polling))
        if text != self._said:
            self._said = text
            say(text)
