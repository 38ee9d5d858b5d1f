"""The training followed by the Train workspace: current phase and curves."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from app.jobs.training import Orders, Phase, orders, phase_by_order, phase_of, stops_after_epoch
from sedir_core.errors import BadRun
from sedir_core.rundir.files import ABOUT, EVENTS, PREVIEWS, read_run_config
from sedir_core.rundir.lock import is_alive
from sedir_core.runs.catalogue import damage_of
from sedir_core.training.events import (
    AnyEvent,
    DoneEvent,
    EpochEvent,
    EvaluatedEvent,
    EventReader,
    FailedEvent,
    PreviewEvent,
    StageEvent,
    StepEvent,
)
from sedir_core.training.orders import last_words
from sedir_core.training.whole import Whole

POLL_MS = 400
PATIENCE_S = 90.0
"""A process without a sign of life for this long after its start has died."""
NO_WEIGHTS = "It was complete, but its weights are missing."
LOOK_AGAIN_S = 3.0
"""Silence after which we check whether the process is alive."""


@dataclass
class Curves:
    """Series of a run: name -> [(epoch, value)]; steps have fractional epochs."""

    epochs: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    n_epochs: int = 0

    def add(self, event: AnyEvent) -> None:
        if isinstance(event, EpochEvent):
            self.n_epochs = event.n_epochs
            for name, value in {**event.losses, **_beside_losses(event)}.items():
                points = self.epochs.setdefault(name, [])
                # After a kill and a resume some epochs are repeated: the later ones count.
                while points and points[-1][0] >= event.epoch:
                    points.pop()
                points.append((float(event.epoch), value))


def _beside_losses(event: EpochEvent) -> dict[str, float]:
    memory = {"memory": event.memory_bytes / 1e9} if event.memory_bytes else {}
    return {"learning rate": event.lr, "steps/s": event.steps_per_second, **memory}


@dataclass(frozen=True)
class Follow:
    """The followed run. stage: current activity; fraction, left_s: of the whole training; message: why it failed.

    previews: epoch and file, in order. stops_after_epoch: whether this was requested.
    """

    run_dir: Path
    phase: Phase
    stage: str = ""
    fraction: float = 0.0
    left_s: float | None = None
    message: str = ""
    thresholds: tuple[tuple[str, float], ...] = ()
    previews: tuple[tuple[int, Path], ...] = ()
    stops_after_epoch: bool = False

    @property
    def can_resume(self) -> bool:
        return (self.run_dir / ABOUT).exists()


class TrainModel(QObject):
    """Follows a run through its files."""

    followed = Signal(object)  # Follow
    queue_changed = Signal(list)  # waiting run directories, in queue order
    curves_grew = Signal(object)  # Curves

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._reader: EventReader | None = None
        self._begun_s = self._heard_s = self._asked_s = 0.0
        self._alive, self._started, self._ended = False, False, ""
        self._whole: Whole | None = None
        self.curves = Curves()
        self.follow: Follow | None = None
        self.ordered = Orders()
        self._timer = QTimer(self, interval=POLL_MS)
        self._timer.timeout.connect(self._poll)

    def watch(self, run_dir: Path, started: bool) -> None:
        """Follow a run. started: its process has just been started and may not have a directory yet."""
        self._reader = EventReader(run_dir / EVENTS)
        self._begun_s = self._heard_s = time.monotonic() if started else -PATIENCE_S
        self._asked_s = -PATIENCE_S
        self._alive, self._started, self._ended = False, started, ""
        self._look_at_queue()
        self._whole = None
        self.curves = Curves()
        self.follow = Follow(run_dir, Phase.STARTING if started else Phase.INTERRUPTED)
        self._poll()
        self._timer.start()

    def look_at_queue(self) -> None:
        """Start emitting `queue_changed`."""
        self._look_at_queue()
        self._timer.start()

    def leave(self) -> None:
        """Stop following; the training continues."""
        self._reader = self.follow = None

    def close(self) -> None:
        self._timer.stop()

    def _look_at_queue(self) -> None:
        before, self.ordered = self.ordered, orders()
        if before != self.ordered:
            self.queue_changed.emit(list(self.ordered.waiting))

    def _poll(self) -> None:
        self._look_at_queue()
        if self.follow is None or self._reader is None:
            return
        now_s = time.monotonic()
        events = self._reader.new()
        if events:
            self._heard_s = now_s
        seen = self.follow
        for event in events:
            self.curves.add(event)
            seen = self._after(seen, event)
        if events:
            seen = self._with_progress(seen, events)
        if any(isinstance(event, EpochEvent) for event in events):
            self.curves_grew.emit(self.curves)
        self._look_for_life(now_s, bool(events))
        seen = replace(self._with_phase(seen, now_s), stops_after_epoch=stops_after_epoch(seen.run_dir))
        if seen != self.follow or events:
            self.follow = seen
            self.followed.emit(seen)

    def _after(self, seen: Follow, event: AnyEvent) -> Follow:
        changes: dict[str, object] = {}
        match event:
            case StageEvent():
                changes = {"stage": event.stage}
            case StepEvent():
                changes = {"stage": f"epoch {event.epoch}"}
            case PreviewEvent():
                # After a kill and a resume some epochs are repeated: the later ones count.
                earlier = tuple(one for one in seen.previews if one[0] < event.epoch)
                file = seen.run_dir / PREVIEWS / Path(event.file).name  # whatever a stranger's log says
                changes = {"previews": (*earlier, (event.epoch, file))}
            case EvaluatedEvent():
                named = [(name.removeprefix("threshold."), value) for name, value in event.metrics.items()]
                changes = {"thresholds": tuple(named)}
            case DoneEvent():
                self._ended = event.status
            case FailedEvent():
                self._ended = "failed"
                changes = {"message": event.message}
        if not isinstance(event, DoneEvent | FailedEvent):
            self._ended = ""
        return replace(seen, **changes)  # type: ignore[arg-type]  # checked by the dataclass

    def _with_progress(self, seen: Follow, events: Sequence[AnyEvent]) -> Follow:
        if self._whole is None:
            try:
                self._whole = Whole(read_run_config(seen.run_dir))
            except BadRun:  # a damaged run says so by its phase
                return seen
        for event in events:
            self._whole.add(event)
        return replace(seen, fraction=self._whole.fraction, left_s=self._whole.left_s)

    def _look_for_life(self, now_s: float, heard: bool) -> None:
        if heard and not self._ended and now_s - self._begun_s < PATIENCE_S:
            self._alive = True
        if now_s - self._heard_s < LOOK_AGAIN_S and not self._ended and self._alive:
            return
        if now_s - self._asked_s >= LOOK_AGAIN_S or self._ended:
            self._asked_s = now_s
            assert self.follow is not None
            self._alive = is_alive(self.follow.run_dir)

    def _with_phase(self, seen: Follow, now_s: float) -> Follow:
        # An end in its log may belong to an earlier process; the queue knows.
        ordered = None if self._alive else phase_by_order(seen.run_dir, self.ordered)
        if ordered is not None:
            self._begun_s = self._heard_s = now_s
            return replace(seen, phase=ordered)
        words = last_words(seen.run_dir) if self._started and not self._alive and self._ended != "failed" else ""
        if words.startswith("error:"):
            return replace(seen, phase=Phase.FAILED, message=words.removeprefix("error:").strip())
        if now_s - self._begun_s < PATIENCE_S and not self._ended and not (seen.run_dir / ABOUT).exists():
            return replace(seen, phase=Phase.RUNNING if self._alive else Phase.STARTING)
        phase = phase_of(seen.run_dir, self._alive, self._ended)
        if phase is Phase.STARTING:  # it died before creating its directory
            words = last_words(seen.run_dir) or "the training process ended without a message"
            return replace(seen, phase=Phase.FAILED, message=words)
        if phase is Phase.DAMAGED:
            return replace(seen, phase=phase, message=damage_of(seen.run_dir) or NO_WEIGHTS)
        return replace(seen, phase=phase)
