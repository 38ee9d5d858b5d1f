"""A terminal progress bar with losses and remaining time, fed by events."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from sedir_core.names import printable
from sedir_core.training.events import AnyEvent, EpochEvent, EvaluatedEvent, FailedEvent, StageEvent, StepEvent


class ProgressBar:
    """`with ProgressBar() as bar:` and pass `bar.show` to the run as a watcher. Draws on stderr."""

    def __init__(self, console: Console | None = None) -> None:
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
                self._bar.update(
                    self._task, description=printable(event.stage), completed=event.fraction, total=1.0, eta=""
                )
            case StepEvent():
                self._bar.update(
                    self._task,
                    description=f"epoch {event.epoch}",
                    completed=event.step,
                    total=event.n_steps,
                    eta=f"{clock(event.eta_seconds)} left",
                )
                if event.epoch == 1:  # no means yet
                    self._show_losses(event.losses)
            case EpochEvent():
                self._show_losses(event.losses)
            case EvaluatedEvent():
                self._bar.update(self._task, description="measured", eta="")
            case FailedEvent():
                self._bar.update(self._task, description="failed", eta="")

    def _show_losses(self, losses: dict[str, float]) -> None:
        self._bar.update(self._task, losses="  ".join(f"{name} {value:.4g}" for name, value in losses.items()))


def clock(seconds: float) -> str:
    """Format a duration: 75 -> "1:15", 3700 -> "1:01:40"."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
