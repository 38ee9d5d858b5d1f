"""A terminal progress bar with losses and remaining time, fed by events."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from sedir_core.config import Config
from sedir_core.names import printable
from sedir_core.training.events import AnyEvent, EpochEvent, EvaluatedEvent, FailedEvent, StageEvent, StepEvent
from sedir_core.training.whole import Whole


class ProgressBar:
    """`with ProgressBar(config) as bar:` and pass `bar.show` to the run as a watcher. Draws on stderr."""

    def __init__(self, config: Config, console: Console | None = None) -> None:
        self._whole = Whole(config)
        self._console = console or Console(stderr=True)
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[eta]}  {task.fields[losses]}"),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task("preparing", total=None, eta="", losses="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def show(self, event: AnyEvent) -> None:
        """Update the bar from an event."""
        match event:
            case StageEvent():
                self._show_stage(event, printable(event.stage))
            case StepEvent():
                self._show_stage(event, f"epoch {event.epoch}")
                if event.epoch == 1:  # no means yet
                    self._show_losses(event.losses)
            case EpochEvent():
                self._show_losses(event.losses)
            case EvaluatedEvent():
                self._bar.update(self._task, description="measured", eta="")
            case FailedEvent():
                self._bar.update(self._task, description="failed", eta="")

    def _show_stage(self, event: AnyEvent, stage: str) -> None:
        self._whole.add(event)
        left_s = self._whole.left_s
        eta = "" if left_s is None else f"{clock(left_s)} left"
        self._bar.update(self._task, description=stage, completed=self._whole.fraction, total=1.0, eta=eta)

    def _show_losses(self, losses: dict[str, float]) -> None:
        self._bar.update(self._task, losses="  ".join(f"{name} {value:.4g}" for name, value in losses.items()))


def clock(seconds: float) -> str:
    """Format a duration: 75 -> "1:15", 3700 -> "1:01:40"."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
