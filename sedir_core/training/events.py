"""Event log of a training: one JSON object per line, append-only, readable at any time.

No torch here: the window follows a training through this file alone.
"""

from __future__ import annotations

import logging
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from sedir_core.documents import parse_json
from sedir_core.io.append import AppendedLines
from sedir_core.io.guard import open_without_waiting

log = logging.getLogger(__name__)

_LINE_BYTES = 1 << 15  # far more than the longest event
_TAIL_BYTES = 2 * _LINE_BYTES
MAX_BYTES = 256 << 20
"""Size of the largest log that is read; those of long trainings have a few megabytes."""


class _Event(BaseModel):
    """time: of the event, in seconds since 1970."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    time: float = Field(default_factory=time.time)


class StageEvent(_Event):
    """Stage before or after the steps (align, encode, calibrate), and the fraction done."""

    event: Literal["stage"] = "stage"
    stage: str
    fraction: float


class StepEvent(_Event):
    """The last step, emitted a few times a second. epoch counts from 1; losses by name, with "total"."""

    event: Literal["step"] = "step"
    epoch: int
    step: int
    n_steps: int
    losses: dict[str, float]
    lr: float
    eta_seconds: float


class EpochEvent(_Event):
    """End of an epoch: mean losses and speed.

    memory_bytes: peak memory so far, of the GPU if used, otherwise of the process; 0 if unknown.
    """

    event: Literal["epoch"] = "epoch"
    epoch: int
    n_epochs: int
    losses: dict[str, float]
    lr: float
    eta_seconds: float
    steps_per_second: float
    memory_bytes: int = 0


class EvaluatedEvent(_Event):
    """Metrics of that epoch's weights, such as thresholds from held-out normals."""

    event: Literal["evaluated"] = "evaluated"
    epoch: int
    metrics: dict[str, float]


class PreviewEvent(_Event):
    """Previews of a few sample scans after that epoch; 0 is before the first step.

    file: in the run directory, see `training.previews`.
    """

    event: Literal["preview"] = "preview"
    epoch: int
    file: str


class SavedEvent(_Event):
    """Checkpoint: a crash from here on loses nothing before `step`."""

    event: Literal["saved"] = "saved"
    epoch: int
    step: int


class DoneEvent(_Event):
    """The last line: the run is complete, or was stopped and can be resumed."""

    event: Literal["done"] = "done"
    status: Literal["complete", "interrupted"]


class FailedEvent(_Event):
    """The last line of a training that an error ended. kind: as UserError.kind, or "bug"."""

    event: Literal["failed"] = "failed"
    kind: str
    message: str


AnyEvent: TypeAlias = (
    StageEvent | StepEvent | EpochEvent | PreviewEvent | EvaluatedEvent | SavedEvent | DoneEvent | FailedEvent
)
Watch: TypeAlias = Callable[[AnyEvent], None]

_parser: TypeAdapter[AnyEvent] = TypeAdapter(Annotated[AnyEvent, Field(discriminator="event")])


class EventLog:
    """Appends events to a file, one per line."""

    def __init__(self, path: Path) -> None:
        """Open for appending. Raises CannotWrite."""
        self._lines = AppendedLines(path)

    def emit(self, event: AnyEvent) -> None:
        """Append one event. Raises CannotWrite."""
        self._lines.append(event.model_dump_json())

    def close(self) -> None:
        """Close the log."""
        self._lines.close()


class EventReader:
    """Follows an event file that another process appends to."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def new(self) -> list[AnyEvent]:
        """The events since the last call; an incomplete line is left for the next call.

        A missing file has none, and so has what is no file, or far too large. Invalid lines, as left by a power cut,
        are skipped. After a crash and resume, the steps since the last checkpoint appear twice: the later ones count.
        """
        fresh = _fresh(self._path, self._offset)
        whole = fresh[: fresh.rfind(b"\n") + 1]
        self._offset += len(whole)
        parsed = [_parse(line) for line in whole.splitlines()]
        found = [event for event in parsed if event is not None]
        if skipped := len(parsed) - len(found):  # in one message: a stranger's file may hold millions
            log.warning("%s: skipped %d invalid events", self._path, skipped)
        return found


def read_events(path: Path) -> list[AnyEvent]:
    """Every complete event of a file."""
    return EventReader(path).new()


def last_event(path: Path) -> AnyEvent | None:
    """The last complete event, read from the end of the file; None if there is none."""
    try:
        if not path.is_file():
            return None
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
            tail = file.read(_TAIL_BYTES)
    except OSError:
        return None
    lines = tail[: tail.rfind(b"\n") + 1].splitlines()
    return _parse(lines[-1]) if lines else None


def _fresh(path: Path, offset: int) -> bytes:
    """What follows `offset` in a regular file: a stranger's run may hold a pipe, which blocks, or an endless device."""
    try:
        if not path.is_file():
            return b""
        with os.fdopen(open_without_waiting(path), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_BYTES:
                return b""
            file.seek(offset)
            return file.read()
    except OSError as error:
        log.warning("cannot read %s: %s", path, error)
        return b""


def _parse(line: bytes) -> AnyEvent | None:
    try:
        return _parser.validate_python(parse_json(line, _LINE_BYTES))
    except ValueError:  # includes pydantic's ValidationError
        return None
