"""Trainings as separate processes that outlive the window and are followed through their files.

A training waits in the queue until its device is free; a detached `python -m sedir_core queue run` then starts it.
The window knows only what is in the run directory, so closing, crashing or reopening it changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from PySide6.QtCore import QProcess, QProcessEnvironment

from sedir_core.errors import BadDataset, BadRun, CannotWrite
from sedir_core.places import own_command
from sedir_core.rundir.files import ABOUT, STOP, STOP_AFTER_EPOCH, WEIGHTS, place_mark, read_about
from sedir_core.rundir.lock import is_alive
from sedir_core.runs.catalogue import ARCHIVED, RunState, damage_of, read_entry
from sedir_core.training import queue
from sedir_core.training.orders import TrainOrder, enqueue, enqueue_rest


class Phase(Enum):
    """Phase of a training.

    WAITING: queued. STARTING: started, no event yet. INTERRUPTED: can be resumed. DAMAGED: unreadable.
    """

    WAITING = "waiting"
    STARTING = "starting"
    RUNNING = "training"
    INTERRUPTED = "interrupted"
    FAILED = "failed"
    COMPLETE = "complete"
    DAMAGED = "damaged"


_PHASES = {
    RunState.WAITING: Phase.WAITING,
    RunState.RUNNING: Phase.RUNNING,
    RunState.STOPPED: Phase.INTERRUPTED,
    RunState.FAILED: Phase.FAILED,
    RunState.FINISHED: Phase.COMPLETE,
    RunState.DAMAGED: Phase.DAMAGED,
}


@dataclass(frozen=True)
class Orders:
    """The queue. waiting: run directories in queue order; first: those of them whose device is free and that are about
    to start. at_work: those whose process was started."""

    waiting: tuple[Path, ...] = ()
    first: frozenset[Path] = frozenset()
    at_work: frozenset[Path] = frozenset()


def orders() -> Orders:
    """All trainings that have been queued and have not ended."""
    jobs = queue.orders_in(queue.queue_folder())
    at_work = [job for job in jobs if job.started is not None]
    waiting = [job for job in jobs if job.started is None]
    busy, first = {job.device for job in at_work}, set()
    for job in waiting:
        if job.device not in busy:
            first.add(job.run_dir)
            busy.add(job.device)
    return Orders(tuple(job.run_dir for job in waiting), frozenset(first), frozenset(job.run_dir for job in at_work))


def launch(order: TrainOrder) -> None:
    """Queue a training. Raises RunLocked, and CannotWrite if nothing can be written or started."""
    enqueue(order)
    _start_runner()


def resume(run_dir: Path, dataset: Path) -> None:
    """Queue the resumption of an interrupted training.

    Raises BadRun, CannotWrite, and RunLocked if it is already queued.
    """
    enqueue_rest(run_dir, dataset, read_about(run_dir).device)
    _start_runner()


def waiting() -> list[Path]:
    """Run directories of the waiting trainings, in queue order."""
    return list(orders().waiting)


def leave_queue(run_dir: Path) -> None:
    """Remove a waiting training; no effect if it has started. Raises CannotWrite."""
    queue.remove(queue.queue_folder(), run_dir)


def reorder(run_dirs: Sequence[Path]) -> None:
    """Reorder the waiting trainings. Raises CannotWrite."""
    queue.reorder(queue.queue_folder(), run_dirs)


def keep_queue_going() -> None:
    """Restart the runner if trainings are waiting, as after a reboot. Raises CannotWrite."""
    if queue.jobs_in(queue.queue_folder()):
        _start_runner()


def ask_to_stop(run_dir: Path) -> None:
    """Save and stop before the next step; a training that has not begun does not begin. Raises CannotWrite."""
    folder = queue.queue_folder()
    if queue.remove(folder, run_dir) or queue.end_start(folder, run_dir):
        return
    try:
        place_mark(run_dir / STOP)
    except OSError as error:
        raise CannotWrite(run_dir / STOP, error.strerror or str(error), "stop the process by hand") from error


def ask_to_stop_after_epoch(run_dir: Path, wanted: bool) -> None:
    """Save and stop before the next epoch, or withdraw that request. Raises CannotWrite."""
    try:
        if wanted:
            place_mark(run_dir / STOP_AFTER_EPOCH)
        else:
            (run_dir / STOP_AFTER_EPOCH).unlink(missing_ok=True)
    except OSError as error:
        raise CannotWrite(run_dir / STOP_AFTER_EPOCH, error.strerror or str(error), "stop the training now") from error


def stops_after_epoch(run_dir: Path) -> bool:
    """Whether it has been asked to stop after the epoch and has not done so yet."""
    return (run_dir / STOP_AFTER_EPOCH).exists()


def phase_of(run_dir: Path, alive: bool, ended: str) -> Phase:
    """ended: "", or the outcome in the last event: complete, interrupted, failed."""
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
    """Started and finished runs, newest first, without archived ones."""
    try:
        found = [path for path in folder.iterdir() if (path / ABOUT).is_file() and not (path / ARCHIVED).exists()]
    except OSError:
        return []
    return sorted(found, key=lambda path: (path / ABOUT).stat().st_mtime, reverse=True)


def phase_now(run_dir: Path) -> Phase:
    """The phase of a run that is not being followed."""
    if not is_alive(run_dir) and (found := phase_by_order(run_dir, orders())) is not None:
        return found
    return _PHASES[read_entry(run_dir).state]


def phase_by_order(run_dir: Path, ordered: Orders) -> Phase | None:
    """WAITING or STARTING for a queued run that has not begun; None if not queued."""
    if run_dir in ordered.at_work or run_dir in ordered.first:
        return Phase.STARTING
    return Phase.WAITING if run_dir in ordered.waiting else None


def dataset_of(run_dir: Path) -> Path:
    """The dataset folder of a run. Raises BadRun, and BadDataset if it is unknown or missing."""
    found = read_about(run_dir).dataset
    if not found:
        raise BadRun(run_dir, "does not record its dataset", "use `sedir train DATASET --resume RUN`")
    if not Path(found).is_dir():
        raise BadDataset(found, "no longer exists", "restore it, or use `sedir train DATASET --resume RUN`")
    return Path(found)


def _start_runner() -> None:
    """Start a queue runner; a redundant one exits immediately."""
    process = QProcess()
    program, *arguments = own_command("queue", "run")
    process.setProgram(program)
    process.setArguments(arguments)
    process.setProcessEnvironment(QProcessEnvironment.systemEnvironment())
    process.setStandardInputFile(QProcess.nullDevice())
    process.setStandardOutputFile(QProcess.nullDevice())
    process.setStandardErrorFile(QProcess.nullDevice())
    started = process.startDetached()
    if not (started[0] if isinstance(started, tuple) else started):
        raise CannotWrite(program, "the training process could not be started", "see the log")
