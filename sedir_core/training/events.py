"""What a training says while it runs: one JSON object a line, appended, read by anyone at any time.

No torch here: the window follows a training with this file alone.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from sedir_core.documents import parse_json
from sedir_core.io.append import AppendedLines

log = logging.getLogger(__name__)

_LINE_BYTES = 1 << 15  # far more than the longest event
_TAIL_BYTES = 2 * _LINE_BYTES


class _Event(BaseModel):
    """time: seconds since 1970 when it was said."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    time: float = Field(default_factory=time.time)


class StageEvent(_Event):
    """What is being done before and after the steps (align, encode, calibrate), and which share of it is done."""

    event: Literal["stage"] = "stage"
    stage: str
    fraction: float


class StepEvent(_Event):
    """A few times a second: the last step. epoch counts from 1; losses by name, with "total"."""

    event: Literal["step"] = "step"
    epoch: int
    step: int
    n_steps: int
    losses: dict[str, float]
    lr: float
    eta_seconds: float


class EpochEvent(_Event):
    """An epoch has ended: its mean losses and its speed.

    memory_bytes: most memory in use so far, of the GPU where one trains, else of the process; 0 where not known.
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
    """Numbers measured with the weights of that epoch, such as thresholds from held-out normals."""

    event: Literal["evaluated"] = "evaluated"
    epoch: int
    metrics: dict[str, float]


class PreviewEvent(_Event):
    """What the network makes of a few sample scans after that epoch; 0 is before the first step.

    file: in the run directory, see `training.previews`.
    """

    event: Literal["preview"] = "preview"
    epoch: int
    file: str


class SavedEvent(_Event):
    """A kill from here on loses nothing before `step`."""

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
    """Appends events to a file, a line each."""

    def __init__(self, path: Path) -> None:
        """Open for appending. Raises CannotWrite."""
        self._lines = AppendedLines(path)

    def emit(self, event: AnyEvent) -> None:
        """Append one event. Raises CannotWrite."""
        self._lines.append(event.model_dump_json())

    def close(self) -> None:
        """Nothing can be emitted afterwards."""
        self._lines.close()


class EventReader:
    """Follows an event file that another process appends to."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def new(self) -> list[AnyEvent]:
        """The events since the last call; a line still being written waits for the next one.

        A file that is not there yet has none. Lines that make no sense are left out: a power cut can leave some.
        After a kill and a resume the steps since the last checkpoint come twice: the later ones count.
        """
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                fresh = file.read()
        except FileNotFoundError:
            return []
        whole = fresh[: fresh.rfind(b"\n") + 1]
        self._offset += len(whole)
        parsed = (_parse(line) for line in whole.splitlines())
        return [event for event in parsed if event is not None]


def read_events(path: Path) -> list[AnyEvent]:
    """Every whole event of a file."""
    return EventReader(path).new()


def last_event(path: Path) -> AnyEvent | None:
    """The last whole event, read from the end of the file; None if there is none there."""
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


def _parse(line: bytes) -> AnyEvent | None:
    try:
        return _parser.validate_python(parse_json(line, _LINE_BYTES))
    except ValueError:  # pydantic's, too
        log.warning("left out an event that makes no sense: %r", line[:80])
        return None
