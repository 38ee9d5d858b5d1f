"""Trainings as processes of their own: started so that they outlive the window, followed by their files alone.

A training waits in the queue until its device is free; `python -m sedir_core queue run`, detached, then starts it.
What the window knows of it is in its run directory, so that closing the window, a crash of it, or opening another one
changes nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from PySide6.QtCore import QProcess, QProcessEnvironment

from sedir_core.config import Config, to_toml
from sedir_core.detectors.run_files import ABOUT, EVENTS, STOP, STOP_AFTER_EPOCH, WEIGHTS, read_about
from sedir_core.errors import BadDataset, BadRun, CannotWrite
from sedir_core.io.atomic import write_text
from sedir_core.places import writable_folders
from sedir_core.runs.catalogue import ARCHIVED
from sedir_core.training import queue
from sedir_core.training.events import DoneEvent, FailedEvent, read_events
from sedir_core.training.run_lock import is_alive


class Phase(Enum):
    """Where a training is. WAITING: for its turn. STARTING: has said nothing yet. INTERRUPTED: can go on."""

    WAITING = "waiting"
    STARTING = "starting"
    RUNNING = "training"
    INTERRUPTED = "interrupted"
    FAILED = "failed"
    COMPLETE = "complete"


@dataclass(frozen=True)
class TrainOrder:
    """What to train. device: cpu, cuda:0, mps. out: the run directory, not there yet. origin: a model to go on from."""

    dataset: Path
    categories: tuple[str, ...]
    config: Config
    out: Path
    device: str
    origin: Path | None = None


def launch(order: TrainOrder) -> None:
    """Train when the device is free. Raises CannotWrite where nothing can be written or started."""
    settings = _notes(order.out).with_suffix(".toml")
    settings.parent.mkdir(parents=True, exist_ok=True)
    write_text(settings, to_toml(order.config))
    words = [str(order.dataset), "--categories", ",".join(order.categories), "--config", str(settings)]
    words += [] if order.origin is None else ["--warm-start", str(order.origin)]
    _enqueue(order.out, (*words, "--out", str(order.out), "--device", order.device), order.device)


def resume(run_dir: Path, dataset: Path) -> None:
    """Go on with an interrupted training where it stopped, when its device is free. Raises BadRun, CannotWrite."""
    _enqueue(run_dir, (str(dataset), "--resume", str(run_dir)), read_about(run_dir).device)


def waiting() -> list[Path]:
    """Run directories of the trainings that wait, in the order of their turn."""
    return [one.job.run_dir for one in queue.jobs_in(queue.queue_folder()) if one.job.started is None]


def leave_queue(run_dir: Path) -> None:
    """Take a training that waits off the list; nothing happens if its turn has come. Raises CannotWrite."""
    queue.remove(queue.queue_folder(), run_dir)


def reorder(run_dirs: Sequence[Path]) -> None:
    """Those that wait get their turn in this order. Raises CannotWrite."""
    queue.reorder(queue.queue_folder(), run_dirs)


def keep_queue_going() -> None:
    """Trainings may wait from before the machine was switched off. Raises CannotWrite."""
    if queue.jobs_in(queue.queue_folder()):
        _start_runner()


def ask_to_stop(run_dir: Path) -> None:
    """Save and stop before the next step. Raises CannotWrite."""
    try:
        (run_dir / STOP).touch()
    except OSError as error:
        raise CannotWrite(run_dir / STOP, error.strerror or str(error), "stop the process by hand") from error


def ask_to_stop_after_epoch(run_dir: Path, wanted: bool) -> None:
    """Save and stop before the next epoch, or go on after all. Raises CannotWrite."""
    try:
        if wanted:
            (run_dir / STOP_AFTER_EPOCH).touch()
        else:
            (run_dir / STOP_AFTER_EPOCH).unlink(missing_ok=True)
    except OSError as error:
        raise CannotWrite(run_dir / STOP_AFTER_EPOCH, error.strerror or str(error), "stop the training now") from error


def stops_after_epoch(run_dir: Path) -> bool:
    """Whether it was asked to, and has not done so yet."""
    return (run_dir / STOP_AFTER_EPOCH).exists()


def last_words(run_dir: Path) -> str:
    """What the process last said on its error stream: why it ended, if it ended before its run directory was there."""
    try:
        lines = _notes(run_dir).with_suffix(".log").read_text("utf-8", "replace").strip().splitlines()
    except OSError:
        return ""
    return "\n".join(lines[-3:])


def phase_of(run_dir: Path, alive: bool, ended: str) -> Phase:
    """ended: "", or what the last event says: complete, interrupted, failed."""
    if alive:
        return Phase.RUNNING
    if (run_dir / WEIGHTS).exists() and ended in ("", "complete"):
        return Phase.COMPLETE
    if ended == "failed":
        return Phase.FAILED
    return Phase.INTERRUPTED if (run_dir / ABOUT).exists() else Phase.STARTING


def runs_in(folder: Path) -> list[Path]:
    """Runs, begun or finished, the newest first; without those that were archived."""
    try:
        found = [path for path in folder.iterdir() if (path / ABOUT).is_file() and not (path / ARCHIVED).exists()]
    except OSError:
        return []
    return sorted(found, key=lambda path: (path / ABOUT).stat().st_mtime, reverse=True)


def phase_now(run_dir: Path) -> Phase:
    """The phase of a run that nobody follows."""
    events = read_events(run_dir / EVENTS)
    ended = ""
    if events:
        last = events[-1]
        ended = last.status if isinstance(last, DoneEvent) else "failed" if isinstance(last, FailedEvent) else ""
    return phase_of(run_dir, is_alive(run_dir), ended)


def dataset_of(run_dir: Path) -> Path:
    """The folder that a run was trained on. Raises BadRun, BadDataset where it is not known or gone."""
    found = read_about(run_dir).dataset
    if not found:
        raise BadRun(run_dir, "does not say what it was trained on", "use `sedir train DATASET --resume RUN`")
    if not Path(found).is_dir():
        raise BadDataset(found, "is no longer there", "put it back, or use `sedir train DATASET --resume RUN`")
    return Path(found)


def _enqueue(run_dir: Path, words: tuple[str, ...], device: str) -> None:
    notes = _notes(run_dir).with_suffix(".log")
    notes.unlink(missing_ok=True)  # what an earlier process of that name said
    queue.add(queue.queue_folder(), queue.Job(run_dir=run_dir, words=words, device=device, notes=notes))
    _start_runner()


def _start_runner() -> None:
    """One that finds another at work ends by itself."""
    process = QProcess()
    process.setProgram(sys.executable)
    process.setArguments(["-m", "sedir_core", "queue", "run"])
    process.setProcessEnvironment(QProcessEnvironment.systemEnvironment())
    process.setStandardInputFile(QProcess.nullDevice())
    process.setStandardOutputFile(QProcess.nullDevice())
    process.setStandardErrorFile(QProcess.nullDevice())
    started = process.startDetached()
    if not (started[0] if isinstance(started, tuple) else started):
        raise CannotWrite(sys.executable, "the training's process could not be started", "see the log")


def _notes(run_dir: Path) -> Path:
    """Where a training's settings and error stream are kept until it has a run directory."""
    return writable_folders()["cache"] / "trainings" / run_dir.name
