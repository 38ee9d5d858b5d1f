"""Trainings as processes of their own: started so that they outlive the window, followed by their files alone.

A training waits in the queue until its device is free; `python -m sedir_core queue run`, detached, then starts it.
What the window knows of it is in its run directory, so that closing the window, a crash of it, or opening another one
changes nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import Enum
from pathlib import Path

from PySide6.QtCore import QProcess, QProcessEnvironment

from sedir_core.detectors.run_files import ABOUT, STOP, STOP_AFTER_EPOCH, WEIGHTS, read_about
from sedir_core.errors import BadDataset, BadRun, CannotWrite
from sedir_core.runs.catalogue import ARCHIVED, State, damage_of, read_entry
from sedir_core.training import queue
from sedir_core.training.orders import TrainOrder, enqueue, enqueue_rest


class Phase(Enum):
    """Where a training is.

    WAITING: for its turn. STARTING: has said nothing yet. INTERRUPTED: can go on. DAMAGED: cannot be read.
    """

    WAITING = "waiting"
    STARTING = "starting"
    RUNNING = "training"
    INTERRUPTED = "interrupted"
    FAILED = "failed"
    COMPLETE = "complete"
    DAMAGED = "damaged"


_PHASES = {
    State.RUNNING: Phase.RUNNING,
    State.STOPPED: Phase.INTERRUPTED,
    State.FAILED: Phase.FAILED,
    State.FINISHED: Phase.COMPLETE,
    State.DAMAGED: Phase.DAMAGED,
}


def launch(order: TrainOrder) -> None:
    """Train when the device is free. Raises CannotWrite where nothing can be written or started."""
    enqueue(order)
    _start_runner()


def resume(run_dir: Path, dataset: Path) -> None:
    """Go on with an interrupted training where it stopped, when its device is free. Raises BadRun, CannotWrite."""
    enqueue_rest(run_dir, dataset, read_about(run_dir).device)
    _start_runner()


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


def phase_of(run_dir: Path, alive: bool, ended: str) -> Phase:
    """ended: "", or what the last event says: complete, interrupted, failed."""
    if alive:
        return Phase.RUNNING
    if not (run_dir / ABOUT).exists():
        return Phase.STARTING
    weights = (run_dir / WEIGHTS).exists()
    if damage_of(run_dir) or (ended == "complete" and not weights):
        return Phase.DAMAGED
    if weights and ended in ("", "complete"):
        return Phase.COMPLETE
    return Phase.FAILED if ended == "failed" else Phase.INTERRUPTED


def runs_in(folder: Path) -> list[Path]:
    """Runs, begun or finished, the newest first; without those that were archived."""
    try:
        found = [path for path in folder.iterdir() if (path / ABOUT).is_file() and not (path / ARCHIVED).exists()]
    except OSError:
        return []
    return sorted(found, key=lambda path: (path / ABOUT).stat().st_mtime, reverse=True)


def phase_now(run_dir: Path) -> Phase:
    """The phase of a run that nobody follows."""
    return _PHASES[read_entry(run_dir).state]


def dataset_of(run_dir: Path) -> Path:
    """The folder that a run was trained on. Raises BadRun, BadDataset where it is not known or gone."""
    found = read_about(run_dir).dataset
    if not found:
        raise BadRun(run_dir, "does not say what it was trained on", "use `sedir train DATASET --resume RUN`")
    if not Path(found).is_dir():
        raise BadDataset(found, "is no longer there", "put it back, or use `sedir train DATASET --resume RUN`")
    return Path(found)


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
