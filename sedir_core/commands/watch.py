"""`sedir watch`: score every scan that arrives in a folder, one line each, until Ctrl-C."""

from __future__ import annotations

import json
import queue
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sedir_core.commands.console import Status, interruptible, say
from sedir_core.commands.options import Device, ExportFolder, FalseAlarmRate, Model, PartCategory
from sedir_core.commands.recording import Folder, Lot, Operator, Record, Recording, Space, Url
from sedir_core.history.place import HistoryPlace
from sedir_core.places import DEFAULT_RUN
from sedir_core.runs.models import find_model

if TYPE_CHECKING:
    from sedir_core.detectors.base import Detector
    from sedir_core.evaluation.inspection import Inspected, Refused
    from sedir_core.io.arrivals import Arrival
    from sedir_core.io.folder_watch import WatchState
    from sedir_core.types import Stop

STOP_INTERVAL_S = 0.2


def watch(
    folder: Annotated[Path, typer.Argument(help="The folder that scans arrive in; its sub-folders count too.")],
    model: Model = DEFAULT_RUN,
    category: PartCategory = "auto",
    json_file: Annotated[
        str | None,
        typer.Option("--json", help="Append one JSON object a line there; - is standard output.", metavar="FILE"),
    ] = None,
    export: ExportFolder = None,
    device: Device = "auto",
    false_alarm_rate: FalseAlarmRate = None,
    existing: Annotated[bool, typer.Option("--existing", help="Begin with the scans that are there already.")] = False,
    settle: Annotated[
        float, typer.Option(min=0.1, max=3600, help="Seconds a scan's size must stand still.", metavar="SECONDS")
    ] = 2.0,
    fail_on_ng: Annotated[
        bool, typer.Option("--fail-on-ng", help="Stop with exit status 3 at the first scan that is NG.")
    ] = False,
    record: Record = False,
    operator: Operator = None,
    lot: Lot = "",
    history_url: Url = "",
    history_folder: Folder = None,
    history_gb: Space = 10.0,
) -> None:
    """Score every scan that arrives in a folder, as soon as it is written in full. Ctrl-C ends it."""
    from sedir_core.detectors.base import load_detector
    from sedir_core.detectors.relimit import AtRate
    from sedir_core.evaluation.inspection import ExportNames, Inspected, check_category, export_inspection
    from sedir_core.io.folder_watch import FolderWatch

    _check_folders(folder, export)
    names = ExportNames(export) if export is not None else None
    run_dir = find_model(model)
    recording = Recording(record, HistoryPlace(history_url, history_folder), operator, lot, history_gb)
    with ExitStack() as stack:
        stop, write = stack.enter_context(interruptible()), stack.enter_context(_lines(json_file))
        detector = load_detector(run_dir, device)
        if false_alarm_rate is not None:
            detector = AtRate(detector, false_alarm_rate)
        check_category(detector, category)
        recorded = stack.enter_context(recording.of(run_dir, detector))
        arrivals: queue.SimpleQueue[Arrival] = queue.SimpleQueue()
        watcher = FolderWatch(folder, arrivals.put, _Teller(), settle_s=settle, existing=existing)
        watcher.start()
        try:
            for outcome in _inspected(detector, category, arrivals, stop):
                if isinstance(outcome, Inspected) and export is not None and names is not None:
                    export_inspection(outcome, export, names.stem(outcome.path))
                write(outcome)
                recorded(outcome)
                if fail_on_ng and isinstance(outcome, Inspected) and outcome.detection.verdict == "ng":
                    raise typer.Exit(Status.NG)
        finally:
            watcher.stop()
    raise typer.Exit(Status.INTERRUPTED)


def _inspected(
    detector: Detector, category: str, arrivals: queue.SimpleQueue[Arrival], stop: Stop
) -> Iterator[Inspected | Refused]:
    """What arrives, judged, until the user has had enough. Raises Cancelled if that is amid a scan."""
    from sedir_core.evaluation.inspection import Refused, inspect_scans

    while not stop():
        try:
            arrival = arrivals.get(timeout=STOP_INTERVAL_S)
        except queue.Empty:
            continue
        if not arrival.unchanged:
            continue  # written anew, so it arrives once more; or taken away
        (outcome,) = inspect_scans(detector, [arrival.path], category, stop=stop)
        if isinstance(outcome, Refused) and not arrival.unchanged:
            continue
        yield outcome


def _check_folders(folder: Path, export: Path | None) -> None:
    from sedir_core.errors import CannotWrite, UnreadableScan

    if not folder.is_dir():
        raise UnreadableScan(folder, "no such folder", "check the path; a drive must be plugged in at the start")
    if export is not None and export.resolve().is_relative_to(folder.resolve()):
        raise CannotWrite(export, "lies in the watched folder: exports would be inspected too", "export elsewhere")


class _Teller:
    """Says what the user should know of the folder; called in the watcher's thread."""

    def __init__(self) -> None:
        self._said = ""

    def __call__(self, state: WatchState) -> None:
        if not state.present:
            text = f"{state.folder} is out of reach; watching goes on when it comes back"
        else:
            text = f"watching {state.folder}" + (f", looking every two seconds: {state.polling}" * bool(state.polling))
        if text != self._said:
            self._said = text
            say(text)


@contextmanager
def _lines(target: str | None) -> Iterator[Callable[[Inspected | Refused], None]]:
    """What writes one outcome: as text to standard output, as JSON there or to the end of a file.

    Raises CannotWrite.
    """
    if target is None or target == "-":
        yield lambda outcome: typer.echo(_text(outcome) if target is None else _json(outcome))
        return
    path = Path(target)
    with _said_of(path):
        file = path.open("a", encoding="utf-8", buffering=1)  # whoever follows the file gets whole lines

    def write(outcome: Inspected | Refused) -> None:
        with _said_of(path):
            file.write(_json(outcome) + "\n")

    with file:
        yield write


@contextmanager
def _said_of(path: Path) -> Iterator[None]:
    from sedir_core.errors import CannotWrite

    try:
        yield
    except OSError as error:
        raise CannotWrite(path, error.strerror or str(error), "check the free space and the permissions") from error


def _json(outcome: Inspected | Refused) -> str:
    """One line: what `inspect --json` says of a scan, what kind of line it is, and when it was written."""
    from sedir_core.evaluation.inspection import Refused

    event = "refused" if isinstance(outcome, Refused) else "inspected"
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    return json.dumps({"event": event, "time": now, **outcome.to_json()}, allow_nan=False)


def _text(outcome: Inspected | Refused) -> str:
    from sedir_core.evaluation.inspection import Refused

    if isinstance(outcome, Refused):
        return f"--           {outcome.error}"
    found = outcome.detection
    share = f"{100 * found.object_score / found.threshold:.0f} %" if found.threshold > 0 else ""
    doubt = " ?" if found.uncertain else ""
    return f"{found.verdict.upper()}  {share:>7}  {outcome.path}  {found.category}{doubt}"
